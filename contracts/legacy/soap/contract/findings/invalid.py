"""Findings of xmlschema: what in the schemas breaks the rules of XML Schema itself."""

from collections.abc import Iterator
from typing import Any

from contracts.legacy.soap.contract.findings.kind import finding
from contracts.legacy.soap.contract.model import Contract, Finding, Place
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.contract.shapes import SOAP_ENCODING, Shapes

__all__ = ["invalid"]


def invalid(contract: Contract, schemas: Schemas, shapes: Shapes) -> Iterator[Finding]:
    """Yield what xmlschema finds, with the first place that the declaration can stand at."""
    for error in schemas.xsd.maps.all_errors:
        text = " ".join(str(getattr(error, "message", None) or error).split())
        if SOAP_ENCODING in text:
            continue  # what every stack knows without its schema
        validator: Any = getattr(error, "validator", None)
        element: Any = getattr(error, "elem", None)
        element = getattr(validator, "elem", None) if element is None else element
        place = None if element is None else _place(shapes, element)
        yield finding("invalid-schema", place or Place(uri=contract.bundle.start, line=0), text=text)


def _place(shapes: Shapes, element: Any) -> Place | None:  # noqa: ANN401 - xmlschema has trees of its own
    """Return where an element with this name and these attributes stands first."""
    wanted = sorted(element.attrib.items())
    for scope in shapes.declarations.scopes:
        for each in scope.root.iter(element.tag):
            if sorted(each.attrib.items()) == wanted:
                return scope.place(each)
    return None
