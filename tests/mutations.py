"""Changes of an answer that change what it says: each tells where, and that it did is checked by `Typed.meaning`.

Written from XML Schema and SOAP, without a look at what compares: so it can tell what that one misses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Final, cast

from lxml import etree
from xmlschema import XMLSchemaException
from xmlschema.validators import XsdAttribute, XsdComplexType, XsdElement, XsdSimpleType, XsdType

from contracts.errors import ContractError
from contracts.legacy.soap.sample.derived import Derived, is_abstract
from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.soap.sample.text import write
from contracts.legacy.xml import Element
from tests.typed_tree import ANY_TYPE, XSI, Node, Typed, attributes
from tests.value_changes import others

Edit = Callable[[Node], None]
"""Changes the copy of a node."""
Site = tuple[str, int, str, Edit]
"""What is done, to which node, its path, and how."""

_ENCODING: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
FILLED: Final = Options(optional=1.0, nil=0.0, deepest=4, most_elements=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """An answer that says something else."""

    operator: str
    path: str
    """Where, by local names from the child of the SOAP Body on."""
    data: bytes


class Mutator:
    """Makes mutants of the answers of one contract."""

    def __init__(self, sampler: Sampler, derived: Derived) -> None:
        self._sampler, self._derived = sampler, derived

    def sites(self, typed: Typed) -> Iterator[Site]:
        """Yield all that can be changed in an answer."""
        for number, node in enumerate(typed.nodes):
            for operator, path, edit in self._edits(node):
                yield operator, number, path, edit

    def mutants(self, typed: Typed, draw: Random, *, each: int) -> Iterator[Mutant]:
        """Yield mutants, for each operator as many as said where it applies; those that say the same are none."""
        by_operator: dict[str, list[Site]] = {}
        for site in self.sites(typed):
            by_operator.setdefault(site[0], []).append(site)
        before = typed.meaning
        for operator, sites in by_operator.items():
            for _, number, path, edit in draw.sample(sites, min(each, len(sites))):
                copy = typed.copy()
                try:
                    edit(copy.nodes[number])
                except ContractError:
                    continue  # nothing of finite size, or no text, can be made for what was to be added
                if copy.again().meaning != before:
                    yield Mutant(operator=operator, path=path, data=etree.tostring(copy.root, encoding="UTF-8"))

    def _edits(self, node: Node) -> Iterator[tuple[str, str, Edit]]:
        for operator, edit in self._of_element(node):
            yield operator, node.path, edit
        for operator, edit in _order(node):
            yield operator, node.path.rpartition("/")[0], edit
        for operator, name, edit in self._of_attributes(node):
            yield operator, f"{node.path}/@{name.rpartition('}')[2]}", edit

    def _of_element(self, node: Node) -> Iterator[tuple[str, Edit]]:
        yield from _values(node)
        yield from _presence(node)
        yield from _names(node)
        yield from self._nils(node)
        yield from self._branches(node)
        yield from self._types(node)
        yield from _strangers(node)
        if node.parent is not None and node.declared is not None:
            yield from self._items(node, node.declared)
        for declared in self._absent(node):
            yield "optional element added", self._adder(declared)

    def _absent(self, node: Node) -> Iterator[XsdElement]:
        if node.group is None or node.is_nil:
            return
        there = {child.tag for child in node.element}
        for each in node.group.iter_elements():
            if isinstance(each, XsdElement) and each.name not in there and not each.abstract and each.max_occurs != 0:
                yield each

    def _adder(self, declared: XsdElement) -> Edit:
        def add(node: Node) -> None:
            new = self._made(declared)
            for position in range(len(node.element) + 1):
                node.element.insert(position, new)
                if _is_valid(node) or position == len(node.element) - 1:
                    return

        return add

    def _made(self, declared: XsdElement) -> Element:
        return self._sampler.declared(declared, seed=("new", declared.name), options=FILLED)

    def _items(self, node: Node, declared: XsdElement) -> Iterator[tuple[str, Edit]]:
        if declared.max_occurs == 1:
            return

        def insert(item: Node) -> None:
            item.element.addprevious(self._made(declared))

        yield "item removed", lambda item: _remove(item.element)
        yield "item doubled", lambda item: item.element.addnext(_copied(item.element))
        yield "item inserted", insert
        following = node.element.getnext()
        if following is not None and following.tag == node.element.tag:
            yield "items swapped", _swap

    def _nils(self, node: Node) -> Iterator[tuple[str, Edit]]:
        if node.declared is None or not node.declared.nillable:
            return
        declared = node.declared
        if not node.is_nil:
            yield "value to nil", _to_nil
            return

        def fill(nil: Node) -> None:
            new = self._made(declared)
            if new.tag == nil.element.tag:
                _replace(nil.element, new)

        yield "nil beside a text", partial(_write, "2020-01-01T00:00:00")
        yield "nil beside an element", lambda it: it.element.append(etree.Element("{urn:unknown}unknown"))
        yield "nil to value", fill
        yield "nil to empty", partial(_drop, XSI + "nil")

    def _branches(self, node: Node) -> Iterator[tuple[str, Edit]]:
        above = node.parent
        if above is None or above.group is None or node.declared is None:
            return
        for other in self._alternatives(node.declared):
            yield "choice: another branch", partial(self._put, other)
            yield "choice: renamed to another branch", partial(_rename, other.name)

    def _put(self, declared: XsdElement, node: Node) -> None:
        _replace(node.element, self._made(declared))

    def _alternatives(self, declared: XsdElement) -> list[XsdElement]:
        group = declared.parent
        if getattr(group, "model", "") != "choice":
            return []
        found = [each for each in group or () if isinstance(each, XsdElement)]
        return [each for each in found if each.name != declared.name and not each.abstract]

    def _types(self, node: Node) -> Iterator[tuple[str, Edit]]:
        if node.declared is None or not isinstance(node.kind, XsdComplexType) or node.kind.name == ANY_TYPE:
            return
        wanted = [each for each in self._derived.types(node.declared.type) if each is not node.kind and each.name]
        for kind in wanted:
            if isinstance(kind, XsdComplexType) and not is_abstract(kind):
                yield "xsi:type: another derived type", partial(_say_type, kind)
        if node.kind is not node.declared.type:
            yield "xsi:type: left out", partial(_drop, XSI + "type")

    def _of_attributes(self, node: Node) -> Iterator[tuple[str, str, Edit]]:
        yield "attribute unknown", "unknown", partial(_set, "unknown", "x")
        yield "attribute unknown, with a namespace", "unknown", partial(_set, "{urn:unknown}unknown", "x")
        for name, text in attributes(node.element):
            declared = node.attribute(name)
            if name.startswith((XSI, _ENCODING)):
                continue  # they have operators of their own; where an array's items lie says nothing that they do not
            yield "attribute removed", name, partial(_drop, name)
            for what, other in () if declared is None else others(declared.type, text, _scope(node)):
                yield f"attribute, {what}", name, partial(_set, name, other)
        for name, kind in _absent_attributes(node):
            yield "attribute added", name, partial(_give, name, kind)


def _absent_attributes(node: Node) -> Iterator[tuple[str, XsdSimpleType]]:
    if not isinstance(node.kind, XsdComplexType):
        return
    for name, declared in node.kind.attributes.items():
        is_there = (
            name is None
            or name in node.element.attrib
            or name.startswith(_ENCODING)
            or (name == "id" and _is_array(node))
        )
        if not is_there and isinstance(declared, XsdAttribute) and not declared.is_prohibited():
            yield name or "", declared.type


def _is_array(node: Node) -> bool:
    """Tell whether it is an array of SOAP encoding: there the names of items say nothing, nor what it is called by."""
    kind = node.kind
    return isinstance(kind, XsdComplexType) and any((name or "").startswith(_ENCODING) for name in kind.attributes)


def _drop(name: str, node: Node) -> None:
    del node.element.attrib[name]


def _set(name: str, text: str, node: Node) -> None:
    node.element.set(name, text)


def _write(text: str, node: Node) -> None:
    node.element.text = text


def _rename(tag: str, node: Node) -> None:
    node.element.tag = tag


def _is_valid(node: Node) -> bool:
    kind: Any = node.kind
    try:
        return bool(kind.is_valid(node.element))
    except (KeyError, XMLSchemaException):
        return False  # an xsi:type that xmlschema does not find


def _scope(node: Node) -> dict[str | None, str]:
    return dict(node.element.nsmap)


def _values(node: Node) -> Iterator[tuple[str, Edit]]:
    if node.simple is None or node.is_nil or len(node.element):
        return
    for what, other in others(node.simple, node.element.text or "", _scope(node)):
        yield what, partial(_write, other)
    if node.kind.name == ANY_TYPE:
        yield "anyType: a letter", lambda it: setattr(it.element, "text", (it.element.text or "") + "y")


def _presence(node: Node) -> Iterator[tuple[str, Edit]]:
    is_optional = node.declared is not None and node.declared.min_occurs == 0
    if node.parent is not None:
        yield "optional element removed" if is_optional else "element removed", lambda it: _remove(it.element)
        if node.is_nil:
            yield "nil to absent", lambda it: _remove(it.element)
        elif not node.element.text and not len(node.element) and node.simple is not None:
            yield "empty to absent", lambda it: _remove(it.element)


def _order(node: Node) -> Iterator[tuple[str, Edit]]:
    following, above = node.element.getnext(), node.parent
    if above is None or above.group is None or above.group.model == "all" or following is None:
        return
    if following.tag != node.element.tag:
        yield "neighbours swapped", _swap


def _names(node: Node) -> Iterator[tuple[str, Edit]]:
    namespace, _, local = node.element.tag.rpartition("}")
    if node.parent is not None and _is_array(node.parent):
        return
    yield "another namespace", partial(_rename, f"{{urn:other}}{local}")
    yield "another name", partial(_rename, node.element.tag + "X")
    if namespace:
        yield "namespace dropped", partial(_rename, local)


def _strangers(node: Node) -> Iterator[tuple[str, Edit]]:
    if node.is_nil:
        return
    yield "unknown element at the end", lambda it: it.element.append(etree.Element("{urn:unknown}unknown"))
    if node.group is not None:
        yield "unknown element in front", lambda it: it.element.insert(0, etree.Element("unknown"))
    if node.is_mixed:
        yield "mixed: text changed", lambda it: setattr(it.element, "text", (it.element.text or "") + "x")
        if len(node.element):
            yield "mixed: text moved", _move_text
            yield "mixed: last text", lambda it: setattr(it.element[-1], "tail", (it.element[-1].tail or "") + "x")
    elif node.simple is None:
        yield "text among elements", partial(_write, "x")
        if len(node.element):
            yield "text after elements", lambda it: setattr(it.element[-1], "tail", "x")


def _move_text(node: Node) -> None:
    first = node.element[0]
    first.tail = (node.element.text or "") + (first.tail or "")
    node.element.text = None


def _remove(element: Element) -> None:
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        return
    if previous is not None:
        previous.tail = (previous.tail or "") + (element.tail or "") or None
    else:
        parent.text = (parent.text or "") + (element.tail or "") or None
    parent.remove(element)


def _copied(element: Element) -> Element:
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    copy.tail = None
    return copy


def _swap(node: Node) -> None:
    following = node.element.getnext()
    if following is not None:
        following.addnext(node.element)


def _replace(old: Element, new: Element) -> None:
    parent = old.getparent()
    if parent is not None:
        new.tail = old.tail
        parent.replace(old, new)


def _to_nil(node: Node) -> None:
    for child in [*node.element]:
        node.element.remove(child)
    node.element.text = None
    node.element.set(XSI + "nil", "true")


def _say_type(kind: XsdType, node: Node) -> None:
    element = node.element
    namespace, _, local = (kind.name or "").removeprefix("{").rpartition("}")
    prefix = next((each for each, uri in element.nsmap.items() if each and uri == namespace), None)
    if namespace and prefix is None:
        scope = cast("dict[str, str]", {**element.nsmap, "zz": namespace})
        fresh = etree.Element(element.tag, dict(attributes(element)), nsmap=scope)
        fresh.text, prefix = element.text, "zz"
        fresh.extend([*element])
        _replace(element, fresh)
        element = fresh
    element.set(XSI + "type", f"{prefix}:{local}" if namespace else local)


def _give(name: str, kind: XsdSimpleType, node: Node) -> None:
    node.element.set(name, write(kind, name.rpartition("}")[2], Draw.of(("new", name))).text)
