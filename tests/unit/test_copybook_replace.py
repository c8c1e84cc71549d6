"""REPLACE, and EXEC SQL in copybooks."""

import pytest

from contracts.errors import ContractError
from contracts.legacy.copybook import parse

MEMBERS = {
    "KEYS": "           05  :TAG:-ID PIC 9(4).\n           05  :TAG:-NO PIC XX.\n",
    "OTHERS": "       REPLACE ==:TAG:== BY ==IN==.\n       COPY KEYS.\n",
}
DCLGEN = """\
           EXEC SQL DECLARE TOWN.RESIDENT TABLE
           ( ID                  CHAR(8) NOT NULL,
             NAME                VARCHAR(30) NOT NULL,
             BORN                DATE
           ) END-EXEC.
       EXEC SQL INCLUDE SQLCA END-EXEC.
       01  DCLRESIDENT.
           05 ID                   PIC X(8).
           EXEC SQL INCLUDE KEYS END-EXEC
           05 BORN                 PIC X(10).
"""


def member(name: str, _library: str | None) -> str | None:
    return MEMBERS.get(name)


def names(text: str) -> list[tuple[str, int]]:
    return [(field.name or "", field.length) for field in parse(text, resolver=member).fields]


def test_replace_holds_up_to_the_next_and_up_to_off() -> None:
    text = (
        "       REPLACE ==:TAG:== BY ==ABC== ==PIC XX== BY ==PIC X(7)==\n"
        "               ==OLD== BY ====.\n"
        "       01  R.\n"
        "           05  :TAG:-A PIC XX.\n"
        "           05  :TAG:-B PIC XX OLD.\n"
        "       REPLACE ==ABC-C== BY ==ABC-D==.\n"
        "           05  ABC-C PIC XX.\n"
        "       REPLACE OFF.\n"
        "           05  ABC-C PIC XX.\n"
    )

    assert names(text) == [("ABC-A", 7), ("ABC-B", 7), ("ABC-D", 2), ("ABC-C", 2)]


def test_replace_holds_for_what_is_copied_and_from_within_it() -> None:
    before = "       REPLACE ==:TAG:== BY ==OUT==.\n       01  R.\n       COPY KEYS.\n"
    within = "       01  R.\n       COPY OTHERS.\n           05  :TAG:-X PIC X.\n"

    assert names(before) == [("OUT-ID", 4), ("OUT-NO", 2)]
    assert names(within) == [("IN-ID", 4), ("IN-NO", 2), ("IN-X", 1)]


def test_pseudo_text_may_hold_periods_and_whole_entries() -> None:
    text = (
        "       REPLACE ==05 A PIC X.== BY ==05 B PIC XX. 05 C PIC 9.==.\n"
        "       01  R.\n           05  A PIC X.\n           05  D PIC X.\n"
    )

    assert names(text) == [("B", 2), ("C", 1), ("D", 1)]


def test_what_db2_generates_is_read() -> None:
    assert names("       REPLACE ==:TAG:== BY ==K==.\n" + DCLGEN) == [
        *(("ID", 8), ("K-ID", 4), ("K-NO", 2), ("BORN", 10)),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("REPLACE.", "line 2, column 8: expected pseudo-text to replace"),
        ("REPLACE A BY B.", "pseudo-text to replace"),
        ("REPLACE ==A== ==B==.", "something to replace, BY"),
        ("REPLACE ==A== BY ==B.", "pseudo-text that ends"),
        ("REPLACE ==A== BY ==B==", "a period after REPLACE"),
        ("REPLACE ==A== BY ==?==. 05 A PIC X.", "line 2, column 35: expected a name"),
        ("EXEC SQL INCLUDE GONE END-EXEC.", "expected a member that is there, found 'EXEC SQL INCLUDE GONE'"),
        ("EXEC SQL SELECT A END-EXEC.", "line 2, column 8: expected SQL INCLUDE a member, or a declaration"),
        ("EXEC CICS LINK END-EXEC.", "SQL INCLUDE"),
        ("EXEC SQL INCLUDE KEYS.", "END-EXEC"),
        ("COPY SQLCA.", "a member that is there"),
    ],
)
def test_what_is_not_understood_says_where(text: str, expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        parse(f"       01  R.\n       {text}\n", resolver=member)


def test_replace_does_not_multiply_without_end() -> None:
    many = "           05  FILLER PIC X.\n" * 2000
    few = "           05  A PIC X.\n" * 200

    with pytest.raises(ContractError, match="words, with all that REPLACE makes of them"):
        parse(f"       REPLACE ==05 A PIC X.== BY ==\n{many}           ==.\n       01  R.\n{few}")
