"""Answers with the schema's types of their elements, and what they mean, both found without the code under test."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, cast

from lxml import etree
from xmlschema.validators import (
    XsdAnyElement,
    XsdAttribute,
    XsdComplexType,
    XsdElement,
    XsdGroup,
    XsdSimpleType,
    XsdType,
)

from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.model import Body
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.xml import Element, local_name
from tests.value_space import value

XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
ANY_TYPE: Final = XSD + "anyType"
_ABOUT_SCHEMAS: Final = {XSI + "schemaLocation", XSI + "noNamespaceSchemaLocation"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """An element, and what the contract says of it."""

    element: Element
    declared: XsdElement | None
    kind: XsdType
    """With its xsi:type heeded."""
    parent: "Node | None"

    @property
    def simple(self) -> XsdSimpleType | None:
        """Return the type of its text, where that is all it has."""
        found = self.kind.content if isinstance(self.kind, XsdComplexType) else self.kind
        return found if isinstance(found, XsdSimpleType) else None

    @property
    def group(self) -> XsdGroup | None:
        """Return what says which children it has."""
        found = self.kind.content if isinstance(self.kind, XsdComplexType) and self.kind.name != ANY_TYPE else None
        return found if isinstance(found, XsdGroup) else None

    @property
    def is_mixed(self) -> bool:
        """Tell whether text may stand among its children."""
        return isinstance(self.kind, XsdComplexType) and self.kind.mixed

    @property
    def is_nil(self) -> bool:
        """Tell whether it says that it has no value."""
        return (self.element.get(XSI + "nil") or "").strip() in {"true", "1"}

    @property
    def path(self) -> str:
        """Return its path below the SOAP Body, or below the fault, by local names."""
        steps = [self.element, *self.element.iterancestors()]
        names = [local_name(each) for each in steps]
        path = "/" + "/".join(reversed(names[: names.index("Body")]))
        return path.replace("/Fault/Detail", "/Fault/detail", 1)

    def attribute(self, name: str) -> XsdAttribute | None:
        """Return what the contract says of an attribute."""
        found = self.kind.attributes.get(name) if isinstance(self.kind, XsdComplexType) else None
        return found if isinstance(found, XsdAttribute) else None

    def child(self, tag: str) -> XsdElement | None:
        """Return what the contract says of a child."""
        return None if self.group is None else _known(self.group)[0].get(tag)

    def wildcard(self) -> XsdAnyElement | None:
        """Return the first place for any element."""
        return None if self.group is None else _known(self.group)[1]


@cache
def _known(group: XsdGroup) -> tuple[dict[str, XsdElement], XsdAnyElement | None]:
    """Return the children that a group can have, with what may stand for them, and the first place for any."""
    found: dict[str, XsdElement] = {}
    particles = [*group.iter_elements()]
    for each in particles:
        if isinstance(each, XsdElement):
            for member in (each, *each.iter_substitutes()):
                found.setdefault(member.name, member)
    return found, next((each for each in particles if isinstance(each, XsdAnyElement)), None)


@dataclass(slots=True, kw_only=True)
class Typed:
    """An envelope with the nodes whose types are known, in the order of the document."""

    schemas: Schemas
    body: Body | None
    root: Element
    nodes: list[Node] = field(default_factory=list[Node])

    @classmethod
    def of(cls, data: bytes | Element, schemas: Schemas, body: Body | None) -> "Typed":
        """Read an envelope; None as its body stands for a fault, whose detail has global elements."""
        root = etree.fromstring(data, _reader()) if isinstance(data, bytes) else data
        typed = cls(schemas=schemas, body=body, root=root)
        for top, declared, kind in typed._tops():
            typed.nodes.extend(typed._nodes(top, declared, kind, None))
        return typed

    def copy(self) -> "Typed":
        """Return one that can be changed."""
        root = deepcopy(self.root)
        twins = dict(zip(self.root.iter(), root.iter(), strict=True))
        copies: dict[Node, Node] = {}
        for node in self.nodes:
            parent = None if node.parent is None else copies[node.parent]
            copies[node] = replace(node, element=twins[node.element], parent=parent)
        return replace(self, root=root, nodes=[*copies.values()])

    def again(self) -> "Typed":
        """Return what it is after it was changed."""
        return Typed.of(self.root, self.schemas, self.body)

    @property
    def meaning(self) -> Any:
        """Return a value that equals that of another envelope whose Body says the same."""
        known = {node.element: node for node in self.nodes}
        body = _child(self.root, "Body")
        return [text.strip() for text in _texts(body)], [_meaning(each, known) for each in body]

    def _tops(self) -> Iterator[tuple[Element, XsdElement | None, XsdType | None]]:
        content = _child(self.root, "Body")
        if self.body is None:
            for fault in content:
                for detail in fault:
                    if local_name(detail) in {"detail", "Detail"}:
                        yield from ((each, self.schemas.element(each.tag), None) for each in detail)
        elif self.body.wrapper is not None:
            kinds = {part.tag: part for part in self.body.parts}
            for each in (child for wrapper in content for child in wrapper if child.tag in kinds):
                part = kinds[each.tag]
                yield each, self.schemas.element(part.element or ""), self.schemas.type(part.type or "")
        else:
            for each in content:
                yield each, self.schemas.element(each.tag), None

    def _nodes(
        self, element: Element, declared: XsdElement | None, kind: XsdType | None, parent: Node | None
    ) -> Iterator[Node]:
        kind = kind if declared is None else declared.type
        said = element.get(XSI + "type")
        if said is not None:
            prefix, _, local = said.strip().rpartition(":")
            namespace = element.nsmap.get(prefix or None)
            kind = self.schemas.type(f"{{{namespace}}}{local}" if namespace else local) or kind
        if kind is None:
            return
        node = Node(element=element, declared=declared, kind=kind, parent=parent)
        yield node
        for child in element.iterchildren(etree.Element):
            yield from self._nodes(child, self._declared(node, child), None, node)

    def _declared(self, node: Node, child: Element) -> XsdElement | None:
        found = node.child(child.tag)
        wild = node.wildcard()
        if found is None and wild is not None and wild.process_contents != "skip":
            return self.schemas.element(child.tag)
        return found


def attributes(element: Element) -> list[tuple[str, str]]:
    """Return names and texts of an element's attributes."""
    return cast("list[tuple[str, str]]", element.items())


