"""Which groups of a file stand below which, and which of them a record has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from contracts.errors import ConfigError, RecordError
from contracts.legacy.copybook import RowCodec
from contracts.legacy.copybook.compile import find
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.file_spec import SegmentRule

__all__ = ["ORDER", "Kin", "Kinship"]

ORDER = "Seg_Order"
"""The member of a group that tells the order of what stands below it, where that is not by kind."""

_Path = tuple[str, ...]
_MOST_KNOWN: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A group that stands above or below others."""

    name: str
    path: _Path
    """Of its item, in the layout."""
    place: _Path
    """Where it is in a record: the names from the outermost object down to it."""
    fields: frozenset[str]
    """The names of what is in it."""
    parent: _Path | None
    """The path of the group that it stands below; None is a root."""


@final
class Kinship:
    """The groups of one file that stand above or below others.

    A record without any of them is a root that nothing stands below.
    """

    def __init__(self, codec: RowCodec, rules: Sequence[SegmentRule]) -> None:
        """Check what is declared.

        Raises:
            ConfigError: It contradicts itself or the layout; holds every problem.
        """
        rule = next(each for each in rules if each.parents)
        found = _Declared(codec, rule)
        problems = [*found.problems]
        if len(rules) > 1:
            problems.append("segments: parents go with one rule, not with several: one field tells all groups apart")
        if problems:
            raise ConfigError(dict.fromkeys(problems))
        depth = len(codec.root.item.path)
        self._codec = codec
        self.kin: Mapping[_Path, Kin] = {
            item.path: Kin(
                name=item.label,
                path=item.path,
                place=item.path[depth:],
                fields=frozenset(child.name for child in item.children if child.name),
                parent=found.parents.get(item.path),
            )
            for item in found.items
        }
        self._children: dict[_Path, list[Kin]] = {path: [] for path in self.kin}
        for path, parent in found.parents.items():
            self._children[parent].append(self.kin[path])
        self._any = next(iter(self.kin))
        telling = find(codec.layout, rule.field)
        self._telling = slice(telling.offset, telling.offset + telling.length)
        self._known: dict[bytes, Kin | None] = {}
        """What the bytes of the field that tells have meant; it is asked of each record more than once."""

    @property
    def levels(self) -> int:
        """Return how many groups stand one below the other at most."""
        return max(sum(1 for _ in self.line(kin)) for kin in self.kin.values())

    def children(self, kin: Kin | None) -> Sequence[Kin]:
        """Return what may stand directly below a group, in the order of the description."""
        return [] if kin is None else self._children[kin.path]

    def line(self, kin: Kin) -> Iterator[Kin]:
        """Yield a group, the one that it stands below, and so on up to its root."""
        at: Kin | None = kin
        while at is not None:
            yield at
            at = None if at.parent is None else self.kin[at.parent]

    def of(self, record: bytes) -> Kin | None:
        """Return the group of a record; None is a root that nothing stands below.

        Raises:
            RecordError: The field that tells can't be read, or its value is not mapped.
        """
        raw = record[self._telling]
        if raw not in self._known:
            path = self._codec.group_of(record, self._any)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[raw] = None if path is None else self.kin.get(path)
        return self._known[raw]

    def place(self, path: _Path) -> _Path:
        """Return where an item is in a tree, by its path in the layout: in lists, where it stands below a root."""
        kin = self._around(path)
        if kin is None:
            return path[len(self._codec.root.item.path) :]
        above = kin.place if kin.parent is None else (*self.place(kin.parent), kin.name)
        return (*above, *path[len(kin.path) :])

    def is_below(self, path: _Path) -> bool:
        """Tell whether an item is in a group that stands below another."""
        kin = self._around(path)
        return kin is not None and kin.parent is not None

    def _around(self, path: _Path) -> Kin | None:
        return next((kin for kin in self.kin.values() if path[: len(kin.path)] == kin.path), None)

    def orphan(self, kin: Kin) -> RecordError:
        """Return the error of a record without the one that it stands below."""
        above = "" if kin.parent is None else self.kin[kin.parent].name
        return RecordError(kin.name, expected=f"a record with {above} before it that it stands below", code="parent")


class _Declared:
    """What a description says of groups, by their items, and what is wrong with it."""

    def __init__(self, codec: RowCodec, rule: SegmentRule) -> None:
        self._codec, self._rule = codec, rule
        self.problems: list[str] = []
        names = [name for name in rule.map.values() if name]
        self._mapped = {find(codec.layout, name).path for name in names}
        found = {name: self._item(name) for name in dict.fromkeys([*rule.parents, *rule.parents.values()])}
        pairs = [(found[child], found[parent]) for child, parent in rule.parents.items()]
        whole = [(child, parent) for child, parent in pairs if child is not None and parent is not None]
        self.items = list({item.path: item for pair in whole for item in pair}.values())
        self.parents = {child.path: parent.path for child, parent in whole}
        if len(self.parents) < len(whole):
            self.problems.append("segments: parents: a group is there twice under different names")
        self.problems += self._cycles()
        self.problems += self._clashes(whole)

    def _item(self, name: str) -> Item | None:
        try:
            item = find(self._codec.layout, name)
        except ConfigError as error:
            self.problems += [f"segments: parents: {problem}" for problem in error.problems]
            return None
        if item.path not in self._mapped:
            self.problems.append(f"segments: parents: no value is mapped to {name}")
        if item.kind is not Kind.GROUP or item.dimensions:
            self.problems.append(f"segments: parents: {name} is no group that stands once")
        elif not self._is_named(item):
            self.problems.append(f"segments: parents: {name} is in a FILLER, so no record shows it")
        return item

    def _is_named(self, item: Item) -> bool:
        items: Sequence[Item] = self._codec.items
        for name in item.path[len(self._codec.root.item.path) :]:
            items = next((each.children for each in items if each.name == name), ())
        return items == item.children

    def _cycles(self) -> Iterator[str]:
        told = set[_Path]()
        for start in self.parents:
            line, at = list[_Path](), start
            while at in self.parents and at not in line:
                line.append(at)
                at = self.parents[at]
            if at == start and not told & set(line):
                told |= set(line)
                yield f"segments: parents: {' below '.join(path[-1] for path in [*line, start])}: no root is above them"

    def _clashes(self, pairs: Sequence[tuple[Item, Item]]) -> Iterator[str]:
        """Tell which names would stand twice in one object."""
        chosen = {path for path in self._mapped if len(path) == len(self._codec.root.item.path) + 1}
        outside = {item.name for item in self._codec.items if item.path not in chosen} | set(self._codec.renamed)
        below: dict[_Path, set[str]] = {}
        for child, parent in pairs:
            for name in sorted(outside & {each.name for each in child.children if each.name}, key=str):
                yield f"segments: parents: {name} is in {child.label} and outside it: both would stand in one object"
            taken = below.setdefault(parent.path, {each.name for each in parent.children if each.name})
            around = outside if parent.path in self.parents else set[str | None]()
            if child.label in taken | around:
                yield f"segments: parents: {child.label} below {parent.label}: there is another of that name"
            taken.add(child.label)
