"""Customers with accounts, cards and transactions in one file, each record below the one that it belongs to."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from hypothesis import strategies as st

from contracts.legacy.copybook import parse
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import write
from contracts.legacy.record_file import RecordFile, Refused

__all__ = ["COPYBOOK", "NESTED", "PARENTS", "RULE", "described", "encoded", "framed", "kinds", "records", "seen"]

COPYBOOK = """\
       01  ENTRY.
           05  REC-TYPE          PIC X.
           05  SEQ               PIC 9(4).
           05  CUSTOMER.
               10  NAME          PIC X(8).
           05  ACCOUNT           REDEFINES CUSTOMER.
               10  NUMBER        PIC 9(6).
           05  TXN               REDEFINES CUSTOMER.
               10  AMOUNT        PIC S9(5)V99 COMP-3.
           05  CARD              REDEFINES CUSTOMER.
               10  PAN           PIC X(5).
           05  BRANCH            REDEFINES CUSTOMER.
               10  TOWN          PIC X(7).
"""
NESTED = """\
       01  ENTRY.
           05  REC-TYPE          PIC X.
           05  SEQ               PIC 9(4).
           05  CONTENT.
               10  CUSTOMER.
                   15  NAME      PIC X(8).
               10  ACCOUNT       REDEFINES CUSTOMER.
                   15  NUMBER    PIC 9(6).
               10  TXN           REDEFINES CUSTOMER.
                   15  AMOUNT    PIC S9(5)V99 COMP-3.
               10  CARD          REDEFINES CUSTOMER.
                   15  PAN       PIC X(5).
               10  BRANCH        REDEFINES CUSTOMER.
                   15  TOWN      PIC X(7).
"""
PARENTS = {"ACCOUNT": "CUSTOMER", "CARD": "CUSTOMER", "TXN": "ACCOUNT"}
RULE: dict[str, Any] = {
    "field": "REC-TYPE",
    "map": {"C": "CUSTOMER", "A": "ACCOUNT", "K": "CARD", "T": "TXN", "B": "BRANCH"},
    "parents": PARENTS,
}
"""Customers are roots, and so are branches, which nothing stands below."""


def _group(kind: str, number: int) -> dict[str, dict[str, object]]:
    groups: dict[str, dict[str, dict[str, object]]] = {
        "C": {"CUSTOMER": {"NAME": f"N{number}"}},
        "A": {"ACCOUNT": {"NUMBER": number}},
        "K": {"CARD": {"PAN": f"P{number}"}},
        "T": {"TXN": {"AMOUNT": Decimal(-number)}},
        "B": {"BRANCH": {"TOWN": f"B{number}"}},
    }
    return groups[kind]


def described(copybook: str = COPYBOOK, rule: Mapping[str, Any] = RULE, **spec: Any) -> RecordFile:
    """Return a file of variable records, or of whatever is said."""
    values = {"copybook": Path("c.cpy"), "framing": {"recfm": "V"}, "segments": [rule], **spec}
    return RecordFile(FileSpec.model_validate(values), parse(copybook))


_CODEC = described().codec


def records(kinds_: str) -> list[bytes]:
    """Return a record of each of these types."""
    return [
        _CODEC.encode({"REC-TYPE": kind, "SEQ": number, **_group(kind, number)}) for number, kind in enumerate(kinds_)
    ]


def framed(records_: Sequence[bytes], file: RecordFile | None = None) -> bytes:
    """Return a file of records."""
    return b"".join(write(records_, (file or described()).framing))


def encoded(file: RecordFile, values: Sequence[Mapping[str, Any]]) -> bytes:
    """Return what a file writes; nothing of it may be refused."""
    refused: list[Refused] = []
    data = b"".join(file.encode([RecordFile.line(dict(each)) for each in values], refused))
    assert refused == []
    return data


def seen(tree: Mapping[str, Any]) -> str:
    """Return a tree as its sequence numbers: `0(1(2 3) 4)`; those that stand below one by the order of the groups."""
    below = [each for name, value in tree.items() for each in _entries(name, value)]
    return f"{tree['SEQ']}({' '.join(map(seen, below))})" if below else str(tree["SEQ"])


def _entries(name: str, value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, dict):
        return [each for inner, below in cast("dict[str, Any]", value).items() for each in _entries(inner, below)]
    return cast("list[Mapping[str, Any]]", value) if isinstance(value, list) and name in PARENTS else []


def kinds() -> st.SearchStrategy[str]:
    """Return record types of files in which every record has the one that it stands below."""
    account = st.lists(st.just("T"), max_size=3).map(lambda below: "A" + "".join(below))
    below = st.lists(st.one_of(account, st.just("K")), max_size=4)
    tree = st.one_of(below.map(lambda each: "C" + "".join(each)), st.just("B"))
    return st.lists(tree, max_size=6).map("".join)
