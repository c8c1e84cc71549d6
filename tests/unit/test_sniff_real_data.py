"""The right framing and code page are proposed first for every real file."""

from pathlib import Path
from typing import Any

import pytest

from contracts.legacy.framing import LengthOf, read
from contracts.legacy.framing.sniff import Proposal, sniff
from tests.data import real_data

FEATURES = "gnucobol-generated/pn-feature-matrix"
DIALECTS = "jrecord/compiler-dialect-matrix"
BIG = {"recfm": "V"}
LITTLE = {"recfm": "V", "rdw": "little", "rdw_includes_header": False}


def feature_length(record: memoryview) -> int | None:
    """Two EBCDIC digits at 223 count items of 9 bytes after them."""
    return 225 + 9 * int(bytes(record[223:225]).decode("cp037")) if len(record) >= 225 else None


def nested_length(record: memoryview) -> int | None:
    """A digit counts groups, and one in each counts its letters."""
    text, size = bytes(record[:9]).decode("ascii"), 1
    for _ in range(int(text[0])):
        if size >= len(text):
            return None
        size += 1 + int(text[size])
    return size


CASES: list[tuple[str, str, tuple[int, ...], dict[str, Any], str | None, LengthOf | None]] = [
    # case, file, the copybook's record lengths, options of the framing, code page, what computes a length
    ("cobrix/fixed-odo-redefines", "example.bin", (2202,), {"recfm": "F", "lrecl": 2202}, "cp037", None),
    ("cobrix/fixed-simple-binary-decimal", "TRAN2.AUG31.DATA.dat", (45,), {"recfm": "F", "lrecl": 45}, "cp037", None),
    ("cobrix/v-rdw-le-multisegment", "COMP.DETAILS.SEP30.DATA.dat", (64, 60), LITTLE, "cp037", None),
    ("cobrix/display-numerics", "data.dat", (80,), {"recfm": "F", "lrecl": 80}, "cp037", None),
    ("cobrix/nested-odo-ascii", "data.dat", (9,), {"recfm": "none"}, "ascii", nested_length),
    ("cobrix/fillers-and-redefines", "TEST.FILLERS.DEC07.DATA.dat", (60,), {"recfm": "F", "lrecl": 60}, "cp037", None),
    ("cobrix/codepages-cp037-cp500", "TRAN.APR14.NPT.DATA.dat", (45,), {"recfm": "F", "lrecl": 45}, "cp037", None),
    (
        "cobrix/file-header-footer-fixed",
        "TRAN2.JUN24.DATA.dat",
        (45,),
        {"recfm": "F", "lrecl": 45, "header_bytes": 10, "footer_bytes": 12},
        "cp037",
        None,
    ),
    ("cobrix/type-variety-2", "data.dat", (1341,), {"recfm": "F", "lrecl": 1341}, "cp037", None),
    ("carddemo/accounts", "data.ebcdic.bin", (300,), {"recfm": "F", "lrecl": 300}, "cp037", None),
    ("carddemo/accounts", "data.ascii.txt", (300,), {"recfm": "LS", "line_end": "lf", "lrecl": 300}, "ascii", None),
    ("carddemo/duplicate-file", "data.ebcdic.bin", (300,), {"recfm": "F", "lrecl": 300}, "cp037", None),
    ("carddemo/card-xref", "data.ebcdic.bin", (50,), {"recfm": "F", "lrecl": 50}, "cp037", None),
    ("carddemo/card-xref", "data.ascii.txt", (50,), {"recfm": "LS", "line_end": "lf", "lrecl": 50}, "ascii", None),
    ("carddemo/daily-transactions-a", "data.ebcdic.bin", (350,), {"recfm": "F", "lrecl": 350}, "cp037", None),
    ("carddemo/daily-transactions-a", "data.ascii.txt", (350,), {"recfm": "LS", "line_end": "lf"}, "ascii", None),
    ("carddemo/transaction-types", "data.ebcdic.bin", (60,), {"recfm": "F", "lrecl": 60}, "cp037", None),
    ("carddemo/transaction-types", "data.ascii.txt", (60,), {"recfm": "LS", "line_end": "lf-or-crlf"}, "ascii", None),
    ("carddemo/transaction-categories", "data.ebcdic.bin", (60,), {"recfm": "F", "lrecl": 60}, "cp037", None),
    ("carddemo/transaction-categories", "data.ascii.txt", (60,), {"recfm": "LS", "line_end": "crlf"}, "ascii", None),
    ("carddemo/export-multitype-sample", "data.ebcdic.bin", (500,), {"recfm": "F", "lrecl": 500}, "cp037", None),
    ("carddemo/ims-hd-unload", "data.ebcdic.bin", (100, 200), {**BIG, "ims_hd_unload": True}, "cp037", None),
    ("legstar/zos-fcustdat-odo", "data.ebcdic.rdw.bin", (183,), BIG, "cp037", None),
    ("mainframe-data-utilities/vb-odo", "data.ebcdic.rdw.bin", (306,), BIG, "cp037", None),
    (DIALECTS, "mvsComp.bin", (145,), {"recfm": "F", "lrecl": 145}, "ascii", None),
    (DIALECTS, "mvsCompSync.bin", (224,), {"recfm": "F", "lrecl": 224}, "ascii", None),
    (DIALECTS, "fjComp.bin", (145,), {"recfm": "F", "lrecl": 145}, "ascii", None),
    (DIALECTS, "mfComp.bin", (127,), {"recfm": "F", "lrecl": 127}, "ascii", None),
    (DIALECTS, "cpyComp.bin", (144,), {"recfm": "F", "lrecl": 144}, "ascii", None),
    ("jrecord/dtar020-sales", "data.ebcdic.bin", (27,), {"recfm": "F", "lrecl": 27}, "cp037", None),
    ("jrecord/odo-with-trailing-fields", "data.txt", (900,), {"recfm": "LS", "line_end": "crlf"}, "ascii", None),
    ("stingray/zipcty", "zipcty1", (53,), {"recfm": "LS", "line_end": "lf", "lrecl": 53}, "ascii", None),
    ("stingray/zipcty", "zipcty2", (53,), {"recfm": "LS", "line_end": "lf", "lrecl": 53}, "ascii", None),
    (FEATURES, "data.ebcdic.V.bin", (261,), BIG, "cp037", None),
    (FEATURES, "data.ascii.V.bin", (261,), BIG, "ascii", None),
    (FEATURES, "data.ebcdic.V.le-excl.bin", (261,), LITTLE, "cp037", None),
    (FEATURES, "data.ebcdic.VB.bin", (261,), {"recfm": "VB"}, "cp037", None),
    (FEATURES, "data.ebcdic.VBS.bin", (261,), {"recfm": "VBS"}, "cp037", None),
    (FEATURES, "data.ebcdic.F.maxpad.bin", (261,), {"recfm": "F", "lrecl": 261}, "cp037", None),
    (FEATURES, "data.ebcdic.noheader.bin", (261,), {"recfm": "none"}, "cp037", feature_length),
]


