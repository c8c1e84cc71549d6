"""Where items are: tables, redefinitions, slack bytes, and what dialects disagree about."""

from dataclasses import replace

import pytest

from contracts.errors import ContractError
from contracts.legacy.copybook import Layout, parse
from contracts.legacy.copybook.dialect import DIALECTS, GNUCOBOL, ZOS, dialect_named


def layout(*entries: str, dialect: str = "zos") -> Layout:
    """Return the layout of a record with these entries."""
    text = "       01  R.\n" + "".join(f"         {entry}\n" for entry in entries)
    return parse(text, dialect=dialect_named(dialect))


def places(found: Layout) -> dict[str | None, tuple[int, int]]:
    """Return offset and length of what is named."""
    return {item.name: (item.offset, item.length) for item in found.walk() if item.name}


def test_a_table_takes_the_room_of_all_its_occurrences() -> None:
    found = layout("05 A OCCURS 3.", "  10 B PIC X(2).", "  10 C PIC X OCCURS 4 TIMES INDEXED BY I J.", "05 D PIC X.")

    assert places(found) == {"R": (0, 19), "A": (0, 6), "B": (0, 2), "C": (2, 1), "D": (18, 1)}
    assert {item.name: item.dimensions for item in found.fields} == {"B": ((3, 6),), "C": ((3, 6), (4, 1)), "D": ()}


def test_a_redefinition_begins_where_its_item_does_and_the_longest_counts() -> None:
    found = layout("05 A PIC X(4).", "05 B REDEFINES A PIC X(6).", "05 C REDEFINES B.", "  10 D PIC X.", "05 E PIC X.")

    assert places(found) == {"R": (0, 7), "A": (0, 4), "B": (0, 6), "C": (0, 1), "D": (0, 1), "E": (6, 1)}


def test_a_table_that_varies_is_placed_at_its_longest_and_knows_its_counter() -> None:
    found = layout(
        "05 N PIC 9.",
        "05 G OCCURS 1 TO 3 DEPENDING ON N.",
        "  10 N PIC 9.",
        "  10 H PIC X OCCURS 0 TO 2 TIMES DEPENDING ON N OF G.",
        "05 K PIC X OCCURS 5 DEPENDING ON ELSEWHERE.",
    )

    assert found.is_variable
    assert found.length == 1 + 3 * 3 + 5
    tables = [item.occurs for item in found.walk() if item.occurs]
    assert [(t.least, t.most, t.counter) for t in tables] == [
        (1, 3, ("R", "N")),
        (0, 2, ("R", "G", "N")),
        (1, 5, None),
    ]


def test_a_counter_of_the_same_group_is_meant_where_several_have_its_name() -> None:
    found = layout("05 G.", "  10 N PIC 9.", "05 H.", "  10 N PIC 9.", "  10 T PIC X OCCURS 1 TO 2 DEPENDING N.")

    assert [item.occurs.counter for item in found.walk() if item.occurs] == [("R", "H", "N")]


def test_renames_knows_its_items() -> None:
    text = "       01  R.\n           05  A.\n             10  B PIC X.\n           05  C PIC X.\n"

    found = parse(text + "       66  K RENAMES B OF A THRU C.\n       66  L RENAMES A.\n").renames

    assert [(each.name, each.first, each.last) for each in found] == [
        ("K", ("R", "A", "B"), ("R", "C")),
        ("L", ("R", "A"), ("R", "A")),
    ]


def test_signs_of_a_group_are_those_of_its_numbers() -> None:
    found = layout("05 G SIGN LEADING SEPARATE.", "  10 A PIC S9(3).", "  10 B PIC 9(3).", "  10 C PIC X.")

    assert [(f.length, str(f.sign)) for f in found.fields] == [
        (4, "leading separate"),
        (3, "trailing"),
        (1, "trailing"),
    ]


SLACK = (
    "05 A PIC X.",
    "05 G.",
    "  10 B PIC S9(9) COMP SYNC.",
    "  10 C PIC X.",
    "05 H OCCURS 3.",
    "  10 D PIC S9(9) COMP SYNC.",
    "  10 E PIC X.",
    "05 J PIC X.",
    "05 K OCCURS 2.",
    "  10 L PIC X.",
    "  10 M PIC S9(4) COMP SYNC.",
    "  10 N PIC X.",
)


