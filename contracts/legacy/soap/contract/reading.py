"""Reads one declaration of XML Schema into a component."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal, cast

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.component import (
    ANY_TYPE,
    XSD_NAMESPACE,
    Attribute,
    ComplexType,
    ElementUse,
    ModelGroup,
    Order,
    Particle,
    SimpleType,
    Type,
    TypeUse,
    Wildcard,
)
from contracts.legacy.soap.contract.declaration import Declaration, Declarations, Kind, Scope
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.xml import Element

__all__ = ["Reader"]

_MEDIA: Final = "{http://www.w3.org/2005/05/xmlmime}expectedContentTypes"
_ARRAY: Final = "{http://schemas.xmlsoap.org/wsdl/}arrayType"
_ANY_SIMPLE: Final = f"{{{XSD_NAMESPACE}}}anySimpleType"
_GROUPS: Final = tuple(XSD + name for name in ("sequence", "choice", "all", "group"))
_LISTS: Final = frozenset({"pattern", "enumeration"})
_MOST_GROUPS: Final = 10_000
"""More references to groups than any real type has, with those in the groups; one that is made up has millions."""
_Direction = Literal["extension", "restriction"]


class Reader:
    """Reads what one global declaration holds; what it names is found in the declarations."""

    def __init__(
        self, declarations: Declarations, declaration: Declaration, inside: frozenset[tuple[Kind, str]] = frozenset()
    ) -> None:
        self._declarations = declarations
        self._scope: Scope = declaration.scope
        self._inside = inside
        self._groups = [0]
        self._redefined = declaration.redefined

    def element(self, element: Element) -> ElementUse:
        """Read an element, global or inside of a type."""
        said = element.get("ref")
        least, most = _occurrence(element)
        if said is not None:
            name = self._scope.meant(element, said) or said
            return ElementUse(
                name=name, type=ANY_TYPE, place=self._place(element), least=least, most=most, is_reference=True
            )
        is_global = element.getparent() is self._scope.root
        name = self._scope.global_name(element.get("name") or "")
        use = self.type_of(element)
        return ElementUse(
            name=name if is_global else self._scope.local_name(element, "element"),
            type=use if use is not None else ANY_TYPE,
            place=self._place(element),
            least=least,
            most=most,
            is_nillable=_is_true(element, "nillable"),
            is_abstract=_is_true(element, "abstract"),
            default=element.get("default"),
            fixed=element.get("fixed"),
            head=self._named(element, "substitutionGroup"),
            media=element.get(_MEDIA) or self._media(use),
        )

    def type(self, element: Element) -> Type:
        """Read a type, with or without a name."""
        return self._complex(element) if element.tag == XSD + "complexType" else self._simple(element)

    def _media(self, use: TypeUse | None) -> str | None:
        found = self._declarations.find("type", use) if isinstance(use, str) else None
        return None if found is None else found.element.get(_MEDIA)

    def _place(self, element: Element) -> Place:
        return self._scope.place(element)

    def _named(self, element: Element, attribute: str) -> str | None:
        said = (element.get(attribute) or "").strip()
        return (self._scope.meant(element, said) or said) if said else None

    def type_of(self, element: Element) -> TypeUse | None:
        """Return the type that an element or attribute says, or that of its head; None where it says none."""
        named = self._named(element, "type")
        if named is not None:
            return named
        inner = next(element.iterchildren(XSD + "complexType", XSD + "simpleType"), None)
        if inner is not None:
            return self.type(inner)
        above = self._declarations.find("element", self._named(element, "substitutionGroup"))
        if above is None or ("element", above.name) in self._inside:
            return None
        key: tuple[Kind, str] = ("element", above.name)
        return Reader(self._declarations, above, self._inside | {key}).type_of(above.element)

    def _own_name(self, element: Element) -> str | None:
        name = element.get("name")
        return None if name is None else self._scope.global_name(name)

    def _simple(self, element: Element) -> SimpleType:
        name, place = self._own_name(element), self._place(element)
        way = next(element.iterchildren(XSD + "restriction", XSD + "list", XSD + "union"), None)
        if way is None:
            return SimpleType(name=name, place=place, base=_ANY_SIMPLE, facets={})
        inner = [self._simple(each) for each in way.iterchildren(XSD + "simpleType")]
        if way.tag == XSD + "list":
            item = self._named(way, "itemType") or (inner[0] if inner else _ANY_SIMPLE)
            return SimpleType(name=name, place=place, item=item, facets={})
        if way.tag == XSD + "union":
            said = (way.get("memberTypes") or "").split()
            named = [self._scope.meant(way, each) or each for each in said]
            members: tuple[TypeUse, ...] = (*named, *inner)
            return SimpleType(name=name, place=place, members=members, facets={})
        return self._restricted(way, name, place)

    def _restricted(self, way: Element, name: str | None, place: Place) -> SimpleType:
        inner = next(way.iterchildren(XSD + "simpleType"), None)
        base: TypeUse | None = self._named(way, "base")
        if base is not None and base == name and self._redefined is not None:
            base = cast("SimpleType", Reader(self._declarations, self._redefined).type(self._redefined.element))
        if inner is not None:
            base = self._simple(inner)
        said = [(each.tag.removeprefix(XSD), each.get("value") or "") for each in way if each.get("value") is not None]
        return SimpleType(
            name=name,
            place=place,
            base=base if base is not None else _ANY_SIMPLE,
            facets={facet: value for facet, value in said if facet not in _LISTS},
            patterns=tuple(sorted(value for facet, value in said if facet == "pattern")),
            values=tuple(value for facet, value in said if facet == "enumeration"),
        )

    def _complex(self, element: Element) -> ComplexType:
        name = self._own_name(element)
        content = next(element.iterchildren(XSD + "complexContent", XSD + "simpleContent"), None)
        way = None if content is None else next(content.iterchildren(XSD + "extension", XSD + "restriction"), None)
        body = element if way is None else way
        base = None if way is None else self._named(way, "base")
        is_simple = content is not None and content.tag == XSD + "simpleContent"
        carriers = (each for each in (element, content) if each is not None)
        return ComplexType(
            name=name,
            place=self._place(element),
            base=base,
            derivation="" if way is None else cast("_Direction", way.tag.removeprefix(XSD)),
            is_abstract=_is_true(element, "abstract"),
            is_mixed=any(_is_true(each, "mixed") for each in carriers),
            content=None if is_simple else self.content(body),
            text=self._text(way, base) if is_simple and way is not None else None,
            attributes=tuple(self.attributes(body)),
            any_attribute=self.any_attribute(body),
            array=next((said for each in body.iter(XSD + "attribute") if (said := each.get(_ARRAY))), None),
        )

    def _text(self, way: Element, base: str | None) -> TypeUse:
        if way.tag == XSD + "restriction":
            return self._restricted(way, None, self._place(way))
        return base or _ANY_SIMPLE

    def _attribute(self, element: Element) -> Attribute:
        said = self._named(element, "ref")
        found = self._declarations.find("attribute", said)
        declared, reader = (element, self) if found is None else (found.element, Reader(self._declarations, found))
        name = self._scope.local_name(element, "attribute") if said is None else said
        return Attribute(
            name=name,
            type=reader.type_of(declared) or _ANY_SIMPLE,
            place=self._place(element),
            is_required=element.get("use") == "required",
            default=element.get("default") or declared.get("default"),
            fixed=element.get("fixed") or declared.get("fixed"),
        )

    def attributes(self, body: Element) -> Iterator[Attribute]:
        """Yield the attributes of a type or group, those of the groups in it among them."""
        for element in body.iterchildren(XSD + "attribute", XSD + "attributeGroup"):
            if element.tag == XSD + "attribute":
                if element.get("use") != "prohibited":
                    yield self._attribute(element)
            elif (there := self._into("attributeGroup", element)) is not None:
                yield from there[0].attributes(there[1])

    def any_attribute(self, body: Element) -> Wildcard | None:
        """Return the wildcard for attributes."""
        for element in body.iterchildren(XSD + "anyAttribute", XSD + "attributeGroup"):
            if element.tag == XSD + "anyAttribute":
                return self._wildcard(element)
            there = self._into("attributeGroup", element)
            found = None if there is None else there[0].any_attribute(there[1])
            if found is not None:
                return found
        return None

    def _into(self, kind: Kind, element: Element) -> "tuple[Reader, Element] | None":
        """Return what a reference to a group leads to; None where that is nothing, or the group itself."""
        found = self._declarations.find(kind, self._named(element, "ref"))
        if found is None or (kind, found.name) in self._inside:
            return None
        self._groups[0] += 1
        if self._groups[0] > _MOST_GROUPS:
            expected = f"at most {_MOST_GROUPS} references to groups in a type, with those in the groups"
            raise ContractError(str(self._place(element)), expected=expected, found="more")
        key: tuple[Kind, str] = (kind, found.name)
        reader = Reader(self._declarations, found, self._inside | {key})
        reader._groups = self._groups
        return reader, found.element

    def content(self, body: Element) -> ModelGroup | None:
        """Return the one group of a type, or of a named group."""
        return next((group for each in body.iterchildren(*_GROUPS) if (group := self._group(each)) is not None), None)

    def _group(self, element: Element) -> ModelGroup | None:
        least, most = _occurrence(element)
        if element.tag == XSD + "group":
            there = self._into("group", element)
            meant = None if there is None else there[0].content(there[1])
            return None if meant is None else replace(meant, least=least, most=most)
        return ModelGroup(
            order=cast("Order", element.tag.removeprefix(XSD)),
            particles=tuple(self._particles(element)),
            place=self._place(element),
            least=least,
            most=most,
        )

    def _particles(self, group: Element) -> Iterator[Particle]:
        for element in group.iterchildren(*_GROUPS, XSD + "element", XSD + "any"):
            if element.tag == XSD + "any":
                yield self._wildcard(element)
            elif element.tag == XSD + "element":
                yield self.element(element)
            elif (inner := self._group(element)) is not None:
                yield inner

    def _wildcard(self, element: Element) -> Wildcard:
        least, most = _occurrence(element)
        return Wildcard(
            namespace=" ".join(sorted((element.get("namespace") or "##any").split())),
            process=element.get("processContents") or "strict",
            least=least,
            most=most,
            place=self._place(element),
        )


def _is_true(element: Element, attribute: str) -> bool:
    return (element.get(attribute) or "").strip() in {"true", "1"}


def _occurrence(element: Element) -> tuple[int, int | None]:
    least, most = ((element.get(f"{bound}Occurs") or "1").strip() for bound in ("min", "max"))
    return int(least) if least.isdigit() else 1, None if most == "unbounded" else int(most) if most.isdigit() else 1
