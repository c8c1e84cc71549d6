"""The cases of Cobrix, against what it says where it is right (BANYAN_TEST_DATA)."""

import json
from decimal import Decimal
from typing import Any

import pytest

from contracts.errors import RecordError
from contracts.legacy.copybook import OddBytes, Options, Policy, Segments, Trim
from tests.copybook_cases import check, codec, derived, described, fixed, folder, leaves, listed, named


def test_type_variety_of_cobrix() -> None:
    case = "cobrix/type-variety-2"
    options = Options(floats="ieee", float_order="big", is_nul_filled=True)
    records = fixed((folder(case) / "data.dat").read_bytes(), 1341)

    check(case, codec(case, "copybook.cob", options), records, derived(case))


GOLDENS: list[tuple[str, str, str, int, Options]] = [
    ("fixed-odo-redefines", "example.bin", "test1.txt", 2202, Options(tables="max")),
    ("fixed-simple-binary-decimal", "TRAN2.AUG31.DATA.dat", "test3.txt", 45, Options(is_nul_filled=True)),
    ("fixed-simple-binary-decimal", "TRAN2.AUG31.DATA.dat", "test3_trim_none.txt", 45, Options(trim=Trim.NONE)),
    ("fixed-simple-binary-decimal", "TRAN2.AUG31.DATA.dat", "test3_trim_left.txt", 45, Options(trim=Trim.LEFT)),
    ("fillers-and-redefines", "TEST.FILLERS.DEC07.DATA.dat", "test7.txt", 60, Options(is_nul_filled=True)),
    ("codepages-cp037-cp500", "TRAN.APR14.NPT.DATA.dat", "test9_cp037_ext.txt", 45, Options()),
    ("codepages-cp037-cp500", "TRAN.APR14.NPT.DATA.dat", "test9_cp500.txt", 45, Options(code_page="cp500")),
    ("file-header-footer-fixed", "TRAN2.JUN24.DATA.dat", "test13a.txt", 45, Options()),
]


@pytest.mark.parametrize(("case", "data", "golden", "length", "options"), GOLDENS, ids=lambda v: str(v)[:30])
def test_goldens_of_cobrix(case: str, data: str, golden: str, length: int, options: Options) -> None:
    """Equal, but for the control characters that Cobrix blanks."""
    path = folder(f"cobrix/{case}")
    raw = (path / data).read_bytes()
    raw = raw[10:-12] if case.startswith("file-header") else raw
    decoding = codec(f"cobrix/{case}", "copybook.cob", options)

    found = [decoding.decode(record) for record in fixed(raw, length)]
    text = (path / golden).read_text(encoding="utf-8")
    lines = json.loads(text, parse_float=Decimal) if text.startswith("[") else loaded(text)
    ours = [like_cobrix(record) for record in found]
    theirs = [like_cobrix(line.get("RECORD", line)) for line in lines]
    if case.startswith("file-header"):
        ours, theirs = (sorted(each, key=repr) for each in (ours, theirs))
    if case.startswith("fillers"):
        ours.sort(key=lambda record: record["AMOUNT"])
    assert ours[: len(theirs)] == theirs
    assert all(decoding.encode(decoding.decode(record), record) == record for record in fixed(raw, length))
    print(f"{case} {golden}: {len(theirs)} of {len(ours)} records, {sum(map(leaves, theirs))} values")


def loaded(text: str) -> list[Any]:
    """Return the objects of lines."""
    return [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line]


def like_cobrix(value: Any) -> Any:
    """Write names and values as Spark does: nulls and empty groups left out, control characters blanked."""
    if isinstance(value, dict):
        names = {name.replace("-", "_"): like_cobrix(each) for name, each in named(value) if each is not None}
        generated = ("File_Id", "Record_Id", "Record_Byte_Length", "Seg_Id0", "Seg_Id1")
        return {name: each for name, each in names.items() if name not in generated and each not in ("", {})}
    if isinstance(value, list):
        return [like_cobrix(each) for each in listed(value)]
    if isinstance(value, str):
        return "".join(" " if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 else c for c in value).strip(" ")
    return value