def told(path: Path, proposals: tuple[Proposal, ...]) -> str:
    """Return what is proposed, for the report of the tests."""
    lines = [str(path.name)]
    for each in proposals[:3]:
        options = each.framing.model_dump(mode="json", exclude_defaults=True) or {"recfm": "F"}
        lines.append(f"  {each.confidence:.2f} {options} {each.code_page}: {'; '.join(each.evidence)}")
        lines += [f"       but {reason}" for reason in each.against]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("case", "file", "lengths", "options", "page", "length_of"), CASES, ids=[f"{c[0]}/{c[1]}" for c in CASES]
)
def test_the_right_framing_is_proposed_first(
    case: str,
    file: str,
    lengths: tuple[int, ...],
    options: dict[str, Any],
    page: str | None,
    length_of: LengthOf | None,
) -> None:
    path = real_data(f"batch/{case}") / file
    data = path.read_bytes()

    proposals = sniff(data, total_bytes=len(data), lengths=lengths, length_of=length_of)

    print(told(path, proposals))
    first = proposals[0]
    found = first.framing.model_dump(mode="json")
    assert {name: found[name] for name in options} == options
    assert first.code_page == page
    assert first.evidence
    assert first.confidence > max([each.confidence for each in proposals[1:]], default=0)
    assert sum(len(batch) for batch in read(data, first.framing, length_of=length_of)) > 0
