"""A reply as its bytes say it: an answer, a fault, nothing, or no SOAP at all; never an exception."""

from dataclasses import dataclass, replace
from typing import Final

from contracts.legacy import xml
from contracts.legacy.soap.divergence.difference import Outcome
from contracts.legacy.soap.divergence.reading import ENVELOPES
from contracts.legacy.xml import BLANKS, Element, Limits, XmlError

__all__ = ["Reply", "parse"]

_BLANK_BYTES: Final = BLANKS.encode()
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
    header: Element | None = None
    envelope: Element | None = None
    has_more: bool = False
    """Something stands in the envelope beside one Header and one Body."""
    fault: Element | None = None

    @property
    def headers(self) -> list[Element]:
        """Return what stands in its Header."""
        return [] if self.header is None else [*self.header]

    def is_header(self, element: Element) -> bool:
        """Tell whether an element is the envelope's Header, the first if there are several."""
        return self.header is element

    def broken(self, reason: str) -> "Reply":
        """Return it as one that can't be read after all."""
        return replace(self, outcome="unreadable", reason=reason)


def parse(data: bytes, *, most_bytes: int, most_elements: int) -> Reply:
    """Read the envelope of a reply.

    >>> parse(b"<html/>", most_bytes=1000, most_elements=10).reason
    'expected a SOAP envelope, found HTML'
    """
    content = data.lstrip(_BLANK_BYTES)
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
        header=header,
        envelope=root,
        has_more=any(each is not body and each is not header for each in root)
        or bool("".join(_texts(root)).strip(BLANKS)),
        fault=fault,
    )


def _texts(envelope: Element) -> list[str]:
    return [envelope.text or "", *(each.tail or "" for each in envelope)]


def _reason(content: bytes, problem: str) -> str:
    head = content[:_HEAD_BYTES].replace(b"\0", b"").lower().removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK_BYTES)
    if head.startswith((b"<html", b"<!doctype html")):
        return "expected a SOAP envelope, found HTML"
    if not head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff<")):
        return "expected a SOAP envelope, found no XML"
    return problem
