"""A fault as an element of code, text, actor and detail, whether it is written as SOAP 1.1 or 1.2 has it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from contracts.legacy.soap import scalar
from contracts.legacy.soap.divergence.content import Attribute, Content, Declared
from contracts.legacy.soap.divergence.node import Node, sealed
from contracts.legacy.soap.divergence.plan import Plan
from contracts.legacy.soap.divergence.reading import ENVELOPES, Reader
from contracts.legacy.soap.scalar import TEXT
from contracts.legacy.xml import BLANKS, Element, local_name

__all__ = ["FAULT", "STANDARD", "code", "content", "has_languages", "read"]

FAULT: Final = "Fault"
_MAPPED: Final = {"Sender": "Client", "Receiver": "Server"}
STANDARD: Final = frozenset(
    {"Client", "Server", "Sender", "Receiver", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"}
)
"""Codes that SOAP itself has, so nothing personal is in them."""
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_PARTS: Final = {
    "faultcode": "code",
    "Code": "code",
    "faultstring": "text",
    "Reason": "text",
    "faultactor": "actor",
    "Role": "actor",
    "Node": "node",
    "detail": "detail",
    "Detail": "detail",
}
_CODES: Final = {"Value": "value", "Subcode": "subcode"}


class _Said(NamedTuple):
    """A part of a fault, and where it stands."""

    name: str
    text: str
    element: Element | None


@dataclass(slots=True)
class _Rest:
    """What stands in a fault beside the parts that it has by SOAP."""

    elements: list[Element] = field(default_factory=list[Element])
    texts: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def parts(self, element: Element, names: Mapping[str, str]) -> dict[str, Element]:
        """Return the first child for each part; the others are kept."""
        found: dict[str, Element] = {}
        self._keep([element.text, *(child.tail for child in element)])
        for child in element:
            part = names.get(local_name(child))
            if part is None or part in found:
                self.elements.append(child)
            else:
                found[part] = child
        return found

    def text(self, element: Element) -> str:
        """Return the text of an element that should have nothing else; what it has is kept."""
        self.elements += element
        self._keep([None, *(child.tail for child in element)])
        return scalar.collapse(element.text or "")

    def reasons(self, element: Element) -> list[Element]:
        """Return what explains a fault, in each of its languages."""
        if local_name(element) != "Reason":
            return [element]
        self._keep([element.text, *(child.tail for child in element)])
        found = [child for child in element if local_name(child) == "Text"]
        self.elements += [child for child in element if local_name(child) != "Text"]
        return found

    def _keep(self, texts: list[str | None]) -> None:
        self.texts += [(at, scalar.collapse(text)) for at, text in enumerate(texts) if text and text.strip(BLANKS)]


def content(details: dict[str, Declared]) -> Content:
    """Return what may stand in a fault, given the declared details by name."""
    detail = Content(elements=details, is_open=True, is_free=True)
    text = Content(name="text", scalar=TEXT, attributes={_LANGUAGE: Attribute(scalar=TEXT)})
    parts = {name: Declared(tag=name, type=text, is_once=True) for name in ("code", "text", "actor", "node")}
    return Content(name="fault", elements={**parts, "detail": Declared(tag="detail", type=detail, is_once=True)})


def code(element: Element) -> str:
    """Return the code, that of SOAP 1.1 for both versions, subcodes after dots.

    >>> from contracts.legacy.xml import parse
    >>> code(parse(b"<Fault xmlns:s='http://www.w3.org/2003/05/soap-envelope'><Code><Value>s:Sender</Value></Code></Fault>"))
    'Client'
    """
    return _code(_Rest().parts(element, _PARTS).get("code"), _Rest())


def has_languages(left: Element, right: Element) -> bool:
    """Tell whether the languages of the texts of two faults can be compared; in SOAP 1.1 most have none."""
    sides = [_Rest().parts(each, _PARTS).get("text") for each in (left, right)]
    texts = [each for side in sides if side is not None for each in _Rest().reasons(side)]
    is_reason = all(side is not None and local_name(side) == "Reason" for side in sides)
    return is_reason or all(each.get(_LANGUAGE) is not None for each in texts)


def read(plan: Plan, element: Element, reader: Reader, *, with_text: bool, with_languages: bool) -> Node:
    """Read a fault.

    Raises:
        XmlError: It is beyond the limits.
    """
    node, rest = Node(plan=plan, tag=FAULT, content=plan.content), _Rest()
    reader.attributes(node, element)
    found = rest.parts(element, _PARTS)
    parts = {name: each for name, each in found.items() if not plan.child(name, plan.content).is_ignored}
    if not with_text:
        parts.pop("text", None)
    but = () if with_languages else (_LANGUAGE,)
    children = [_leaf(plan, said, reader, but=but) for said in _said(parts, rest) if said.text]
    if "detail" in parts:
        children += _detail(plan, parts["detail"], reader)
    # Nothing else may stand in a fault, so all that does says something; it is none of the parts, whatever its name.
    others = [(plan.child(each.tag, plan.content), each) for each in rest.elements]
    named = ((below, each, each.tag if each.tag.startswith("{") else f"{{}}{each.tag}") for below, each in others)
    children += [reader.node(below, each, 1, tag=tag) for below, each, tag in named if not below.is_ignored]
    node.children = [each for each in children if not each.plan.is_ignored]
    node.value, node.text = tuple(rest.texts) or None, " ".join(text for _, text in rest.texts)
    return sealed(node, has_tolerances=False)


def _said(parts: Mapping[str, Element], rest: _Rest) -> Iterator[_Said]:
    """Yield the parts that are a text."""
    for name in ("actor", "node"):
        if name in parts:
            yield _Said(name, rest.text(parts[name]), parts[name])
    yield _Said("code", _code(parts.get("code"), rest), parts.get("code"))
    if "text" in parts:
        yield from (_Said("text", rest.text(each), each) for each in rest.reasons(parts["text"]))


def _leaf(plan: Plan, said: _Said, reader: Reader, *, but: tuple[str, ...]) -> Node:
    part = plan.child(said.name, plan.content)
    node = Node(plan=part, tag=said.name, content=part.content, value=said.text, text=said.text)
    if said.element is not None:
        node.value = part.value(TEXT, said.text, said.element)
        reader.attributes(node, said.element, but=but)
    return sealed(node, has_tolerances=False)


def _detail(plan: Plan, element: Element, reader: Reader) -> Iterator[Node]:
    part = plan.child("detail", plan.content)
    node = reader.node(part, element, 1, tag="detail")
    # An empty one says nothing.
    if len(element) or node.attributes or scalar.collapse(element.text or ""):
        yield node


def _code(element: Element | None, rest: _Rest) -> str:
    if element is None:
        return "unknown"
    if local_name(element) == "faultcode":
        rest.text(element)
        return _name(element)
    codes: list[str] = []
    below: Element | None = element
    while below is not None:
        parts = rest.parts(below, _CODES)
        if "value" in parts:
            rest.text(parts["value"])
        codes.append(_name(parts.get("value")))
        below = parts.get("subcode")
    return ".".join(codes)


def _name(element: Element | None) -> str:
    if element is None:
        return "unknown"
    text = scalar.collapse(element.text or "")
    local = text.rpartition(":")[2]
    first, dot, rest = local.partition(".")
    name = scalar.expanded(text, element) or text
    is_standard = first in STANDARD and (":" not in text or name.startswith(ENVELOPES))
    return f"{_MAPPED.get(first, first)}{dot}{rest}" if is_standard else name
