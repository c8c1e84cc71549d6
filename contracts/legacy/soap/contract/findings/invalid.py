"""Findings of xmlschema: what in the schemas breaks the rules of XML Schema itself."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from contracts.legacy.soap.contract.findings.kind import finding
from contracts.legacy.soap.contract.model import Contract, Finding, Place
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.contract.shapes import SOAP_ENCODING, Shapes

__all__ = ["invalid"]

_Said: TypeAlias = tuple[object, ...]
"""The name of an element, and its attributes."""


def invalid(contract: Contract, schemas: Schemas, shapes: Shapes) -> Iterator[Finding]:
    """Yield what xmlschema finds, with the first place that the declaration can stand at."""
    errors = schemas.xsd.maps.all_errors
    places = _places(shapes) if errors else {}
    for error in errors:
        text = " ".join(str(getattr(error, "message", None) or error).split())
        if SOAP_ENCODING in text:
            continue  # what every stack knows without its schema
        validator: Any = getattr(error, "validator", None)
        element: Any = getattr(error, "elem", None)
        element = getattr(validator, "elem", None) if element is None else element
        place = None if element is None else places.get(_said(element))
        yield finding("invalid-schema", place or Place(uri=contract.bundle.start, line=0), text=text)


def _places(shapes: Shapes) -> dict[_Said, Place]:
    """Return where an element with a name and attributes stands first, for however many errors there are."""
    first: dict[_Said, Place] = {}
    for scope in shapes.declarations.scopes:
        for each in scope.root.iter("*"):
            if (said := _said(each)) not in first:
                first[said] = scope.place(each)
    return first


def _said(element: Any) -> _Said:  # noqa: ANN401 - xmlschema has trees of its own
    return element.tag, *sorted(element.attrib.items())
