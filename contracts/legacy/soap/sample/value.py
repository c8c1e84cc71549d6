"""Texts of elements and attributes, with those that depend on the whole message: IDs and what refers to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from xmlschema.validators import XsdAttribute, XsdComplexType, XsdElement, XsdSimpleType, XsdType

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.sample.place import Leaf, Message, Place
from contracts.legacy.soap.sample.text import Text, ancestry, texts, write
from contracts.legacy.soap.sample.words import word
from contracts.legacy.xml import Element, local

__all__ = ["ANY_TYPE", "Value", "attributes", "fill", "own_text", "refer"]

ANY_TYPE: Final = XSD + "anyType"
_SOAP_ENCODING: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
_OF_MULTIREF: Final = frozenset({"id", "href"})
_DEFAULTS: Final = 0.3
_PENDING: Final = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A text, and the type that it was written for."""

    name: str
    """Of the attribute; empty for the element's own text."""
    text: Text
    kind: XsdSimpleType | None = None
    """None where the contract gives the text itself."""
    is_optional: bool = False


def own_text(kind: XsdType, declared: XsdElement | None, place: Place) -> Value:
    """Return the text of an element that has no children; an empty one where its type has no text."""
    given = None if declared is None else _given(declared.fixed, declared.default, place)
    if given is not None:
        return Value(name="", text=Text(given))
    name = place.path[-1].rpartition("}")[2]
    if kind.name == ANY_TYPE:
        return Value(name="", text=Text(word(name, place.draw)))
    simple = kind.content if isinstance(kind, XsdComplexType) else kind
    if not isinstance(simple, XsdSimpleType):
        return Value(name="", text=Text(""))
    is_optional = declared is not None and declared.min_occurs == 0
    return Value(name="", text=_written(simple, name, place.at("text")), kind=simple, is_optional=is_optional)


def attributes(kind: XsdType, place: Place) -> Iterator[Value]:
    """Yield the attributes that an element of a type has here."""
    if not isinstance(kind, XsdComplexType):
        return
    for name, attribute in kind.attributes.items():
        if not isinstance(attribute, XsdAttribute) or name is None or not _is_there(attribute, place):
            continue
        inner = place.at("@" + name)
        given = _given(attribute.fixed, attribute.default, inner)
        text = _written(attribute.type, attribute.local_name, inner) if given is None else Text(given)
        yield Value(
            name=name,
            text=text,
            kind=attribute.type if given is None else None,
            is_optional=not attribute.is_required(),
        )


def fill(element: Element, value: Value, text: str, *, place: Place) -> None:
    """Write a value where it belongs, and remember what may have to be changed once the message is whole."""
    if value.name:
        element.set(value.name, text)
    else:
        element.text = text or None
    if value.kind is None:
        return
    leaf = Leaf(
        element=element,
        attribute=value.name or None,
        kind=value.kind,
        name=local(value.name) or place.path[-1].rpartition("}")[2],
        draw=place.draw.at("again", value.name),
        is_optional=value.is_optional,
    )
    place.message.leaves.append(leaf)
    if _is_reference(value.kind):
        place.message.references.append(leaf)


def refer(message: Message) -> None:
    """Let each reference name an ID of the message; one that none is needed of is left out where there is no ID.

    Raises:
        ContractError: A reference must be there, and the message has no ID.
    """
    for leaf in message.references:
        if message.ids:
            leaf.set(leaf.draw.pick(message.ids, "reference"))
        elif not leaf.is_optional:
            raise ContractError(leaf.name, expected="an element with an ID to refer to", found="none in the message")
        elif leaf.attribute is not None:
            del leaf.element.attrib[leaf.attribute]
        elif (parent := leaf.element.getparent()) is not None:
            parent.remove(leaf.element)


def _is_there(attribute: XsdAttribute, place: Place) -> bool:
    if attribute.is_prohibited():
        return False
    if attribute.is_required():
        return True
    is_of_encoding = attribute.name in _OF_MULTIREF or attribute.name.startswith(_SOAP_ENCODING)
    if is_of_encoding and place.message.is_encoded:
        return False
    # An ID harms nobody, and what must refer to one finds it.
    return attribute.type.is_key() or place.draw.holds(place.message.options.optional, "@" + attribute.name)


def _given(fixed: str | None, default: str | None, place: Place) -> str | None:
    if fixed is not None:
        return fixed
    return default if default is not None and place.draw.holds(_DEFAULTS, "default") else None


def _written(kind: XsdSimpleType, name: str, place: Place) -> Text:
    if kind.is_key():
        found = next((each for each in texts(kind, name, place.draw) if each.text not in place.message.ids), None)
        if found is None:
            raise ContractError(str(place), expected=f"one more ID that {kind.name} allows", found="none")
        place.message.ids.append(found.text)
        return found
    if _is_reference(kind):
        return Text(_PENDING)
    try:
        return write(kind, name, place.draw)
    except ContractError as error:
        raise ContractError(f"{place}: {error.where}", expected=error.expected, found=error.found) from error


def _is_reference(kind: XsdSimpleType) -> bool:
    return any((each.name or "").startswith(XSD + "IDREF") for each in ancestry(kind))
