"""What holds at one generic path: its declaration, and the rules for it; made as replies first come there."""

import unicodedata
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, final

from contracts.legacy.soap import moments, scalar
from contracts.legacy.soap.divergence.content import Content, Declared, Types
from contracts.legacy.soap.divergence.paths import Pattern, below
from contracts.legacy.soap.divergence.rules import Rules, TextRule, Tolerance, Unordered
from contracts.legacy.soap.scalar import Scalar
from contracts.legacy.xml import Element, local

__all__ = ["Plan", "Plans"]

_T = TypeVar("_T")
_MOST_KEPT: Final = 20_000
"""Paths that are remembered; a reply with ever new names gets new ones each time."""


@final
class Plans:
    """All paths of one operation."""

    def __init__(self, types: Types, rules: Rules, root: Content) -> None:
        self.types, self.rules = types, rules
        self.zone = None if rules.default_zone is None else moments.zone(rules.default_zone)
        self.kept = 0
        self._ignored = _Matched((path, True) for path in rules.ignore)
        self._nil = _Matched((path, True) for path in rules.nil_is_absent)
        self._empty = _Matched((path, True) for path in rules.empty_is_absent)
        self._given = _Matched((path, True) for path in rules.absent_is_default)
        self._public = _Matched((path, True) for path in rules.public)
        self._unordered = _Matched((rule.path, rule) for rule in rules.unordered)
        self._tolerances = _Matched((rule.path, rule) for rule in rules.tolerances)
        self._texts = _Matched((rule.path, rule) for rule in rules.texts)
        self._is_bare = not any((rules.ignore, rules.nil_is_absent, rules.empty_is_absent, rules.public))
        self._is_bare &= not any((rules.absent_is_default, rules.unordered, rules.tolerances, rules.texts))
        self.root = self.at("", Declared(tag="", type=root))

    def at(self, path: str, declared: Declared) -> "Plan":
        """Return what holds at a path."""
        if self._is_bare:
            return Plan(self, path, declared, flags=_NONE)
        return Plan(
            self,
            path,
            declared,
            flags=_Flags(
                is_ignored=self._ignored.at(path) is not None,
                nil_is_absent=self._nil.at(path) is not None,
                empty_is_absent=self._empty.at(path) is not None,
                absent_is_default=self._given.at(path) is not None,
                is_public=self._public.at(path) is not None,
                unordered=self._unordered.at(path),
                tolerance=self._tolerances.at(path),
                text=self._texts.at(path),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flags:
    is_ignored: bool = False
    nil_is_absent: bool = False
    empty_is_absent: bool = False
    absent_is_default: bool = False
    is_public: bool = False
    unordered: Unordered | None = None
    tolerance: Tolerance | None = None
    text: TextRule | None = None


_NONE: Final = _Flags()


@final
class Plan:
    """What holds at one path."""

    __slots__ = ("_children", "_plans", "content", "declared", "is_ignored", "path", "rules")

    def __init__(self, plans: Plans, path: str, declared: Declared, *, flags: _Flags) -> None:
        self._plans = plans
        self._children: dict[tuple[str, int], Plan] = {}
        self.path, self.declared, self.rules = path, declared, flags
        self.is_ignored = flags.is_ignored
        self.content = plans.types.of(declared.type)

    def child(self, tag: str, content: Content) -> "Plan":
        """Return the plan of a child element, given what its parent's type is in this reply."""
        key = (tag, id(content))
        found = self._children.get(key)
        if found is None:
            found = self._plans.at(below(self.path, tag), self._declared(tag, content))
            self._keep(key, found)
        return found

    def attribute(self, name: str, content: Content) -> "Plan":
        """Return the plan of an attribute."""
        key = ("@" + name, id(content))
        found = self._children.get(key)
        if found is None:
            known = content.attributes.get(name)
            kind = Content(name="text", scalar=scalar.TEXT)
            if known is not None:
                kind = Content(name=known.scalar.name, scalar=known.scalar)
            default = None if known is None else known.default
            path = below(self.path, "@" + local(name))
            found = self._plans.at(path, Declared(tag=name, type=kind, default=default, is_once=True))
            self._keep(key, found)
        return found

    def value(self, read: Scalar, text: str, element: Element) -> Hashable:
        """Return a text's canonical value, as the rules change it."""
        change = self.rules.text
        if change is not None:
            text = _changed(text, change)
        return read.read(text, element, self._plans.zone)

    def default(self, read: Scalar | None, element: Element) -> Hashable | None:
        """Return the canonical value of its default; None where it has none."""
        text = self.declared.default
        return None if text is None or read is None else self.value(read, text, element)

    def _declared(self, tag: str, content: Content) -> Declared:
        found = content.elements.get(tag)
        if found is None and content.is_open:
            found = self._plans.types.element(tag)
        return found or Declared(tag=tag, type=None)

    def _keep(self, key: tuple[str, int], plan: "Plan") -> None:
        if self._plans.kept < _MOST_KEPT:
            self._plans.kept += 1
            self._children[key] = plan


@final
class _Matched(Generic[_T]):
    """Rules by their paths; of several for one path, the last holds."""

    def __init__(self, rules: Iterable[tuple[str, _T]]) -> None:
        self._rules = [(Pattern(path), rule) for path, rule in rules][::-1]

    def at(self, path: str) -> _T | None:
        return next((rule for pattern, rule in self._rules if pattern.fits(path)), None)


def _changed(text: str, rule: TextRule) -> str:
    if rule.trim:
        text = scalar.collapse(text)
    if rule.casefold:
        text = text.casefold()
    return unicodedata.normalize("NFC", text) if rule.nfc else text
