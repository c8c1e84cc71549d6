"""What a copybook may say, and how it is refused."""

import pytest

from contracts.errors import ContractError
from contracts.legacy.copybook import Field, Usage, parse
from contracts.legacy.copybook.dialect import FUJITSU


def lines(*entries: str) -> str:
    """Return entries in fixed reference format."""
    return "".join(f"       {entry}\n" for entry in entries)


def field(*entries: str) -> Field:
    """Return the last field of a record; entries of three blanks and a level are as they are."""
    return parse(lines("01  R.", *(e if e.startswith(" ") else f"    05  {e}" for e in entries))).fields[-1]


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
        ("PIC X VALUE X'c1'", Usage.DISPLAY, 1, (0, 0, False)),
        ("PIC 9(3)PPP", Usage.DISPLAY, 3, (3, -3, False)),
        ("PIC 9(3)PPPV", Usage.DISPLAY, 3, (3, -3, False)),
        ("PIC SPP9(3)", Usage.DISPLAY, 3, (3, 5, True)),
        ("PIC SVP(2)9(3) COMP-3", Usage.PACKED, 2, (3, 5, True)),
        ("PIC S9(3) SIGN LEADING SEPARATE CHARACTER", Usage.DISPLAY, 4, (3, 0, True)),
        ("PIC S9(3) TRAILING", Usage.DISPLAY, 3, (3, 0, True)),
        ("PIC Z,ZZZ,ZZ9.99-", Usage.DISPLAY, 13, (9, 2, True)),
        ("PIC $**,**9.99", Usage.DISPLAY, 10, (7, 2, False)),
        ("PIC $$,$$9.99BCR", Usage.DISPLAY, 12, (6, 2, True)),
        ("PIC -(6)9.9(3)", Usage.DISPLAY, 11, (9, 3, True)),
        ("PIC +$$$9", Usage.DISPLAY, 5, (3, 0, True)),
        ("PIC 99/99/9999", Usage.DISPLAY, 10, (8, 0, False)),
        ("PIC ZZ9DB", Usage.DISPLAY, 5, (3, 0, True)),
        ("PIC PPP009999CR", Usage.DISPLAY, 8, (4, 7, True)),
        ("PIC X(3)BX(3)", Usage.DISPLAY, 7, (0, 0, False)),
        ("PIC +99.99E-99", Usage.DISPLAY, 10, (4, 2, True)),
        ("PIC 9(8) COMP-6", Usage.UNSIGNED_PACKED, 4, (8, 0, False)),
        ("PIC 9(5) COMP-X", Usage.BYTES, 3, (5, 0, False)),
        ("PIC X(2) COMP-X", Usage.BYTES, 2, (0, 0, False)),
        ("PIC S9(9) COMP-5", Usage.NATIVE, 4, (9, 0, True)),
        ("COMP-1", Usage.FLOAT, 4, (0, 0, True)),
        ("USAGE COMPUTATIONAL-2", Usage.DOUBLE, 8, (0, 0, True)),
        ("USAGE INDEX", Usage.INDEX, 4, (0, 0, False)),
        ("POINTER", Usage.POINTER, 4, (0, 0, False)),
        ("PROCEDURE-POINTER", Usage.PROCEDURE_POINTER, 8, (0, 0, False)),
        ("FUNCTION-POINTER", Usage.FUNCTION_POINTER, 4, (0, 0, False)),
        ("PIC N(3)", Usage.NATIONAL, 6, (0, 0, False)),
        ("PIC 9(3) NATIONAL", Usage.NATIONAL, 6, (3, 0, False)),
        ("PIC G(3) DISPLAY-1", Usage.DBCS, 6, (0, 0, False)),
        ("PIC 9(6) BINARY DATE FORMAT YYXXXX", Usage.BINARY, 4, (6, 0, False)),
        ("PIC X(4) IS EXTERNAL JUSTIFIED RIGHT", Usage.DISPLAY, 4, (0, 0, False)),
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


def test_siblings_may_have_other_level_numbers() -> None:
    """Enterprise COBOL Language Reference, "Level-numbers": what counts is the number of the group above."""
    layout = parse(lines("01  R.", "  05  A.", "    10  B PIC X.", "  03  C PIC X."))

    assert [field.path for field in layout.fields] == [("R", "A", "B"), ("R", "C")]


def test_text_in_a_packed_group_stays_text() -> None:
    layout = parse(lines("01  R COMP-3.", "  05  A PIC 9(3).", "  05  B PIC X(3).", "  05  C PIC Z9."))

    assert [(field.usage, field.length) for field in layout.fields] == [
        (Usage.PACKED, 2),
        (Usage.DISPLAY, 3),
        (Usage.DISPLAY, 2),
    ]


