"""Messages in SOAP encoding (SOAP 1.1 section 5; SOAP 1.2 part 2, section 3), for reading.

Values may stand elsewhere in the Body and be referred to, by several and in circles. Each place gets the value itself;
where a value holds itself, `{"#ref": id}` stands for it, so that a record never is a circle. An array is a list, one of
several dimensions a list of lists.

An accessor that is missing has no value (SOAP 1.1 section 5.1), which is what `xsi:nil` says; where it may not be nil,
that is told as a deviation, and so is a value that nobody refers to.
"""

import re
from collections.abc import Collection, Mapping, Sequence
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

__all__ = [
    "ENC11",
    "ENC12",
    "array_in",
    "id_of",
    "ids_in",
    "is_nil",
    "read_encoded",
    "read_value",
    "reference_of",
]

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
ENC11: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
ENC12: Final = "{http://www.w3.org/2003/05/soap-encoding}"
_ENVELOPES: Final = tuple(f"{{{namespace}}}" for namespace in ENVELOPES.values())
_ANY: Final = f"{_XSD}anyType"
_array_type: Final = re.compile(r"(?P<item>[^\[\]]+)(?P<inner>(?:\[,*\])*)\[(?P<sizes>(?:[0-9]{0,9},?)*)\]").fullmatch
_MOST_LEVELS: Final = 100
_MOST_REFERENCES: Final = 100_000
_MOST_VALUES, _MOST_TIMES = 300_000, 10


@dataclass(slots=True)
class _Encoded:
    """What is known while one message is read."""

    readers: Readers
    tolerance: Tolerance
    by_id: Mapping[str, Element]
    left: int
    """How many values may still be read, which is more than there are elements: what is shared is read for each."""
    open: list[str] = field(default_factory=list[str])
    """Ids of the values that are being read."""
    resolved: int = 0
    referred: set[str] = field(default_factory=set[str])
    """Ids that somebody refers to."""


def read_encoded(  # noqa: PLR0917 - what a message needs
    fields: Mapping[str, Field],
    wrapper: Element,
    tolerance: Tolerance,
    readers: Readers,
    *,
    taken: Collection[str] = (),
    alone: bool | None = None,
) -> Record:
    """Return the parts below an rpc wrapper; what they refer to is found in the whole Body.

    Args:
        fields: The parts by name.
        wrapper: What they stand in.
        tolerance: Is told of deviations.
        readers: Those of the contract.
        taken: Ids of values that belong to what was taken out of the message.
        alone: The reply has one part, which may have any name; by default, where there is one field.

    Raises:
        RecordError: It deviates from the contract in a way that is refused.
    """
    body = wrapper.getparent()
    encoded = _encoded(wrapper if body is None else body, tolerance, readers)
    encoded.referred.update(taken)
    by_name = {local(tag): field for tag, field in fields.items()}
    is_alone = len(by_name) == 1 if alone is None else alone
    record: Record = {}
    for child in wrapper:
        # The answer's one part has whatever name a server gives it (SOAP 1.1 section 7.1).
        part = by_name.get(local_name(child)) or (next(iter(by_name.values()), None) if is_alone else None)
        if part is None or part.name in record:
            tolerance.note("too-many" if part else "unknown", wrapper, "no such part", below=local_name(child))
            cast("list[Typed]", record.setdefault("#unknown", [])).append({child.tag: _value(child, None, encoded)})
        else:
            record[part.name] = _value(child, part.type, encoded)
    for part in (each for each in by_name.values() if each.name not in record):
        tolerance.note("missing", wrapper, "the part", below=part.name)
    for other in wrapper.itersiblings():
        if id_of(other) not in encoded.referred:
            tolerance.note("unknown", wrapper, "no value that nobody refers to", below=local_name(other))
            cast("list[Typed]", record.setdefault("#unknown", [])).append({other.tag: kept(other)})
    return record


def read_value(declared: Simple | Structure | None, element: Element, tolerance: Tolerance, readers: Readers) -> Typed:  # noqa: PLR0917 - as above
    """Return the value of an element; what it refers to is found in its whole document.

    Raises:
        RecordError: It deviates from the contract in a way that is refused.
    """
    return _value(element, declared, _encoded(element.getroottree().getroot(), tolerance, readers))


def ids_in(element: Element) -> dict[str, Element]:
    """Return what can be referred to, the element itself included."""
    return {name: each for each in element.iter("*") if (name := id_of(each)) is not None}


def is_nil(element: Element) -> bool:
    """Tell whether an element says that it is no value; drafts of XML Schema called it `null`."""
    return element.get(XSI + "nil") in {"true", "1"} or element.get(XSI + "null") in {"true", "1"}


def _encoded(scope: Element, tolerance: Tolerance, readers: Readers) -> _Encoded:
    elements = sum(1 for _ in scope.iter("*"))
    return _Encoded(readers, tolerance, ids_in(scope), left=_MOST_TIMES * elements + _MOST_VALUES)


