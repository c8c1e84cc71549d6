"""What the receiver answers is matched with what was handed over."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.outbound import Answers, Outbound, Outcome
from contracts.errors import ConfigError
from hub.outbound import answers_to
from tests.outbound_world import NOW, built, collect, described, payment

EACH = """\
       01  ACK.
           05  RUN       PIC 9(4).
           05  STATUS    PIC X(2).
           05  HOW-MANY  PIC 9(5).
           05  TOTAL     PIC S9(5)V99 SIGN TRAILING SEPARATE.
"""
ONE = """\
       01  VERDICT.
           05  RUN       PIC 9(4).
           05  STATUS    PIC X(2).
           05  FILLER    PIC X(4).
       01  REJECT.
           05  RECORD-NO PIC 9(5).
           05  REASON    PIC X(5).
"""
BY_RECORD: Mapping[str, Any] = {
    "file": {"encoding": "ascii", "framing": {"recfm": "LS"}},
    "sequence": "RUN",
    "status": "STATUS",
    "accepted": ["OK"],
    "rejected": ["NO"],
    "count": "HOW-MANY",
    "total": {"field": "TOTAL", "of": "AMOUNT"},
    "within": "PT4H",
    "stable_for": 0,
}
BY_FILE: Mapping[str, Any] = {
    "file": {
        "record": "REJECT",
        "header": "VERDICT",
        "encoding": "ascii",
        "framing": {"recfm": "LS", "header_records": 1},
    },
    "sequence": "header.RUN",
    "status": "header.STATUS",
    "accepted": ["OK"],
    "rejected": ["NO"],
    "rejects": {"record": "RECORD-NO", "reason": "REASON"},
    "stable_for": 0,
}


def sent(folder: Path, said: Mapping[str, Any], copybook: str = EACH) -> Outbound:
    """Hand over two files, of two records and of one."""
    (folder / "ack.cpy").write_text(copybook)
    file = {**said["file"], "copybook": folder / "ack.cpy"}
    acknowledgement = {**said, "file": file, "path": folder / "in" / "ACK.*"}
    (folder / "in").mkdir(exist_ok=True)
    outbound = built(folder, described(folder, {"acknowledgement": acknowledgement}))
    for numbers in ((1, 2), (3,)):
        collect(outbound, map(payment, numbers))
        outbound.cut()
    outbound.deliver()
    return outbound


def matched(outbound: Outbound) -> Answers:
    answers = answers_to(outbound)
    assert answers is not None
    return answers


def answered(folder: Path, answers: Answers, text: str, name: str = "ACK.1") -> list[tuple[Outcome, str]]:
    (folder / "in" / name).write_text(text)
    return [(each.answer.outcome, each.answer.detail) for each in answers.take(NOW + timedelta(days=9999))]


@pytest.mark.parametrize(
    ("line", "outcome", "detail"),
    [
        ("0001OK000020000250+", Outcome.ACCEPTED, ""),
        ("0002OK000010000125+", Outcome.ACCEPTED, ""),
        ("0001NO000000000000+", Outcome.REJECTED, "status NO"),
        ("0001OK000030000250+", Outcome.MISMATCH, "2 records were handed over, the receiver counts 3"),
        ("0001OK000020000251+", Outcome.MISMATCH, "the sum of what was handed over is 2.50, the receiver tells 2.51"),
        ("0001OK000020000250-", Outcome.MISMATCH, "the sum of what was handed over is 2.50, the receiver tells -2.50"),
        ("0003OK000020000250+", Outcome.UNKNOWN, "no file of number 3 was handed over"),
        ("0001??000020000250+", Outcome.UNREADABLE, "expected one of the declared statuses, found '??'"),
    ],
)
def test_each_record_answers_for_a_file(tmp_path: Path, line: str, outcome: Outcome, detail: str) -> None:
    answers = matched(sent(tmp_path, BY_RECORD))

    assert answered(tmp_path, answers, line + "\n") == [(outcome, detail)]


def test_an_answer_is_read_once_by_its_content_and_the_newest_counts(tmp_path: Path) -> None:
    outbound = sent(tmp_path, BY_RECORD)
    no, yes = "0001NO000020000250+\n", "0001OK000020000250+\n"

    assert len(answered(tmp_path, matched(outbound), no)) == 1
    assert answered(tmp_path, matched(outbound), no) == []
    assert answered(tmp_path, matched(outbound), no, "ACK.2") == []
    assert answered(tmp_path, matched(outbound), yes, "ACK.3") == [(Outcome.ACCEPTED, "")]
    newest = matched(outbound).ledger.newest()
    assert {number: each.answer.outcome for number, each in newest.items()} == {1: Outcome.ACCEPTED}


def test_a_sum_that_is_answered_after_the_records_were_purged_can_not_be_compared(tmp_path: Path) -> None:
    outbound = sent(tmp_path, BY_RECORD)
    outbound.ledger.purge(NOW + timedelta(seconds=1))

    [(outcome, detail)] = answered(tmp_path, matched(outbound), "0001OK000020000250+\n")

    assert (outcome, detail.partition(",")[0]) == (Outcome.MISMATCH, "the records of that file are not kept any more")


def test_an_answer_that_can_not_be_read_is_told_and_stops_no_other(tmp_path: Path) -> None:
    answers = matched(sent(tmp_path, BY_RECORD))
    (tmp_path / "in" / "ACK.0").write_text("0001OKxxxxx0000250+\n")

    found = answered(tmp_path, answers, "0001OK000020000250+\n")

    assert [outcome for outcome, _ in found] == [Outcome.UNREADABLE, Outcome.ACCEPTED]
    assert "held by HOW-MANY: expected an unsigned zoned number of 5 digits" in found[0][1]


def test_an_answer_is_not_read_before_it_is_complete(tmp_path: Path) -> None:
    quick = matched(sent(tmp_path, {**BY_RECORD, "stable_for": 10}))
    (tmp_path / "in" / "ACK.1").write_text("0001OK000020000250+\n")
    now = NOW.fromtimestamp((tmp_path / "in" / "ACK.1").stat().st_mtime, NOW.tzinfo)

    assert quick.take(now + timedelta(seconds=9)) == []
    assert len(quick.take(now + timedelta(seconds=11))) == 1


def test_with_a_done_file_an_answer_is_complete_once_that_is_there(tmp_path: Path) -> None:
    answers = matched(sent(tmp_path, {**BY_RECORD, "done_file": ".done"}))

    assert answered(tmp_path, answers, "0001OK000020000250+\n") == []
    (tmp_path / "in" / "ACK.1.done").touch()
    assert len(answers.take(NOW)) == 1


def test_the_header_answers_for_the_file_and_each_record_rejects_one(tmp_path: Path) -> None:
    answers = matched(sent(tmp_path, BY_FILE, ONE))

    assert answered(tmp_path, answers, "0001OK\n00002NOACC\n", "ACK.1") == [
        (Outcome.PARTLY, "1 of 2 records are rejected")
    ]
    assert answered(tmp_path, answers, "0002OK\n", "ACK.2") == [(Outcome.ACCEPTED, "")]
    assert answered(tmp_path, answers, "0002OK\n00002LATE\n", "ACK.3") == [
        (Outcome.MISMATCH, "record 2 is rejected, of 1 that were handed over")
    ]
    [first, *_] = answers.ledger.answered()
    assert [(each.record, each.reason) for each in first.answer.rejects] == [(2, "NOACC")]


def test_an_answer_that_does_not_come_in_time_is_overdue(tmp_path: Path) -> None:
    answers = matched(sent(tmp_path, BY_RECORD))
    answered(tmp_path, answers, "0002OK000010000125+\n")

    assert [file.number for file in answers.overdue(NOW + timedelta(hours=3, minutes=59))] == []
    assert [file.number for file in answers.overdue(NOW + timedelta(hours=4))] == [1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sequence": "header.RUN"}, "expected all of them in the same record"),
        ({"rejected": ["OK"]}, "'OK' is both accepted and rejected"),
        ({"rejects": {"record": "RUN"}}, "goes with a sequence in the header or the trailer"),
        ({"status": "STATE"}, "STATE: the data record has no such field"),
    ],
)
def test_a_description_of_answers_that_can_not_work_is_refused(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    with pytest.raises((ValidationError, ConfigError), match=said):
        matched(sent(tmp_path, {**BY_RECORD, **changes}))


def test_totals_are_exact(tmp_path: Path) -> None:
    outbound = sent(tmp_path, BY_RECORD)

    assert outbound.total(outbound.ledger.files()[0], "AMOUNT") == Decimal("2.50")
