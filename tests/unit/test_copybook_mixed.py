"""IBM's mixed pages: double bytes between shift-out and shift-in, by the tables of the system's iconv."""

import random
import shutil
import subprocess

import pytest

from contracts.errors import ContractError, RecordError
from contracts.legacy.copybook import Options, RowCodec, mixed, parse
from contracts.legacy.copybook.page import CodePage
from tests.line_by_line import at_once, told

PAGES = ("930", "933", "935", "937", "939", "1364", "1371", "1388", "1390", "1399")
LAYOUT = parse(
    "       01  A.\n           05  B PIC X(20).\n           05  C PIC G(3) DISPLAY-1.\n"
    "           05  D PIC 9(3) COMP-3."
)
VECTORS = [
    # IBM's host code pages, as its tables (CDRA) give them: a page, bytes of a text, and the text.
    ("cp930", "c1 0e 4481 4f58 0f c2", "A\u3042\u6f22B"),
    ("cp939", "c1 0e 4481 4f58 0f 81", "A\u3042\u6f22a"),
    ("IBM-933", "0e 8861 0f f1", "\uac001"),
    ("ibm1388", "0e 9da2 0f 40 f7", "\u6f22 7"),
    ("cp937", "0e 5ec6 0f", "\u6f22"),
]


@pytest.fixture(autouse=True)
def _has_them() -> None:
    if mixed.mixed("939") is None:
        pytest.skip("this C library's iconv has none of IBM's mixed pages; glibc's has")


def codec(page: str) -> RowCodec:
    return RowCodec(LAYOUT, Options(code_page=page))


@pytest.mark.parametrize(("page", "raw", "text"), VECTORS, ids=[page for page, _, _ in VECTORS])
def test_text_is_what_its_page_says(page: str, raw: str, text: str) -> None:
    rows, double = codec(page), b"".join([b"\x40\x40"] * 3)
    record = bytes.fromhex(raw).ljust(20, b"\x40") + double + b"\x00\x7f"

    values = rows.decode(record)

    assert values == {"B": text, "C": "", "D": 7}
    assert rows.encode(values) == record


@pytest.mark.parametrize("page", PAGES)
def test_every_character_of_a_page_comes_back(page: str) -> None:
    """All double bytes: read, written, and read again; and their bytes, but for those that share a character."""
    found = mixed.mixed(page)
    assert found is not None
    known = 0
    for high in range(0x41, 0xFF):
        for low in range(0x41, 0xFF):
            try:
                text = bytes([high, low]).decode(found.double)
            except UnicodeDecodeError:
                continue
            assert text.encode(found.double).decode(found.double) == text
            known += 1
    assert known > 6000


@pytest.mark.skipif(shutil.which("iconv") is None, reason="there is no program iconv to compare with")
@pytest.mark.parametrize("page", PAGES)
def test_texts_are_those_of_the_program_iconv(page: str) -> None:
    draw = random.Random(page)
    found = mixed.mixed(page)
    assert found is not None
    pairs = [bytes([draw.randrange(0x41, 0xFF), draw.randrange(0x41, 0xFF)]) for _ in range(4000)]
    texts = [_or_nothing(pair, found.double) for pair in pairs]
    good = b"".join(pair for pair, text in zip(pairs, texts, strict=True) if text)

    command = ["iconv", "-f", f"IBM{page}", "-t", "UTF-8"]
    done = subprocess.run(command, input=b"\x0e" + good + b"\x0f", capture_output=True, check=True)

    assert done.stdout.decode() == "".join(texts)
    assert len(good) > 200
    command = ["iconv", "-f", "UTF-8", "-t", f"IBM{page}"]
    # What has a single byte, too, is written with that.
    text = "".join(each for each in texts if each and not each.encode(found.single, "ignore"))
    back = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    assert b"\x0e" + text.encode(found.double) + b"\x0f" == back.stdout


def _or_nothing(pair: bytes, name: str) -> str:
    try:
        return pair.decode(name)
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize(
    "raw",
    ["0e 4481 40", "0e 44 0f 81", "0e 0101 0f 81", "0e fefe 0f 81"],
    ids=["no shift-in", "an odd byte", "controls", "a pair that is none"],
)
def test_what_is_no_text_of_the_page_is_an_error(raw: str) -> None:
    record = bytes.fromhex(raw).ljust(20, b"\x40") + b"\x40" * 6 + b"\x00\x7f"

    with pytest.raises(RecordError, match="characters of code page ibm939"):
        codec("cp939").decode(record)


def test_a_character_that_the_page_lacks_does_not_fit() -> None:
    with pytest.raises(RecordError, match="B: expected text"):
        codec("cp939").encode({"B": "\uac00", "C": "", "D": 1})


def test_lines_are_rows() -> None:
    rows = codec("cp1399")
    records = [
        rows.encode({"B": text, "C": double, "D": number})
        for number, (text, double) in enumerate(
            [("ABC", "\u6f22\u5b57"), ("x\u3042y", ""), ("", "\u3042"), ("plain", "")] * 5
        )
    ]
    records[3] = b"\x0e" + records[3][1:]

    found, left = at_once(rows, records)

    assert found == [told(rows, record) for record in records]
    assert left == 1


def test_a_field_may_have_a_mixed_page_of_its_own() -> None:
    layout = parse("       01  A.\n           05  B PIC X(6).\n           05  C PIC X(6).")
    rows = RowCodec(layout, Options(code_page="cp273", pages={"C": "cp930"}))

    values = rows.decode("\xe4\xf6".encode("cp273").ljust(6, b"\x40") + b"\x0e\x44\x81\x0f\x40\x40")

    assert values == {"B": "\xe4\xf6", "C": "\u3042"}


def test_a_system_without_them_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_number: str) -> None:
        """Stand for a C library without them."""

    monkeypatch.setattr("contracts.legacy.copybook.page.mixed", none)

    with pytest.raises(ContractError, match="code page: expected a C library whose iconv has IBM939"):
        CodePage.load("IBM-939")


def test_a_page_that_a_system_lacks_is_none() -> None:
    assert mixed.mixed("4711") is None
