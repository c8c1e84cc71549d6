"""Whether what stands in a SOAP Body is what a contract says of one direction of an operation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from xmlschema import XMLSchemaException, XMLSchemaValidationError
from xmlschema.validators import XsdComplexType, XsdEnumerationFacets

from contracts.legacy.soap.contract.model import Body, Part
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.xml import Element, local_name

__all__ = ["Problem", "problems"]

_MOST_ELEMENTS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that the contract does not allow."""

    text: str
    """The path, what was expected, and what was found."""
    is_enumerated: bool = False
    """It is a value that is not one of those that are listed."""


def problems(schemas: Schemas, body: Body, children: Sequence[Element]) -> Iterator[Problem]:
    """Yield what is wrong, as it is found.

    SOAP encoding contradicts its own schema (no item may stand in an array), and leaves open where a value stands: of
    it, only the names of the parts are checked.
    """
    most = 1 if body.wrapper else len(body.parts)
    if len(children) > most and body.use == "literal":
        found = ", ".join(each.tag for each in children)
        yield Problem(text=f"Body: expected {most} child, found {len(children)}: {found}")
    elif body.wrapper:
        yield from _of_rpc(schemas, body, children)
    elif len(children) < len(body.parts):
        expected = ", ".join(part.tag for part in body.parts)
        yield Problem(text=f"Body: expected {expected}, found {len(children)} of them")
    else:
        for part, child in zip(body.parts, children, strict=True):
            yield from _of_part(schemas, part, child, above="Body")


def _of_rpc(schemas: Schemas, body: Body, children: Sequence[Element]) -> Iterator[Problem]:
    if not children or children[0].tag != body.wrapper:
        found = children[0].tag if children else "nothing"
        yield Problem(text=f"Body: expected {body.wrapper}, found {found}")
        return
    wrapper, parts = children[0], {part.tag: part for part in body.parts}
    found_tags = [child.tag for child in wrapper]
    if sorted(found_tags) != sorted(parts):
        expected = ", ".join(parts) or "no part"
        yield Problem(text=f"{local_name(wrapper)}: expected {expected}, found {', '.join(found_tags) or 'nothing'}")
    elif body.use == "literal":
        for child in wrapper:
            yield from _of_part(schemas, parts[child.tag], child, above=local_name(wrapper))


def _of_part(schemas: Schemas, part: Part, child: Element, *, above: str) -> Iterator[Problem]:
    given: Any = child
    kind = schemas.type(part.type or "")
    if part.element is not None:
        declared = schemas.element(part.element)
        names = (
            {part.element}
            if declared is None
            else {declared.name, *(each.name for each in declared.iter_substitutes())}
        )
        if child.tag not in names:
            yield Problem(text=f"{above}: expected {part.element}, found {child.tag}")
        yield from _judged(child, lambda: schemas.xsd.iter_errors(given))
    elif isinstance(kind, XsdComplexType):
        yield from _judged(child, lambda: kind.iter_errors(given))
    elif kind is not None and not kind.text_is_valid(child.text or ""):
        text = f"{above}/{part.name}: expected a value of {kind.local_name}, found {child.text!r}"
        yield Problem(text=text)


def _judged(child: Element, errors: Callable[[], Iterator[XMLSchemaValidationError]]) -> Iterator[Problem]:
    """Yield what xmlschema says; its time grows with the square of what stands where nothing should."""
    if sum(1 for _ in islice(child.iter(), _MOST_ELEMENTS + 1)) > _MOST_ELEMENTS:
        yield Problem(text=f"{local_name(child)}: expected at most {_MOST_ELEMENTS} elements, found more")
        return
    try:
        for error in errors():
            yield _told(error, child)
    except XMLSchemaException as error:
        # A name in an xsi:type or a value that means nothing ends its looking.
        yield Problem(text=f"{local_name(child)}: expected what can be read by the contract: {error}")


def _told(error: XMLSchemaValidationError, root: Element) -> Problem:
    path = error.path or local_name(root)
    text = f"{path.lstrip('/')}: {error.reason or error.message}"
    return Problem(text=text, is_enumerated=isinstance(error.validator, XsdEnumerationFacets))
