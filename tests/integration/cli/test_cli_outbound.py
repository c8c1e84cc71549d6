"""`banyan outbound`, as an operator uses it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.outbound import made, read_outbound
from hub.settings import Settings
from tests.command_line import Ran, banyan
from tests.outbound_world import COPYBOOK, SPEC, payment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files" / "out").mkdir(parents=True)
    (tmp_path / "files" / "payments.cpy").write_text(COPYBOOK)
    (tmp_path / "files" / "bank.yaml").write_text(yaml.safe_dump(dict(SPEC)))
    settings = {"outbound": [str(tmp_path / "files")], "data": str(tmp_path / "data")}
    (tmp_path / "banyan.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., Ran]:
    def ran(*arguments: str) -> Ran:
        return banyan("--config", str(folder / "banyan.yaml"), "outbound", *arguments)

    return ran


def collect(folder: Path, *numbers: int) -> None:
    outbound = made(Settings(data=folder / "data"), read_outbound(folder / "files" / "bank.yaml"))
    with closing(sqlite3.connect(outbound.ledger.path)) as connection, connection:
        outbound.collect(connection, [(("s", str(number)), payment(number)) for number in numbers])


def test_a_file_is_cut_on_demand_and_shown(folder: Path, run: Callable[..., Ran]) -> None:
    collect(folder, 1, 2)

    cut = run("cut", "payments-to-bank", "--business-date", "2026-11-28", "--json")
    shown = run("show", "payments-to-bank", "--json").json
    listed = run("list", "--json").json

    assert (cut.code, cut.err) == (0, "")
    [file] = cut.json
    assert (file["file"], file["records"], file["state"]) == ("PAY.D20261128.S0001", 2, "delivered")
    assert (folder / "files" / "out" / "PAY.D20261128.S0001.done").read_bytes() == b""
    assert (shown["waiting"], shown["files"][0]["sha256"]) == (0, file["sha256"])
    assert (listed[0]["files"], listed[0]["newest"], listed[0]["state"]) == (1, file["file"], "delivered")


def test_people_get_tables(folder: Path, run: Callable[..., Ran]) -> None:
    collect(folder, 1)
    assert "1 records wait for the next file" in run("show", "payments-to-bank").out
    assert "PAY.D20261128.S0001" in run("cut", "payments-to-bank", "--business-date", "2026-11-28").out

    assert "delivered" in run("show", "payments-to-bank").out
    assert "org.example.payment.ordered.v1" in run("list").out


def test_nothing_to_cut_is_said(run: Callable[..., Ran]) -> None:
    ran = run("cut", "payments-to-bank")

    assert (ran.code, ran.out.strip()) == (0, "nothing was handed over")
    assert "--empty cuts a file without any" in ran.err
    assert run("cut", "payments-to-bank", "--empty", "--json").json[0]["records"] == 0


def test_a_file_is_rendered_again(folder: Path, run: Callable[..., Ran]) -> None:
    collect(folder, 1)
    [file] = run("cut", "payments-to-bank", "--business-date", "2026-11-28", "--json").json
    there, again = folder / "files" / "out" / file["file"], folder / "again"

    ran = run("render", "payments-to-bank", "1", "--output", str(again))

    assert (ran.code, again.read_bytes()) == (0, there.read_bytes())
    assert run("render", "payments-to-bank", "1", "--output", str(again)).code == 2
    assert "no file of number 7" in run("render", "payments-to-bank", "7").err


def test_a_description_that_changed_since_is_told(folder: Path, run: Callable[..., Ran]) -> None:
    collect(folder, 1)
    run("cut", "payments-to-bank")
    changed: dict[str, Any] = {**SPEC, "header": {**SPEC["header"], "KIND": {"constant": "B"}}}
    (folder / "files" / "bank.yaml").write_text(yaml.safe_dump(changed))

    ran = run("render", "payments-to-bank", "1", "--output", str(folder / "again"))

    assert ran.code == 3
    assert "the description has changed since" in ran.err


def test_a_file_in_the_way_ends_with_code_1_and_goes_on_once_it_is_gone(folder: Path, run: Callable[..., Ran]) -> None:
    collect(folder, 1)
    foreign = folder / "files" / "out" / "PAY.D20261128.S0001"
    foreign.write_bytes(b"foreign")

    held = run("cut", "payments-to-bank", "--business-date", "2026-11-28")
    foreign.unlink()

    assert (held.code, "found one that is not written over" in held.err) == (1, True)
    assert run("deliver", "payments-to-bank", "--json").json[0]["state"] == "delivered"


def test_mistakes_are_told_with_their_lines(folder: Path, run: Callable[..., Ran]) -> None:
    wrong = {**SPEC, "done_fiel": ".done", "sequence": {"frist": 1}}
    (folder / "files" / "bank.yaml").write_text(yaml.safe_dump(wrong))

    ran = run("list")

    assert ran.code == 2
    assert "unknown setting; did you mean 'done_file'?" in ran.err
    assert "unknown setting; did you mean 'first'?" in ran.err
    assert "bank.yaml:" in ran.err


def test_an_unknown_name_is_told(run: Callable[..., Ran]) -> None:
    ran = run("show", "nothing")

    assert (ran.code, ran.err.strip()) == (2, "banyan: no outbound file 'nothing'; there are: payments-to-bank")


ACK = """\
       01  ACK.
           05  RUN       PIC 9(4).
           05  STATUS    PIC X(2).
           05  HOW-MANY  PIC 9(5).
