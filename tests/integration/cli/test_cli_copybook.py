"""`banyan copybook inspect` and `diff`."""

import json
from pathlib import Path

import pytest

from hub.cli import root

COPYBOOK = """       01  PAYMENT.
           05  ID            PIC 9(8).
           05  COPY-COUNT    PIC 9.
               88  NONE-LEFT VALUE 0.
           05  LINES-OF OCCURS 0 TO 3 TIMES DEPENDING ON COPY-COUNT.
               10  AMOUNT    PIC S9(5)V99 COMP-3.
               COPY REST.
"""


@pytest.fixture
def copybook(tmp_path: Path) -> Path:
    """Return a copybook beside what it copies."""
    (tmp_path / "rest.cpy").write_text("               10  KIND PIC X.\n", encoding="utf-8")
    path = tmp_path / "payment.cpy"
    path.write_text(COPYBOOK, encoding="utf-8")
    return path


def run(*arguments: str) -> int | str | None:
    """Run a command, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["banyan", "copybook", *arguments])
        with pytest.raises(SystemExit) as ended:
            root.main()
    return ended.value.code


def test_inspect_shows_offsets_lengths_and_types(copybook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", str(copybook)) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["PAYMENT:", "at", "most", "24", "bytes,", "dialect", "zos"]
    assert ["9", "5", "05", "LINES-OF", "group", "occurs", "0", "to", "3", "depending", "on", "COPY-COUNT"] in lines
    assert ["9", "4", "10", "AMOUNT", "packed", "S9(5)V99", "signed"] in lines
    assert ["13", "1", "10", "KIND", "text", "X"] in lines


def test_inspect_prints_json_for_programs(copybook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", str(copybook), "--json", "--dialect", "gnucobol") == 0

    [record] = json.loads(capsys.readouterr().out)["records"]
    assert (record["record"], record["length"], record["variable"]) == ("PAYMENT", 24, True)
    items = {item["name"]: item for item in record["items"]}
    assert items["COPY-COUNT"]["conditions"] == [{"name": "NONE-LEFT", "values": ["0"]}]
    assert items["LINES-OF"]["occurs"] == {"least": 0, "most": 3, "depending_on": "COPY-COUNT"}
    assert (items["AMOUNT"]["offset"], items["AMOUNT"]["digits"], items["AMOUNT"]["scale"]) == (9, 7, 2)


def test_diff_gives_a_verdict_and_an_exit_code(copybook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = copybook.with_name("new.cpy")
    new.write_text(COPYBOOK.replace("S9(5)V99", "S9(7)V99"), encoding="utf-8")

    assert run("diff", str(copybook), str(copybook)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "compatible"
    assert run("diff", str(copybook), str(new), "--json") == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["compatible"] is False
    assert "PAYMENT.LINES-OF.AMOUNT has 5 bytes instead of 4" in verdict["reasons"]
    assert {change["change"] for change in verdict["changes"]} == {"resized", "retyped", "moved"}


def test_a_copybook_that_is_not_there_or_not_understood_is_a_mistake_of_the_caller(
    copybook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("inspect", str(copybook.with_name("gone.cpy"))) != 0
    assert "gone.cpy" in capsys.readouterr().err
    assert run("inspect", str(copybook), "--record", "OTHER") != 0
    assert "no record OTHER" in capsys.readouterr().err
    copybook.write_text("       01  R PIC ?.\n", encoding="utf-8")
    assert run("inspect", str(copybook)) != 0
    assert "copybook line 1, column 18: expected a picture" in capsys.readouterr().err
