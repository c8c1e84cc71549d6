"""Where in a message the next element goes, and what is known of the whole message while it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from lxml import etree
from xmlschema.validators import XsdElement, XsdSimpleType, XsdType

from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.soap.sample.text import Text
from contracts.legacy.xml import Element, local

__all__ = ["XSI", "Leaf", "Message", "Place", "Prefixes"]

XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML: Final = "http://www.w3.org/XML/1998/namespace"

Prefixes = tuple[tuple[str, str], ...]
"""Prefixes and what they stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A text that was written, and what it was written for."""

    element: Element
    attribute: str | None
    """None for the element's own text."""
    kind: XsdSimpleType
    name: str
    draw: Draw
    is_optional: bool = False

    @property
    def text(self) -> str:
        """Return what stands there."""
        return (self.element.text if self.attribute is None else self.element.get(self.attribute)) or ""

    def set(self, text: str) -> None:
        """Write another text there."""
        if self.attribute is None:
            self.element.text = text
        else:
            self.element.set(self.attribute, text)


@dataclass(slots=True, kw_only=True)
class Message:
    """What is known of a message while it is made."""

    options: Options
    is_encoded: bool = False
    """Each element tells its type, as SOAP encoding has it."""
    elements: int = 0
    ids: list[str] = field(default_factory=list[str])
    references: list[Leaf] = field(default_factory=list[Leaf])
    """Those to IDs, which may come later."""
    leaves: list[Leaf] = field(default_factory=list[Leaf])
    constrained: list[tuple[Element, XsdElement]] = field(default_factory=list[tuple[Element, XsdElement]])
    """Elements with keys, or references to them, below."""
    kept: set[str] = field(default_factory=set[str])
    """Prefixes that stand in texts."""
    usual: Mapping[str, str] = field(default_factory=dict[str, str])
    """The contract's own prefixes, by namespace."""
    _prefixes: dict[str, str] = field(default_factory=lambda: {XSD[1:-1]: "xs", XSI[1:-1]: "xsi", _XML: "xml"})

    def prefix(self, namespace: str) -> str:
        """Return the prefix for a namespace, the same in the whole message."""
        found = self.usual.get(namespace, "")
        if not found or found in self._prefixes.values():
            found = f"n{len(self._prefixes) - 2}"
        return self._prefixes.setdefault(namespace, found)

    def own(self, text: Text) -> tuple[str, Prefixes]:
        """Return a text with the prefixes of this message, and what they stand for."""
        words, needed = text.text.split(), dict(text.prefixes)
        if not needed:
            return text.text, ()
        own = {prefix: self.prefix(namespace) for prefix, namespace in needed.items()}
        told = [own.get(word.partition(":")[0], "") + ":" + word.partition(":")[2] for word in words]
        return " ".join(told), tuple((own[prefix], namespace) for prefix, namespace in needed.items())

    def qualified(self, name: str) -> tuple[str, Prefixes]:
        """Return `{namespace}name` as a text with a prefix, and what that needs."""
        namespace, _, local = name.removeprefix("{").rpartition("}")
        if not namespace:
            return local, ()
        prefix = self.prefix(namespace)
        return f"{prefix}:{local}", ((prefix, namespace),)

    def create(self, tag: str, prefixes: Prefixes, parent: Element | None) -> Element:
        """Return a new element, the last of its parent where that is given."""
        self.elements += 1
        self.kept.update(prefix for prefix, _ in prefixes)
        own = tag[1:].partition("}")[0] if tag.startswith("{") else ""
        declared: dict[str, str] = dict(prefixes)
        if own:
            declared.setdefault(self.prefix(own), own)
        if parent is None:
            return etree.Element(tag, nsmap=declared)
        return etree.SubElement(parent, tag, nsmap=declared)

    def settle(self, root: Element) -> None:
        """Declare each namespace once, at the root."""
        used: dict[str, str] = {prefix: namespace for namespace, prefix in self._prefixes.items() if namespace != _XML}
        etree.cleanup_namespaces(root, top_nsmap=used, keep_ns_prefixes=sorted(self.kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands in a message."""

    message: Message
    draw: Draw
    path: tuple[str, ...] = ()
    """Tags from the root down."""
    types: tuple[XsdType, ...] = ()
    """Of the elements around, the innermost last."""
    is_repeated: bool = False
    """An element around is one of several."""

    def at(self, *steps: str | int, is_repeated: bool = False) -> "Place":
        """Return the same place for another decision."""
        return replace(self, draw=self.draw.at(*steps), is_repeated=self.is_repeated or is_repeated)

    def inside(self, tag: str, kind: XsdType) -> "Place":
        """Return the place within an element."""
        return replace(self, path=(*self.path, tag), types=(*self.types, kind))

    @property
    def is_sparse(self) -> bool:
        """Tell whether only what must be there is there from here on."""
        options = self.message.options
        return len(self.path) > options.deepest or self.message.elements > options.most_elements

    def is_again(self, kind: XsdType) -> bool:
        """Tell whether a type comes for the third time: it is shown within itself once, and then ends."""
        return sum(each is kind for each in self.types) > 1

    def __str__(self) -> str:
        """Return the path by local names."""
        return "/".join(local(tag) for tag in self.path)
