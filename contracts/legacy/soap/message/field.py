"""An element as a typed value: what its contract says it is, whatever `xsi:nil` and `xsi:type` say besides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, cast

from xmlschema.validators import XsdType

from contracts.legacy.soap import reply
from contracts.legacy.soap.message.deviation import Tolerance
from contracts.legacy.soap.message.simple import FacetError, Simple, Value
from contracts.legacy.xml import BLANKS, Element, local, local_name

__all__ = ["XSI", "Field", "Lookup", "Record", "Structure", "Typed", "kept", "read_field", "read_parts", "read_text"]

Typed: TypeAlias = "Value | dict[str, Typed] | list[Typed] | None"
Record: TypeAlias = dict[str, Typed]

XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_NIL, _TYPE = XSI + "nil", XSI + "type"


class Structure(Protocol):
    """Reads elements that have children or attributes."""

    @property
    def kind(self) -> XsdType:
        """Return the type that it reads."""
        ...

    @property
    def fields(self) -> "Mapping[str, Field]":
        """Return what the children become, by tag."""
        ...

    @property
    def text(self) -> Simple | None:
        """Return what reads the text of a type with simple content."""
        ...

    def needs(self, tag: str) -> bool:
        """Tell whether a child has to come."""
        ...

    def read_attributes(
        self, given: Iterable[tuple[str, str]], element: Element, record: Record, *, tolerance: Tolerance
    ) -> None:
        """Read attributes that are given, those that must be there, and those that have a default."""
        ...

    def read(self, element: Element, tolerance: Tolerance, default: str | None = None) -> Record:
        """Return the record of an element, whose text is the default where it is empty."""
        ...


class Lookup(Protocol):
    """Finds the reader of a type by `{namespace}name`."""

    def named(self, name: str) -> "tuple[XsdType, Simple | Structure | None] | None":
        """Return a type and its reader, which is None for anyType; None where the contract has no such type."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What an element becomes."""

    name: str
    """Its entry in the record."""
    type: Simple | Structure | None
    """None for anyType: kept as it is."""
    lookup: Lookup
    repeats: bool = False
    """It is a list, however often it comes."""
    nillable: bool = True
    default: str | None = None
    fixed: str | None = None
    by_tag: bool = False
    """It becomes `{tag: value}`: the contract gives it no name."""

    @property
    def plain(self) -> Simple | None:
        """Return the type where the text of an element without attributes is all there is."""
        is_plain = self.default is None and self.fixed is None and not self.by_tag
        return self.type if isinstance(self.type, Simple) and is_plain else None


def read_field(field: Field, element: Element, tolerance: Tolerance) -> Typed:
    """Return the value of an element, whatever it has for attributes.

    Raises:
        RecordError: It deviates from the contract in a way that is refused.
    """
    if field.by_tag:
        return {element.tag: _read(field, element, tolerance)}
    return _read(field, element, tolerance)


def read_text(reader: Simple, text: str, element: Element, tolerance: Tolerance, *, below: str = "") -> Value:  # noqa: PLR0917 - what every value needs; by position, since it is called for every value
    """Return what text says; a value that is tolerated although it is none stays text."""
    try:
        return reader(text, element)
    except FacetError as unfit:
        tolerance.note("facet", element, str(unfit), below=below)
        return unfit.value
    except ValueError as error:
        # Another name than above: compiled, a name has one type.
        tolerance.note("value", element, str(error), below=below)
        return text


def read_parts(fields: Mapping[str, Field], element: Element, tolerance: Tolerance) -> Record:
    """Return the parts below an rpc wrapper, or in the Body; each comes once, in any order."""
    record: Record = {}
    for child in element:
        field = fields.get(child.tag) or fields.get(local_name(child))
        if field is None or field.name in record:
            tolerance.note("too-many" if field else "unknown", element, "no such part", below=local_name(child))
            cast("list[Typed]", record.setdefault("#unknown", [])).append({child.tag: kept(child)})
        else:
            record[field.name] = read_field(field, child, tolerance)
    for tag, field in fields.items():
        if field.name not in record and tag not in tolerance.apart:
            tolerance.note("missing", element, "the part", below=field.name)
    return record


def kept(element: Element) -> Typed:
    """Return an element that no contract knows, as text."""
    # Text is among the typed values; no type checker sees that through two recursive aliases.
    found: Any = reply.value(element)
    return cast("Typed", found)


def _read(field: Field, element: Element, tolerance: Tolerance) -> Typed:
    if (nil := element.get(_NIL)) is not None and nil.strip(BLANKS) in {"true", "1"}:
        if not field.nillable:
            tolerance.note("nil", element, "a value, since it is not nillable")
        if len(element) or (element.text or "").strip(BLANKS):
            tolerance.note("nil", element, "nothing in it")
        return None
    said = element.get(_TYPE)
    reader, given = (field.type, "") if said is None else _of_type(said, field, element, tolerance)
    if reader is None:
        return kept(element)
    if isinstance(reader, Simple):
        return _simple(reader, field, element, tolerance)
    record = _structured(reader, field, element, tolerance)
    if given:
        record["@xsi:type"] = given
    return record


def _structured(reader: Structure, field: Field, element: Element, tolerance: Tolerance) -> Record:  # noqa: PLR0917 - as above
    if getattr(reader.kind, "abstract", False):
        tolerance.note("type", element, f"an xsi:type, since {reader.kind.local_name} is abstract")
    record = reader.read(element, tolerance, field.default)
    if field.fixed is not None and not _is_fixed(field.fixed, reader, element):
        tolerance.note("facet", element, f"the fixed value {field.fixed}")
    return record


def _simple(reader: Simple, field: Field, element: Element, tolerance: Tolerance) -> Value:  # noqa: PLR0917 - as above
    if len(element):
        tolerance.note("unknown", element, "text alone", below=local_name(element[0]))
    for name in cast("Sequence[str]", element.keys()):
        if not name.startswith(XSI):
            tolerance.note("unknown", element, "no such attribute", below="@" + local(name))
    text = element.text or field.default or ""
    value = read_text(reader, text, element, tolerance)
    if field.fixed is not None and not reader.means(text, field.fixed, element):
        tolerance.note("facet", element, f"the fixed value {field.fixed}")
    return value


def _is_fixed(fixed: str, reader: Structure, element: Element) -> bool:
    text = element.text or ("" if len(element) else fixed)
    return text == fixed if reader.text is None else reader.text.means(text, fixed, element)


def _of_type(said: str, field: Field, element: Element, tolerance: Tolerance) -> tuple[Simple | Structure | None, str]:  # noqa: PLR0917 - as above
    prefix, colon, local = said.strip(BLANKS).rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    name = f"{{{namespace}}}{local}" if namespace else local
    found = field.lookup.named(name)
    if found is None:
        tolerance.note("type", element, "an xsi:type of the contract")
        return field.type, ""
    kind, reader = found
    if reader is field.type:
        return reader, ""
    declared = field.type
    if declared is not None and not _is_kind_of(kind, declared.kind):
        tolerance.note("type", element, f"an xsi:type that is derived from {declared.kind.local_name}")
        return declared, ""
    return reader, name


def _is_kind_of(kind: XsdType, declared: XsdType) -> bool:
    """Tell whether a type may stand for the declared one: it is derived from it, or a member of that union."""
    members = getattr(declared, "member_types", None) or ()
    return kind.is_derived(cast("Any", declared)) or any(kind is member for member in members)
