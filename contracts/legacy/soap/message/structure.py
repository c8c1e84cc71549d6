"""Elements of complex types as records, tolerant of what a later version of the service may send.

A record has the children of an element by local name (by `{namespace}name` where two would clash) and its attributes
as `@name`, likewise. What is absent has no entry; `xsi:nil` is None; what may repeat is always a list. Besides:

| entry | when |
|---|---|
| `#text` | the value of a complex type with simple content; text between elements |
| `#mixed` | a type with mixed content: all that is inside, as XML |
| `#any` | what a wildcard of the contract stands for: `{"{namespace}name": value}` or `{"@name": value}` each |
| `#unknown` | elements and attributes that the contract does not have, likewise |
| `@xsi:type` | `{namespace}name` of another type than the declared one |
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeAlias, cast

from lxml import etree
from xmlschema import XsdElement
from xmlschema.validators import XsdComplexType, XsdType

from contracts.legacy.soap.message.content import Content, content
from contracts.legacy.soap.message.deviation import Tolerance
from contracts.legacy.soap.message.field import XSI, Field, Lookup, Record, Typed, read_field, read_text
from contracts.legacy.soap.message.simple import Simple, Value, simple
from contracts.legacy.xml import BLANKS, Element, local

__all__ = ["Complex", "Makes"]

_SHAPES, _LONGEST_SHAPE = 256, 64
_ABSENT: Final = object()

Step: TypeAlias = "tuple[Field, str, bool, Mapping[str, Value] | None, bool]"
"""What is done with a child: the field, and what of it every child asks for: name, repeats, known values, any text."""


class Makes(Lookup, Protocol):
    """Makes the fields of elements, and finds readers of types."""

    def field(self, element: XsdElement, *, name: str, repeats: bool) -> Field:
        """Return what an element becomes."""
        ...

    def any(self, tag: str, *, name: str) -> Field:
        """Return what an element becomes that stands where anything may."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attribute:
    name: str
    type: Simple
    use: str
    default: str | None
    fixed: str | None


