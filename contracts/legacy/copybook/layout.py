"""Where the items of a record are: offsets, lengths and usages as a value."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from contracts.errors import ContractError
from contracts.legacy.copybook.copying import Resolver
from contracts.legacy.copybook.dialect import ZOS, Dialect
from contracts.legacy.copybook.entry import Entry
from contracts.legacy.copybook.grammar import STANDALONE, parse_entries
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.place import Renamed, place_record
from contracts.legacy.copybook.source import Form, says_decimal_comma

__all__ = ["Field", "Layout", "parse", "parse_all"]

Field: TypeAlias = Item
"""An elementary item that has a name."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The layout of one kind of record."""

    name: str | None
    """Of its level 01 or 77; None where it has neither."""
    length: int
    """Bytes of a record; where tables vary, of the longest."""
    items: tuple[Item, ...]
    """The topmost items, with what is in them: one of level 01 or 77, or several."""
    renames: tuple[Renamed, ...] = ()
    """The level 66 entries."""
    dialect: Dialect = ZOS

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Return the elementary items in the order of the copybook; FILLER is left out."""
        return tuple(item for item in self.walk() if item.kind is not Kind.GROUP and item.name)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Return the fields by name; where a name is not unique, by its path joined with dots."""
        often = Counter(field.name for field in self.fields)
        return {
            field.name if field.name and often[field.name] == 1 else ".".join(field.path): field
            for field in self.fields
        }

    @cached_property
    def is_variable(self) -> bool:
        """Tell whether records differ in length, since a table depends on a counter."""
        return any(item.is_variable for item in self.items)

    def walk(self) -> Iterator[Item]:
        """Yield all items, groups and FILLER included, in the order of the copybook."""
        for item in self.items:
            yield from item.walk()


def parse(
    text: str,
    *,
    dialect: Dialect = ZOS,
    form: Form | None = None,
    resolver: Resolver | None = None,
    record: str | None = None,
    decimal_comma: bool | None = None,
) -> Layout:
    r"""Read the layout of one kind of record from a copybook.

    >>> parse("       01  A.\n           05  B PIC X(3).\n           05  C PIC S9(7)V99 COMP-3.").length
    8

    Args:
        text: The copybook, or a program with it.
        dialect: How the compiler stores what the standard leaves to it.
        form: Fixed or free; None recognises it.
        resolver: Finds what the copybook copies; None refuses COPY.
        record: The name of the record, where the copybook has several of level 01.
        decimal_comma: Whether DECIMAL-POINT IS COMMA; None is what a whole program says, and no otherwise.

    Raises:
        ContractError: Something in it is not understood; names line, column, the text and what was expected.
            Or it has no such record, several where none is named, or two fields that nothing tells apart.
    """
    layouts = parse_all(text, dialect=dialect, form=form, resolver=resolver, decimal_comma=decimal_comma)
    names = ", ".join(layout.name or "(no name)" for layout in layouts)
    if record is not None:
        layouts = tuple(layout for layout in layouts if layout.name == record.upper())
        if not layouts:
            raise ContractError("copybook", found=names, expected=f"a record {record.upper()}")
    first, *others = layouts
    if others:
        where = f"copybook line {others[0].items[0].line}"
        raise ContractError(where, found=names, expected="one record, or the name of one of several")
    _check_names(first)
    return first


def parse_all(
    text: str,
    *,
    dialect: Dialect = ZOS,
    form: Form | None = None,
    resolver: Resolver | None = None,
    decimal_comma: bool | None = None,
) -> tuple[Layout, ...]:
    """Read the layouts of all records of a copybook: one for each level 01 and 77, and of what has neither.

    Names may be there twice: look at them, but do not decode.

    Raises:
        ContractError: Something in it is not understood, or there is nothing in it.
    """
    has_comma = says_decimal_comma(text, form=form) if decimal_comma is None else decimal_comma
    entries = parse_entries(text, form=form, resolver=resolver, decimal_comma=has_comma)
    if not entries:
        raise ContractError("copybook", found="none", expected="at least one item")
    return tuple(_layout(record, dialect) for record in _records(entries))


def _records(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, ...]]:
    loose: list[Entry] = []
    for entry in entries:
        if entry.level not in STANDALONE:
            loose.append(entry)
            continue
        if loose:
            yield tuple(loose)
            loose = []
        yield (entry,)
    if loose:
        yield tuple(loose)


def _layout(entries: tuple[Entry, ...], dialect: Dialect) -> Layout:
    placed = place_record(entries, dialect)
    name = entries[0].name if entries[0].level in STANDALONE else None
    return Layout(name=name, length=placed.length, items=placed.items, renames=placed.renames, dialect=dialect)


def _check_names(layout: Layout) -> None:
    """Refuse two fields of one path: nothing could tell them apart."""
    count = Counter(field.path for field in layout.fields)
    twice = [field for field in layout.fields if count[field.path] > 1]
    if twice:
        paths = ", ".join(sorted({".".join(field.path) for field in twice}))
        where = f"copybook line {twice[1].line}"
        expected = f"names that are unique in their groups, not twice {paths}"
        raise ContractError(where, found=repr(twice[1].name), expected=expected)
