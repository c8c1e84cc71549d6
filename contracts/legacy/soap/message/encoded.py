"""Messages in SOAP encoding (SOAP 1.1 section 5; SOAP 1.2 part 2, section 3), for reading.

Values may stand elsewhere in the Body and be referred to, by several and in circles. Each place gets the value itself;
where a value holds itself, `{"#ref": id}` stands for it, so that a record never is a circle. An array is a list, one of
several dimensions a list of lists.

An accessor that is missing has no value (SOAP 1.1 section 5.1), which is what `xsi:nil` says; where it may not be nil,
that is told as a deviation, and so is a value that nobody refers to.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final, cast

from contracts.errors import RecordError
from contracts.legacy.soap.answer import ENVELOPES
from contracts.legacy.soap.message.deviation import Tolerance
from contracts.legacy.soap.message.field import XSI, Field, Record, Structure, Typed, kept, read_text
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.message.simple import Simple
from contracts.legacy.xml import BLANKS, Element, local, local_name

__all__ = ["read_encoded"]

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_ENC11: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
_ENC12: Final = "{http://www.w3.org/2003/05/soap-encoding}"
_ENVELOPES: Final = tuple(f"{{{namespace}}}" for namespace in ENVELOPES.values())
_ANY: Final = f"{_XSD}anyType"
_array_type: Final = re.compile(r"(?P<item>[^\[\]]+)(?P<inner>(?:\[,*\])*)\[(?P<sizes>(?:[0-9]{0,9},?)*)\]").fullmatch
_MOST_LEVELS: Final = 100
_MOST_REFERENCES: Final = 100_000


@dataclass(slots=True)
class _Encoded:
    """What is known while one message is read."""

    readers: Readers
    tolerance: Tolerance
    by_id: Mapping[str, Element]
    open: list[str] = field(default_factory=list[str])
    """Ids of the values that are being read."""
    resolved: int = 0
    referred: set[str] = field(default_factory=set[str])
    """Ids that somebody refers to."""


def read_encoded(fields: Mapping[str, Field], wrapper: Element, tolerance: Tolerance, readers: Readers) -> Record:  # noqa: PLR0917 - what a message needs
    """Return the parts below an rpc wrapper; what they refer to is found in the whole Body.

    Raises:
        RecordError: It deviates from the contract in a way that is refused.
    """
    body = wrapper.getparent()
    by_id = {} if body is None else {name: each for each in body.iter("*") if (name := _id(each)) is not None}
    encoded = _Encoded(readers, tolerance, by_id)
    by_name = {local(tag): field for tag, field in fields.items()}
    record: Record = {}
    for child in wrapper:
        # The answer's one part has whatever name a server gives it (SOAP 1.1 section 7.1).
        part = by_name.get(local_name(child)) or (next(iter(by_name.values())) if len(by_name) == 1 else None)
        if part is None or part.name in record:
            tolerance.note("too-many" if part else "unknown", wrapper, "no such part", below=local_name(child))
            cast("list[Typed]", record.setdefault("#unknown", [])).append({child.tag: _value(child, None, encoded)})
        else:
            record[part.name] = _value(child, part.type, encoded)
    for part in (each for each in by_name.values() if each.name not in record):
        tolerance.note("missing", wrapper, "the part", below=part.name)
    for other in wrapper.itersiblings():
        if _id(other) not in encoded.referred:
            tolerance.note("unknown", wrapper, "no value that nobody refers to", below=local_name(other))
            cast("list[Typed]", record.setdefault("#unknown", [])).append({other.tag: kept(other)})
    return record


def _value(element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Typed:
    reference = _reference(element)
    if reference is not None:
        return _referred(reference, element, declared, encoded)
    if element.get(XSI + "nil") in {"true", "1"} or element.get(XSI + "null") in {"true", "1"}:
        return None
    if (arrays := element.get(f"{_ENC11}arrayType") or element.get(f"{_ENC12}arraySize")) is not None:
        return _array(element, arrays, encoded)
    reader = _type(element, declared, encoded)
    if isinstance(reader, Simple):
        return read_text(reader, element.text or "", element, encoded.tolerance)
    if len(element) or reader is not None:
        return _structure(element, reader, encoded)
    return element.text or ""


def _referred(reference: str, element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Typed:  # noqa: PLR0917 - as above
    encoded.referred.add(reference)
    target = encoded.by_id.get(reference)
    if target is None:
        encoded.tolerance.note("value", element, f"an element with the id {reference}")
        return {"#ref": reference}
    if reference in encoded.open or len(encoded.open) > _MOST_LEVELS:
        return {"#ref": reference}
    encoded.resolved += 1
    if encoded.resolved > _MOST_REFERENCES:
        # Values that share values double with each step: ten lines could fill any memory.
        raise RecordError(local_name(element), expected=f"at most {_MOST_REFERENCES} references", code="content")
    encoded.open.append(reference)
    try:
        return _value(target, declared, encoded)
    finally:
        encoded.open.pop()


def _structure(element: Element, reader: Structure | None, encoded: _Encoded) -> Record:
    fields = {} if reader is None else {local(tag): found for tag, found in reader.fields.items()}
    record: Record = {}
    repeated: dict[str, list[Typed]] = {}
    for child in element:
        name = local_name(child)
        known = fields.get(name)
        if known is None and fields:
            encoded.tolerance.note("unknown", element, "no such accessor", below=name)
        value = _value(child, None if known is None else known.type, encoded)
        if name in repeated:
            repeated[name].append(value)
        elif name in record:
            record[name] = repeated[name] = [record[name], value]
        elif known is not None and known.repeats:
            record[name] = repeated[name] = [value]
        else:
            record[name] = value
    if reader is not None:
        _complete(element, reader, record, encoded)
    return record


def _complete(element: Element, reader: Structure, record: Record, encoded: _Encoded) -> None:  # noqa: PLR0917 - as above
    """Read what a structure has besides its accessors, and tell of those that are missing."""
    tolerance = encoded.tolerance
    for tag, found in reader.fields.items():
        if local(tag) not in record and not found.nillable and reader.needs(tag):
            tolerance.note("content", element, "the accessor", below=local(tag))
    given = [(name, text) for name, text in cast("list[tuple[str, str]]", element.items()) if not _is_encodings(name)]
    reader.read_attributes(given, element, record, tolerance=tolerance)
    text = element.text or ""
    if reader.text is not None:
        record["#text"] = read_text(reader.text, text, element, tolerance)
    elif text.strip(BLANKS):
        tolerance.note("text", element, "no text between elements")
        record["#text"] = text


def _is_encodings(name: str) -> bool:
    """Tell whether an attribute is one of SOAP, or of its encoding, which no type declares."""
    return name in {"id", "href"} or name.startswith((_ENC11, _ENC12, *_ENVELOPES))


def _array(element: Element, said: str, encoded: _Encoded) -> list[Typed]:
    kind, sizes = _array_of(element, said)
    reader = None if kind is None else _named(kind, element, encoded)
    items: list[Typed] = []
    for child in element:
        if child.get(f"{_ENC11}position") is not None:
            encoded.tolerance.note("content", element, "an array without gaps")
        items.append(_value(child, reader, encoded))
    if sizes and prod(sizes) != len(items):
        encoded.tolerance.note("content", element, f"as many items as the array says: {prod(sizes)}")
    for size in reversed(sizes[1:]):
        items = [cast("Typed", items[at : at + size]) for at in range(0, len(items), size)] if size else items
    return items


def _array_of(element: Element, said: str) -> tuple[str | None, Sequence[int]]:
    """Return the type of an array's items and its sizes: `xsd:int[2,3]`, or `itemType` and `arraySize="2 3"`."""
    if element.get(f"{_ENC11}arrayType") is None:
        return element.get(f"{_ENC12}itemType"), [int(size) for size in said.split() if size.isdecimal()]
    found = _array_type(said.strip(BLANKS))
    if found is None:
        return None, []
    sizes = [int(size) for size in found["sizes"].split(",") if size.isdecimal()]
    # Items that are arrays say themselves of what.
    return None if found["inner"] else found["item"], sizes


def _type(element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Simple | Structure | None:
    said = element.get(XSI + "type")
    if said is None:
        return declared
    found = _named(said, element, encoded)
    return declared if found is None else found


def _named(said: str, element: Element, encoded: _Encoded) -> Simple | Structure | None:
    prefix, colon, local = said.strip(BLANKS).rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    name = f"{{{namespace}}}{local}"
    # The encoding has its own names for XML Schema's types, so that they can have an id.
    if name.startswith((_ENC11, _ENC12)):
        name = _ANY if local in {"Array", "Struct"} else _XSD + local
    found = encoded.readers.named(name)
    if found is None:
        encoded.tolerance.note("type", element, "an xsi:type of the contract")
        return None
    return found[1]


def _reference(element: Element) -> str | None:
    href = element.get("href")
    if href is not None and href.startswith("#"):
        return href[1:]
    return element.get(f"{_ENC12}ref")


def _id(element: Element) -> str | None:
    found: Any = element.get("id") or element.get(f"{_ENC12}id")
    return cast("str | None", found)
