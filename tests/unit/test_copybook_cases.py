"""Files of real mainframes and of other tools, record by record, where they are there (BANYAN_TEST_DATA).

Each test tells its case with its counts.
"""

from decimal import Decimal
from typing import Any

import pytest

from contracts.legacy.copybook import Options, Segments
from tests.copybook_cases import check, codec, derived, described, fixed, flat, folder, shown


@pytest.mark.parametrize(
    ("case", "length", "count"),
    [
        ("accounts", 300, 50),
        ("duplicate-file", 300, 50),
        ("card-xref", 50, 50),
        ("daily-transactions-a", 350, 150),
        ("transaction-types", 60, 7),
        ("transaction-categories", 60, 18),
    ],
)
def test_carddemo_single_type_files(case: str, length: int, count: int) -> None:
    records = fixed((folder(f"carddemo/{case}") / "data.ebcdic.bin").read_bytes(), length)

    assert len(records) == count
    check(case, codec(f"carddemo/{case}", "copybook.cpy"), records, derived(f"carddemo/{case}"))


@pytest.mark.parametrize(
    ("case", "differing"),
    [
        ("accounts", {48}),
        ("card-xref", set[int]()),
        ("daily-transactions-a", set[int]()),
        ("transaction-types", set[int]()),
        ("transaction-categories", set[int]()),
    ],
)
def test_carddemo_ascii_twins_say_the_same(case: str, differing: set[int]) -> None:
    options = Options(code_page="ascii", is_trimmed=True)
    lines = (folder(f"carddemo/{case}") / "data.ascii.txt").read_bytes().splitlines()
    decoding = codec(f"carddemo/{case}", "copybook.cpy", options)

    found = [shown(decoding.decode(line)) for line in lines]

    expected = derived(f"carddemo/{case}")
    assert {at for at, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1]} == differing
    print(f"{case}: {len(found)} ASCII records, {len(differing)} differ")


def test_carddemo_export_of_five_types() -> None:
    case = "carddemo/export-multitype-sample"
    kinds = {"C": "CUSTOMER", "A": "ACCOUNT", "T": "TRANSACTION", "X": "CARD-XREF", "D": "CARD"}
    groups = {value: f"EXPORT-{kind}-DATA" for value, kind in kinds.items()}
    options = Options(segments=(Segments(field="EXPORT-REC-TYPE", groups=groups),), is_nul_filled=True)
    records = fixed((folder(case) / "data.ebcdic.bin").read_bytes(), 500)

    check(case, codec(case, "copybook.cpy", options), records, derived(case))


def test_carddemo_ims_unload() -> None:
    """The level and the data's length stand in a prefix; the data begin at byte 39, after the length in front."""
    case = "carddemo/ims-hd-unload"
    options = Options(is_nul_filled=True)
    roots, children = codec(case, "CIPAUSMY.cpy", options), codec(case, "CIPAUDTY.cpy", options)
    found: list[Any] = []
    for record in described((folder(case) / "data.ebcdic.bin").read_bytes()):
        data = record[35 : 35 + int.from_bytes(record[4:6], "big")]
        if record[0] == 1:
            found.append({**shown(roots.decode(data)), "PAUTDTL1": []})
            assert roots.encode(roots.decode(data), data) == data
        elif record[0] == 2:
            found[-1]["PAUTDTL1"].append(shown(children.decode(data)))
            assert children.encode(children.decode(data), data) == data

    assert found == derived(case)
    print(f"{case}: {len(found)} roots, {sum(len(root['PAUTDTL1']) for root in found)} children")


def test_legstar_file_of_a_real_mainframe() -> None:
    case = "legstar/zos-fcustdat-odo"
    decoding = codec(case, "copybook.cpy", Options(code_page="cp1140"))
    records = list(described((folder(case) / "data.ebcdic.rdw.bin").read_bytes()))

    check(case, decoding, records, derived(case, "expected.derived.jsonl.gz"))

    amounts = [
        each["TRANSACTION-AMOUNT"] for r in records for each in decoding.decode(r)["TRANSACTIONS"]["TRANSACTION"]
    ]
    assert (len(records), len(amounts), sum(amounts)) == (1000, 2440, Decimal("289284.49"))
    assert [decoding.encode(decoding.decode(record)) for record in records] == records


def test_complex_tables_of_jrecord() -> None:
    case = "jrecord/odo-with-trailing-fields"
    decoding = codec(case, "copybook.cbl", Options(code_page="ascii"))
    records = (folder(case) / "data.txt").read_bytes().splitlines()

    check(case, decoding, records, derived(case))
    assert [decoding.encode(decoding.decode(record)) for record in records] == records


def test_dtar020_of_jrecord() -> None:
    case = "jrecord/dtar020-sales"
    header, *rows = (folder(case) / "expected.tsv").read_text().splitlines()
    decoding = codec(case, "copybook.cbl")
    records = fixed((folder(case) / "data.ebcdic.bin").read_bytes(), 27)

    found = [list(flat(decoding.decode(record)).values()) for record in records]

    assert [[Decimal(value) for value in row] for row in found] == [
        [Decimal(value) for value in row.split("\t")] for row in rows
    ]
    print(f"{case}: {len(found)} records, {len(found) * len(header.split())} values")


def test_variable_records_of_mainframe_data_utilities() -> None:
    case = "mainframe-data-utilities/vb-odo"
    decoding = codec(case, "copybook.cpy", Options(is_nul_filled=True))
    records = list(described((folder(case) / "data.ebcdic.rdw.bin").read_bytes()))
    rows = (folder(case) / "expected.psv").read_text().splitlines()

    for record, row in zip(records, rows, strict=True):
        values = decoding.decode(record)
        pairs = [f"{each['OUT-REC-NO']:09d}|{each['OUT-NAME']}" for each in values["OUT-REC"]]
        key = values["OUT-KEY"]
        shown_row = "|".join([key["OUTK-TYPE"], f"{key['OUTK-SEQT']:02d}", f"{values['OUT-REC-CNT']:03d}", *pairs])
        assert shown_row == row.rstrip("|")
        assert decoding.encode(values, record) == record
    print(f"{case}: {len(rows)} records")


def test_two_records_of_stingray() -> None:
    case = "stingray/zipcty"
    head, body = (
        codec(case, "zipcty.cob", Options(code_page="ascii"), record=name)
        for name in ("COPYRIGHT-HEADER-RECORD", "COUNTY-CROSS-REFERENCE-RECORD")
    )
    count = 0
    for name in ("zipcty1", "zipcty2"):
        first, *rest = (folder(case) / name).read_bytes().splitlines()
        assert head.decode(first)["COPYRIGHT-SYMBOL"].strip() == "(C)USPS"
        assert all(body.decode(line)["ZIP-CODE"].isdigit() for line in rest)
        count += 1 + len(rest)
    print(f"{case}: {count} records")
