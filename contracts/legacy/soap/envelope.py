"""The SOAP envelope of an answer: what is none is told apart, without a word of its content."""

from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from contracts.legacy import xml
from contracts.legacy.xml import BLANKS, Element, Path, XmlError

__all__ = ["BODY", "FAULT", "Source", "body_of", "header_of", "require_reply"]

_ENVELOPES: Final = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
BODY: Final[Path] = ("Envelope", "Body")
FAULT: Final[Path] = ("Envelope", "Body", "Fault")
_HEAD_BYTES: Final = 256


def body_of(root: Element) -> Element:
    """Return the SOAP Body of an envelope, of either version.

    Raises:
        XmlError: It is no SOAP envelope, or has no Body.
    """
    namespace, _, name = root.tag.rpartition("}")
    if name != "Envelope" or namespace.removeprefix("{") not in _ENVELOPES:
        raise XmlError(f"expected a SOAP envelope, found {root.tag}")
    body = root.find(f"{namespace}}}Body")
    if body is None:
        raise XmlError("expected a SOAP Body, found nothing")
    return body


def header_of(envelope: Element) -> Element:
    """Return the SOAP Header of an envelope of ours; it is made where there is none."""
    first = next(iter(envelope), None)
    if first is not None and xml.local_name(first) == "Header":
        return first
    header = etree.Element(f"{envelope.tag.rpartition('}')[0]}}}Header")
    envelope.insert(0, header)
    return header


def require_reply(root: Element, expected: str) -> None:
    """Refuse an envelope whose Body has another child than the expected one.

    Raises:
        XmlError: It has another, or none.
    """
    child = next(iter(body_of(root)), None)
    if child is None:
        raise XmlError(f"expected {expected} in the SOAP Body, found nothing")
    if expected not in {child.tag, xml.local_name(child)}:
        raise XmlError(f"expected {expected} in the SOAP Body, found {child.tag}")


class Source:
    """Passes chunks on, and remembers how they began to tell what it was that was no reply."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._head = b""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks, without blanks before the first sign."""
        for chunk in self._chunks:
            if self._head:
                yield chunk
            elif content := chunk.lstrip(BLANKS.encode()):
                # Blanks before the XML declaration are wrong and common.
                self._head = content[:_HEAD_BYTES]
                yield content

    def reason(self, problem: str) -> str:
        """Return what it was instead of a reply; `problem` where it was XML."""
        if not self._head:
            return "expected a SOAP reply, found an empty body"
        head = self._head.replace(b"\0", b"").lower().removeprefix(b"\xef\xbb\xbf")
        if head.startswith((b"<html", b"<!doctype html")):
            return "expected a SOAP reply, found HTML"
        if not head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff<")):
            return "expected a SOAP reply, found no XML"
        return problem
