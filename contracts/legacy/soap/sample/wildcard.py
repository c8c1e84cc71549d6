"""What stands where a schema takes any element."""

from math import inf
from typing import Final, Protocol

from xmlschema.validators import XsdAnyElement, XsdElement

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.place import Place
from contracts.legacy.soap.sample.words import word
from contracts.legacy.xml import Element

__all__ = ["stand_in"]

_OWN: Final = "urn:banyan:sample"


class _Writer(Protocol):
    def element(self, declared: XsdElement, place: Place, parent: Element | None = None) -> Element: ...


class _Heights(Protocol):
    def of_element(self, element: XsdElement) -> float: ...


def stand_in(
    wildcard: XsdAnyElement,
    place: Place,
    parent: Element,
    *,
    schemas: Schemas,
    writer: _Writer,
    heights: _Heights,
) -> None:
    """Add a harmless element that a wildcard takes: one of our own, or a declared one where only such is taken.

    Raises:
        ContractError: It takes declared elements only, and none is declared in the namespaces that it takes.
    """
    if wildcard.process_contents != "strict":
        namespace = _namespace(wildcard)
        local = next(
            name for name in ("note", "note-2", "note-3") if f"{{{namespace}}}{name}" not in schemas.xsd.maps.elements
        )
        element = place.message.create(f"{{{namespace}}}{local}" if namespace else local, (), parent)
        element.text = word("note", place.draw)
        return
    known = sorted(schemas.xsd.maps.elements.items())
    able = [
        each
        for name, each in known
        if wildcard.is_matching(name) and not name.startswith(XSD) and heights.of_element(each) < inf
    ]
    fresh = [each for each in able if not place.is_again(each.type)] or able
    said = " ".join(sorted(wildcard.namespace))
    problem = ContractError(str(place), expected=f"an element that is declared in {said}", found="none")
    first, size = place.draw.below(max(1, len(fresh)), "any"), len(parent)
    for each in (*fresh[first:], *fresh[:first]):
        try:
            writer.element(each, place, parent)
        except ContractError as error:
            problem = error
            del parent[size:]
        else:
            return
    raise problem


def _namespace(wildcard: XsdAnyElement) -> str:
    given = (each for each in sorted(wildcard.namespace) if not each.startswith("##"))
    return next(each for each in (_OWN, *given, "") if wildcard.is_namespace_allowed(each))
