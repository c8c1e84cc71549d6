"""Reference formats, continuation, whole programs, and COPY."""

import pytest

from contracts.errors import ContractError
from contracts.legacy.copybook import parse, parse_all
from contracts.legacy.copybook.source import Form, words

MEMBERS = {
    "ADDRESS": "           05  :TAG:-STREET PIC X(3).\n           05  OLD-CITY PIC X(:LEN:).\n",
    "NESTED": "       COPY ADDRESS REPLACING ==:TAG:== BY ==IN== ==:LEN:== BY ==1==.\n",
    "LOOP": "       COPY LOOP.\n",
    "BAD": "           05  A PIC ?.\n",
}


def member(name: str, library: str | None, /) -> str | None:
    """Return a member's text, whatever the library, or nothing."""
    return MEMBERS.get(name) if library in (None, "LIB") else None


def names(text: str) -> list[tuple[str | None, int]]:
    """Return names and lengths of all fields."""
    return [(field.name, field.length) for field in parse(text, resolver=member).fields]


def test_free_format_is_recognised_by_a_level_number_before_column_7() -> None:
    text = "*> a comment\n01 R.\n  05 A PIC X(2). *> and more\n" + " " * 80 + "05 B PIC X.\n"

    assert names(text) == [("A", 2), ("B", 1)]


@pytest.mark.parametrize("directive", [">>SOURCE FORMAT IS FREE", '      $SET SOURCEFORMAT"FREE"'])
def test_free_format_is_recognised_by_a_directive(directive: str) -> None:
    assert names(f"{directive}\n         01 R.\n {' ' * 80}05 B PIC X.\n") == [("B", 1)]


def test_a_format_that_is_told_is_not_recognised() -> None:
    text = "       01  R PIC X(2).                                                      05 B PIC X.\n"

    assert [word.text for word in words(text, form=Form.FIXED)] == ["01", "R", "PIC", "X(2)", "."]
    assert [word.text for word in words(text, form=Form.FREE)][-2:] == ["X", "."]


def test_sequence_numbers_and_what_follows_column_72_are_no_text() -> None:
    text = "000010 01  R.                                                           SOMETHING\n000020     05 A PIC X.\n"

    assert names(text) == [("A", 1)]


def test_a_tab_stands_for_blanks_up_to_the_next_eighth_column() -> None:
    with pytest.raises(ContractError, match="line 2, column 33"):
        parse("\t01  R.\n\t\t05  A\tPIC\t?.\n".replace("\tPIC\t", " PIC \t"))
    assert names("\t01  R.\n\t\t05  A\tPIC X.\n") == [("A", 1)]


def test_a_level_number_in_column_7_is_text() -> None:
    assert names("      01  R.\n         05  A PIC X.\n") == [("A", 1)]


def test_an_entry_that_begins_with_an_asterisk_is_a_comment_but_a_picture_is_none() -> None:
    assert names("       * A COMMENT\n       01  R.\n           05  A PIC\n               ***9.\n") == [("A", 4)]


def test_debugging_lines_are_left_out() -> None:
    assert names("       01  R.\n           05  A PIC X.\n      D    05  B PIC X.\n") == [("A", 1)]


def test_a_literal_is_continued_from_column_72_after_a_quotation_mark() -> None:
    first = "       01  R PIC X(90) VALUE 'A"
    layout = parse(f"{first}\n      -    'B'.\n")

    value = layout.items[0].value
    assert value is not None
    assert value.text == "A" + " " * (72 - len(first)) + "B"


def test_a_word_is_continued_at_the_first_character() -> None:
    assert names("       01  R PIC X(1\n      -    2) VALUE 'A'.\n") == [("R", 12)]


def test_of_a_program_only_the_data_division_counts() -> None:
    text = (
        "       PROCESS NOSEQ\n"
        "       IDENTIFICATION DIVISION.\n       PROGRAM-ID. P. AUTHOR. O'NEILL.\n"
        "       DATA DIVISION.\n       FILE SECTION.\n       FD  F RECORDING MODE F.\n       01  R PIC X.\n"
        "       WORKING-STORAGE SECTION.\n       77  N PIC 9(3).\n"
        "       PROCEDURE DIVISION.\n           DISPLAY 'it''s.\n"
    )

    assert [(layout.name, layout.length) for layout in parse_all(text)] == [("R", 1), ("N", 3)]


def test_one_of_several_records_is_named() -> None:
    text = "       01  R PIC X.\n       01  S PIC X(2).\n"

    assert parse(text, record="s").length == 2
    with pytest.raises(ContractError, match="expected a record T, found R, S"):
        parse(text, record="T")


def test_copy_brings_a_member_and_replaces_words_and_tags() -> None:
    copy = (
        "       COPY ADDRESS OF LIB\n"
        "           REPLACING ==:TAG:== BY ==HOME== OLD-CITY BY CITY\n"
        "           ==:LEN:== BY ==4==.\n"
    )

    assert names("       01  R.\n" + copy) == [("HOME-STREET", 3), ("CITY", 4)]


def test_copy_replaces_the_ends_of_words() -> None:
    copy = (
        "       COPY ADDRESS REPLACING ==:TAG:== BY ==T== ==:LEN:== BY ==4==\n"
        "           LEADING ==OLD== BY ==NEW== TRAILING ==TREET== BY ==T==.\n"
    )

    assert names("       01  R.\n" + copy) == [("T-ST", 3), ("NEW-CITY", 4)]


def test_a_member_copies_another() -> None:
    assert names("       01  R. COPY NESTED.\n") == [("IN-STREET", 3), ("OLD-CITY", 1)]


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ("COPY GONE.", "line 2, column 8: expected a member that is there, found 'COPY GONE'"),
        ("COPY ADDRESS OF OTHER.", "expected a member that is there"),
        ("COPY LOOP.", "copybook LOOP line 1, column 8: expected a member that does not copy itself"),
        ("COPY BAD.", r"copybook BAD line 1, column 22: expected a picture"),
        ("COPY.", "the name of a member"),
        ("COPY ADDRESS NOW.", "OF or IN a library"),
        ("COPY ADDRESS REPLACING A.", "something to replace, BY"),
        ("COPY ADDRESS REPLACING ==A BY B.", "pseudo-text that ends"),
        ("COPY ADDRESS REPLACING A BY.", "an operand after it"),
        ("COPY ADDRESS", "a period after COPY"),
    ],
)
def test_a_copy_that_fails_says_where(copy: str, expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        parse(f"       01  R.\n       {copy}\n", resolver=member)
