"""What commands print for people: tables that cut nothing, however narrow the terminal is."""

import os

import pytest

from hub.cli.output import print_table

COLUMNS = ("route", "call", "share", "held")
LONG = "{urn:example:registry}ChangeAddress"
ROWS = [("address/change", LONG, "25 %", "until the form is new"), ("address/read", "GET /residents/{id}", "25 %", "")]


def printed(capsys: pytest.CaptureFixture[str], *spare: str) -> list[str]:
    print_table(COLUMNS, ROWS, empty="none", spare=spare)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_table_that_fits_is_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "81")

    assert printed(capsys, "call", "held") == [
        "route           call                                 share  held",
        f"address/change  {LONG}  25 %   until the form is new",
        "address/read    GET /residents/{id}                  25 %",
    ]


def test_columns_without_room_stand_below_their_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")

    assert printed(capsys, "call", "held") == [
        "route           share  held",
        "address/change  25 %   until the form is new",
        f"    call: {LONG}",
        "address/read    25 %",
        "    call: GET /residents/{id}",
    ]


def test_an_identifier_is_whole_on_whatever_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")

    assert printed(capsys, "call", "held") == [
        "route           share",
        "address/change  25 %",
        f"    call: {LONG}",
        "    held: until the form is new",
        "address/read    25 %",
        "    call: GET /residents/{id}",
    ]


def test_a_long_sentence_below_its_row_is_folded_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    reason = "diagnoses.0.text: is missing; " * 3

    print_table(("id", "reason"), [("0:1", reason)], empty="none", spare=("reason",))

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 30
    assert " ".join(" ".join(lines[2:]).split()) == f"reason: {reason.strip()}"


def test_a_pipe_bounds_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", os.terminal_size)  # what it says where there is no terminal

    assert printed(capsys, "call")[1] == f"address/change  {LONG}  25 %   until the form is new"


def test_what_is_not_spare_is_folded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")

    lines = printed(capsys)

    assert len(lines) > 1 + len(ROWS)
    assert max(map(len, lines)) <= 50


def test_no_rows_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [], empty="no routes", spare=("call",))

    assert capsys.readouterr().out == "no routes\n"
