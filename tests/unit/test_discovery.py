"""Adapters are found in files and packages; what is wrong with a file is told, a broken package is skipped."""

import sys
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.errors import ConfigError
from contracts.ports import EventBatch, Progress
from hub import discovery
from hub.discovery import discover
from hub.settings import AdapterSettings

FILE = """
from pydantic import BaseModel, ConfigDict, SecretStr


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = "{name}"
    pages: int = 1
    password: SecretStr | None = None


class Adapter:
    def __init__(self, config=Config()):
        self.config = config
        self.name = config.name

    def configured(self, changes):
        return Adapter(Config.model_validate({{**dict(self.config), **changes}}))

    async def check(self):
        return []

    async def read(self, since):
        return
        yield


adapter = Adapter()
"""


class Outside:
    """An adapter of somebody who knows neither us nor pydantic."""

    name = "outside"

    def configured(self, changes: Mapping[str, Any]) -> "Outside":
        """Refuse whatever it is."""
        raise ValueError(f"expected nothing, found {sorted(changes)}")

    async def check(self) -> list[str]:
        """Find nothing."""
        return []

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield nothing."""
        del since
        nothing: list[EventBatch] = []
        for batch in nothing:
            yield batch


@pytest.fixture(autouse=True)
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch)


@pytest.fixture
def outside_package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package that has an adapter."""
    package = ModuleType("outside_package")
    vars(package)["adapter"] = Outside()
    monkeypatch.setitem(sys.modules, package.__name__, package)
    return package


