"""Files from real mainframes and published examples, where they are there (BANYAN_TEST_DATA)."""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from contracts.legacy.copybook import Codec, parse

DATA = Path(os.environ.get("BANYAN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "batch"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="test data is not there")


def records(case: str, copybook: str, data: str) -> Iterator[dict[str, Any]]:
    """Decode a file; a bad record fails the test."""
    decoded = Codec(parse((DATA / case / copybook).read_text())).decode((DATA / case / data).read_bytes())
    assert not decoded.errors
    return (dict(zip(decoded.columns, row, strict=True)) for row in zip(*decoded.columns.values(), strict=True))


def leaves(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of nested groups."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= leaves(cast("dict[str, Any]", value)) if isinstance(value, dict) else {name: value}
    return flat


@pytest.mark.parametrize(
    ("case", "count"),
    [("accounts", 50), ("card-xref", 50), ("daily-transactions-a", 150), ("transaction-types", 7)],
)
def test_carddemo_files_hold_what_an_independent_decoder_found(case: str, count: int) -> None:
    folder = f"carddemo/{case}"
    found = [
        {name: str(value) if isinstance(value, Decimal) else value for name, value in record.items()}
        for record in records(folder, "copybook.cpy", "data.ebcdic.bin")
    ]

    lines = (DATA / folder / "expected.derived.jsonl").read_text().splitlines()
    assert found == [leaves(json.loads(line)) for line in lines]
    assert len(found) == count


def test_the_first_60_records_of_a_binary_decimal_file_are_as_cobrix_says() -> None:
    case = "cobrix/fixed-simple-binary-decimal"
    lines = (DATA / case / "test3.txt").read_text().splitlines()

    # Cobrix reads low values as blanks; we keep what is there.
    found = [
        {name.replace("-", "_"): v.rstrip("\0") if isinstance(v, str) else v for name, v in record.items()}
        for record in records(case, "copybook.cob", "TRAN2.AUG31.DATA.dat")
    ]

    assert found[:60] == [json.loads(line, parse_float=Decimal) for line in lines]
    assert len(found) == 1000


def test_a_copybook_without_a_level_01_gives_what_jrecord_exported() -> None:
    header, *rows = (DATA / "jrecord/dtar020-sales/expected.tsv").read_text().splitlines()
    names = ["KEYCODE-NO", *header.replace("_", "-").split("\t")[1:]]

    found = list(records("jrecord/dtar020-sales", "copybook.cbl", "data.ebcdic.bin"))

    assert [[Decimal(record[f"DTAR020-{name}"]) for name in names] for record in found] == [
        [Decimal(value) for value in row.split("\t")] for row in rows
    ]
