"""Reconciling a file with what it says of itself: each check agrees, and each can be tripped."""

import io
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.errors import ConfigError
from contracts.legacy.check import Check, require_fields
from contracts.legacy.copybook import parse_all
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Framing, Role
from contracts.legacy.reconciliation import Outcome, Report, reconcile
from contracts.legacy.record_file import RecordFile
from tests.record_files import RUN, RUN_RECORDS, run_trailer

HEAD, PAYMENT, TAIL = parse_all(RUN)
SPEC = FileSpec(
    copybook=Path("c.cpy"),
    record="PAYMENT",
    header="HEAD",
    trailer="TAIL",
    encoding="ascii",
    framing=Framing(lrecl=15, header_records=1, trailer_records=1),
)
ENDS = {Role.HEADER: HEAD, Role.TRAILER: TAIL}
FILE = RecordFile(SPEC, PAYMENT, ENDS)
CHECKS: list[dict[str, Any]] = [
    {"check": "count", "equals": "trailer.HOW-MANY"},
    {"check": "sum", "field": "AMOUNT", "equals": "trailer.TOTAL"},
    {"check": "hash", "field": "RESIDENT", "digits": 2, "equals": "trailer.TOTALS.KEYS"},
    {"check": "sequence", "field": "SEQ", "start": 1},
    {"check": "same", "field": "header.RUN", "equals": "trailer.RUN"},
    {"check": "records", "at_least": 1, "at_most": 3},
]


def checks(*given: dict[str, Any]) -> list[Check]:
    return TypeAdapter(list[Check]).validate_python(list(given or CHECKS))


def report(*records: str, given: list[Check] | None = None) -> Report:
    data = "".join(records).encode("ascii")
    return reconcile(checks() if given is None else given, FILE.parts(io.BytesIO(data)))


def test_a_file_that_agrees_is_published() -> None:
    found = report(*RUN_RECORDS[:3], run_trailer())

    assert found.breaks == []
    assert (found.outcome, found.records, found.refused) == (Outcome.PUBLISH, 2, 0)
    assert [each.check for each in found.findings] == [
        "count of data records = trailer.HOW-MANY",
        "sum of AMOUNT = trailer.TOTAL",
        "hash of RESIDENT = trailer.TOTALS.KEYS",
        "sequence of SEQ",
        "header.RUN = trailer.RUN",
        "number of data records",
    ]


@pytest.mark.parametrize(
    ("tail", "check", "expected", "found"),
    [
        (run_trailer(count=3), "count of data records = trailer.HOW-MANY", "3", "2"),
        (run_trailer(total="0002{"), "sum of AMOUNT = trailer.TOTAL", "2.0", "-2.0"),
        (run_trailer(keys=34), "hash of RESIDENT = trailer.TOTALS.KEYS", "34", "33"),
        (run_trailer(run=8), "header.RUN = trailer.RUN", "8", "7"),
    ],
)
def test_a_trailer_that_says_otherwise_holds_the_file(tail: str, check: str, expected: str, found: str) -> None:
    told = report(*RUN_RECORDS[:3], tail)

    assert told.outcome is Outcome.HOLD
    assert [(each.check, each.expected, each.found) for each in told.breaks] == [(check, expected, found)]


def test_a_gap_in_a_sequence_names_the_record() -> None:
    third = "P005006200{00{ "
    told = report(*RUN_RECORDS[:3], third, third, run_trailer(), given=checks(CHECKS[3]))

    assert [each.found for each in told.breaks] == ["5 at record 2 instead of 3; 5 at record 3 instead of 6"]


def test_a_file_without_records_is_held() -> None:
    told = report(RUN_RECORDS[0], run_trailer(), given=checks(CHECKS[5]))

    assert [(each.expected, each.found) for each in told.breaks] == [("at least 1, at most 3", "0")]


def test_a_record_that_cant_be_read_counts_but_no_sum_is_claimed_over_the_rest() -> None:
    bad = "P002006205{1AB{"[:15]
    told = report(*RUN_RECORDS[:2], bad, run_trailer(), given=checks(*CHECKS[:2]))

    assert (told.records, told.refused) == (2, 1)
    assert [(each.check, each.found) for each in told.breaks] == [
        ("sum of AMOUNT = trailer.TOTAL", "3.0 without 1 that can't be read")
    ]


def test_a_trailer_that_cant_be_read_is_a_break() -> None:
    told = report(*RUN_RECORDS[:3], "TXXXX0020002}33", given=checks(CHECKS[0]))

    assert [each.expected for each in told.breaks] == ["trailer.HOW-MANY, which is not there or can't be read"]


@pytest.mark.parametrize(
    ("ways", "outcome"),
    [
        (["warn"], Outcome.PUBLISH),
        (["warn", "hold"], Outcome.HOLD),
        (["hold", "quarantine", "warn"], Outcome.QUARANTINE),
    ],
)
def test_the_gravest_break_decides(ways: list[str], outcome: Outcome) -> None:
    given = checks(*({"check": "records", "at_least": 9, "on_break": way} for way in ways))

    assert report(*RUN_RECORDS[:3], run_trailer(), given=given).outcome is outcome


@pytest.mark.parametrize("equals", [50, "50", "TOTAL", "trailer."])
def test_a_check_against_no_field_of_header_or_trailer_names_what_is_meant(equals: object) -> None:
    with pytest.raises(ValidationError, match=r"such as trailer\.TOTAL; a number that stands in neither"):
        checks({"check": "count", "equals": equals})


def test_fields_that_are_not_there_are_told_at_once() -> None:
    given = checks(
        {"check": "sum", "field": "AMUONT", "equals": "trailer.TOTAL"},
        {"check": "same", "field": "header.DATE", "equals": "trailer.RUN"},
        {"check": "sum", "field": "PARTS.AMOUNT", "equals": "trailer.TOTALS.TOTAL"},
    )

    with pytest.raises(ConfigError) as caught:
        require_fields(given, {Role.DATA: PAYMENT, **ENDS})
    assert caught.value.problems == (
        "checks.0: data.AMUONT: record PAYMENT has no such field",
        "checks.1: header.DATE: record HEAD has no such field",
    )
    with pytest.raises(ConfigError, match="the description names no trailer record"):
        require_fields(checks(CHECKS[0]), {Role.DATA: PAYMENT})
