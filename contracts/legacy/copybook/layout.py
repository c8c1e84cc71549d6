"""Where the fields of a record are: offsets, lengths and usages as a value."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from contracts.errors import ContractError
from contracts.legacy.copybook.grammar import Item, Usage, parse_items
from contracts.legacy.copybook.picture import Picture

__all__ = ["Field", "Layout", "parse"]

_MAX_BINARY_DIGITS = 18
_HALFWORD_DIGITS, _FULLWORD_DIGITS = 4, 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An elementary item that has a name."""

    name: str
    """As in the copybook, in upper case."""
    path: tuple[str, ...]
    """The names from the outermost group down to this field, FILLER groups left out."""
    offset: int
    """First byte in the record, from 0."""
    length: int
    """Bytes."""
    usage: Usage
    digits: int
    """Digits of a number; 0 is text."""
    scale: int
    """How many of the digits stand behind the decimal point."""
    signed: bool


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The layout of one kind of record."""

    length: int
    """Bytes of a record."""
    fields: tuple[Field, ...]
    """In the order of the copybook; FILLER is left out."""

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Return the fields by name; where a name is not unique, by its path joined with dots."""
        often = Counter(field.name for field in self.fields)
        return {field.name if often[field.name] == 1 else ".".join(field.path): field for field in self.fields}


def parse(text: str) -> Layout:
    r"""Read a copybook in fixed reference format.

    >>> parse("       01  A.\n           05  B PIC X(3).\n           05  C PIC S9(7)V99 COMP-3.").length
    8

    Raises:
        ContractError: Something in it is not understood; names line, column, the text and what was expected.
    """
    items = parse_items(text)
    if not items:
        raise ContractError("copybook", found="none", expected="at least one item")
    for item in items[1:]:
        if item.level == 1 or item.level != items[0].level:
            raise item.word.error("one record (several level 01 items, and mixed topmost levels, are not supported)")
    end = 0
    fields: list[Field] = []
    for item in items:
        end = _place(item, end, _Group(path=(), usage=None), into=fields)
    _check_names(items, fields)
    return Layout(length=end, fields=tuple(fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    path: tuple[str, ...]
    usage: Usage | None


def _place(item: Item, offset: int, group: _Group, *, into: list[Field]) -> int:
    """Append the fields of an item that begins at an offset, and return where it ends."""
    if item.usage and group.usage and item.usage != group.usage:
        raise item.word.error(f"usage {group.usage} as its group has")
    usage = item.usage or group.usage
    path = (*group.path, item.name) if item.name else group.path
    if item.picture is None:
        for child in item.children:
            offset = _place(child, offset, _Group(path=path, usage=usage), into=into)
        return offset
    length = _length(item, item.picture, usage or Usage.DISPLAY)
    if item.name:
        into.append(
            Field(
                name=item.name,
                path=path,
                offset=offset,
                length=length,
                usage=usage or Usage.DISPLAY,
                digits=item.picture.digits,
                scale=item.picture.scale,
                signed=item.picture.signed,
            )
        )
    return offset + length


def _length(item: Item, picture: Picture, usage: Usage) -> int:
    if usage is Usage.DISPLAY:
        return picture.size
    if not picture.digits:
        raise item.word.error(f"a number in the picture of an item with usage {usage}")
    if usage is Usage.PACKED:
        return picture.digits // 2 + 1
    if picture.digits > _MAX_BINARY_DIGITS:
        raise item.word.error(f"at most {_MAX_BINARY_DIGITS} binary digits")
    return 2 if picture.digits <= _HALFWORD_DIGITS else 4 if picture.digits <= _FULLWORD_DIGITS else 8


def _check_names(items: tuple[Item, ...], fields: list[Field]) -> None:
    """Refuse two fields of one path: nothing could tell them apart."""
    twice = {path for path, count in Counter(field.path for field in fields).items() if count > 1}
    if twice:
        word = next(item.word for item in _elementary(items) if item.name in {path[-1] for path in twice})
        raise word.error("names that are unique in their groups, not twice " + ", ".join(map(".".join, sorted(twice))))


def _elementary(items: tuple[Item, ...]) -> Iterator[Item]:
    for item in items:
        yield from _elementary(item.children) if item.children else (item,)