def _value(element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Typed:
    _bound(element, encoded)
    reference = reference_of(element)
    if reference is not None:
        return _referred(reference, element, declared, encoded)
    if is_nil(element):
        return None
    own = id_of(element)
    if own is None or own in encoded.open:
        return _content(element, declared, encoded)
    # It stands where it is meant, and may be referred to all the same: from its inside, too.
    encoded.open.append(own)
    try:
        return _content(element, declared, encoded)
    finally:
        encoded.open.pop()


def _content(element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Typed:
    if (array := array_in(element)) is not None:
        return _array(element, array, encoded)
    if element.get("href") is not None:
        encoded.tolerance.note("value", element, "a value in the message itself")
    reader = _type(element, declared, encoded)
    if isinstance(reader, Simple):
        return read_text(reader, element.text or "", element, encoded.tolerance)
    if len(element) or reader is not None:
        return _structure(element, reader, encoded)
    return element.text or ""


def _bound(element: Element, encoded: _Encoded) -> None:
    """Refuse what shared values have made of a message: a few lines could fill any memory."""
    encoded.left -= 1
    if encoded.left < 0:
        expected = f"at most {_MOST_VALUES} values, and {_MOST_TIMES} for each element"
        raise RecordError(local_name(element), expected=expected, code="content")


def _referred(reference: str, element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Typed:  # noqa: PLR0917 - as above
    encoded.referred.add(reference)
    target = encoded.by_id.get(reference)
    if target is None:
        encoded.tolerance.note("value", element, f"an element with the id {reference}")
        return {"#ref": reference}
    if reference in encoded.open:
        return {"#ref": reference}
    if len(encoded.open) > _MOST_LEVELS:
        encoded.tolerance.note("content", element, f"at most {_MOST_LEVELS} references, each in the one before")
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
    return name in {"id", "href"} or name.startswith((ENC11, ENC12, *_ENVELOPES))


def _array(element: Element, said: tuple[str | None, Sequence[int]], encoded: _Encoded) -> list[Typed]:
    kind, sizes = said
    reader = None if kind is None else _named(kind, element, encoded)
    items: list[Typed] = []
    for child in element:
        if child.get(f"{ENC11}position") is not None:
            encoded.tolerance.note("content", element, "an array without gaps")
        items.append(_value(child, reader, encoded))
    if sizes and prod(sizes) != len(items):
        encoded.tolerance.note("content", element, f"as many items as the array says: {prod(sizes)}")
    for size in reversed(sizes[1:]):
        items = [cast("Typed", items[at : at + size]) for at in range(0, len(items), size)] if size else items
    return items


def array_in(element: Element) -> tuple[str | None, Sequence[int]] | None:
    """Return the type of an array's items and its sizes: `xsd:int[2,3]`, or `itemType` and `arraySize="2 3"`.

    None where the element says of itself that it is no array.
    """
    said = element.get(f"{ENC11}arrayType")
    if said is None:
        sizes = element.get(f"{ENC12}arraySize")
        if sizes is None:
            return None
        return element.get(f"{ENC12}itemType"), [int(size) for size in sizes.split() if size.isdecimal()]
    found = _array_type(said.strip(BLANKS))
    if found is None:
        return None, []
    # Items that are arrays say themselves of what.
    kind = None if found["inner"] else found["item"]
    return kind, [int(size) for size in found["sizes"].split(",") if size.isdecimal()]


def _type(element: Element, declared: Simple | Structure | None, encoded: _Encoded) -> Simple | Structure | None:
    said = element.get(XSI + "type")
    if said is None:
        name = "" if declared is None else declared.kind.name or ""
        own = encoded.readers.named(_XSD + name.removeprefix(ENC11)) if name.startswith(ENC11) else None
        return declared if own is None else own[1]
    found = _named(said, element, encoded)
    return declared if found is None else found


def _named(said: str, element: Element, encoded: _Encoded) -> Simple | Structure | None:
    prefix, colon, local = said.strip(BLANKS).rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    name = f"{{{namespace}}}{local}"
    # The encoding has its own names for XML Schema's types, so that they can have an id.
    if name.startswith((ENC11, ENC12)):
        name = _ANY if local in {"Array", "Struct"} else _XSD + local
    found = encoded.readers.named(name)
    if found is None:
        encoded.tolerance.note("type", element, "an xsi:type of the contract")
        return None
    return found[1]


def reference_of(element: Element) -> str | None:
    """Return the id of the value in the message that an element stands for."""
    href = element.get("href")
    if href is not None and href.startswith("#"):
        return href[1:]
    return element.get(f"{ENC12}ref")


def id_of(element: Element) -> str | None:
    """Return what an element is referred to by."""
    found: Any = element.get("id") or element.get(f"{ENC12}id")
    return cast("str | None", found)