"""


@pytest.fixture
def answered(folder: Path, run: Callable[..., Ran]) -> Path:
    """Hand over a file of two records, to a receiver who answers."""
    (folder / "files" / "ack.cpy").write_text(ACK)
    (folder / "files" / "in").mkdir()
    acknowledgement = {
        "path": "in/ACK.*",
        "file": {"copybook": "ack.cpy", "encoding": "ascii", "framing": {"recfm": "LS"}},
        "sequence": "RUN",
        "status": "STATUS",
        "accepted": ["OK"],
        "count": "HOW-MANY",
        "stable_for": 0,
        "within": "PT0.001S",
    }
    (folder / "files" / "bank.yaml").write_text(yaml.safe_dump({**SPEC, "acknowledgement": acknowledgement}))
    collect(folder, 1, 2)
    run("cut", "payments-to-bank")
    return folder / "files" / "in"


def test_an_answer_is_matched_and_shown(answered: Path, run: Callable[..., Ran]) -> None:
    (answered / "ACK.1").write_text("0001OK00002\n")

    ran = run("ack", "payments-to-bank", "--json")

    assert (ran.code, [each["outcome"] for each in ran.json["answers"]], ran.json["overdue"]) == (0, ["accepted"], [])
    assert run("show", "payments-to-bank", "--json").json["files"][0]["answer"] == "accepted"


def test_an_answer_that_does_not_agree_ends_with_code_3(answered: Path, run: Callable[..., Ran]) -> None:
    (answered / "ACK.1").write_text("0001OK00007\n")

    assert run("ack", "payments-to-bank").code == 3
    assert run("ack", "payments-to-bank").code == 0
    again = run("ack", "payments-to-bank", str(answered / "ACK.1"))
    assert again.code == 3
    assert "2 records were handed over, the receiver counts 7" in again.out


def test_an_answer_that_is_overdue_is_told(answered: Path, run: Callable[..., Ran]) -> None:
    ran = run("ack", "payments-to-bank")

    assert ran.code == 3
    assert "overdue: PAY." in ran.out
    assert "overdue" in run("show", "payments-to-bank").out
    assert not list(answered.iterdir())


def test_without_a_description_of_answers_there_are_none(run: Callable[..., Ran]) -> None:
    assert "its description has no acknowledgement" in run("ack", "payments-to-bank").err
