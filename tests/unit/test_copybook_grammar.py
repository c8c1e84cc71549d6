"""What a copybook may say, and how it is refused."""

import pytest

from contracts.errors import ContractError
from contracts.legacy.copybook import Field, Usage, parse


def lines(*entries: str) -> str:
    """Return entries in fixed reference format."""
    return "".join(f"       {entry}\n" for entry in entries)


def field(*entries: str) -> Field:
    """Return the last field of a record."""
    return parse(lines("01  R.", *(f"    05  {entry}" for entry in entries))).fields[-1]


@pytest.mark.parametrize(
    ("clauses", "usage", "length", "number"),
    [
        ("PIC X(10)", Usage.DISPLAY, 10, (0, 0, False)),
        ("PICTURE IS AAX9", Usage.DISPLAY, 4, (0, 0, False)),
        ("PIC 9(4)", Usage.DISPLAY, 4, (4, 0, False)),
        ("PIC S9(10)V99", Usage.DISPLAY, 12, (12, 2, True)),
        ("PIC SV9(3)", Usage.DISPLAY, 3, (3, 3, True)),
        ("pic s9(3) usage is computational-3", Usage.PACKED, 2, (3, 0, True)),
        ("PIC 9(4) PACKED-DECIMAL", Usage.PACKED, 3, (4, 0, False)),
        ("COMP-3 PIC S9(7)V9(2)", Usage.PACKED, 5, (9, 2, True)),
        ("PIC S9(4) COMP", Usage.BINARY, 2, (4, 0, True)),
        ("PIC 9(5) BINARY", Usage.BINARY, 4, (5, 0, False)),
        ("PIC S9(9)V99 COMP-4", Usage.BINARY, 8, (11, 2, True)),
        ("PIC 9 VALUE ZERO", Usage.DISPLAY, 1, (1, 0, False)),
        ("PIC X(3) VALUE 'A. B' USAGE DISPLAY", Usage.DISPLAY, 3, (0, 0, False)),
        ('PIC X(9) VALUE IS "SAY ""HI"""', Usage.DISPLAY, 9, (0, 0, False)),
    ],
)
def test_picture_and_usage_say_how_a_field_is_stored(
    clauses: str, usage: Usage, length: int, number: tuple[int, int, bool]
) -> None:
    found = field(f"F {clauses}.")

    assert (found.usage, found.length, (found.digits, found.scale, found.signed)) == (usage, length, number)


def test_fields_follow_each_other_and_filler_only_takes_room() -> None:
    layout = parse(
        lines(
            "01  R.",
            "    05  A PIC X(3).",
            "    05  FILLER PIC X(2).",
            "    05  G.",
            "        10  B PIC S9(3) COMP-3.",
            "        10      PIC X.",
            "        10  C PIC 9(9) COMP.",
        )
    )

    assert [(f.name, f.path, f.offset) for f in layout.fields] == [
        ("A", ("R", "A"), 0),
        ("B", ("R", "G", "B"), 5),
        ("C", ("R", "G", "C"), 8),
    ]
    assert layout.length == 12


def test_a_group_gives_its_usage_to_what_is_in_it() -> None:
    layout = parse(lines("01  R COMP-3.", "    05  G.", "        10  A PIC 9(5).", "    05  B PIC 9 COMP-3."))

    assert [f.usage for f in layout.fields] == [Usage.PACKED, Usage.PACKED]


def test_a_name_in_two_groups_is_told_apart_by_its_path() -> None:
    layout = parse(lines("01  R.", " 05  P.", "  10  CITY PIC X.", " 05  Q.", "  10  CITY PIC X.", "  10  ZIP PIC X."))

    assert list(layout.by_name) == ["R.P.CITY", "R.Q.CITY", "ZIP"]


def test_what_is_no_text_of_a_line_is_skipped() -> None:
    text = (
        "000100* A COMMENT. PIC X.                                               IGNORED\n"
        "      / PAGE\n"
        "\n"
        "       SKIP2\n"
        "        EJECT.\n"
        "000200  01  R.                                                          R0000001\n"
        "ABC         05  A PIC X,                                                \n"
        "                  VALUE 'A'.  *> trailing words. PIC\n"
        "               88  IS-A VALUE 'A' THRU 'C', 'X'.\n"
        "            05  FILLER; PIC X(3).\n"
    )

    assert [(f.name, f.length) for f in parse(text).fields] == [("A", 1)]
    assert parse(text).length == 4


def test_a_record_needs_no_level_01() -> None:
    assert parse(lines("03  A PIC X.", "03  G.", "    05 B PIC X.")).length == 2


