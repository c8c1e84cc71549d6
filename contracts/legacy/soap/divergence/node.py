"""An element of a reply as a value: two elements that say the same have equal keys."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias, final

from contracts.legacy.soap.divergence.content import Content
from contracts.legacy.soap.divergence.plan import Plan

__all__ = ["Key", "Node", "Said", "same", "sealed"]

Key: TypeAlias = tuple[Hashable, ...]
_SOME: Final = "~"
_NOTHING: "Final[Mapping[str, Said]]" = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An attribute."""

    plan: Plan
    value: Hashable
    text: str
    is_void: bool
    """It says no more than an absent one."""


@final
@dataclass(slots=True, kw_only=True)
class Node:
    """An element, read by its type. It is sealed once it is whole; then it stays as it is."""

    plan: Plan
    tag: str
    content: Content
    """Of its type, or of the one that `xsi:type` names."""
    type_name: str | None = None
    """What `xsi:type` says, where it is not the declared type."""
    is_nil: bool = False
    value: Hashable = None
    text: str = ""
    attributes: Mapping[str, Said] = field(default_factory=lambda: _NOTHING)
    children: Sequence["Node"] = ()
    is_void: bool = False
    """It says no more than an absent one."""
    key: Key = ()
    """Equal keys mean that nothing differs."""
    anchor: Key = ()
    """The key without values that may lie apart: by it, elements of two lists are matched."""


def same(plan: Plan, tag: str, number: int) -> Node:
    """Return what stands on both sides for elements whose XML is the same, so nobody has to read them.

    The number is of this pair alone: other elements that say the same have other keys.
    """
    key = (tag, "=", number)
    return Node(plan=plan, tag=tag, content=plan.content, key=key, anchor=key)


def sealed(node: Node, *, has_tolerances: bool) -> Node:
    """Give a node its keys."""
    if not node.children and not node.attributes and node.type_name is None and not node.is_nil:
        node.key = (node.tag, node.value)
        node.anchor = (node.tag, _rough(node.plan, node.value)) if has_tolerances else node.key
        return node
    children = [child for child in node.children if not child.is_void]
    said = [(name, each) for name, each in node.attributes.items() if not each.is_void]
    attributes = frozenset((name, each.value) for name, each in said)
    node.key = _key(node, value=node.value, attributes=attributes, children=[child.key for child in children])
    node.anchor = node.key
    if has_tolerances:
        rough = frozenset((name, _rough(each.plan, each.value)) for name, each in said)
        anchors = [child.anchor for child in children]
        node.anchor = _key(node, value=_rough(node.plan, node.value), attributes=rough, children=anchors)
    return node


def _rough(plan: Plan, value: Hashable) -> Hashable:
    return value if plan.rules.tolerance is None else _SOME


def _key(node: Node, *, value: Hashable, attributes: frozenset[tuple[str, Hashable]], children: list[Key]) -> Key:
    if not attributes and not children and node.type_name is None and not node.is_nil:
        return (node.tag, value)
    said = _ordered(node, children)
    return (node.tag, node.type_name, node.is_nil, value, attributes, said)


def _ordered(node: Node, children: list[Key]) -> Hashable:
    if node.content.is_all:
        return frozenset(Counter(children).items())
    loose = {child.tag for child in node.children if child.plan.rules.unordered is not None}
    if not loose:
        return tuple(children)
    return tuple(_those(children, loose, wanted=False)), frozenset(
        Counter(_those(children, loose, wanted=True)).items()
    )


def _those(children: Iterable[Key], tags: set[str], *, wanted: bool) -> list[Key]:
    return [key for key in children if (key[0] in tags) is wanted]