def test_numbers_that_are_none_are_refused_where_cobrix_gives_null_or_zero() -> None:
    case = "cobrix/display-numerics"
    policies = dict.fromkeys(["WS-DATE-NUM", "WS-AMOUNT-NUMERIC", "WS-AMOUNT-FRACTION"], Policy(blank=OddBytes.NULL))
    decoding = codec(case, "copybook.cob", Options(policies=policies))
    data = (folder(case) / "data.dat").read_bytes()

    found = list(decoding.decode_all(data, [(at, 80) for at in range(0, len(data), 80)]))

    golden = [like_cobrix(line) for line in loaded((folder(case) / "test19.txt").read_text(encoding="utf-8"))]
    bad = {at: (record.field, record.code) for at, record in enumerate(found) if isinstance(record, RecordError)}
    good = [at for at in range(len(found)) if at not in bad]
    assert golden[5].pop("WS_AMOUNT_FRACTION") == 0  # blank
    assert [like_cobrix(found[at]) for at in good] == [golden[at] for at in good]
    assert all(golden[at].keys().isdisjoint({field.replace("-", "_")}) for at, (field, _) in bad.items())
    assert bad == {6: ("WS-DATE-NUM", "zoned")}
    print(f"{case}: {len(good)} of {len(found)} records, refused {bad}")


def test_a_file_with_header_and_footer_is_no_file_of_records_without_them() -> None:
    data = (folder("cobrix/file-header-footer-fixed") / "TRAN2.JUN24.DATA.dat").read_bytes()

    assert len(data) % 45 == 2272 % 45 != 0


def test_segments_of_cobrix() -> None:
    case = "cobrix/v-rdw-le-multisegment"
    segments = (
        Segments(field="SEGMENT-ID", groups={"C": "STATIC-DETAILS", "P": "CONTACTS"}),
        Segments(field="TAXPAYER-TYPE", groups={"A": "TAXPAYER-STR", "N": "TAXPAYER-NUM"}),
    )
    options = Options(segments=segments, is_nul_filled=True)
    decoding = codec(case, "copybook.cob", options)
    data = (folder(case) / "COMP.DETAILS.SEP30.DATA.dat").read_bytes()
    records = list(described(data, order="little", is_included=False))

    found = [decoding.decode(record) for record in records]
    golden = loaded((folder(case) / "test5.txt").read_text(encoding="utf-8"))
    for ours, theirs in zip(found, golden, strict=False):
        inactive = "CONTACTS" if ours["SEGMENT-ID"] == "C" else "STATIC_DETAILS"
        theirs.pop(inactive)
        if "TAXPAYER-TYPE" in ours.get("STATIC-DETAILS", {}).get("TAXPAYER", {}):
            other = "TAXPAYER_NUM" if "TAXPAYER-STR" in ours["STATIC-DETAILS"]["TAXPAYER"] else "TAXPAYER_STR"
            theirs["STATIC_DETAILS"]["TAXPAYER"].pop(other, None)
        assert like_cobrix(ours) == like_cobrix(theirs)
    assert all(decoding.encode(decoding.decode(record), record) == record for record in records)
    print(f"{case}: {len(golden)} of {len(found)} records")


def test_records_without_any_header_end_where_their_counters_say() -> None:
    case = "cobrix/nested-odo-ascii"
    decoding = codec(case, "copybook.cob", Options(code_page="ascii"))
    data = (folder(case) / "data.dat").read_bytes()

    at, found = 0, list[Any]()
    while at < len(data):
        values, end = decoding.decode_at(data, at)
        assert decoding.encode(values) == data[at:end]
        found.append({"RECORD": like_cobrix(values)})
        at = end

    assert found == loaded((folder(case) / "test21.txt").read_text(encoding="utf-8"))
    print(f"{case}: {len(found)} records")
