"""What changed between two copybooks, and whether old records can be read with the new one."""

import pytest

from contracts.legacy.copybook import parse
from contracts.legacy.copybook.compare import Comparison, compare

OLD = ("05 A PIC X(4).", "05 B PIC S9(5)V99 COMP-3.", "05 FILLER PIC X(6).", "05 C PIC 9(4) COMP.")


def compared(*new: str, old: tuple[str, ...] = OLD) -> Comparison:
    """Compare two records with these entries."""
    before, after = (
        parse("       01  R.\n" + "".join(f"         {entry}\n" for entry in entries)) for entries in (old, new)
    )
    return compare(before, after)


def test_the_same_copybook_is_compatible() -> None:
    assert compared(*OLD) == Comparison(differences=(), reasons=())


def test_a_field_in_the_room_of_filler_is_compatible() -> None:
    found = compared(OLD[0], OLD[1], "05 D PIC X(2).", "05 FILLER PIC X(4).", OLD[3])

    assert [(each.change, each.path, each.new) for each in found.differences] == [
        ("added", "R.D", "text X(2) at 8, 2 bytes")
    ]
    assert found.is_compatible


def test_other_condition_names_are_told_and_leave_the_bytes_as_they_are() -> None:
    names = ("88 OPEN VALUE 'O'.", "88 CLOSED VALUES 'C' 'X' THRU 'Z'.")
    found = compared(OLD[0], names[1], names[0], *OLD[1:], old=(OLD[0], *names, *OLD[1:]))

    assert [(each.change, each.path, each.old, each.new) for each in found.differences] == [
        ("conditions", "R.A", "OPEN 'O', CLOSED 'C' 'X' THRU 'Z'", "CLOSED 'C' 'X' THRU 'Z', OPEN 'O'")
    ]
    assert found.is_compatible
    assert compared(OLD[0], *names, *OLD[1:], old=(OLD[0], *names, *OLD[1:])).differences == ()


def test_a_new_name_for_old_bytes_is_compatible() -> None:
    assert compared(*OLD[:1], "05 D REDEFINES A PIC 9(4).", *OLD[1:]).is_compatible


@pytest.mark.parametrize(
    ("new", "changes", "reasons"),
    [
        (OLD[:3], ["removed R.C", "resized R"], ["the record has 14 bytes", "R has 14 bytes", "R.C is gone"]),
        (
            (OLD[0], "05 D PIC X.", *OLD[1:]),
            ["added R.D", "moved R.B", "moved R.C", "resized R"],
            ["the record has 17 bytes", "R has 17 bytes", "R.B begins at 5 instead of 4", "R.C begins at 15"],
        ),
        (
            (OLD[0], "05 B PIC S9(6)V9 COMP-3.", *OLD[2:]),
            ["retyped R.B"],
            ["R.B is packed S9(6)V9 signed instead of packed S9(5)V99 signed"],
        ),
        (
            (OLD[0], "05 B PIC S9(7)V99 COMP-3.", "05 FILLER PIC X(5).", OLD[3]),
            ["resized R.B", "retyped R.B"],
            ["R.B has 5 bytes instead of 4", "R.B is packed S9(7)V99"],
        ),
    ],
)
def test_what_old_records_do_not_have_is_not_compatible(
    new: tuple[str, ...], changes: list[str], reasons: list[str]
) -> None:
    found = compared(*new)

    assert sorted(f"{each.change} {each.path}" for each in found.differences) == sorted(changes)
    assert len(found.reasons) == len(reasons)
    assert all(any(reason.startswith(start) for reason in found.reasons) for start in reasons), found.reasons


def test_a_table_that_begins_to_vary_is_not_compatible() -> None:
    found = compared(
        "05 N PIC 9.", "05 T PIC X OCCURS 1 TO 2 DEPENDING ON N.", old=("05 N PIC 9.", "05 T PIC X OCCURS 2.")
    )

    assert found.reasons[0] == "records vary in length"
    assert found.reasons[1].startswith("R.T is text X occurs 1 to 2 depending on N instead of text X occurs 2")
