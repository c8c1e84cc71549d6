"""A fault as an element of code, text, actor and detail, whether it is written as SOAP 1.1 or 1.2 has it."""

from collections.abc import Iterator
from typing import Final

from contracts.legacy.soap.divergence import scalar
from contracts.legacy.soap.divergence.content import Content, Declared
from contracts.legacy.soap.divergence.node import Node, sealed
from contracts.legacy.soap.divergence.plan import Plan
from contracts.legacy.soap.divergence.reading import ENVELOPES, Reader
from contracts.legacy.soap.divergence.scalar import TEXT
from contracts.legacy.xml import Element, local_name

__all__ = ["FAULT", "STANDARD", "code", "content", "read"]

FAULT: Final = "Fault"
_MAPPED: Final = {"Sender": "Client", "Receiver": "Server"}
STANDARD: Final = frozenset(
    {"Client", "Server", "Sender", "Receiver", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"}
)
"""Codes that SOAP itself has, so nothing personal is in them."""
_MOST_SUBCODES: Final = 8


def content(details: dict[str, Declared]) -> Content:
    """Return what may stand in a fault, given the declared details by name."""
    detail = Content(elements=details, is_open=True, is_free=True)
    text = Content(name="text", scalar=TEXT)
    parts = {name: Declared(tag=name, type=text, is_once=True) for name in ("code", "text", "actor")}
    return Content(name="fault", elements={**parts, "detail": Declared(tag="detail", type=detail, is_once=True)})


def code(element: Element) -> str:
    """Return the code, that of SOAP 1.1 for both versions, subcodes after dots.

    >>> from contracts.legacy.xml import parse
    >>> code(parse(b"<Fault xmlns:s='http://www.w3.org/2003/05/soap-envelope'><Code><Value>s:Sender</Value></Code></Fault>"))
    'Client'
    """
    said = _child(element, "Code")
    if said is None:
        return _name(_child(element, "faultcode"))
    codes: list[str] = []
    while said is not None and len(codes) < _MOST_SUBCODES:
        codes.append(_name(_child(said, "Value")))
        said = _child(said, "Subcode")
    return ".".join(codes)


def read(plan: Plan, element: Element, reader: Reader, *, with_text: bool) -> Node:
    """Read a fault.

    Raises:
        XmlError: It is beyond the limits.
    """
    node = Node(plan=plan, tag=FAULT, content=plan.content)
    node.children = [*_parts(plan, element, reader, with_text=with_text)]
    return sealed(node, has_tolerances=False)


def _parts(plan: Plan, element: Element, reader: Reader, *, with_text: bool) -> Iterator[Node]:
    texts = {"code": code(element), "actor": _text(_child(element, "faultactor", "Role"))}
    if with_text:
        texts["text"] = _text(_child(element, "faultstring")) or _text(_child(_child(element, "Reason"), "Text"))
    for name, text in sorted(texts.items()):
        part = plan.child(name, plan.content)
        if text and not part.is_ignored:
            node = Node(plan=part, tag=name, content=part.content, text=text)
            node.value = part.value(TEXT, text, element)
            yield sealed(node, has_tolerances=False)
    detail, part = _child(element, "detail", "Detail"), plan.child("detail", plan.content)
    if detail is not None and len(detail) + bool(_text(detail)) and not part.is_ignored:
        yield reader.node(part, detail, 1, tag="detail")


def _name(element: Element | None) -> str:
    if element is None:
        return "unknown"
    text = scalar.collapse(element.text or "")
    local = text.rpartition(":")[2]
    first, dot, rest = local.partition(".")
    name = scalar.expanded(text, element) or text
    is_standard = first in STANDARD and (":" not in text or name.startswith(ENVELOPES))
    return f"{_MAPPED.get(first, first)}{dot}{rest}" if is_standard else name


def _child(element: Element | None, *names: str) -> Element | None:
    return None if element is None else next((child for child in element if local_name(child) in names), None)


def _text(element: Element | None) -> str:
    return "" if element is None else scalar.collapse(element.text or "")
