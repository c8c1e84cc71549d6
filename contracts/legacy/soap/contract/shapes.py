"""Reads declarations of XML Schema into components, by name and when they are asked for."""

from collections.abc import Iterator
from typing import Final

from contracts.legacy.soap.contract.bundle import Bundle
from contracts.legacy.soap.contract.component import (
    ANY_TYPE,
    Attribute,
    ComplexType,
    ElementUse,
    ModelGroup,
    Type,
    TypeUse,
)
from contracts.legacy.soap.contract.declaration import Declarations, declarations
from contracts.legacy.soap.contract.reading import Reader

__all__ = ["SOAP_ENCODING", "Shapes"]

SOAP_ENCODING: Final = "http://schemas.xmlsoap.org/soap/encoding/"


class Shapes:
    """The components of a bundle; a name that leads nowhere is None, and who asks says what that means."""

    def __init__(self, bundle: Bundle) -> None:
        self.declarations: Final[Declarations] = declarations(bundle)
        self._elements: dict[str, ElementUse | None] = {}
        self._types: dict[str, Type | None] = {}
        self._derived: dict[str, list[str]] | None = None
        self._members: dict[str, list[str]] | None = None

    def element(self, name: str) -> ElementUse | None:
        """Return a global element."""
        if name not in self._elements:
            found = self.declarations.find("element", name)
            self._elements[name] = None if found is None else Reader(self.declarations, found).element(found.element)
        return self._elements[name]

    def type(self, name: str) -> Type | None:
        """Return a global type of the contract's own; None for those of XML Schema, too."""
        if name not in self._types:
            self._types[name] = None  # a type that restricts itself (xsd:redefine) must not be read for ever
            found = self.declarations.find("type", name)
            self._types[name] = None if found is None else Reader(self.declarations, found).type(found.element)
        return self._types[name]

    def resolve(self, use: TypeUse) -> Type | None:
        """Return the type that is meant, named or not; None for one of XML Schema or one that there is not."""
        return self.type(use) if isinstance(use, str) else use

    def derived(self, name: str) -> list[str]:
        """Return the named complex types that extend or restrict one, directly."""
        if self._derived is None:
            self._derived = {}
            for each in self.declarations.of("type"):
                found = self.type(each.name)
                if isinstance(found, ComplexType) and found.base not in {None, ANY_TYPE, each.name}:
                    self._derived.setdefault(found.base or "", []).append(each.name)
        return self._derived.get(name, [])

    def members(self, head: str) -> list[str]:
        """Return the elements that may stand for a head of a substitution group, directly."""
        if self._members is None:
            self._members = {}
            for each in self.declarations.of("element"):
                found = self.element(each.name)
                if found is not None and found.head is not None:
                    self._members.setdefault(found.head, []).append(each.name)
        return self._members.get(head, [])

    def bases(self, found: ComplexType) -> Iterator[ComplexType]:
        """Yield the complex types that one is derived from, the nearest first."""
        seen = {found.name}
        base = found.base
        while base is not None and base not in seen:
            seen.add(base)
            above = self.type(base)
            if not isinstance(above, ComplexType):
                return
            yield above
            base = above.base

    def contents(self, found: ComplexType) -> list[ModelGroup]:
        """Return the groups of a type, those of what it extends first."""
        groups = [] if found.content is None else [found.content]
        derivation = found.derivation
        for base in self.bases(found):
            if derivation == "restriction":
                break
            groups = ([] if base.content is None else [base.content]) + groups
            derivation = base.derivation
        return groups

    def attributes(self, found: ComplexType) -> dict[str, Attribute]:
        """Return all attributes of a type by name, with those of its bases."""
        own = {each.name: each for each in found.attributes}
        for base in self.bases(found):
            for each in base.attributes:
                own.setdefault(each.name, each)
        return own
