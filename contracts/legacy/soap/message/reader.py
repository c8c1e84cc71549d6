"""Reads the replies of one operation as its contract says: whole, or as a stream of items in flat memory."""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from contracts.errors import ConfigError, ContractError, LegacyFaultError, LegacyUnavailableError, RecordError
from contracts.legacy import xml
from contracts.legacy.soap import fault
from contracts.legacy.soap.contract.model import Body, Operation, Part
from contracts.legacy.soap.envelope import BODY, FAULT, Source, body_of, require_reply
from contracts.legacy.soap.message.deviation import DEFAULT_REFUSED, Deviation, Kind, Tolerance
from contracts.legacy.soap.message.encoded import read_encoded, read_value
from contracts.legacy.soap.message.encoded_list import EncodedList, WrittenOut, item_of
from contracts.legacy.soap.message.field import Field, Record, Structure, Typed, kept, read_field, read_parts
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.message.simple import Simple
from contracts.legacy.soap.message.structure import Complex
from contracts.legacy.xml import Element, Limits, Path, XmlError, local, local_name

__all__ = ["Item", "Reader", "Reply", "Rest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One repeating element of a reply, typed."""

    record: Record
    """Typed; where it is refused, text as it came."""
    error: RecordError | None
    """Why it is refused: it deviates from the contract in a way that could only be guessed."""
    deviations: Sequence[Deviation]
    """What was tolerated."""
    xml: bytes
    """The element in exclusive canonical form: the same content is the same bytes, whatever its quoting.
    Empty where it was not asked for, and the item is not refused."""

    @property
    def digest(self) -> str:
        """Return the hash of its content, 128 bits in hex."""
        return hashlib.blake2b(self.xml, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What a reply says besides its items: how many there are, the token of the next page."""

    record: Record
    deviations: Sequence[Deviation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole reply, typed."""

    record: Record
    """The children of the Body's element; a single one of a simple type, or none at all, is under `#text`."""
    headers: Record
    """SOAP headers by `{namespace}name`; typed where the contract declares them."""
    deviations: Sequence[Deviation]


class Reader:
    """Reads replies of one operation. Not for several threads at a time.

    Args:
        operation: The operation, as its port has it.
        readers: Those of its contract.
        refused: Kinds of deviations that are errors; the others are tolerated, and told.
        system: Name of the legacy system, for errors.
    """

    def __init__(
        self, operation: Operation, readers: Readers, *, system: str, refused: frozenset[Kind] = DEFAULT_REFUSED
    ) -> None:
        if operation.output is None:
            raise ConfigError([f"{operation.name}: it is one-way, and has no reply"])
        self._operation, self._readers, self._system, self._refused = operation, readers, system, refused
        self._body: Final[Body] = operation.output
        self._root = "" if self._body.root is None else self._body.root
        self._parts = {part.tag: self._field(part) for part in self._body.parts}
        self._faults = {each.part.tag: each for each in operation.faults if each.part is not None}

    def read(self, data: bytes, limits: Limits | None = None) -> Reply:
        """Read a whole reply.

        Raises:
            LegacyFaultError: It is a fault, typed where the contract declares it.
            LegacyUnavailableError: It is no SOAP reply.
            RecordError: It deviates from the contract in a way that is refused.
        """
        source = Source([data])
        try:
            root = xml.parse(b"".join(source), limits)
            body = body_of(root)
            self._refuse_fault(body)
            if self._root:
                require_reply(root, self._root)
        except XmlError as error:
            raise LegacyUnavailableError(self._system, reason=source.reason(str(error))) from error
        tolerance = Tolerance(self._refused, body)
        try:
            record = self._record(body, tolerance)
        except XmlError as error:
            raise LegacyUnavailableError(self._system, reason=str(error)) from error
        return Reply(record=record, headers=self._headers(root, tolerance), deviations=tolerance.found)

    def items(
        self, chunks: Iterable[bytes], path: Path, limits: Limits | None = None, *, with_xml: bool = True
    ) -> Generator[Item | Rest, None, None]:
        """Yield the items of a reply as they arrive, and last what else it says. All are read by one thread.

        The path leads from the child of the SOAP Body to the repeating element, both included, by local names
        or `{namespace}name`. In SOAP encoding, whose values refer to each other, it leads to an array or to what
        repeats, and the reply is in memory whole. Without `with_xml`, only refused items have their XML, and none a
        digest.

        Raises:
            ConfigError: The contract has no such path; says what there is.
            LegacyFaultError: It is a fault; the items that came before it were yielded.
            LegacyUnavailableError: It is no SOAP reply (empty, HTML, malformed, truncated, another message).
        """
        field, tag = self._at(path)
        source = Source(chunks)
        try:
            if self._body.use == "encoded":
                yield from self._encoded_items(source, path, limits or Limits(), with_xml=with_xml)
                return
            for found, element in xml.stream(source, [(*BODY, *path), FAULT], limits, keep=True):
                if found == FAULT:
                    raise self._fault(element)
                if found:
                    yield self._item(field, tag, element, with_xml=with_xml)
                else:
                    require_reply(element, path[0])
                    yield self._rest(element, path, tag)
        except XmlError as error:
            raise LegacyUnavailableError(self._system, reason=source.reason(str(error))) from error

    def field_at(self, path: Path) -> Field:
        """Return what the elements at a path become.

        Raises:
            ConfigError: The contract has no such path; says what there is.
        """
        field = self._at(path)[0]
        return item_of(field, self._readers) if self._body.use == "encoded" else field

    def _encoded_items(
        self, source: Source, path: Path, limits: Limits, *, with_xml: bool
    ) -> Generator[Item | Rest, None, None]:
        *_, (_, root) = xml.stream(source, [], replace(limits, item_bytes=limits.document_bytes))
        self._refuse_fault(body_of(root))
        require_reply(root, path[0])
        declared, most = self._at(path)[0], limits.document_bytes
        listed = EncodedList(
            body_of(root), path, self._parts, declared=declared, readers=self._readers, most_bytes=most
        )
        kind = self.field_at(path).type
        for each in listed.items():
            yield self._encoded_item(each, kind, with_xml=with_xml)
        tolerance = Tolerance(frozenset(), body_of(root))
        yield Rest(record=listed.rest(tolerance), deviations=tolerance.found)

    def _encoded_item(self, listed: WrittenOut, kind: Simple | Structure | None, *, with_xml: bool) -> Item:
        element = listed.element
        tolerance = Tolerance(self._refused, element)
        refused, record = listed.refused, _text_of(element)
        if refused is None:
            try:
                record = _record_of(read_value(kind, element, tolerance, self._readers))
            except RecordError as error:
                refused = _refusal(error, element)
        canonical = xml.canonical(element, exclusive=False) if with_xml or refused is not None else b""
        return Item(record=record, error=refused, deviations=tolerance.found, xml=canonical)

    def _item(self, field: Field, tag: str, element: Element, *, with_xml: bool) -> Item:
        tolerance = Tolerance(self._refused, element)
        refused = None
        try:
            if element.tag != tag:
                tolerance.note("namespace", element, _namespace_of(tag))
            record = _record_of(read_field(field, element, tolerance))
        except (RecordError, XmlError) as error:
            # Without the frames, which hold the item's elements.
            refused = _refusal(error, element)
            record = _text_of(element)
        canonical = xml.canonical(element) if with_xml or refused is not None else b""
        return Item(record=record, error=refused, deviations=tolerance.found, xml=canonical)

    def _rest(self, root: Element, path: Path, tag: str) -> Rest:
        # The items are handed on already: what is wrong beside them is told, and refuses nothing.
        tolerance = Tolerance(frozenset(), body := body_of(root), apart=frozenset({tag}))
        record = {} if len(path) == 1 else self._record(body, tolerance)
        return Rest(record=record, deviations=tolerance.found)

    def _record(self, body: Element, tolerance: Tolerance) -> Record:
        record = self._first(body, tolerance)
        if self._body.use == "literal" and (self._body.wrapper is not None or len(self._parts) == 1):
            for other in body[0].itersiblings():
                tolerance.note("unknown", body, "nothing after the reply", below=local_name(other))
                cast("list[Typed]", record.setdefault("#unknown", [])).append({other.tag: kept(other)})
        return record

    def _first(self, body: Element, tolerance: Tolerance) -> Record:
        if self._body.use == "encoded" and self._body.wrapper is not None:
            return read_encoded(self._parts, body[0], tolerance, self._readers)
        if self._body.wrapper is not None:
            return read_parts(self._parts, body[0], tolerance)
        if len(self._parts) != 1:
            return read_parts(self._parts, body, tolerance)
        return _record_of(read_field(self._parts[self._root], body[0], tolerance))

    def _headers(self, root: Element, tolerance: Tolerance) -> Record:
        header = next((child for child in root if local_name(child) == "Header"), None)
        headers: Record = {}
        for element in () if header is None else header:
            headers |= self._anything(element, element.tag, tolerance)
        return headers

    def _refuse_fault(self, body: Element) -> None:
        first = next(iter(body), None)
        if first is not None and local_name(first) == "Fault":
            raise self._fault(first)

    def _fault(self, element: Element) -> LegacyFaultError:
        """Return the error that a fault is; its detail typed by what the contract declares, however it is qualified."""
        said = fault.read(element)
        detail = fault.detail_of(element)
        if detail is None:
            return said.error(self._system)
        tag = next((each for each in self._faults if local(each) == local_name(detail)), "")
        tag = detail.tag if detail.tag in self._faults else tag
        declared, tolerance = self._faults.get(tag), Tolerance(frozenset(), detail)
        if declared is not None and declared.part is not None and declared.use == "encoded":
            value = read_value(self._field(declared.part).type, detail, tolerance, self._readers)
        else:
            [value] = self._anything(detail, tag, tolerance).values()
        name = None if declared is None else declared.name
        return LegacyFaultError(self._system, code=said.code, text=said.text, fault=name, detail=value)

    def _anything(self, element: Element, tag: str, tolerance: Tolerance) -> Record:
        value = read_field(self._readers.any(tag, name=""), element, tolerance)
        return value if isinstance(value, dict) else {}

    def _field(self, part: Part) -> Field:
        found = self._readers.part(part.name, element=part.element, type_name=part.type)
        if found is None:
            where, missing = f"{self._operation.place}: {self._operation.name}", part.element or part.type or "nothing"
            raise ContractError(where, expected=f"what part {part.name} is", found=missing)
        return found

    def _at(self, path: Path) -> tuple[Field, str]:
        """Return what the elements at a path become, and their tag."""
        known: Mapping[str, Field] = self._parts
        if self._body.wrapper is not None:
            _find(path[0], [self._root])
        field, tag = None, ""
        for step in path if self._body.wrapper is None else path[1:]:
            tag = _find(step, known)
            field = known[tag]
            known = field.type.fields if isinstance(field.type, Complex) else {}
        if field is None:
            raise ConfigError([f"items: {'/'.join(path)} is the reply itself; name what repeats in it"])
        return field, tag


def _refusal(error: RecordError | XmlError, element: Element) -> RecordError:
    if isinstance(error, RecordError):
        return error.with_traceback(None)
    return RecordError(local_name(element), expected=str(error), code="content")


def _text_of(element: Element) -> Record:
    """Return an item as text; nothing where it is nested too deep for that, too."""
    try:
        return _record_of(kept(element))
    except XmlError:
        return {}


def _namespace_of(tag: str) -> str:
    namespace = tag.rpartition("}")[0][1:]
    return f"the namespace {namespace}" if namespace else "no namespace"


def _record_of(value: Typed) -> Record:
    return value if isinstance(value, dict) else {"#text": value}


def _find(step: str, known: Iterable[str]) -> str:
    tags = [*known]
    found = next((tag for tag in tags if step in {tag, local(tag)}), None)
    if found is None:
        there = ", ".join(sorted(local(tag) for tag in tags)) or "none"
        raise ConfigError([f"items: the reply has no {step}; there are: {there}"])
    return found
