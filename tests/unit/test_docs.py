"""The pages' examples run, their settings are settings, and their commands exist."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet
from typer.testing import CliRunner

from adapters.outbound import OutboundSpec
from adapters.soap.sandbox import Scenario
from contracts.event import Event
from contracts.legacy.file_spec import FileSpec
from hub.cli.root import app
from hub.reference import command_groups
from hub.settings import AdapterSettings, Settings
from routers.rulesets.document import read_rules

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "guides").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[ParameterSet]:
    """Return the fenced blocks of a language in all pages."""
    return [
        pytest.param(text, id=f"{page.name}-{number}")
        for page in PAGES
        for number, (found, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if found == language and not text.startswith(">>>")
    ]


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_example_runs(code: str) -> None:
    names: dict[str, object] = {"__name__": "example"}

    exec(compile(code, "example", "exec"), names)  # noqa: S102 - our own pages

    defined = [value for value in names.values() if isinstance(value, type) and issubclass(value, Event)]
    assert {"adapter", "outbound"} & names.keys() or callable(names.get("service"))
    assert defined


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_settings_example_is_accepted(text: str, tmp_path: Path) -> None:
    if "\ncapabilities:" in text:
        (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
        assert read_rules(tmp_path / "rules.yaml").capabilities
        return
    if text.startswith("copybook:"):
        assert len(FileSpec(**yaml.safe_load(text)).model_fields_set) > 1
        return
    if text.startswith("name:"):
        assert OutboundSpec(**yaml.safe_load(text)).trailer
        return
    if text.startswith("seed:"):
        assert Scenario(**yaml.safe_load(text)).operations
        return
    settings = Settings(**yaml.safe_load(text))

    assert settings.adapters != AdapterSettings() or settings.kafka.bootstrap_servers


@pytest.mark.parametrize("text", blocks("sh"))
def test_a_command_exists(text: str) -> None:
    commands = [shlex.split(line, comments=True) for line in text.splitlines()]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in filter(None, commands):
        if command[0] == ".":
            assert command[1] == ".venv/bin/activate"
        elif command[0] == "make":
            assert f"\n{command[1]}:" in targets
        else:
            assert command[0] == "banyan"
            words = [word for word in command[1:] if not word.startswith("-")]
            shown = CliRunner().invoke(app, [*words[: _depth(words)], "--help"])
            assert shown.exit_code == 0, shown.output


def _depth(words: list[str]) -> int:
    return 2 if words[0] in command_groups() else 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target
