"""The reference pages are written from the code, and tell when they are not current."""

from pathlib import Path

import pytest

from adapters import batch, soap
from hub import reference
from hub.settings import AdapterSettings, Settings
from observability import fields


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.pages()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pages in place of the real one."""
    monkeypatch.setattr(reference, "_FOLDER", tmp_path / "reference")
    return tmp_path / "reference"


def test_every_setting_has_its_row_with_a_meaning(pages: dict[str, str]) -> None:
    rows = [line.strip("| ").split(" | ") for line in pages["configuration.md"].splitlines() if line.startswith("| `")]
    names = {row[0].strip("`") for row in rows}

    assert {name.partition(".")[0] for name in names} == set(Settings.model_fields)
    assert {f"adapters.{name}" for name in AdapterSettings.model_fields} < names
    assert "kafka.sasl.password" in names
    assert [row[0] for row in rows if len(row) != 4 or not row[3]] == []


def test_every_kind_of_adapter_has_its_settings(pages: dict[str, str]) -> None:
    for kind in (batch, soap):
        section = pages["adapters.md"].partition(f"\n## {kind.__name__.rpartition('.')[2]}\n")[2].partition("\n## ")[0]
        names = {
            line.partition("`")[2].partition("`")[0].partition(".")[0]
            for line in section.splitlines()
            if line[:3] == "| `"
        }
        assert names == set(kind.Config.model_fields)


def test_every_kind_of_check_has_its_settings(pages: dict[str, str]) -> None:
    for told in ("`checks[].check` | `hash` | required |", "`checks[].digits` |", "`checks[].step` |"):
        assert f"| {told}" in pages["files.md"]


def test_every_command_has_its_help(pages: dict[str, str]) -> None:
    titles = {line.strip("# `") for line in pages["cli.md"].splitlines() if line.startswith("## ")}

    assert {"banyan", "banyan run", "banyan demo", "banyan trace", "banyan key bucket", "banyan events tail"} < titles
    assert {f"banyan adapter {name}" for name in ("list", "check", "run")} < titles
    assert {f"banyan dlq {name}" for name in ("list", "show")} < titles
    assert {f"banyan kafka {name}" for name in ("up", "status", "down")} < titles
    assert pages["cli.md"].count("Usage: banyan") == len(titles)


def test_every_span_metric_and_field_is_told(pages: dict[str, str]) -> None:
    for name in (*fields.SPANS, *fields.ATTRIBUTES, *fields.METRICS, *fields.LOG_FIELDS):
        assert f"| `{name}` |" in pages["telemetry.md"]


def test_the_pages_are_the_same_each_time(pages: dict[str, str]) -> None:
    assert reference.pages() == pages


def test_no_page_names_a_place_of_this_machine(pages: dict[str, str]) -> None:
    assert [name for name, text in pages.items() if str(Path.cwd()) in text or str(Path.home()) in text] == []


def test_check_tells_which_pages_are_not_current_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reference.main(["--check"]) == 1
    assert "docs/reference/cli.md is not current: run `make docs`" in capsys.readouterr().err
    assert not folder.exists()


def test_pages_that_were_written_are_current(folder: Path) -> None:
    assert reference.main([]) == 0
    assert {path.name for path in folder.iterdir()} == {
        "adapters.md",
        "cli.md",
        "configuration.md",
        "divergence.md",
        "files.md",
        "outbound.md",
        "telemetry.md",
    }
    assert reference.main(["--check"]) == 0
