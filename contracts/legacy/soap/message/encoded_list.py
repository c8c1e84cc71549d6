"""A list in SOAP encoding: each item taken out of the message, with all that it refers to.

A server numbers its values anew in each reply, and may write one where it stands or apart. So each item is written out
on its own: a value stands where it is first meant, and has an `id` (1, 2, ...) where the item means it again; names of
types have the prefix `t`. Then the same content is the same bytes, and still a value in SOAP encoding.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final, cast

from lxml import etree

from contracts.errors import RecordError
from contracts.legacy.soap.message.deviation import Tolerance
from contracts.legacy.soap.message.encoded import (
    ENC11,
    ENC12,
    array_in,
    id_of,
    ids_in,
    is_nil,
    read_encoded,
    reference_of,
)
from contracts.legacy.soap.message.field import XSI, Field, Record, Typed
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.sample.encoded import array_of
from contracts.legacy.xml import Element, Path, XmlError, local_name

__all__ = ["EncodedList", "WrittenOut", "item_of"]

_XSD: Final = "http://www.w3.org/2001/XMLSchema"
_PREFIXES: Final = {XSI[1:-1]: "xsi", _XSD: "xsd", ENC11[1:-1]: "enc", ENC12[1:-1]: "enc12"}
_TYPE: Final = XSI + "type"
_NAME_TYPES: Final = frozenset({_TYPE, f"{ENC11}arrayType", f"{ENC12}itemType"})
_ENVELOPES: Final = ("{http://schemas.xmlsoap.org/soap/envelope/}", "{http://www.w3.org/2003/05/soap-envelope}")
_OF_THE_MESSAGE: Final = frozenset(
    {"id", f"{ENC12}id", f"{ENC12}ref", f"{ENC11}root", *(each + "encodingStyle" for each in _ENVELOPES)}
)
"""Attributes that say how a message is written, and nothing of the value."""
_MOST_LEVELS: Final = 100
_ELEMENT_BYTES: Final = 8
_PART: Final = 2


@dataclass(frozen=True, slots=True)
class WrittenOut:
    """An item with all that it refers to."""

    element: Element
    refused: RecordError | None
    """Why it is not written out whole."""


def item_of(declared: Field, readers: Readers) -> Field:
    """Return what the items are of what is declared at a path: those of the array; else it repeats itself."""
    array = None if declared.type is None else array_of(declared.type.kind)
    if array is None:
        return declared
    known = None if array.inner else readers.named(array.name)
    return Field(name=declared.name, type=None if known is None else known[1], lookup=readers)


class EncodedList:
    """The list at a path of a reply.

    Args:
        body: The SOAP Body.
        path: From the wrapper to the array, or to what repeats.
        parts: The parts of the reply.
        declared: What the contract has at the path.
        readers: Those of the contract.
        most_bytes: How long the items may be together, written out: what they share is there for each of them.
    """

    def __init__(
        self,
        body: Element,
        path: Path,
        parts: Mapping[str, Field],
        *,
        declared: Field,
        readers: Readers,
        most_bytes: int,
    ) -> None:
        self._path, self._parts, self._readers = path, parts, readers
        self._wrapper = next(child for child in body if path[0] in {child.tag, local_name(child)})
        self._by_id = ids_in(body)
        self._most = self._left = most_bytes
        self._is_array = declared.type is not None and array_of(declared.type.kind) is not None

    def items(self) -> Generator[WrittenOut, None, None]:
        """Yield each item.

        Raises:
            XmlError: The list has not as many items as it says, or several dimensions; or they are too long.
        """
        accessors, kind = self._members()
        for accessor in accessors:
            writer = _Writer(self._by_id, self._left, kind)
            element = writer.write(None, accessor, 0)
            self._left = writer.left
            if self._left < 0:
                raise XmlError(f"expected items of at most {self._most} bytes together, with all that they refer to")
            yield WrittenOut(element, writer.refused)

    def rest(self, tolerance: Tolerance) -> Record:
        """Return what else the reply says; the list itself is taken out of it."""
        accessors = self._accessors()
        taken = self._meant_by(accessors)
        is_part = len(self._path) == _PART
        for number, accessor in enumerate(accessors):
            if is_part or number:
                cast("Element", accessor.getparent()).remove(accessor)
            else:
                _emptied(accessor)  # its place stays: who lacks it would be told to
        apart = _local(self._path[1]) if is_part else None
        parts = {tag: each for tag, each in self._parts.items() if _local(tag) != apart}
        is_alone = len(self._parts) == 1
        record = read_encoded(parts, self._wrapper, tolerance, self._readers, taken=taken, alone=is_alone)
        if not is_part:
            _leave_out(record, [_local(step) for step in self._path[1:]])
        return record

    def _meant_by(self, elements: Sequence[Element]) -> set[str]:
        """Return the ids of all that these refer to, by whatever way."""
        found, left = set[str](), [*elements]
        while left:
            for each in left.pop().iter("*"):
                reference = reference_of(each)
                if reference is not None and reference not in found:
                    found.add(reference)
                    left += [self._by_id[reference]] if reference in self._by_id else []
        return found

    def _members(self) -> tuple[Sequence[Element], str | None]:
        """Return the items as they stand, and `{namespace}name` of what their array says they are."""
        accessors = self._accessors()
        if len(accessors) != 1:
            return accessors, None
        array = self._meant(accessors[0])
        if is_nil(array):
            return [], None
        said = array_in(array)
        if said is None:
            return ([*array], None) if self._is_array else (accessors, None)
        kind, sizes = said
        if len(sizes) > 1:
            raise XmlError("expected a list, found an array of several dimensions")
        # One that says where each item stands may have gaps.
        placed = any(child.get(f"{ENC11}position") is not None for child in array)
        if sizes and not placed and prod(sizes) != len(array):
            raise XmlError(f"expected {prod(sizes)} items, as the array says, found {len(array)}")
        return [*array], None if kind is None else _resolved(kind, array)

    def _accessors(self) -> Sequence[Element]:
        """Return what lies on the path; nothing where a step is absent or nil."""
        found: Sequence[Element] = [self._wrapper]
        for step in self._path[1:]:
            if not found or is_nil(above := self._meant(found[0])):
                return []
            named = [child for child in above if _local(step) == local_name(child)]
            # An answer's one part has whatever name a server gives it.
            is_the_part = above is self._wrapper and len(self._parts) == 1
            found = named or ([*above][:1] if is_the_part else [])
        return found

    def _meant(self, accessor: Element) -> Element:
        meant = accessor
        for _ in range(_MOST_LEVELS):
            reference = reference_of(meant)
            if reference is None:
                return meant
            if reference not in self._by_id:
                break
            meant = self._by_id[reference]
        raise XmlError("expected a list, found a reference that leads to none")


@dataclass(slots=True)
class _Writer:
    """Writes out one item."""

    by_id: Mapping[str, Element]
    left: int
    """Bytes, about."""
    kind: str | None
    """`{namespace}name` of the type of the item, where it does not say it itself."""
    refused: RecordError | None = None
    _made: dict[str, Element] = field(default_factory=dict[str, Element])
    """By id of the message, what was written for it."""
    _numbered: int = 0

    def write(self, above: Element | None, accessor: Element, level: int) -> Element:
        """Write an accessor, with what it means inside of it, below another one."""
        ids: list[str] = []
        meant = accessor
        while (reference := reference_of(meant)) is not None:
            if (made := self._made.get(reference)) is not None:
                return self._refer(above, accessor, self._number(made))
            if reference in ids or reference not in self.by_id:
                return self._refer(above, accessor, "nothing")
            ids.append(reference)
            meant = self.by_id[reference]
        made = self._element(above, accessor, meant)
        own = id_of(meant)
        self._made |= dict.fromkeys(ids if own is None else [*ids, own], made)
        self._fill(made, meant, level)
        return made

    def _fill(self, made: Element, meant: Element, level: int) -> None:
        text = meant.text or ""
        if text and (not len(meant) or not text.isspace()):
            made.text = text
            self.left -= len(text)
        if level == _MOST_LEVELS and len(meant):
            # What is deeper can't be told apart, so this must not pass for the whole.
            item = local_name(made.getroottree().getroot())
            self.refused = RecordError(item, expected=f"at most {_MOST_LEVELS} levels", code="content")
            return
        for child in meant:
            if self.left < 0:
                return
            self.write(made, child, level + 1)

    def _refer(self, above: Element | None, accessor: Element, number: str) -> Element:
        self.left -= _ELEMENT_BYTES + len(accessor.tag)
        return _below(above, accessor.tag, {"href": f"#{number}"})

    def _number(self, made: Element) -> str:
        if made.get("id") is None:
            self._numbered += 1
            made.set("id", str(self._numbered))
        return cast("str", made.get("id"))

    def _element(self, above: Element | None, accessor: Element, meant: Element) -> Element:
        """Make an element with all attributes of a value; names of types get prefixes of ours."""
        attributes: dict[str, str] = {}
        namespaces: dict[str, str] = {}
        said = {**_said(accessor), **_said(meant)}
        if above is None and self.kind is not None:
            said.setdefault(_TYPE, self.kind)
        for name in sorted(said):
            attributes[name] = text = said[name]
            if name in _NAME_TYPES and text.startswith("{"):
                namespace, _, local = text[1:].partition("}")
                prefix = _PREFIXES.get(namespace) or namespaces.setdefault(namespace, f"t{len(namespaces)}")
                attributes[name] = f"{prefix}:{local}"
            self.left -= len(name) + len(text)
        self.left -= _ELEMENT_BYTES + len(accessor.tag)
        return _below(above, accessor.tag, attributes, **{prefix: each for each, prefix in namespaces.items()})


def _below(above: Element | None, tag: str, attributes: Mapping[str, str], **namespaces: str) -> Element:
    if above is None:
        every = {prefix: namespace for namespace, prefix in _PREFIXES.items()}
        return etree.Element(tag, dict(attributes), nsmap={**every, **namespaces})
    return etree.SubElement(above, tag, dict(attributes), nsmap=namespaces)


def _said(element: Element) -> dict[str, str]:
    """Return the attributes that are about the value; names of types as `{namespace}name`."""
    found: dict[str, str] = {}
    for name, text in cast("Sequence[tuple[str, str]]", element.items()):
        if name in _NAME_TYPES:
            found[name] = _resolved(text, element)
        elif name not in _OF_THE_MESSAGE and not (name == "href" and text.startswith("#")):
            found[name] = text
    return found


def _resolved(said: str, element: Element) -> str:
    """Return the name of a type as `{namespace}name`; as it is where its prefix is nobody's."""
    prefix, colon, local = said.strip().rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    return f"{{{namespace}}}{local}" if namespace else said


def _emptied(accessor: Element) -> None:
    tail = accessor.tail
    accessor.clear()
    accessor.tail = tail
    accessor.set(XSI + "nil", "true")


def _leave_out(record: Record, path: Sequence[str]) -> None:
    """Leave out of a record what stands at a path; an only part may have another name there."""
    found: Typed = record
    for number, step in enumerate(path[:-1]):
        if not isinstance(found, dict):
            return
        only = next(iter(found.values())) if number == 0 and len(found) == 1 else None
        found = found.get(step, only)
    if isinstance(found, dict):
        found.pop(path[-1], None)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