@pytest.mark.parametrize(
    ("entries", "where", "found", "expected"),
    [
        (["01  R.", "  05  A PIC ZZ9."], "line 2, column 20", "'ZZ9'", "X, A, 9, S and V"),
        (["01  R.", "  05  A PIC 9(8).9(2)."], "line 2, column 24", "'.9(2)'", "X, A, 9, S and V"),
        (["01  R.", "  05  A PIC 9S."], "line 2, column 21", "'S'", "S at the start"),
        (["01  R.", "  05  A PIC SX."], "line 2, column 20", "'SX'", "S at the start"),
        (["01  R.", "  05  A PIC 9V9V9."], "line 2, column 23", "'V9'", "one V"),
        (["01  R.", "  05  A PIC S."], "line 2, column 20", "'S'", "1 to 16777216"),
        (["01  R.", "  05  A PIC X(99999999999)."], "column 20", "'X(99999999999)'", "1 to 16777216"),
        (["01  R.", "  05  A PIC 9(32)."], "column 20", "'9(32)'", "at most 31 digits"),
        (["01  R.", "  05  A PIC 9(19) COMP."], "column 10", "'05'", "at most 18 binary digits"),
        (["01  R.", "  05  A PIC X COMP-3."], "column 10", "'05'", "a number in the picture"),
        (["01  R COMP.", "  05  A PIC 9 COMP-3."], "line 2, column 10", "'05'", "usage binary as its group"),
        (["01  R.", "  05  A PIC X PIC X."], "column 22", "'PIC'", "one picture"),
        (["01  R.", "  05  A PIC 9 COMP DISPLAY."], "column 27", "'DISPLAY'", "one usage of DISPLAY"),
        (["01  R.", "  05  A PIC 9 USAGE COMP-1."], "column 28", "'COMP-1'", "one usage of DISPLAY"),
        (["01  R.", "  05  A PIC"], "line 2, column 16", "'PIC'", "a period after it"),
        (["01  R.", "  05  A PIC."], "line 2, column 16", "'PIC'", "something after it"),
        (["01  R.", "  05  A."], "line 2, column 10", "'05'", "a picture, or items below A"),
        (["01  R.", "  05  A PIC X.", "    10  B PIC X."], "line 3, column 12", "'10'", "no item below one"),
        (["01  R.", "  05  A PIC X.", "  03  B PIC X."], "line 3, column 10", "'03'", "level 05"),
        (["01  R.", "  05  B PIC X REDEFINES A."], "line 2, column 22", "'REDEFINES'", "PICTURE, USAGE"),
        (["01  R.", "  05  A OCCURS 3 PIC X."], "column 16", "'OCCURS'", "PICTURE, USAGE"),
        (["01  R.", "  05  A- PIC X."], "column 14", "'A-'", "a name of letters"),
        (["01  R.", "  05  A PIC X.", "  66  K RENAMES A."], "line 3, column 10", "'66'", "a level number"),
        (["01  R.", "  05  A PIC X.", "    88  'Y'."], "line 3, column 16", "'Y'", "a name of letters"),
        (["01  R.", "  05  A PIC X.", "    88  YES."], "line 3, column 12", "'88'", "its VALUE"),
        (["01  R.", "  05  A PIC X VALUE 'OPEN."], "column 28", "'OPEN.", "a literal that ends"),
        (["01  R PIC X.", "01  S PIC X."], "line 2, column 8", "'01'", "one record"),
        (["03  R PIC X.", "05  S PIC X."], "line 2, column 8", "'05'", "no item below one"),
        (["01  R.", "  05  A PIC X.", "  05  A PIC 9."], "line 2", "'05'", "not twice R.A"),
        (["COPY OTHER."], "line 1, column 8", "'COPY'", "a level number"),
    ],
)
def test_what_is_not_understood_is_refused_where_it_stands(
    entries: list[str], where: str, found: str, expected: str
) -> None:
    with pytest.raises(ContractError) as caught:
        parse(lines(*entries))

    assert (where in caught.value.where, found in caught.value.found, expected in caught.value.expected) == (
        True,
        True,
        True,
    ), str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "at least one item"),
        ("      *\n", "at least one item"),
        ("       01\tR.\n", "blanks, not a tab"),
        ("       01  R PIC X VALUE 'A\n      -    'B'.\n", "a literal that ends on its line"),
        ("       01  R PIC\n      -    X.\n", "a blank or \\* in column 7"),
        ("01  R.\n    05  A PIC X.\n", "text begins in column 8"),
    ],
)
def test_what_is_no_fixed_format_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        parse(text)