def offer(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Let packages offer these entry points and no others."""

    def entry_points(*, group: str) -> list[EntryPoint]:
        assert group == "banyan.adapters.v1"
        return [EntryPoint(name=name, value=value, group=group) for name, value in values.items()]

    monkeypatch.setattr(discovery, "entry_points", entry_points)


def write(folder: Path, name: str, text: str | None = None) -> Path:
    """Write an adapter file."""
    path = folder / f"{name}.py"
    path.write_text(FILE.format(name=name) if text is None else text)
    return path


def problems(*files: Path, **config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every mistake."""
    with pytest.raises(ConfigError) as caught:
        discover(AdapterSettings(files=files, config=config))
    return caught.value.problems


def test_files_and_folders_of_files_are_loaded_in_order_of_the_names(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    for name in ("c", "b", "_hidden"):
        write(folder, name)
    (folder / "notes.txt").write_text("no adapter")

    assert list(discover(AdapterSettings(files=(folder, write(tmp_path, "a"))))) == ["a", "b", "c"]


def test_no_files_are_no_mistake() -> None:
    assert discover(AdapterSettings()) == {}


def test_the_settings_replace_what_the_file_says(tmp_path: Path) -> None:
    settings = AdapterSettings(files=(write(tmp_path, "a"), write(tmp_path, "b")), config={"a": {"pages": "3"}})

    found: dict[str, Any] = dict(discover(settings))

    assert (found["a"].config.pages, found["b"].config.pages) == (3, 1)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    raises = write(tmp_path, "raises", "import os\n\nraise RuntimeError('no registry')\n")
    broken = write(tmp_path, "broken", "x = 1\ny = = 2\n")
    empty = write(tmp_path, "empty", "adapters = []\n")
    gone = tmp_path / "gone.py"

    told = problems(
        raises, broken, empty, gone, write(tmp_path, "a"), nobody={"pages": 1}, a={"sides": 2, "pages": "x"}
    )

    assert told == (
        f"{raises}:3: RuntimeError: no registry",
        f"{broken}:2: SyntaxError: invalid syntax (broken.py, line 2)",
        f"{empty}: expected a variable `adapter` with name, read, configured and check",
        f"adapters.files: {gone}: there is no such file or folder",
        "adapters.config.nobody: no adapter of that name; there are: a",
        "adapters.config.a.pages: Input should be a valid integer, unable to parse string as an integer",
        "adapters.config.a.sides: unknown setting",
    )


def test_the_line_is_the_files_own_where_something_below_it_raises(tmp_path: Path) -> None:
    path = write(tmp_path, "deep", "import json\n\ndef f():\n    json.loads('{')\n\nf()\n")

    [problem] = problems(path)

    assert problem.startswith(f"{path}:4: JSONDecodeError: ")


@pytest.mark.parametrize("text", ["import os\n\nboom\n", "import os\n\ndef (:\n"])
def test_the_line_is_told_of_a_file_that_is_named_relatively(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    write(tmp_path, "relative", text)
    monkeypatch.chdir(tmp_path)

    [problem] = problems(Path("relative.py"))

    assert problem.startswith("relative.py:3: ")


def test_the_line_is_that_of_the_import_where_another_file_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "their_table", "\n\n\nx = = 1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    path = write(tmp_path, "importing", "\nimport their_table\n")

    [problem] = problems(path)

    assert problem.startswith(f"{path}:2: SyntaxError: ")


def test_a_wrong_config_in_a_file_is_a_sentence_each_without_its_values(tmp_path: Path) -> None:
    path = write(tmp_path, "a", FILE.format(name="a") + "\nConfig(pages='x', passwort='hidden-in-a-file')\n")

    assert problems(path) == (
        f"{path}:30: Config.pages: Input should be a valid integer, unable to parse string as an integer",
        f"{path}:30: Config.passwort: unknown setting",
    )


def test_what_our_adapters_find_wrong_in_a_file_is_a_sentence_each(tmp_path: Path) -> None:
    path = write(tmp_path, "a", "from contracts.errors import ConfigError\nraise ConfigError(['first', 'second'])\n")

    assert problems(path) == (f"{path}:2: first", f"{path}:2: second")


def test_a_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    problems(write(tmp_path, "half", "x = 1\nraise OSError\n"))

    assert "banyan_adapter_half" not in sys.modules


def test_a_class_is_no_adapter(tmp_path: Path) -> None:
    path = write(tmp_path, "a", FILE.format(name="a") + "\nadapter = type('C', (Adapter,), {'name': 'c'})\n")

    assert problems(path) == (f"{path}: expected a variable `adapter` with name, read, configured and check",)


def test_a_file_that_is_no_python_is_told(tmp_path: Path) -> None:
    path = tmp_path / "adapter.txt"
    path.write_text("no Python")

    assert problems(path) == (f"{path}: is no Python file",)


def test_a_name_that_stands_twice_is_told(tmp_path: Path) -> None:
    first, second = (
        write(tmp_path, "first", FILE.format(name="same")),
        write(tmp_path, "second", FILE.format(name="same")),
    )

    assert problems(first, second) == (f"{second}: there is another adapter of the name 'same'",)


def test_an_adapter_from_outside_need_not_know_pydantic(tmp_path: Path, outside_package: ModuleType) -> None:
    path = write(tmp_path, "a", f"from {outside_package.__name__} import adapter\n")

    assert problems(path, outside={"pages": 1}) == (
        "adapters.config.outside: ValueError: expected nothing, found ['pages']",
    )
    assert list(discover(AdapterSettings(files=(path,)))) == ["outside"]


def test_packages_offer_adapters(monkeypatch: pytest.MonkeyPatch, outside_package: ModuleType) -> None:
    offer(monkeypatch, theirs=f"{outside_package.__name__}:adapter")

    assert list(discover(AdapterSettings())) == ["outside"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_package:adapter", "ModuleNotFoundError in no_such_package:adapter"),
        ("json:adapter", "AttributeError in json:adapter"),
        ("json:loads", "json:loads is no adapter"),
    ],
)
def test_a_broken_package_is_skipped_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, reason: str
) -> None:
    offer(monkeypatch, theirs=value)

    with capture_logs() as logs:
        found = discover(AdapterSettings(files=(write(tmp_path, "a"),)))

    assert list(found) == ["a"]
    assert logs == [{"event": "adapter skipped", "log_level": "warning", "source": "theirs", "reason": reason}]


WITH_MODEL = (
    FILE
    + """
from contracts.event import Event, Public


class Recorded(Event):
    '''Something was recorded.'''

    type = "org.example.thing.recorded.v1"
    topic = "things"

    {field}: Public[str]


Adapter.model = Recorded
"""
)


def test_one_event_type_with_two_models_is_refused(tmp_path: Path) -> None:
    files = [
        write(tmp_path, name, WITH_MODEL.format(name=name, field=field)) for name, field in (("a", "x"), ("b", "y"))
    ]

    [problem] = problems(*files)

    assert problem == (
        f"{files[1]}: Recorded: the event type org.example.thing.recorded.v1 has another model in adapter "
        f"'a' ({files[0]}); change one's `type`, or share the model"
    )


def test_one_event_type_may_come_from_two_adapters_whose_models_say_the_same(tmp_path: Path) -> None:
    files = tuple(write(tmp_path, name, WITH_MODEL.format(name=name, field="x")) for name in ("a", "b"))

    assert [*discover(AdapterSettings(files=files))] == ["a", "b"]
