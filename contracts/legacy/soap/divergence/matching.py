"""Where the children of an element stand, which of them moved, and what the rules know them by."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import final

from contracts.legacy.soap.divergence.alignment import Pair
from contracts.legacy.soap.divergence.node import Node
from contracts.legacy.xml import local

__all__ = ["Moved", "Places", "key_of"]


@final
class Places:
    """Indexes of the children of one element."""

    def __init__(self, parent: Node) -> None:
        self.parent = parent
        self._numbers: dict[int, int] = {}
        self._counts: dict[str, int] = {}

    def of(self, node: Node) -> str:
        """Return a child's step: `/name`, with its index where there may be several."""
        number = self._number(node)
        many = self._counts[node.tag] > 1 or not (node.plan.declared.is_once or node.plan.declared.type is None)
        return f"/{local(node.tag)}{f'[{number}]' if many else ''}"

    def told(self, node: Node) -> str:
        """Return where among all children it stands."""
        return f"#{next(at for at, each in enumerate(self.parent.children, 1) if each is node)}"

    def _number(self, node: Node) -> int:
        if not self._numbers:
            for child in self.parent.children:
                self._counts[child.tag] = self._counts.get(child.tag, 0) + 1
                self._numbers[id(child)] = self._counts[child.tag]
        return self._numbers[id(node)]


@final
class Moved:
    """Elements without another at their place that have one at another place."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        left = [mine for mine, _ in pairs if mine is not None]
        right = [theirs for _, theirs in pairs if theirs is not None]
        self._partners: dict[int, Node] = {}
        self._taken: set[int] = set()
        for rule in (_by_key, _by_single_tag, _by_name):
            self._match(left, right, rule)

    def _match(self, left: Sequence[Node], right: Sequence[Node], rule: Callable[[Node], Hashable]) -> None:
        mine: dict[Hashable, list[Node]] = defaultdict(list)
        others: dict[Hashable, list[Node]] = defaultdict(list)
        for node in left:
            if id(node) not in self._partners:
                mine[rule(node)].append(node)
        for node in right:
            if id(node) not in self._taken:
                others[rule(node)].append(node)
        for key, nodes in mine.items():
            is_sure = rule is _by_key or len(nodes) == len(others[key])
            for node, other in zip(nodes, others[key], strict=False) if is_sure else ():
                if rule is not _by_name or node.tag != other.tag:
                    self._partners[id(node)] = other
                    self._taken.add(id(other))

    def partner(self, node: Node) -> Node | None:
        """Return where an element of the left reply went; None where it is gone."""
        return self._partners.get(id(node))

    def is_partner(self, node: Node) -> bool:
        """Tell whether an element of the right reply is one that moved."""
        return id(node) in self._taken


def _by_key(node: Node) -> Hashable:
    return node.anchor


def _by_single_tag(node: Node) -> Hashable:
    return node.tag if node.plan.declared.is_once else id(node)


def _by_name(node: Node) -> Hashable:
    return local(node.tag)


def key_of(steps: Sequence[str], node: Node) -> Hashable:
    """Return what the rules know an element by."""
    return tuple(_at(node, step.split("/")) for step in steps)


def _at(node: Node, steps: Sequence[str]) -> Hashable:
    for step in steps:
        if step.startswith("@"):
            said = next((said for name, said in node.attributes.items() if local(name) == step[1:]), None)
            return None if said is None else said.value
        found = next((child for child in node.children if local(child.tag) == step), None)
        if found is None:
            return None
        node = found
    return node.value