def test_slack_bytes_stand_before_a_group_on_z_os_and_in_it_elsewhere() -> None:
    """IBM: Language Reference, "Slack bytes within records". GnuCOBOL: as cobc -std=ibm lays the same items out."""
    zos, gnu = places(layout(*SLACK)), places(layout(*SLACK, dialect="gnucobol-ibm"))

    assert (zos["G"], zos["B"], zos["H"], zos["K"], zos["M"], zos["R"]) == (
        (4, 5),
        (4, 4),
        (12, 8),
        (37, 4),
        (38, 2),
        (0, 45),
    )
    assert (gnu["G"], gnu["B"], gnu["H"], gnu["K"], gnu["M"], gnu["R"]) == (
        (1, 8),
        (4, 4),
        (9, 8),
        (34, 6),
        (36, 2),
        (0, 46),
    )


def test_gnucobol_does_not_always_align_all_occurrences() -> None:
    """As cobc -std=ibm lays it out: the last group in a table counts alone. IBM: all that is in the table."""
    table = ("05 T OCCURS 2.", "  10 A PIC S9(9) COMP SYNC.", "  10 B PIC X.")
    group = ("  10 G.", "    15 C PIC X.")

    assert [layout(*table, *group, dialect=name).length for name in ("gnucobol-ibm", "zos")] == [12, 16]
    assert [layout(*table, dialect=name).length for name in ("gnucobol-ibm", "zos")] == [16, 16]
    assert [layout("05 X PIC X.", "05 G SYNC.", "  10 A PIC 9(9) COMP.", dialect=name).length for name in DIALECTS] == [
        8,
        5,
        8,
        5,
        5,
    ]


@pytest.mark.parametrize(
    ("dialect", "sizes", "aligned", "native"),
    [
        ("zos", [2, 2, 4, 4, 4, 8], [2, 2, 4, 4, 4, 4], "big"),
        ("fujitsu", [2, 2, 4, 4, 4, 8], [2, 2, 4, 4, 4, 4], "little"),
        ("gnucobol-ibm", [2, 2, 4, 4, 4, 8], [2, 2, 4, 4, 4, 8], "little"),
        ("gnucobol", [1, 2, 4, 4, 4, 8], [1, 2, 4, 4, 4, 8], "little"),
        ("mf", [1, 2, 3, 3, 4, 6], [1, 1, 1, 1, 1, 1], "little"),
    ],
)
def test_dialects_set_size_order_and_alignment_of_binary_items(
    dialect: str, sizes: list[int], aligned: list[int], native: str
) -> None:
    digits = (2, 4, 5, 6, 8, 14)
    plain = [layout(f"05 A PIC S9({n}) COMP.", dialect=dialect).length for n in digits]
    synced = [layout("05 X PIC X.", f"05 A PIC S9({n}) COMP SYNC.", dialect=dialect).fields[-1].offset for n in digits]

    assert (plain, synced) == (sizes, aligned)
    assert layout("05 A PIC 9 COMP-5.", dialect=dialect).fields[0].order == native
    assert layout("05 A PIC 9 COMP.", dialect=dialect).fields[0].order == "big"


def test_gnucobol_has_comp_5_of_one_byte_whatever_its_comp() -> None:
    assert [layout(f"05 A PIC S9(2) {usage}.", dialect="gnucobol-ibm").length for usage in ("COMP", "COMP-5")] == [2, 1]


def test_unsigned_items_of_micro_focus_may_be_a_byte_shorter() -> None:
    assert [layout(f"05 A PIC {s}9(7) COMP.", dialect="mf").length for s in ("S", "")] == [4, 3]


def test_binary_items_of_more_than_18_digits_are_gnucobols() -> None:
    assert layout("05 A PIC 9(38) COMP.", dialect="gnucobol").length == 16


def test_floats_and_pointers_are_aligned_too() -> None:
    found = layout(
        "05 X PIC X.", "05 A COMP-1 SYNC.", "05 Y PIC X.", "05 B COMP-2 SYNC.", "05 Z PIC X.", "05 P POINTER SYNC."
    )

    assert [f.offset for f in found.fields] == [0, 4, 8, 16, 24, 28]


def test_a_synchronized_group_synchronizes_what_is_in_it() -> None:
    found = layout("05 X PIC X.", "05 G SYNC.", "  10 A PIC S9(4) COMP.", "  10 Y PIC X.", "  10 B PIC S9(9) COMP.")

    assert [(f.offset, f.length) for f in found.fields] == [(0, 1), (2, 2), (4, 1), (8, 4)]


def test_an_unknown_dialect_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ContractError, match="one of zos, mf, fujitsu, gnucobol, gnucobol-ibm"):
        dialect_named("cics")
    assert {name: each.name for name, each in DIALECTS.items()} == {name: name for name in DIALECTS}


def test_a_dialect_is_a_value_and_can_be_changed() -> None:
    wide = replace(ZOS, signed=GNUCOBOL.signed)

    assert parse("       01  A PIC S9(2) COMP.", dialect=wide).length == 1