def _reader() -> etree.XMLParser:
    return etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False, no_network=True)


def _child(root: Element, name: str) -> Element:
    return next((each for each in root if local_name(each) == name), root)


def _meaning(element: Element, known: dict[Element, Node]) -> Any:
    node = known.get(element)
    scope = dict(element.nsmap)
    children = [*element]
    if node is None:
        texts = [text.strip() for text in _texts(element)] if children else _texts(element)
        named = {name: text for name, text in attributes(element) if name not in _ABOUT_SCHEMAS}
        if local_name(element) in {"faultcode", "Value"} and texts[0]:
            prefix, _, local = texts[0].strip().rpartition(":")
            texts = [f"{{{scope.get(prefix or None, '')}}}{local}"]
        return element.tag, named, texts, [_meaning(each, known) for each in children]
    head = element.tag, _type_name(node), node.is_nil, _named(node)
    if node.is_nil:
        return *head, [text.strip() for text in _texts(element)], [_meaning(each, known) for each in children]
    if node.simple is not None and not children:
        text = "".join(_texts(element))
        default = None if node.declared is None else (node.declared.default or node.declared.fixed)
        return *head, value(node.simple, text or default or "", scope)
    texts = _texts(element) if node.is_mixed else [text.strip() for text in _texts(element)]
    inner = [_meaning(each, known) for each in children]
    if node.group is not None and node.group.model == "all":
        inner = sorted(inner, key=lambda each: str(each[0]))
    return *head, texts, inner


def _type_name(node: Node) -> str:
    """Return the name of a complex type; of a simple one, the value tells all."""
    said = (node.element.get(XSI + "type") or "").strip().rpartition(":")
    if said[2] and said[2] != (node.kind.name or "").rpartition("}")[2]:
        return f"no such type: {said}"
    is_there = not said[0] or said[0] in node.element.nsmap
    return (node.kind.name or "") if isinstance(node.kind, XsdComplexType) and is_there else str(is_there)


def _texts(element: Element) -> list[str]:
    """Return the texts between child elements; comments and instructions are not read, and part none."""
    return [element.text or "", *(child.tail or "" for child in element)]


def _named(node: Node) -> Any:
    """Return the attributes by name, with those that stand by default."""
    found: dict[str, Any] = {}
    for name, text in attributes(node.element):
        if name not in _ABOUT_SCHEMAS and name not in {XSI + "type", XSI + "nil"}:
            declared = node.attribute(name)
            scope = dict(node.element.nsmap)
            found[name] = text if declared is None else value(declared.type, text, scope)
    if isinstance(node.kind, XsdComplexType):
        for absent, usual in node.kind.attributes.items():
            given = usual.default or usual.fixed if isinstance(usual, XsdAttribute) else None
            if absent is not None and isinstance(usual, XsdAttribute) and given is not None and absent not in found:
                found[absent] = value(usual.type, given, dict(node.element.nsmap))
    return found
