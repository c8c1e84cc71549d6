"""Reads a SOAP reply as a stream of items: flat memory, and a hash of each for change detection.

zeep builds a Python object for every element; this reader builds a dict for every item and is several times
as fast. It takes SOAP 1.1 and 1.2 envelopes alike. Text stays text: the event model gives it its type.
"""

import hashlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, cast

from contracts.errors import LegacyUnavailableError
from contracts.legacy import xml
from contracts.legacy.soap import fault
from contracts.legacy.soap.envelope import FAULT, Source, require_reply
from contracts.legacy.xml import BLANKS, Element, Limits, Path, XmlError, local

__all__ = ["Item", "Record", "Value", "read", "value"]

Value: TypeAlias = "str | dict[str, Value] | list[Value] | None"
"""Text; None for `xsi:nil`; a dict of children; a list of what is repeated."""
Record: TypeAlias = dict[str, Value]
"""The children of an item by local name, its attributes as `@name`; what is absent has no entry."""

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_MOST_LEVELS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One repeating element of a reply."""

    record: Record
    xml: bytes
    """The element in exclusive canonical form: the same content is the same bytes, whatever its quoting."""

    @property
    def error(self) -> None:
        """Return None: text is read without a contract, so nothing of it is refused."""
        return

    @property
    def deviations(self) -> tuple[()]:
        """Return none, for the same reason."""
        return ()

    @property
    def digest(self) -> str:
        """Return the hash of its content, 128 bits in hex."""
        return hashlib.blake2b(self.xml, digest_size=16).hexdigest()


def read(
    chunks: Iterable[bytes], path: Path, *, system: str, limits: Limits | None = None
) -> Generator[Item, None, None]:
    """Yield the items of a reply as they arrive. All are read by one thread; see `xml.stream`.

    The path leads from the child of the SOAP Body to the repeating element, both included, by local names
    or `{namespace}name`.

    Raises:
        LegacyFaultError: The reply is a fault; the items that came before it were yielded.
        LegacyUnavailableError: It is no SOAP reply (empty, HTML, malformed, truncated, another message);
            says what was found, and nothing of its content.
    """
    source = Source(chunks)
    try:
        for found, element in xml.stream(source, [("Envelope", "Body", *path), FAULT], limits):
            if found == FAULT:
                raise fault.read(element).error(system)
            if found:
                yield Item(record=_record(element, 0), xml=xml.canonical(element))
            else:
                require_reply(element, path[0])
    except XmlError as error:
        raise LegacyUnavailableError(system, reason=source.reason(str(error))) from error


def value(element: Element, level: int = 0) -> Value:
    """Return what an element says.

    >>> value(xml.parse(b"<a><b>1</b><b>2</b><c unit='EUR'>3</c><d/></a>"))
    {'b': ['1', '2'], 'c': {'@unit': 'EUR', '#text': '3'}, 'd': ''}

    Attributes of XML Schema itself (`xsi:type`, `xsi:schemaLocation`) are left out.

    Raises:
        XmlError: It is nested too deep.
    """
    if element.get(_XSI + "nil") in {"true", "1"}:
        return None
    record = _record(element, level)
    return (record.get("#text") or "") if record.keys() <= {"#text"} else record


def _record(element: Element, level: int) -> Record:
    if level > _MOST_LEVELS:
        raise XmlError(f"expected at most {_MOST_LEVELS} levels in an item")
    record = _attributes(element) if element.keys() else {}
    repeated: dict[str, list[Value]] = {}
    text = element.text or ""
    for child in element:
        name = _local(child.tag)
        # Most elements are plain text: no call for them, since the calls are what costs.
        found = value(child, level + 1) if len(child) or child.keys() else child.text or ""
        text += child.tail or ""
        if name not in record:
            record[name] = found
        elif name in repeated:
            repeated[name].append(found)
        else:
            record[name] = repeated[name] = [record[name], found]
    # Blanks between elements are layout; blanks alone in an element are its text.
    if text and (not len(element) or text.strip(BLANKS)):
        record["#text"] = text
    return record


def _attributes(element: Element) -> Record:
    attributes = cast("Iterable[tuple[str, str]]", element.items())
    return {"@" + _local(name): text for name, text in attributes if not name.startswith(_XSI)}


_local = lru_cache(maxsize=4096)(local)
