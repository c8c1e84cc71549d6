"""What stands in a repeating element of a reply, as fields that an event may have."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from xmlschema import XsdElement
from xmlschema.validators import XsdComplexType, XsdType

from contracts.legacy.soap.message.content import content
from hub.scaffold.simple_type import python_type

__all__ = ["Item", "Member", "documentation", "item_of"]

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_MOST_STEPS: Final = 6
"""No field of an item lies deeper for a polling adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A value in an item."""

    path: str
    """Its steps by the names of the record: `address/city`, `@unit`."""
    annotation: str
    """Of one value, without a list around it; empty for one that has parts."""
    is_list: bool = False
    is_optional: bool = False
    """It may be absent, or nil."""
    has_nil: bool = False
    """Each of a list may be nil."""
    documentation: str = ""
    kind: XsdType | None = None
    """Its simple type; None for one that has parts."""
    parts: "Item | None" = None
    """What stands in each, where an element with elements repeats."""

    @property
    def name(self) -> str:
        """Return its last step without the mark of an attribute; of a text that of its element."""
        steps = [step for step in self.path.split("/") if step != "#text"]
        return (steps[-1] if steps else self.path).lstrip("@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A repeating element."""

    name: str
    type_name: str
    documentation: str
    members: tuple[Member, ...]
    left_out: tuple[str, ...]
    """What no field is made of, a sentence each."""
    elements: frozenset[str] = frozenset()
    """The local names of all elements right in it, of those, too."""


@dataclass(slots=True)
class _Walk:
    members: list[Member] = field(default_factory=list[Member])
    left_out: list[str] = field(default_factory=list[str])


def item_of(element: XsdElement) -> Item:
    """Return what stands in an element."""
    return _item(element, seen=())


def documentation(component: Any) -> str:  # noqa: ANN401 - xmlschema's classes share no interface
    """Return what a contract says about an element, an attribute or a type."""
    annotation = getattr(component, "annotation", None)
    texts = ["".join(each.itertext()) for each in getattr(annotation, "documentation", ())]
    return " ".join(" ".join(texts).split())


def _item(element: XsdElement, *, seen: tuple[XsdType, ...]) -> Item:
    walk = _Walk()
    kind = element.type
    elements = frozenset[str]()
    if kind.is_simple():
        walk.members.append(Member(path="#text", annotation=python_type(kind), kind=kind))
    else:
        elements = _elements(cast("XsdComplexType", kind))
        _walk(cast("XsdComplexType", kind), walk, above="", is_optional=False, seen=seen)
    return Item(
        name=element.local_name,
        type_name="" if (kind.name or "").startswith(_XSD) else kind.local_name or "",
        documentation=documentation(element) or documentation(kind),
        members=tuple(walk.members),
        left_out=tuple(walk.left_out),
        elements=elements,
    )


def _elements(kind: XsdComplexType) -> frozenset[str]:
    if kind.has_simple_content():
        return frozenset()
    return frozenset(tag.rpartition("}")[2] for tag in content(kind).particles)


def _walk(kind: XsdComplexType, walk: _Walk, *, above: str, is_optional: bool, seen: tuple[XsdType, ...]) -> None:
    for path, type_, is_absent, said in _texts(kind, above):
        _add(
            walk,
            Member(
                path=path,
                annotation=python_type(type_),
                is_optional=is_optional or is_absent,
                kind=type_,
                documentation=said,
            ),
        )
    if kind.has_simple_content():
        return
    if kind.mixed:
        walk.left_out.append(f"{above}#mixed: text with elements in it.")
    found = content(kind)
    if found.has_wildcard:
        walk.left_out.append(f"{above}#any: whatever an xs:any stands for.")
    often = Counter(tag.rpartition("}")[2] for tag in found.particles)
    for tag, particle in found.particles.items():
        local = tag.rpartition("}")[2]
        if often[local] > 1:
            walk.left_out.append(f"{above}{tag}: another element beside it is called {local}, too.")
            continue
        may_be_nil = bool(particle.element.nillable) and not particle.repeats
        is_absent = is_optional or not found.needs(tag) or may_be_nil
        _child(
            particle.element, walk, above + local, is_optional=is_absent, repeats=particle.repeats, seen=(*seen, kind)
        )


def _texts(kind: XsdComplexType, above: str) -> Iterator[tuple[str, XsdType, bool, str]]:
    """Yield path, type, whether it may be absent, and documentation: of the text of an element, and its attributes."""
    if kind.has_simple_content():
        yield above + "#text", cast("XsdType", kind.content), False, ""
    for name, attribute in kind.attributes.items():
        if name is not None and attribute.use != "prohibited":
            has_value = attribute.default is not None or attribute.fixed is not None
            local = name.rpartition("}")[2]
            is_absent = attribute.use != "required" and not has_value
            yield f"{above}@{local}", cast("XsdType", attribute.type), is_absent, documentation(attribute)


def _child(
    element: XsdElement,
    walk: _Walk,
    path: str,
    *,
    is_optional: bool,
    repeats: bool,
    seen: tuple[XsdType, ...],
) -> None:
    kind = element.type
    said = documentation(element)
    if kind.is_simple():
        _add(
            walk,
            Member(
                path=path,
                annotation=python_type(kind),
                is_list=repeats,
                is_optional=is_optional,
                kind=kind,
                has_nil=bool(element.nillable),
                documentation=said,
            ),
        )
    elif kind.name == _XSD + "anyType":
        walk.left_out.append(f"{path}: the contract does not say what it is (xs:anyType).")
    elif kind in seen or path.count("/") >= _MOST_STEPS - 1:
        walk.left_out.append(f"{path}: too deep; a type that holds itself has no end.")
    elif not repeats:
        _walk(cast("XsdComplexType", kind), walk, above=path + "/", is_optional=is_optional, seen=seen)
    else:
        parts = _item(element, seen=seen)
        walk.left_out += [f"{path}/{each}" for each in parts.left_out]
        if parts.members:
            _add(
                walk,
                Member(
                    path=path,
                    annotation="",
                    is_list=True,
                    is_optional=is_optional,
                    parts=parts,
                    documentation=said,
                    has_nil=bool(element.nillable),
                ),
            )


def _add(walk: _Walk, member: Member) -> None:
    if "bytes" in member.annotation:
        walk.left_out.append(f"{member.path}: binary, which is rarely wanted in an event.")
    else:
        walk.members.append(member)
