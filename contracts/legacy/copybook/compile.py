"""A layout and its options compiled to nodes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TypeVar

from contracts.errors import ConfigError, ContractError
from contracts.legacy.copybook.condition import compile_conditions
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.copybook.leaf import compile_leaf, named
from contracts.legacy.copybook.naming import named_leaf
from contracts.legacy.copybook.node import Counter, GroupNode, LeafNode, Member, Node, Path, Selector, TableNode
from contracts.legacy.copybook.options import Options, Unnamed
from contracts.legacy.copybook.page import CodePage

__all__ = ["Compiler", "find", "items_named"]

Told = TypeVar("Told")


def find(layout: Layout, name: str) -> Item:
    """Return the item of a name, or of a path joined with dots.

    Raises:
        ConfigError: There is none, or there are several of that name.
    """
    found = items_named(layout, name)
    if len(found) != 1:
        several = "; it has " + ", ".join(".".join(item.path) for item in found) if found else ""
        raise ConfigError([f"the layout has no single item {name}{several}"])
    return found[0]


def items_named(layout: Layout, name: str) -> list[Item]:
    """Return the item of a path joined with dots, or else all of a name."""
    path = tuple(name.upper().split("."))
    fits = [item for item in layout.walk() if item.name and (item.path == path or item.name == name.upper())]
    return [item for item in fits if item.path == path] or fits


class Compiler:
    """Makes nodes of the items of one layout."""

    def __init__(self, layout: Layout, options: Options) -> None:
        """Prepare.

        Raises:
            ConfigError: The options name what the layout does not have.
            ContractError: A code page is not known.
        """
        self._layout = layout
        self.page = CodePage.load(options.code_page)
        self._pages = {name: CodePage.load(page) for name, page in _resolved(layout, options.pages).items()}
        self._options = replace(
            options, policies=_resolved(layout, options.policies), counts=_resolved(layout, options.counts)
        )
        self._counters = {item.occurs.counter for item in layout.walk() if item.occurs and item.occurs.counter}
        self._named = _naming(layout, options, counters=self._counters)
        self._marked = {path for each in layout.renames for path in (each.first, each.last)}
        self.selectors: dict[Path, Selector] = {}
        for segments in options.segments:
            groups = {value: find(layout, name).path if name else None for value, name in segments.groups.items()}
            selector = Selector(node=self._segment_field(segments.field), groups=groups)
            self.selectors |= {path: selector for path in groups.values() if path}
        self._met: set[Path] = set()

    def root(self) -> GroupNode:
        """Return the node of a whole record.

        Raises:
            ContractError: Something can't be decoded without more options, or nothing tells two items apart.
            ConfigError: A segment's group describes no bytes that others describe too.
        """
        items = self._layout.items
        item = items[0]
        if len(items) > 1 or item.kind is not Kind.GROUP:
            item = Item(
                level=0,
                name=None,
                path=(),
                offset=0,
                length=self._layout.length,
                kind=Kind.GROUP,
                children=items,
            )
        root = self._group(item)
        lost = sorted(".".join(path) for path in self.selectors.keys() - self._met)
        if lost:
            raise ConfigError(f"{path} redefines nothing and is not redefined: no segment chooses it" for path in lost)
        return root

    def told_by(self) -> int:
        """Return how many bytes at a record's start hold all that tells its length."""
        telling = [item for item in self._layout.walk() if item.path in self._counters and item.name]
        if any(item.dimensions for item in telling):
            return self._layout.length
        ends = [item.offset + item.length for item in telling]
        ends += [each.node.item.offset + each.node.item.length for each in self.selectors.values()]
        return max(ends, default=0)

    def leaf(self, item: Item) -> LeafNode:
        """Return the node of an elementary item, as if it stood once."""
        page = named(self._pages, item) or self.page
        leaf = compile_leaf(item, self._options, self._layout.dialect, page=page)
        unnamed = self._named.get(item.path) if item.name else None
        leaf = leaf if unnamed is None else named_leaf(leaf, unnamed)
        counter = Counter(path=item.path, meanings=named(self._options.counts, item))
        return LeafNode(
            item=item,
            leaf=leaf,
            counter=counter if item.name and item.path in self._counters else None,
            holding=compile_conditions(item, page),
            is_marked=bool(item.name) and item.path in self._marked,
        )

    def _node(self, item: Item) -> Node:
        one = self._group(item) if item.kind is Kind.GROUP else self.leaf(item)
        if item.occurs is None:
            return one
        if item.occurs.depending_on and not item.occurs.counter:
            expected = f"a counter {item.occurs.depending_on} in the record before its table"
            raise ContractError(f"copybook line {item.line}", found="none", expected=expected)
        is_padded = self._options.tables == "max" and item.occurs.counter is not None
        size = None if item.is_variable and self._options.tables == "shift" else item.size
        return TableNode(item=item, table=item.occurs, one=one, size=size, is_padded=is_padded)

    def _group(self, item: Item) -> GroupNode:
        members = self._members(item)
        _check_names(item)
        varies = any(child.is_variable for child in item.children) and self._options.tables == "shift"
        return GroupNode(
            item=item,
            members=members,
            size=None if varies else item.length,
            holding=compile_conditions(item, self.page),
            is_marked=bool(item.name) and item.path in self._marked,
        )

    def _members(self, group: Item) -> Sequence[Member]:
        originals = list(_originals(group.children))
        members: list[Member] = []
        for index, child in enumerate(group.children):
            root = index if originals[index] is None else originals[index]
            cluster = [at for at, each in enumerate(originals) if root in (at, each)]
            selector = self._selector([group.children[at] for at in cluster])
            sizes = [self._static(group.children[at]) for at in cluster]
            members.append(
                Member(
                    node=self._node(child),
                    original=originals[index],
                    is_wanted=child.name is not None,
                    selector=selector,
                    shared=None if len(cluster) == 1 else max((size for size in sizes if size is not None), default=0),
                    cluster=tuple(group.children[at].name or "" for at in cluster) if len(cluster) > 1 else (),
                )
            )
        return members

    def _selector(self, cluster: Sequence[Item]) -> Selector | None:
        paths = [item.path for item in cluster if item.name and item.path in self.selectors]
        if len(cluster) == 1 or not paths:
            return None
        self._met |= set(paths)
        return self.selectors[paths[0]]

    def _segment_field(self, name: str) -> LeafNode:
        item = find(self._layout, name)
        before = takewhile(lambda each: each is not item, self._layout.walk())
        is_shifted = self._options.tables == "shift" and any(_varies(each) for each in before)
        if item.kind is Kind.GROUP or item.dimensions or is_shifted:
            raise ConfigError([f"{name} is no field at one place of all records, so it can't tell segments"])
        return self.leaf(item)

    def _static(self, item: Item) -> int | None:
        return None if item.is_variable and self._options.tables == "shift" else item.size