class Complex:
    """Reads elements of one complex type. Not for several threads at a time."""

    def __init__(self, kind: XsdComplexType, makes: Makes) -> None:
        self._kind, self._makes = kind, makes
        self._fields: dict[str, Field] = {}
        self._shapes: dict[tuple[str, ...], tuple[Step, ...]] = {}
        self._attributes = {name: found for name, found in _attributes(kind)}  # noqa: C416 - says what the pairs are
        self._always = [
            each for each in self._attributes.values() if each.use == "required" or each.default is not None
        ]
        self._any_attribute: Any = kind.attributes.get(None)
        self._content: Content
        self.text: Final = simple(cast("XsdType", kind.content)) if kind.has_simple_content() else None
        """Reads the text of a type with simple content."""

    @property
    def kind(self) -> XsdType:
        """Return the type that it reads."""
        return self._kind

    @property
    def fields(self) -> Mapping[str, Field]:
        """Return what the children become, by tag."""
        return self._fields

    @property
    def attributes(self) -> Collection[str]:
        """Return the names of its attributes, without namespaces."""
        return [each.name for each in self._attributes.values() if each.use != "prohibited"]

    def needs(self, tag: str) -> bool:
        """Tell whether a child has to come."""
        return self._content.needs(tag)

    @property
    def is_open(self) -> bool:
        """Tell whether elements may come that the contract does not name."""
        return self._content.has_wildcard

    def compile(self) -> None:
        """Make the fields of what is inside; apart from the constructor, since a type may hold itself."""
        self._content = content(self._kind)
        often = Counter(local(tag) for tag in self._content.particles)
        for tag, particle in self._content.particles.items():
            short = local(tag)
            name = short if often[short] == 1 else tag
            self._fields[tag] = self._makes.field(particle.element, name=name, repeats=particle.repeats)

    def read(self, element: Element, tolerance: Tolerance, default: str | None = None) -> Record:
        """Return the record of an element of this type, whose text is the default where it is empty.

        Raises:
            RecordError: It deviates from the contract in a way that is refused.
        """
        record: Record = {}
        if element.keys() or self._always:
            given = cast("Sequence[tuple[str, str]]", element.items())
            self.read_attributes(given, element, record, tolerance=tolerance)
        children = list(element)
        steps = self._steps(element, children, tolerance)
        value: Any
        for child, (field, name, repeats, known, is_free) in zip(children, steps, strict=True):
            if known is None or len(child) or child.keys():
                value = read_field(field, child, tolerance)
            elif is_free:
                value = child.text or ""
            elif (value := known.get(child.text or "", _ABSENT)) is _ABSENT:
                value = read_text(cast("Simple", field.type), child.text or "", child, tolerance)
            if not repeats:
                record[name] = value
            elif name in record:
                cast("list[Typed]", record[name]).append(value)
            else:
                record[name] = [value]
        self._read_text(element, children, record, tolerance=tolerance, default=default)
        return record

    def _steps(self, element: Element, children: Sequence[Element], tolerance: Tolerance) -> tuple[Step, ...]:
        """Return what is done with each child; shapes that are right are remembered."""
        tags = tuple([child.tag for child in children])
        if (steps := self._shapes.get(tags)) is not None:
            return steps
        meant = self._meant(element, tags, tolerance)
        flaws = [*self._content.flaws(meant, apart=tolerance.apart)]
        for flaw in flaws:
            name = "" if flaw.tag is None else local(flaw.tag)
            tolerance.note(flaw.kind, element, flaw.expected, below=name)
        fields = [self._fields.get(tag) or self._unnamed(tag) for tag in meant]
        if flaws:
            # What came too often is a list, whatever the contract says: nothing is lost.
            often = Counter(meant)
            fields = [replace(f, repeats=True) if often[tag] > 1 else f for f, tag in zip(fields, meant, strict=True)]
        steps = tuple(_step(field) for field in fields)
        if (
            not flaws
            and meant == tags
            and not tolerance.apart
            and len(tags) <= _LONGEST_SHAPE
            and len(self._shapes) < _SHAPES
        ):
            self._shapes[tags] = steps
        return steps

    def _meant(self, element: Element, tags: tuple[str, ...], tolerance: Tolerance) -> tuple[str, ...]:
        """Return the tags that are meant: a name that the contract has in another namespace is that one."""
        strange = {tag for tag in tags if tag not in self._fields and not self._content.takes(tag)}
        if not strange:
            return tags
        often = Counter(map(local, self._fields))
        by_local = {short: tag for tag in self._fields if often[short := local(tag)] == 1}
        meant = {tag: found for tag in strange if (found := by_local.get(local(tag))) is not None}
        for found in sorted(meant.values()):
            namespace = found.rpartition("}")[0]
            expected = f"the namespace {namespace[1:]}" if namespace else "no namespace"
            tolerance.note("namespace", element, expected, below=local(found))
        return tuple(meant.get(tag, tag) for tag in tags)

    def _unnamed(self, tag: str) -> Field:
        takes = self._content.takes(tag)
        return self._makes.any(tag if takes else "", name="#any" if takes else "#unknown")

    def read_attributes(
        self, given: Iterable[tuple[str, str]], element: Element, record: Record, *, tolerance: Tolerance
    ) -> None:
        """Read attributes that are given, those that must be there, and those that have a default.

        Raises:
            RecordError: They deviate from the contract in a way that is refused.
        """
        for name, text in given:
            attribute = self._attributes.get(name)
            if attribute is not None and attribute.use != "prohibited":
                record["@" + attribute.name] = _value(attribute, text, element, tolerance)
            elif not name.startswith(XSI):
                where = (
                    "#any" if self._any_attribute is not None and self._any_attribute.is_matching(name) else "#unknown"
                )
                if where == "#unknown":
                    tolerance.note("unknown", element, "no such attribute", below="@" + local(name))
                cast("list[Typed]", record.setdefault(where, [])).append({"@" + name: text})
        self._complete(element, record, tolerance)

    def _complete(self, element: Element, record: Record, tolerance: Tolerance) -> None:
        for attribute in (each for each in self._always if "@" + each.name not in record):
            if attribute.use == "required":
                tolerance.note("missing", element, "the attribute", below="@" + attribute.name)
            elif attribute.default is not None:
                record["@" + attribute.name] = attribute.type(attribute.default)

    def _read_text(
        self,
        element: Element,
        children: Sequence[Element],
        record: Record,
        *,
        tolerance: Tolerance,
        default: str | None,
    ) -> None:
        text = element.text
        if self.text is not None:
            whole = "".join([text or "", *(child.tail or "" for child in children)])
            record["#text"] = read_text(self.text, whole or default or "", element, tolerance)
            return
        if self._kind.mixed:
            record["#mixed"] = _inside(element) or default or ""
            return
        stray = "" if text is None or not text.strip(BLANKS) else text
        for child in children:
            if (tail := child.tail) is not None and tail.strip(BLANKS):
                stray += tail
        if stray:
            tolerance.note("text", element, "no text between elements")
            record["#text"] = stray


def _step(field: Field) -> Step:
    plain = field.plain
    return field, field.name, field.repeats, None if plain is None else plain.known, plain is not None and plain.is_free


def _value(attribute: _Attribute, text: str, element: Element, tolerance: Tolerance) -> Value:  # noqa: PLR0917 - called for every attribute
    value = read_text(attribute.type, text, element, tolerance, below="@" + attribute.name)
    if attribute.fixed is not None and not attribute.type.means(text, attribute.fixed, element):
        tolerance.note("facet", element, f"the fixed value {attribute.fixed}", below="@" + attribute.name)
    return value


def _attributes(kind: XsdComplexType) -> Iterator[tuple[str, _Attribute]]:
    often = Counter(local(name) for name in kind.attributes if name is not None)
    for name, attribute in kind.attributes.items():
        if name is not None:
            short = local(name)
            yield (
                name,
                _Attribute(
                    name=short if often[short] == 1 else name,
                    type=simple(cast("XsdType", attribute.type)),
                    use=attribute.use or "optional",
                    default=attribute.default if attribute.fixed is None else attribute.fixed,
                    fixed=attribute.fixed,
                ),
            )


def _inside(element: Element) -> str:
    """Return all that is inside of an element, as XML."""
    text = (element.text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text + "".join(etree.tostring(child, encoding="unicode") for child in element)