def test_condition_names_have_values_lists_and_ranges() -> None:
    found = field("F PIC X.", "   88 A VALUE 'P'.", "   88 B VALUES ARE '0' THRU '9', SPACE X'00'.").conditions

    assert [(c.name, [(low.text, low.kind, high and high.text) for low, high in c.ranges]) for c in found] == [
        ("A", [("P", "text", None)]),
        ("B", [("0", "text", "9"), ("SPACE", "figurative", None), ("00", "hex", None)]),
    ]


@pytest.mark.parametrize(
    ("entries", "where", "found", "expected"),
    [
        (["01  R.", "  05  A PIC 9?."], "line 2, column 21", "'?'", "a picture of A, B, E"),
        (["01  R.", "  05  A PIC 9(0)."], "line 2, column 20", "'9(0)'", "a repeat of 1"),
        (["01  R.", "  05  A PIC 9S."], "line 2, column 21", "'S'", "S once at the start"),
        (["01  R.", "  05  A PIC SX."], "line 2, column 20", "'SX'", "nothing but A X 9 B 0 /"),
        (["01  R.", "  05  A PIC NX."], "line 2, column 21", "'X'", "nothing but N B 0 /"),
        (["01  R.", "  05  A PIC 9V9V9."], "line 2, column 23", "'V9'", "one V"),
        (["01  R.", "  05  A PIC 9P9."], "line 2, column 20", "'9P9'", "P at one end"),
        (["01  R.", "  05  A PIC 9VP."], "line 2, column 21", "'VP'", "V behind P"),
        (["01  R.", "  05  A PIC PV9."], "line 2, column 21", "'V9'", "V in front of P"),
        (["01  R.", "  05  A PIC 9.9.9."], "line 2, column 20", "'9.9.9'", "one decimal point"),
        (["01  R.", "  05  A PIC +9CR."], "line 2, column 20", "'+9CR'", "one sign"),
        (["01  R.", "  05  A PIC CR9."], "line 2, column 20", "'CR9'", "CR or DB at the end"),
        (["01  R.", "  05  A PIC Z*9."], "line 2, column 20", "'Z*9'", "Z or *, not both"),
        (["01  R.", "  05  A PIC 9Z."], "line 2, column 20", "'9Z'", "in front of 9"),
        (["01  R.", "  05  A PIC //."], "line 2, column 20", "'//'", "1 to 38 digits"),
        (["01  R.", "  05  A PIC 9E9."], "line 2, column 20", "'9E9'", "an external float"),
        (["01  R.", "  05  A PIC S."], "line 2, column 20", "'S'", "P at one end of the digits"),
        (["01  R.", "  05  A PIC X(99999999999)."], "column 20", "'X(99999999999)'", "1 to 16777216"),
        (["01  R.", "  05  A PIC X(16777216)X."], "column 20", "'X(16777216)X'", "1 to 16777216"),
        (["01  R.", "  05  A PIC 9(39)."], "column 20", "'9(39)'", "at most 38 digits"),
        (["01  R.", "  05  A PIC X COMP-3."], "column 10", "'05'", "a number in the picture"),
        (["01  R.", "  05  A PIC S9 COMP-6."], "column 10", "'05'", "no S in the picture"),
        (["01  R.", "  05  A PIC 9 COMP-1."], "column 10", "'05'", "no picture with usage float"),
        (["01  R.", "  05  A PIC X DISPLAY-1."], "column 10", "'05'", "a picture of G or N"),
        (["01  R.", "  05  A PIC S9 NATIONAL."], "column 10", "'05'", "SIGN SEPARATE"),
        (["01  R COMP.", "  05  A PIC 9 COMP-3."], "line 2, column 10", "'05'", "usage binary as its group"),
        (["01  R.", "  05  A PIC X PIC X."], "column 22", "'PIC'", "one picture"),
        (["01  R.", "  05  A PIC 9 COMP DISPLAY."], "column 27", "'DISPLAY'", "one usage of DISPLAY"),
        (["01  R.", "  05  A PIC 9 USAGE COMP-9."], "column 28", "'COMP-9'", "a usage of DISPLAY"),
        (["01  R.", "  05  A PIC 9 SIGN LAST."], "column 27", "'LAST'", "LEADING or TRAILING"),
        (["01  R.", "  05  A PIC 9 LEADING."], "column 10", "'05'", "S in the picture"),
        (["01  R.", "  05  A PIC 9 JUST."], "column 10", "'05'", "JUSTIFIED of text"),
        (["01  R.", "  05  A PIC X BLANK ZERO."], "column 10", "'05'", "BLANK WHEN ZERO of a number"),
        (["01  R.", "  05  A PIC 9 BLANK WHEN X."], "column 33", "'X'", "ZERO"),
        (["01  R.", "  05  A PIC"], "line 2, column 16", "'PIC'", "a period after it"),
        (["01  R.", "  05  A PIC."], "line 2, column 16", "'PIC'", "a picture after it"),
        (["01  R.", "  05  A."], "line 2, column 10", "'05'", "a picture, or items below A"),
        (["01  R.", "  05  A PIC X.", "    10  B PIC X."], "line 3, column 12", "'10'", "no item below one"),
        (["01  R.", "  05  A COMP-1.", "    10  B PIC X."], "line 3, column 12", "'10'", "no item below one"),
        (["01  R.", "  05  B PIC X REDEFINES A."], "line 2, column 32", "'A'", "an item of the same group"),
        (["01  R.", "  05  A OCCURS 3 TO 2 DEPENDING ON R PIC X."], "column 16", "'OCCURS'", "a range that ascends"),
        (["01  R.", "  05  A OCCURS 0 PIC X."], "column 16", "'OCCURS'", "at least 1"),
        (["01  R.", "  05  A OCCURS 1 TO 3 PIC X."], "column 16", "'OCCURS'", "DEPENDING ON a counter"),
        (["01  R.", "  05  A OCCURS X PIC X."], "column 23", "'X'", "a number of at most"),
        (["01  R OCCURS 2 PIC X."], "line 1, column 8", "'01'", "no OCCURS at level 01"),
        (["01  R.", "  05  A OCCURS 16000000.", "   10  B OCCURS 9 PIC X."], "line 2", "'05'", "at most 134217728"),
        (["01  R.", "  05  A- PIC X."], "column 14", "'A-'", "a name of letters"),
        (["01  R.", "  05  A PIC X.", "  66  K RENAMES B."], "line 3, column 24", "'B'", "an item above"),
        (["01  R.", "  05  A PIC X.", "  66  K RENAMES A TO A."], "line 3, column 26", "'TO'", "THRU or a period"),
        (["01  R.", "  05  A PIC X.", "  66  RENAMES A."], "line 3, column 10", "'66'", "a name and RENAMES"),
        (["66  K RENAMES A."], "line 1, column 8", "'66'", "items before"),
        (["88  K VALUE 1."], "line 1, column 8", "'88'", "an item before"),
        (["01  R.", "  05  A PIC X.", "    88  'Y'."], "line 3, column 16", "'Y'", "a name of letters"),
        (["01  R.", "  05  A PIC X.", "    88  YES."], "line 3, column 12", "'88'", "its VALUE"),
        (["01  R.", "  05  A PIC X.", "    88  K VALUE 'A' THRU."], "column 28", "'THRU'", "a literal after it"),
        (["01  R.", "  05  A PIC X.", "    88  K VALUE 'A' B."], "line 3, column 28", "'B'", "literals, THRU"),
        (["01  R.", "  05  A PIC X VALUE B."], "column 28", "'B'", "a literal or a figurative"),
        (["01  R.", "  05  A PIC X VALUE X'4'."], "column 28", "X'4'", "pairs of hexadecimal"),
        (["01  R.", "  05  A PIC X VALUE 'A' 'B'."], "column 22", "'VALUE'", "one value of an item"),
        (["01  R.", "  05  A PIC X VALUE 'OPEN."], "column 28", "'OPEN.", "a literal that ends"),
        (["01  R PIC X.", "01  S PIC X."], "line 2", "R, S", "one record"),
        (["03  R PIC X.", "05  S PIC X."], "line 2, column 8", "'05'", "no item below one"),
        (["01  R.", "  05  A PIC X.", "  05  A PIC 9."], "line 3", "'A'", "not twice R.A"),
        (["COPY OTHER."], "line 1, column 8", "'COPY OTHER'", "a member that is there"),
        (["01  R.", "  05  A PIC X DYNAMIC."], "column 22", "'DYNAMIC'", "PICTURE, USAGE, SIGN"),
        (["50  R PIC X."], "line 1, column 8", "'50'", "a level number"),
        (["RECORD R."], "line 1, column 8", "'RECORD'", "a level number"),
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
        ("      X01  R PIC X.\n", "a blank, \\*, /, D or - in column 7"),
        ("       01  R PIC X VALUE 'A\n           'B'.\n", "a literal that ends on its line, or is continued"),
    ],
)
def test_what_is_no_copybook_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        parse(text)


def test_binary_items_beyond_what_a_compiler_takes_are_refused() -> None:
    """IBM's takes 18 digits, too, but files that tools wrote have more: there, each has as few bytes as hold it."""
    text = "       01  R.\n           05  A PIC 9(19) COMP.\n           05  B PIC S9(37) COMP."

    assert [item.length for item in parse(text).items[0].children] == [9, 16]
    with pytest.raises(ContractError, match="at most 18 binary digits"):
        parse(text, dialect=FUJITSU)
