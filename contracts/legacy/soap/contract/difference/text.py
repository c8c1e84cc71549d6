"""Compares what text two types allow: primitive types, facets, patterns, enumerations."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from contracts.legacy.soap.contract.difference.change import Effect, Log
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.soap.contract.text import TextType
from contracts.legacy.xml import local

__all__ = ["compare_facets", "compare_patterns", "compare_texts", "compare_values"]

_ABOVE: Final[Mapping[str, str]] = {
    "byte": "short",
    "short": "int",
    "int": "long",
    "long": "integer",
    "unsignedByte": "unsignedShort",
    "unsignedShort": "unsignedInt",
    "unsignedInt": "unsignedLong",
    "unsignedLong": "nonNegativeInteger",
    "positiveInteger": "nonNegativeInteger",
    "nonNegativeInteger": "integer",
    "negativeInteger": "nonPositiveInteger",
    "nonPositiveInteger": "integer",
    "integer": "decimal",
    "decimal": "double",
    "float": "double",
    "normalizedString": "string",
    "token": "normalizedString",
    "language": "token",
    "Name": "token",
    "NMTOKEN": "token",
    "NCName": "Name",
    "ID": "NCName",
    "IDREF": "NCName",
    "ENTITY": "NCName",
}
"""Whose text the next one takes, too; any text is a string."""
_LESS: Final = frozenset({"minLength", "minInclusive", "minExclusive"})
_MORE: Final = frozenset({"maxLength", "maxInclusive", "maxExclusive", "totalDigits", "fractionDigits"})


def compare_texts(log: Log, old: TextType, new: TextType, *, place: Place) -> None:
    """Compare all that two types say of their text."""
    if (old.item is None, bool(old.members)) != (new.item is None, bool(new.members)):
        log.add("type-changed", _shape(old, new), place=place, old=_called(old), new=_called(new))
        return
    if old.primitive != new.primitive:
        effect = _primitive(local(old.primitive), local(new.primitive))
        log.add("type-changed", effect, place=place, old=_called(old), new=_called(new))
    if old.item is not None and new.item is not None:
        compare_texts(log.below("item"), old.item, new.item, place=place)
    gone = [each for each in old.members if each not in new.members]
    come = [each for each in new.members if each not in old.members]
    for members, kind, effect in ((gone, "member-removed", "narrows"), (come, "member-added", "widens")):
        if members:
            names = ", ".join(_called(each) for each in members)
            told = {"old": names} if kind == "member-removed" else {"new": names}
            log.add(kind, "narrows" if effect == "narrows" else "widens", place=place, **told)
    compare_facets(log, old.facets, new.facets, place=place)
    compare_patterns(log, old.patterns, new.patterns, place=place)
    compare_values(log, old.values, new.values, place=place)


def compare_facets(log: Log, old: Mapping[str, str], new: Mapping[str, str], *, place: Place) -> None:
    """Compare facets by name."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            effect: Effect = "narrows" if before is None else "widens"
        else:
            effect = _moved(name, before, after)
        if effect == "none" and (before == after or name != "whiteSpace"):
            continue
        if name == "whiteSpace":
            effect = "none"
        kind = {"narrows": "facet-tightened", "widens": "facet-loosened"}.get(effect, "facet-changed")
        said = (None if each is None else f"{name} {each}" for each in (before, after))
        log.add(kind, effect, place=place, **dict(zip(("old", "new"), said, strict=True)))


def compare_patterns(
    log: Log,
    old: tuple[tuple[str, ...], ...],
    new: tuple[tuple[str, ...], ...],
    *,
    place: Place,
) -> None:
    """Compare patterns: of each level one must fit."""
    if old == new:
        return
    effect: Effect = "both"
    if {*old} < {*new}:
        effect = "narrows"
    elif {*new} < {*old}:
        effect = "widens"
    elif len(old) == len(new) == 1:
        more, fewer = {*old[0]} < {*new[0]}, {*new[0]} < {*old[0]}
        effect = "widens" if more else "narrows" if fewer else "both"
    kind = {"narrows": "facet-tightened", "widens": "facet-loosened"}.get(effect, "pattern-changed")
    before, after = (" and ".join(f"pattern {' | '.join(each)}" for each in levels) or None for levels in (old, new))
    log.add(kind, effect, place=place, old=before, new=after)


def compare_values(log: Log, old: tuple[str, ...], new: tuple[str, ...], *, place: Place) -> None:
    """Compare enumerations."""
    gone = ", ".join(value for value in old if value not in new)
    come = ", ".join(value for value in new if value not in old)
    if old and not new:
        log.add("enumeration-removed", "widens", place=place, old=gone)
    elif new and not old:
        log.add("enumeration-added", "narrows", place=place, new=come)
    else:
        if gone:
            log.add("values-removed", "narrows", place=place, old=gone)
        if come:
            log.add("values-added", "widens", place=place, new=come)


def _moved(name: str, before: str, after: str) -> Effect:
    old, new = _number(before), _number(after)
    if old == new if old is not None and new is not None else before == after:
        return "none"
    if name not in _LESS | _MORE:
        return "both"
    # Dates are ordered as their text, while they have no zones.
    grew = new > old if old is not None and new is not None else after > before
    return "narrows" if grew == (name in _LESS) else "widens"


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _primitive(old: str, new: str) -> Effect:
    if new in _line(old):
        return "widens"
    return "narrows" if old in _line(new) else "both"


def _line(name: str) -> list[str]:
    """Return a type with those whose text takes it in, too."""
    found = [name]
    while (above := _ABOVE.get(found[-1])) is not None:
        found.append(above)
    return [*found, "string", "anySimpleType"] if name != "anySimpleType" else found


def _shape(old: TextType, new: TextType) -> Effect:
    def is_free(text: TextType) -> bool:
        return local(text.primitive) in {"string", "anySimpleType"} and not (
            text.facets or text.patterns or text.values
        )

    return "widens" if is_free(new) else "narrows" if is_free(old) else "both"


def _called(text: TextType) -> str:
    if text.item is not None:
        return f"list of {_called(text.item)}"
    if text.members:
        return f"union of {', '.join(_called(each) for each in text.members)}"
    return f"xs:{local(text.primitive)}"
