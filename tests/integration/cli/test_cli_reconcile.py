"""`banyan copybook reconcile`, as an operator runs it on a file that came last night."""

from pathlib import Path

import pytest

from tests.command_line import Ran, banyan
from tests.record_files import RUN, RUN_RECORDS, run_trailer

SPEC = """\
copybook: pay.cpy
record: payment
header: head
trailer: tail
encoding: ascii
framing: {lrecl: 15, header_records: 1, trailer_records: 1}
checks:
  - {check: count, equals: trailer.HOW-MANY}
  - {check: sum, field: AMOUNT, equals: trailer.TOTAL, on_break: quarantine}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pay.cpy").write_text(RUN)
    (tmp_path / "pay.yaml").write_text(SPEC)
    (tmp_path / "good").write_text("".join([*RUN_RECORDS[:3], run_trailer()]))
    (tmp_path / "bad").write_text("".join([*RUN_RECORDS[:3], run_trailer(total="0002{")]))
    return tmp_path


def reconciled(folder: Path, file: str, *options: str, spec: str = "pay.yaml") -> Ran:
    return banyan("copybook", "reconcile", "--spec", str(folder / spec), str(folder / file), *options)


def test_a_file_that_agrees_ends_with_code_0(folder: Path) -> None:
    ran = reconciled(folder, "good")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "publish: 2 records"


def test_a_break_is_told_and_ends_with_code_3(folder: Path) -> None:
    ran = reconciled(folder, "bad")

    assert ran.code == 3
    assert "quarantine sum of AMOUNT = trailer.TOTAL 2.0 -2.0" in [
        " ".join(line.split()) for line in ran.out.splitlines()
    ]


def test_programs_get_the_report_as_json(folder: Path) -> None:
    ran = reconciled(folder, "bad", "--json")

    assert (ran.code, ran.json["outcome"], ran.json["records"]) == (3, "quarantine", 2)
    assert [each["agrees"] for each in ran.json["findings"]] == [True, False]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("checks:", "#"), "checks: the description names none"),
        (("field: AMOUNT", "field: AMONT"), "checks.1: data.AMONT: record PAYMENT has no such field"),
        (("check: count", "check: cout"), "pay.yaml:8"),
        (("trailer: tail", "trailer: tale"), "no record tale; there are: HEAD, PAYMENT, TAIL"),
    ],
)
def test_a_mistake_in_the_checks_is_told(folder: Path, change: tuple[str, str], said: str) -> None:
    text = SPEC.replace(*change)
    (folder / "pay.yaml").write_text(text.partition("#")[0])
    ran = reconciled(folder, "good")

    assert ran.code == 2
    assert said in ran.err
