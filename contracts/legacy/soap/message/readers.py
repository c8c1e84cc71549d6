"""The readers of all types of a contract, each made when it is first needed."""

from dataclasses import replace
from typing import Final, cast

from xmlschema import XsdElement
from xmlschema.validators import XsdComplexType, XsdType

from contracts.errors import ContractError
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.message.field import Field, Structure
from contracts.legacy.soap.message.simple import Simple, simple
from contracts.legacy.soap.message.structure import Complex

__all__ = ["Readers"]

_ANY_TYPE: Final = "{http://www.w3.org/2001/XMLSchema}anyType"


class Readers:
    """The readers of one contract. Not for several threads at a time."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas: Final = schemas
        self._types: dict[int, Simple | Structure | None] = {}

    def named(self, name: str) -> tuple[XsdType, Simple | Structure | None] | None:
        """Return a type and its reader, which is None for anyType; None where the contract has no such type."""
        kind = self.schemas.type(name)
        return None if kind is None else (kind, self.of(kind))

    def of(self, kind: XsdType) -> Simple | Structure | None:
        """Return the reader of a type; None for anyType."""
        if id(kind) not in self._types:
            if kind.is_simple():
                self._types[id(kind)] = simple(kind)
            elif kind.name == _ANY_TYPE:
                self._types[id(kind)] = None
            else:
                made = Complex(cast("XsdComplexType", kind), self)
                self._types[id(kind)] = made
                try:
                    made.compile()
                except RecursionError:
                    expected = "types that hold each other fewer than some hundred levels deep"
                    raise ContractError(kind.local_name or "a type", expected=expected, found="more") from None
        return self._types[id(kind)]

    def field(self, element: XsdElement, *, name: str, repeats: bool) -> Field:
        """Return what an element becomes."""
        return Field(
            name=name,
            type=self.of(element.type),
            lookup=self,
            repeats=repeats,
            nillable=bool(element.nillable),
            default=element.default if element.fixed is None else element.fixed,
            fixed=element.fixed,
        )

    def part(self, name: str, *, element: str | None, type_name: str | None) -> Field | None:
        """Return what a part of a message becomes; None where the contract does not say what it is."""
        if element is not None:
            declared = self.schemas.element(element)
            return None if declared is None else self.field(declared, name=name, repeats=False)
        found = self.named(type_name or "")
        return None if found is None else Field(name=name, type=found[1], lookup=self)

    def any(self, tag: str, *, name: str) -> Field:
        """Return what an element becomes that stands where anything may: typed where the contract knows it."""
        declared = self.schemas.element(tag)
        if declared is None:
            return Field(name=name, type=None, lookup=self, repeats=True, by_tag=True)
        return replace(self.field(declared, name=name, repeats=True), by_tag=True)
