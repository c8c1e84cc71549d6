"""A reply as its bytes say it: an answer, a fault, nothing, or no SOAP at all; never an exception."""

from dataclasses import dataclass, replace
from typing import Final

from contracts.legacy import xml
from contracts.legacy.soap.divergence.difference import Outcome
from contracts.legacy.soap.divergence.reading import ENVELOPES
from contracts.legacy.xml import Element, Limits, XmlError

__all__ = ["Reply", "parse"]

_BLANKS: Final = b" \t\r\n"
_HEAD_BYTES: Final = 256
_ENVELOPE: Final = [(namespace + "Envelope",) for namespace in ENVELOPES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a reply is."""

    outcome: Outcome
    reason: str = ""
    """Why it can't be read; nothing of its content."""
    body: Element | None = None
    elements: int = 0
    """How many there are."""
    headers: tuple[Element, ...] = ()
    fault: Element | None = None

    def broken(self, reason: str) -> "Reply":
        """Return it as one that can't be read after all."""
        return replace(self, outcome="unreadable", reason=reason)


def parse(data: bytes, *, most_bytes: int, most_elements: int) -> Reply:
    """Read the envelope of a reply.

    >>> parse(b"<html/>", most_bytes=1000, most_elements=10).reason
    'expected a SOAP envelope, found HTML'
    """
    content = data.lstrip(_BLANKS)
    if not content:
        return Reply(outcome="empty", reason="expected a SOAP envelope, found nothing")
    try:
        # The path spares an event for each element. All is one chunk, so what follows the envelope was read, too.
        _, root = next(xml.stream([content], _ENVELOPE, Limits(document_bytes=most_bytes, item_bytes=most_bytes)))
    except (XmlError, LookupError) as error:
        return Reply(outcome="unreadable", reason=_reason(content, str(error)))
    if root.tag not in {namespace + "Envelope" for namespace in ENVELOPES}:
        return Reply(outcome="unreadable", reason=_reason(content, "expected a SOAP envelope, found another element"))
    namespace = root.tag.removesuffix("Envelope")
    body, header = root.find(namespace + "Body"), root.find(namespace + "Header")
    if body is None:
        return Reply(outcome="unreadable", reason="expected a SOAP Body, found none")
    elements = int(float(str(root.xpath("count(//*)"))))
    if elements > most_elements:
        return Reply(outcome="unreadable", reason=f"expected at most {most_elements} elements")
    fault = next(body.iterchildren(*(each + "Fault" for each in ENVELOPES)), None)
    return Reply(
        outcome="answer" if fault is None else "fault",
        body=body,
        elements=elements,
        headers=() if header is None else tuple(header),
        fault=fault,
    )


def _reason(content: bytes, problem: str) -> str:
    head = content[:_HEAD_BYTES].replace(b"\0", b"").lower().removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS)
    if head.startswith((b"<html", b"<!doctype html")):
        return "expected a SOAP envelope, found HTML"
    if not head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff<")):
        return "expected a SOAP envelope, found no XML"
    return problem
