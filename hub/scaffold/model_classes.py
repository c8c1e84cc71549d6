"""Complex types of a schema as classes of models, whose aliases are the names of typed records."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pydantic import BaseModel
from xmlschema import XsdElement
from xmlschema.validators import XsdComplexType, XsdGroup, XsdType

from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.message.content import content
from hub.scaffold.item import documentation
from hub.scaffold.model_values import Values
from hub.scaffold.naming import pascal, snake, unique
from hub.scaffold.text import WIDTH, comment, docstring, quoted

__all__ = ["Classes", "Entry"]

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_TAKEN: Final = frozenset(
    {
        *dir(BaseModel),
        *("date", "datetime", "time", "bool", "int", "str", "float", "bytes", "list", "dict"),
        *(
            "and",
            "as",
            "assert",
            "async",
            "await",
            "break",
            "class",
            "continue",
            "def",
            "del",
            "elif",
            "else",
            "except",
        ),
        *("finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass"),
        *("raise", "return", "try", "while", "with", "yield", "xsi_type"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A field of a model."""

    alias: str
    """Its name in a typed record."""
    annotation: str
    """Of its value where it is there."""
    is_required: bool = True
    is_list: bool = False
    said: str = ""


@dataclass(slots=True)
class Classes:
    """The classes of one module, each written when it is first needed, after what it extends."""

    schemas: Schemas
    taken: set[str]
    unions: list[str] = field(default_factory=list[str])
    _texts: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Name -> name of the class above, and text."""
    _names: dict[int, str] = field(default_factory=dict[int, str])
    _kept: list[XsdType] = field(default_factory=list[XsdType])
    """So that no id is given twice."""
    _fields: dict[int, Mapping[str, str]] = field(default_factory=dict[int, Mapping[str, str]])
    """Alias -> name, of each class."""
    _entries: dict[int, Mapping[str, Entry]] = field(default_factory=dict[int, Mapping[str, Entry]])
    _polymorphic: dict[int, str] = field(default_factory=dict[int, str])
    values: Values = field(init=False)

    def __post_init__(self) -> None:
        self.values = Values(taken=self.taken)

    @property
    def texts(self) -> list[str]:
        """Return the classes, each after the one that it extends."""
        done: dict[str, str] = {}
        for name in self._texts:
            chain = [name]
            while (above := self._texts[chain[-1]][0]) in self._texts and above not in done:
                chain.append(above)
            done.update((each, self._texts[each][1]) for each in reversed(chain) if each not in done)
        return [*done.values()]

    def annotation(self, kind: XsdType, *, called: str) -> str:
        """Return the annotation of the values of a type; `called` names what has no name."""
        if kind.is_simple():
            return self.values.of(kind, called=called)
        if kind.name == _XSD + "anyType":
            return "Any"
        name = self.class_of(cast("XsdComplexType", kind), called=called)
        return self._union(cast("XsdComplexType", kind), name)

    def class_of(self, kind: XsdComplexType, *, called: str) -> str:
        """Return the name of a type's class."""
        if id(kind) not in self._names:
            self._kept.append(kind)
            self._names[id(kind)] = self._name(kind.local_name or called)
            self._write(kind, self._names[id(kind)])
        return self._names[id(kind)]

    def write(self, called: str, entries: list[Entry], *, said: str) -> str:
        """Write a class that no type is the origin of, and return its name."""
        name = self._name(called)
        names = _named(entries, {})
        self._texts[name] = "Record", _class(name, "Record", docstring(said), lines=[*_lines(entries, names)])
        return name

    def _name(self, called: str) -> str:
        name = unique(pascal(called), self.taken)
        self.taken.add(name)
        return name

    def _write(self, kind: XsdComplexType, name: str) -> None:
        base: Any = kind.base_type
        above = "Record"
        if base is not None and kind.derivation == "extension" and not _is_plain(base):
            above = self.class_of(base, called=f"{name}Base")
        entries = {each.alias: each for each in self._of(kind, name)}
        inherited: Mapping[str, Entry] = self._entries.get(id(base), {}) if above != "Record" else {}
        if any(entries.get(alias) != each for alias, each in inherited.items()) or self._hides(base, entries):
            # What is said of a field differs below, so nothing is inherited.
            above, inherited = "Record", {}
        names = _named([*entries.values()], self._fields.get(id(base), {}) if inherited else {})
        self._fields[id(kind)], self._entries[id(kind)] = names, entries
        own = [each for alias, each in entries.items() if alias not in inherited]
        said = documentation(kind) or (f"The type {kind.local_name}." if kind.local_name else f"What {name} has.")
        choices = [f"One of: {', '.join(each)}." for each in _choices(kind)]
        notes = [comment(each, indent=4) for each in choices]
        self._texts[name] = above, _class(name, above, docstring(said), lines=[*notes, *_lines(own, names)])

    def _hides(self, base: Any, entries: Mapping[str, Entry]) -> bool:  # noqa: ANN401 - as in item
        """Tell whether a field of the class above is called as another is in records."""
        return any(name in entries and name != alias for alias, name in self._fields.get(id(base), {}).items())

    def _of(self, kind: XsdComplexType, owner: str) -> Iterator[Entry]:
        for name, attribute in kind.attributes.items():
            if name is not None and attribute.use != "prohibited":
                local = name.rpartition("}")[2]
                annotation = self.values.of(cast("XsdType", attribute.type), called=owner + pascal(local))
                is_required = attribute.use == "required"
                yield Entry(
                    alias="@" + local, annotation=annotation, is_required=is_required, said=documentation(attribute)
                )
        if kind.has_simple_content():
            yield Entry(alias="#text", annotation=self.values.of(cast("XsdType", kind.content), called=owner + "Text"))
            return
        found = content(kind)
        if kind.mixed:
            yield Entry(alias="#mixed", annotation="str", said="All that is inside, as XML.")
        if found.has_wildcard or None in kind.attributes:
            said = "What an xs:any stands for, by its names."
            yield Entry(alias="#any", annotation="list[dict[str, Any]]", is_required=False, is_list=True, said=said)
        often = Counter(tag.rpartition("}")[2] for tag in found.particles)
        for tag, particle in found.particles.items():
            local = tag.rpartition("}")[2]
            alias = local if often[local] == 1 else tag
            yield self._element(particle.element, alias, owner, found.needs(tag), particle.repeats)

    def _element(self, element: XsdElement, alias: str, owner: str, *told: bool) -> Entry:
        is_needed, repeats = told
        local = element.local_name
        annotation = self.annotation(element.type, called=owner + pascal(local) if element.type.is_simple() else local)
        annotation += " | None" if element.nillable and annotation != "Any" else ""
        said = documentation(element)
        if repeats:
            annotation = f"list[{annotation}]"
        return Entry(alias=alias, annotation=annotation, is_required=is_needed, is_list=repeats, said=said)

    def _union(self, kind: XsdComplexType, name: str) -> str:
        """Return the union of a type's class and of those that xsi:type may name in its place."""
        if id(kind) in self._polymorphic:
            return self._polymorphic[id(kind)]
        self._polymorphic[id(kind)] = name
        derived = [each for each in self._derived(kind) if each is not kind]
        if not derived:
            return name
        union = self._name(f"Any{name}")
        self._polymorphic[id(kind)] = union
        members = [f'Annotated[{name}, Tag("")]'] if not kind.abstract else []
        members += [
            f"Annotated[{self.class_of(each, called=name)}, Tag({quoted(each.name or '')})]" for each in derived
        ]
        inner = "\n    | ".join(members)
        self.unions.append(f"{union}: TypeAlias = Annotated[\n    {inner},\n    Discriminator(_xsi_type),\n]")
        return union

    def _derived(self, kind: XsdComplexType) -> Iterator[XsdComplexType]:
        if kind.name is None:
            return
        for each in self.schemas.xsd.maps.types.values():
            if not isinstance(each, XsdComplexType) or each.abstract or each is kind:
                continue
            if each.is_derived(kind):
                yield each


