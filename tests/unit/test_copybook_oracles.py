"""Layouts against what other tools say of published copybooks, where these are there (BANYAN_TEST_DATA)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from contracts.errors import ContractError
from contracts.legacy.copybook import Layout, parse_all
from contracts.legacy.copybook.dialect import GNUCOBOL, ZOS
from tests.data import real_data

ORACLES = "batch/cb2xml/layout-oracles"
CORPUS = "batch/legstar/grammar-corpus"
BINDING = "{http://www.legsem.com/legstar/xml/cobol-binding-1.0.1.xsd}cobolElement"
EMPTY = "INDICATOR-COLUMN-SLASH-TEST-GROUP"

REPAIRS = {
    # Quotation marks that a Java string left escaped; a group with nothing in it, which no compiler takes and which
    # has no bytes in the oracle; $ZZZZ9999 has nine characters (the compiler says so), the oracle eight.
    "cbl2xml_Test101": {'\\"': '"', f"20 {EMPTY}.\n": "\n", "$ZZZZ9999": "ZZZZ9999"},
    "cpyBitOfEverything": {'\\"': '"', f"20 {EMPTY}.\n": "\n", "$ZZZZ9999": "ZZZZ9999"},
    # A repeated P takes no room (the compiler says so); the oracle counts the characters of "P(4)".
    "cbl2xml_Test109": {"s999P(4)": "s9(6)"},
    # Periods are missing; the oracle makes one item of three.
    "cbl2xml_Test201": {
        "pic xx\n": "pic x(16).\n",
        "15 1a-field             pic 99": "",
        "15 10a-field            pic 999.": "",
    },
}
"""Copybook -> what is changed in its text, and why."""


def copybooks(folder: str, pattern: str) -> Iterator[Path]:
    """Yield the copybooks of a folder; the test is skipped without the data."""
    yield from sorted(real_data(folder).glob(pattern))


def oracle(path: Path) -> list[tuple[object, ...]]:
    """Return level, name, offset, length, occurs, redefines, counter of each item."""
    return [
        (
            int(item.get("level", "")),
            "" if item.get("name", "").upper() == "FILLER" else item.get("name", "").upper(),
            int(item.get("position", "")) - 1,
            int(item.get("storage-length", "")),
            int(item.get("occurs", "1")),
            item.get("redefines", "").upper(),
            item.get("depending-on", "").upper(),
        )
        for item in etree.parse(path).iter("item")
        if item.get("name") != EMPTY
    ]


def found(layouts: tuple[Layout, ...]) -> list[tuple[object, ...]]:
    """Return the same of ours."""
    return [
        (
            item.level,
            item.name or "",
            item.offset,
            item.length,
            item.occurs.most if item.occurs else 1,
            item.redefines or "",
            (item.occurs and item.occurs.depending_on) or "",
        )
        for layout in layouts
        for item in layout.walk()
    ]


def test_layouts_are_those_of_cb2xml_item_by_item() -> None:
    count = 0
    for path in copybooks(ORACLES, "*.cbl"):
        text = path.read_text(encoding="utf-8")
        for old, new in REPAIRS.get(path.stem, {}).items():
            assert old in text
            text = text.replace(old, new)
        expected = oracle(path.with_name(f"{path.stem}.layout.xml"))
        assert found(parse_all(text)) == expected, path.name
        count += 1
    print(f"{count} layouts equal")
    assert count == 28


def test_scales_are_those_of_cb2xml_where_it_knows_repeats_of_p() -> None:
    for path in copybooks(ORACLES, "*.cbl"):
        if path.stem in REPAIRS:
            continue
        xml = etree.parse(path.with_name(f"{path.stem}.layout.xml"))
        scales = [int(item.get("scale", "0")) for item in xml.iter("item")]
        ours = parse_all(path.read_text(encoding="utf-8"))
        assert [item.scale for layout in ours for item in layout.walk()] == scales, path.name


@pytest.mark.parametrize(("name", "where"), [("cbl2xml_Test101", "line 24"), ("cbl2xml_Test201", "line 16")])
def test_what_is_no_cobol_is_refused_where_it_stands(name: str, where: str) -> None:
    path = real_data(ORACLES) / f"{name}.cbl"

    with pytest.raises(ContractError, match=where):
        parse_all(path.read_text(encoding="utf-8"))


def test_the_grammar_corpus_parses_and_agrees_with_its_schemas() -> None:
    count = 0
    for path in copybooks(CORPUS, "*.cpy"):
        elements = list(etree.parse(path.with_name(f"{path.stem.lower()}.xsd")).iter(BINDING))
        layouts = parse_all(path.read_text(encoding="latin-1"), resolver=cics_file)
        tops = {element.get("cobolName") for element in elements if element.get("levelNumber") in ("1", "77")}
        ours = Counter(
            (item.level, item.name or "FILLER", *occurs(item.occurs.most if item.occurs else 0, depends(item)))
            for layout in layouts
            if (layout.name or "FILLER") in tops
            for item in layout.walk()
        )
        theirs = Counter(
            (
                int(element.get("levelNumber", "")),
                element.get("cobolName", "").upper(),
                *occurs(int(element.get("maxOccurs", "0")), element.get("dependingOn")),
            )
            for element in elements
        )
        assert ours == theirs, path.name
        count += 1
    print(f"{count} schemas agree")
    assert count == 25


def occurs(most: int, counter: str | None) -> tuple[int, str]:
    """Return a count and what it depends on, alike for both."""
    return most, counter or ""


def depends(item: object) -> str | None:
    """Return what an item's count depends on."""
    table = getattr(item, "occurs", None)
    return table.depending_on if table else None


def cics_file(name: str, _library: str | None, /) -> str | None:
    """Stand in for a member of CICS that one program copies."""
    return "           05  FILLER PIC X(80)." if name == "DFH0CFIL" else None


def test_every_other_copybook_of_the_data_parses() -> None:
    root = real_data("batch")
    wide = replace(ZOS, signed=GNUCOBOL.signed, unsigned=GNUCOBOL.unsigned)  # one has binary items of 37 digits
    paths = [
        path
        for path in sorted(root.rglob("*.c*"))
        if path.suffix in (".cob", ".cpy", ".cbl") and path.parent.name not in ("layout-oracles", "grammar-corpus")
    ]

    lengths = [parse_all(path.read_text(encoding="latin-1"), dialect=wide)[0].length for path in paths]

    print(f"{len(lengths)} copybooks parse")
    assert len(lengths) == 29
    assert all(lengths)