def _originals(children: Sequence[Item]) -> Iterator[int | None]:
    """Yield for each item of a group the index of the one that begins where it does and redefines nothing."""
    found: list[int | None] = []
    for index, child in enumerate(children):
        root: int | None = None
        if child.redefines:
            at = max(before for before in range(index) if children[before].name == child.redefines)
            root = at if found[at] is None else found[at]
        found.append(root)
        yield root


def _varies(item: Item) -> bool:
    return item.occurs is not None and item.occurs.depending_on is not None


def _check_names(group: Item) -> None:
    seen: set[str] = set()
    for child in group.children:
        if child.name in seen:
            where = f"copybook line {child.line}"
            raise ContractError(where, found=repr(child.name), expected="names that are unique in their group")
        seen |= {child.name} if child.name else set()


def _resolved(layout: Layout, told: Mapping[str, Told]) -> Mapping[str, Told]:
    """Return what is told of items by their paths."""
    problems: list[str] = []
    found: dict[str, Told] = {}
    for name, value in told.items():
        try:
            found[".".join(find(layout, name).path)] = value
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found


def _naming(layout: Layout, options: Options, *, counters: Collection[Path | None]) -> Mapping[Path, Unnamed]:
    """Return the paths of fields that are told by condition names, and what they are where none holds."""
    telling = {*counters, *(find(layout, segments.field).path for segments in options.segments)}
    told = dict(options.conditions)
    others = told.pop("all", None)
    chosen = {tuple(path.split(".")): unnamed for path, unnamed in _resolved(layout, told).items()}
    fields = {item.path: item for item in layout.fields}
    problems = [
        f"conditions: {'.'.join(path)} {problem}"
        for path in chosen
        if (problem := _unfit(fields.get(path), is_telling=path in telling))
    ]
    if problems:
        raise ConfigError(problems)
    if others is None:
        return chosen
    return {path: others for path, item in fields.items() if item.conditions and path not in telling} | chosen


def _unfit(field: Item | None, *, is_telling: bool) -> str | None:
    """Say why a field can't be told by condition names, or None where it can."""
    if field is None:
        return "is a group, which has no value of its own"
    if not field.conditions:
        return "has no condition names (level 88)"
    return "tells where other items are, so it keeps its value" if is_telling else None