def _is_plain(kind: XsdType) -> bool:
    """Tell whether a type has no class: it is of text, or anything may be of it."""
    return kind.is_simple() or kind.name == _XSD + "anyType"


def _choices(kind: XsdComplexType) -> Iterator[list[str]]:
    """Yield the names of what each choice is between."""
    waiting = [kind.content] if isinstance(kind.content, XsdGroup) else []
    while waiting:
        group = waiting.pop(0)
        names = [each.local_name or "any" for each in group if not isinstance(each, XsdGroup)]
        if group.model == "choice" and len(group) > 1 and names:
            yield names + ["…"] * (len(names) < len(group))
        waiting += [each for each in group if isinstance(each, XsdGroup)]


def _named(entries: list[Entry], above: Mapping[str, str]) -> dict[str, str]:
    """Return a name for each alias, which is no other's alias: both are read; those of the class above stay."""
    names, aliases = dict(above), {each.alias for each in entries}
    for each in entries:
        if each.alias not in names:
            local = each.alias.rpartition("}")[2].lstrip("@#")
            name = snake(local)
            name = f"{name}_" if name in _TAKEN or name.startswith("model_") else name
            names[each.alias] = unique(name, {*names.values(), *(aliases - {each.alias})})
    return names


def _lines(entries: list[Entry], names: Mapping[str, str]) -> Iterator[str]:
    for each in entries:
        name, annotation = names[each.alias], each.annotation
        default = "" if each.is_required else "[]" if each.is_list else "UNSET"
        if default == "UNSET" and annotation != "Any":
            annotation = f"{annotation} | Unset"
        options = ([f"default={default}"] if default else []) + [f"alias={quoted(each.alias)}"]
        behind = f" = Field({', '.join(options)})" if name != each.alias else f" = {default}" if default else ""
        line = f"    {name}: {annotation}{behind}"
        if len(line) > WIDTH and behind.startswith(" = Field("):
            line = f"    {name}: {annotation} = Field(\n        {', '.join(options)}\n    )"
        yield line
        if each.said:
            yield docstring(each.said)


def _class(name: str, above: str, said: str, *, lines: list[str]) -> str:
    body = "\n".join(lines)
    return f"class {name}({above}):\n{said}" + (f"\n\n{body}" if body else "")
