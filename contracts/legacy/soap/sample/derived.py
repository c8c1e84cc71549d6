"""What may stand for what: types derived from a type, members of an element's substitution group."""

from collections import defaultdict
from functools import cached_property
from typing import Final

from xmlschema.validators import XsdElement, XsdType

from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.text import ancestry

__all__ = ["Derived", "is_abstract"]

_ANY: Final = frozenset({XSD + "anyType", XSD + "anySimpleType", XSD + "anyAtomicType"})


class Derived:
    """Finds them, in an order that is always the same."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._members: dict[XsdElement, list[XsdElement]] = {}
        self._concrete: dict[XsdElement, list[XsdType]] = {}

    @cached_property
    def _by_base(self) -> dict[XsdType, list[XsdType]]:
        found: dict[XsdType, list[XsdType]] = defaultdict(list)
        for name, kind in sorted(self._schemas.xsd.maps.types.items()):
            if name.startswith(XSD):
                continue
            for base in [*ancestry(kind)][1:]:
                if base.name not in _ANY and not (base.name or "").startswith(XSD):
                    found[base].append(kind)
        return found

    def types(self, kind: XsdType) -> list[XsdType]:
        """Return the global types that are derived from a type of the contract."""
        return self._by_base.get(kind, [])

    def concrete(self, element: XsdElement) -> list[XsdType]:
        """Return the types that an element may have: its own first where that is not abstract, then derived ones."""
        if element not in self._concrete:
            self._concrete[element] = self._find_concrete(element)
        return self._concrete[element]

    def _find_concrete(self, element: XsdElement) -> list[XsdType]:
        own = element.type
        blocked = {*element.block.split(), *(getattr(own, "block", "") or "").split()}
        derived = [each for each in self.types(own) if not is_abstract(each) and not _is_blocked(each, own, blocked)]
        return derived if is_abstract(own) else [own, *derived]

    def members(self, element: XsdElement) -> list[XsdElement]:
        """Return what may stand where an element is declared: itself where it is not abstract, then its substitutes."""
        if element not in self._members:
            self._members[element] = self._find_members(element)
        return self._members[element]

    def _find_members(self, element: XsdElement) -> list[XsdElement]:
        blocked = set(element.block.split())
        others = [] if blocked & {"substitution", "#all"} else [*element.iter_substitutes()]
        allowed = [each for each in others if not _is_blocked(each.type, element.type, blocked)]
        by_name = sorted({each.name: each for each in allowed}.items())
        return [*([] if element.abstract else [element]), *(each for _, each in by_name)]


def is_abstract(kind: XsdType) -> bool:
    """Tell whether no element can have a type itself."""
    return bool(getattr(kind, "abstract", False))


def _is_blocked(kind: XsdType, base: XsdType, blocked: set[str]) -> bool:
    """Tell whether a step from a type to its base is of a kind that may not be used."""
    if not blocked:
        return False
    for each in ancestry(kind):
        if each is base:
            return False
        if "#all" in blocked or each.derivation in blocked:
            return True
    return False
