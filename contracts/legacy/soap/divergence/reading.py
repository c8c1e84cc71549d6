"""Reads the elements of replies into nodes, by the types of the contract; references of SOAP encoding are followed."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast, final

from contracts.legacy.soap import scalar
from contracts.legacy.soap.divergence.content import ANY, ENCODINGS, Content, Declared
from contracts.legacy.soap.divergence.node import Node, Said, sealed
from contracts.legacy.soap.divergence.plan import Plan, Plans
from contracts.legacy.xml import BLANKS, Element, XmlError

__all__ = ["ENVELOPES", "Reader", "between"]

ENVELOPES: Final = ("{http://schemas.xmlsoap.org/soap/envelope/}", "{http://www.w3.org/2003/05/soap-envelope}")
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_TRUE: Final = frozenset({"true", "1"})
_MOST_LEVELS: Final = 100
_MOST_HOPS: Final = 16
_ITEM: Final = "item"


@dataclass(slots=True)
class _Marks:
    """What the attributes of an element say."""

    type_name: str | None = None
    is_nil: bool = False
    items: str | None = None
    """Type of the items, of an array of SOAP encoding."""
    others: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@final
class Reader:
    """Reads one reply.

    Args:
        plans: Of the operation.
        is_encoded: It uses SOAP encoding.
        most: So many elements are read; with references, a few bytes can stand for many.
    """

    def __init__(self, plans: Plans, *, is_encoded: bool, most: int) -> None:
        self._plans, self._is_encoded, self._left = plans, is_encoded, most
        self._has_tolerances = bool(plans.rules.tolerances)
        self._targets: dict[str, Element] = {}
        self._asked: set[str] = set()
        self._open: list[str] = []
        self._arrays: dict[str, Content] = {}

    def index(self, body: Element) -> None:
        """Remember what references may point to."""
        if self._is_encoded:
            found = ((_reference(each, "id"), each) for each in body.iter())
            self._targets = {name: each for name, each in found if name is not None}
            self._asked = self._reached([each for at, each in enumerate(body) if not at or not _reference(each, "id")])

    def _reached(self, waiting: list[Element]) -> set[str]:
        """Return what is referred to from elements, and from what these refer to."""
        found: set[str] = set()
        while waiting:
            for each in waiting.pop().iter():
                name = _reference(each, "href")
                if name in self._targets and name not in found:
                    found.add(name)
                    waiting.append(self._targets[name])
        return found

    def is_target(self, element: Element) -> bool:
        """Tell whether a reference points to an element, which then says something only where that one stands."""
        name = _reference(element, "id") if self._asked else None
        return name is not None and name in self._asked and self._targets.get(name) is element

    def attributes(self, node: Node, element: Element, *, but: tuple[str, ...] = ()) -> None:
        """Read no more than the attributes of an element; what `xsi:type` and `xsi:nil` say is left out.

        Args:
            node: Gets them.
            element: Whose they are.
            but: Those that are not read.
        """
        if element.keys():
            others = self._marks(element).others
            node.attributes = self._said(node, element, [each for each in others if each[0] not in but])

    def node(
        self, plan: Plan, element: Element, level: int, *, given: Mapping[int, Node] | None = None, tag: str = ""
    ) -> Node:
        """Read an element.

        Args:
            plan: Of its path.
            element: The element.
            level: How deep it lies.
            given: By place, children that were read already.
            tag: Its name where it is not its own: that of what points to it.

        Raises:
            XmlError: It is nested too deep, or there are too many elements.
        """
        self._left -= 1
        if level > _MOST_LEVELS or self._left < 0:
            bound = f"{_MOST_LEVELS} levels" if level > _MOST_LEVELS else "the bound of elements"
            raise XmlError(f"expected a reply within the limits, found more than {bound}")
        node = Node(plan=plan, tag=tag or element.tag, content=plan.content)
        marks = self._marks(element) if element.keys() else None
        if marks is not None:
            self._apply(marks, node, element)
        if not node.is_nil or len(element) or (element.text or "").strip(BLANKS):
            self._fill(node, element, level=level, given=given)
        node.is_void = _is_void(node, element)
        return sealed(node, has_tolerances=self._has_tolerances)

    def _marks(self, element: Element) -> _Marks:
        marks = _Marks()
        for name, text in cast("Iterable[tuple[str, str]]", element.items()):
            if name == _XSI + "nil":
                marks.is_nil = text.strip(BLANKS) in _TRUE
            elif name == _XSI + "type":
                marks.type_name = scalar.expanded(text, element) or text
            elif self._is_encoded and name.startswith(ENCODINGS):
                if name.endswith(("}arrayType", "}itemType")):
                    marks.items = scalar.expanded(text.partition("[")[0], element) or text
            elif not name.startswith((_XSI, *ENVELOPES)) and not (self._is_encoded and _is_link(name, text)):
                marks.others.append((name, text))
        return marks

    def _apply(self, marks: _Marks, node: Node, element: Element) -> None:
        if marks.type_name is not None:
            kind = self._plans.types.named(marks.type_name)
            content = ANY if kind is None else self._plans.types.of(kind)
            if content is not node.plan.content or kind is None:
                node.content, node.type_name = content, marks.type_name
        if marks.items is not None:
            # What an array is called says nothing beside what its items are.
            node.content, node.type_name = self._array(marks.items), None
        node.is_nil = marks.is_nil
        node.attributes = self._said(node, element, marks.others)

    def _said(self, node: Node, element: Element, attributes: Iterable[tuple[str, str]]) -> dict[str, Said]:
        said: dict[str, Said] = {}
        for name, text in attributes:
            plan = node.plan.attribute(name, node.content)
            read = plan.content.scalar
            if not plan.is_ignored and read is not None:
                value = plan.value(read, text, element)
                is_empty = plan.rules.empty_is_absent and not text.strip(BLANKS)
                is_void = is_empty or value == plan.default(read, element)
                said[name] = Said(plan=plan, value=value, text=text, is_void=is_void)
        return said

    def _array(self, items: str) -> Content:
        if items not in self._arrays:
            declared = Declared(tag=_ITEM, type=self._plans.types.named(items))
            self._arrays[items] = Content(name="array", elements={_ITEM: declared}, is_array=True)
        return self._arrays[items]

    def _fill(self, node: Node, element: Element, *, level: int, given: Mapping[int, Node] | None) -> None:
        content = node.content
        if not len(element):
            text = element.text or ""
            if content.scalar is not None:
                default = node.plan.declared.default
                node.text = default if default is not None and not text else text
                node.value = node.plan.value(content.scalar, node.text, element)
            elif content.is_free or content.is_mixed or text.strip(BLANKS):
                node.text = text
                node.value = node.plan.value(scalar.TEXT, text, element)
            return
        node.value, node.text = between(element, content, lambda child: self._plan(node, child).is_ignored)
        node.children = [*self._children(node, element, level=level, given=given)]

    def _children(
        self, node: Node, element: Element, *, level: int, given: Mapping[int, Node] | None
    ) -> Iterator[Node]:
        for place, child in enumerate(element):
            tag = _ITEM if node.content.is_array else child.tag
            plan = node.plan.child(tag, node.content)
            if plan.is_ignored:
                continue
            if given is not None and place in given:
                yield given[place]
            elif self._is_encoded:
                yield self._followed(plan, child, level=level + 1, tag=tag)
            else:
                yield self.node(plan, child, level + 1, tag=tag)

    def _plan(self, node: Node, child: Element) -> Plan:
        return node.plan.child(_ITEM if node.content.is_array else child.tag, node.content)

    def _followed(self, plan: Plan, element: Element, *, level: int, tag: str) -> Node:
        names: list[str] = []
        while (name := _reference(element, "href")) is not None and len(names) < _MOST_HOPS:
            if name in self._open or name in names:
                back = len(self._open) - self._open.index(name) if name in self._open else 0
                return self._pointer(plan, tag, ("cycle", back))
            if name not in self._targets:
                return self._pointer(plan, tag, ("nowhere",))
            names.append(name)
            element = self._targets[name]
        self._open += names
        try:
            return self.node(plan, element, level, tag=tag)
        finally:
            del self._open[len(self._open) - len(names) :]

    def _pointer(self, plan: Plan, tag: str, value: Hashable) -> Node:
        node = Node(plan=plan, tag=tag, content=plan.content, value=value)
        return sealed(node, has_tolerances=self._has_tolerances)


def _reference(element: Element, kind: str) -> str | None:
    """Return the id that an element has, or the one that it points to; of SOAP 1.1 or 1.2."""
    plain, encoded = element.get(kind), element.get(ENCODINGS[1] + ("ref" if kind == "href" else kind))
    if plain is None or kind == "id":
        return plain or encoded
    return plain[1:] if plain.startswith("#") else None


def _is_link(name: str, text: str) -> bool:
    return name == "id" or (name == "href" and text.startswith("#"))


def between(element: Element, content: Content, is_left_out: Callable[[Element], bool]) -> tuple[Hashable, str]:
    """Return the text beside child elements, and where among them it stands: where it is layout, nothing.

    Children that are left out part no texts.
    """
    if not content.is_mixed and not any(each and each.strip(BLANKS) for each in _texts(element)):
        return None, ""
    pieces = [element.text or ""]
    for child in element:
        if is_left_out(child):
            pieces[-1] += child.tail or ""
        else:
            pieces.append(child.tail or "")
    if content.is_mixed:
        return tuple(pieces) if len(pieces) > 1 else pieces[0], "".join(pieces)
    stray = [(at, scalar.collapse(each)) for at, each in enumerate(pieces) if each.strip(BLANKS)]
    # Among elements in any order, no place is another one.
    value = tuple((0 if content.is_all else at, each) for at, each in stray)
    return value, " ".join(each for _, each in stray)


def _texts(element: Element) -> Iterator[str | None]:
    yield element.text
    for child in element:
        yield child.tail


def _is_void(node: Node, element: Element) -> bool:
    rules, declared = node.plan.rules, node.plan.declared
    if node.attributes and not all(said.is_void for said in node.attributes.values()):
        return False
    if node.children or node.type_name is not None:
        return False
    if node.is_nil:
        return rules.nil_is_absent and node.value is None
    if rules.empty_is_absent and not (element.text or "").strip(BLANKS):
        return True
    read = node.content.scalar
    is_given = rules.absent_is_default and declared.default is not None and declared.is_once
    return is_given and node.value == node.plan.default(read, element)
