"""Reads one binding: the operations of its port type, and how each is put on the wire (WSDL 1.1, section 3)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from contracts.legacy.soap.contract.bundle import WSDL
from contracts.legacy.soap.contract.definitions import Definitions, Found
from contracts.legacy.soap.contract.model import (
    Body,
    FaultDetail,
    Header,
    Operation,
    Part,
    Place,
    Port,
    SoapVersion,
    Use,
)
from contracts.legacy.xml import Element

__all__ = ["read_port"]

_SOAP: Final[Mapping[str, SoapVersion]] = {
    "{http://schemas.xmlsoap.org/wsdl/soap/}": "1.1",
    "{http://schemas.xmlsoap.org/wsdl/soap12/}": "1.2",
}
_MIME: Final = "{http://schemas.xmlsoap.org/wsdl/mime/}"
_SOAP_HEADERS: Final = tuple(name + "header" for name in _SOAP)
_NO_PORT_TYPE = "binding {} has no port type that there is"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Binding:
    """What holds for all operations of a binding."""

    found: Found
    port_type: Found
    style: str
    soap: SoapVersion | None
    definitions: Definitions

    def broken(self, code: str, found: Element, *, about: str, text: str) -> None:
        self.definitions.notes.broken(code, self.found.place_of(found), about=about, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """An operation of a binding beside that of its port type."""

    binding: _Binding
    bound: Element
    abstract: Element


def read_port(name: str, found: Found, definitions: Definitions, *, address: str | None, place: Place) -> Port:
    """Read a binding as the port that offers it."""
    soap = _soap_child(found.element, "binding")
    operations: dict[str, Operation] = {}
    port_type = definitions.port_types.get(found.qualified(found.element, "type") or "")
    if port_type is None:
        definitions.notes.broken(
            "missing-port-type", found.place, about=found.name, text=_NO_PORT_TYPE.format(found.name)
        )
    else:
        style = "document" if soap is None else soap.get("style") or "document"
        binding = _Binding(
            found=found,
            port_type=port_type,
            style=style,
            soap=_version(soap),
            definitions=definitions,
        )
        for operation in _operations(binding):
            if operation.name in operations:
                text = "overloaded: only the first operation of this name can be called"
                definitions.notes.add("overloaded", "hurts", operation.place, about=operation.name, text=text)
            operations.setdefault(operation.name, operation)
    return Port(
        name=name,
        binding=f"{{{found.namespace}}}{found.name}",
        soap=_version(soap),
        address=address,
        operations=operations,
        place=place,
        transport="" if soap is None else soap.get("transport") or "",
    )


def _operations(binding: _Binding) -> Iterator[Operation]:
    by_name = defaultdict[str, list[Element]](list)
    for each in binding.port_type.children("operation"):
        by_name[each.get("name") or ""].append(each)
    for bound in binding.found.children("operation"):
        name = bound.get("name") or ""
        abstract = _abstract(by_name.get(name, []), bound)
        if abstract is None:
            text = f"port type {binding.port_type.name} has no operation {name}"
            binding.broken("missing-operation", bound, about=name, text=text)
            continue
        yield _operation(binding, bound, abstract)


def _operation(binding: _Binding, bound: Element, abstract: Element) -> Operation:
    name, soap = bound.get("name") or "", _soap_child(bound, "operation")
    said = binding.style if soap is None else soap.get("style") or binding.style
    style: Literal["document", "rpc"] = "rpc" if said == "rpc" else "document"
    sides = _Sides(binding=binding, bound=bound, abstract=abstract)
    inward = _body(sides, "input", wrapper=name if style == "rpc" else None)
    answers = abstract.find(WSDL + "output") is not None
    outward = _body(sides, "output", wrapper=name + "Response" if style == "rpc" else None)
    documentation = abstract.find(WSDL + "documentation")
    return Operation(
        name=name,
        style=style,
        action="" if soap is None else soap.get("soapAction") or "",
        input=inward,
        output=outward if answers else None,
        faults=tuple(_faults(binding, bound, abstract)),
        place=binding.found.place_of(bound),
        documentation="" if documentation is None else _said(documentation),
    )


def _body(sides: _Sides, direction: str, *, wrapper: str | None) -> Body:
    binding, bound = sides.binding, sides.bound
    message, parts = _message(binding, sides.abstract.find(WSDL + direction))
    there = bound.find(WSDL + direction)
    carriers = [] if there is None else [there, *there.iterfind(f"{_MIME}multipartRelated/{_MIME}part")]
    soap = next((child for each in carriers if (child := _soap_child(each, "body")) is not None), None)
    headers = tuple(_headers(binding, carriers))
    attached = [each.get("part") or "" for carrier in carriers for each in carrier.iterchildren(_MIME + "content")]
    chosen = None if soap is None else soap.get("parts")
    aside = {header.part.name for header in headers if header.message == message} | set(attached)
    names = [name for name in parts if name not in aside] if chosen is None else chosen.split()
    for name in (name for name in names if name not in parts):
        text = f"the {direction}'s body names the part {name}, which {message} has not"
        binding.broken("missing-part", bound, about=bound.get("name") or "", text=text)
    namespace = (None if soap is None else soap.get("namespace")) or ""
    return Body(
        message=message,
        parts=tuple(parts[name] for name in names if name in parts),
        wrapper=None if wrapper is None else (f"{{{namespace}}}{wrapper}" if namespace else wrapper),
        use=_use(soap),
        encoding=None if soap is None else soap.get("encodingStyle"),
        headers=headers,
        attachments=tuple(attached),
        is_mime=len(carriers) > 1,
    )


def _headers(binding: _Binding, carriers: list[Element]) -> Iterator[Header]:
    for element in (each for carrier in carriers for each in carrier.iterchildren(*_SOAP_HEADERS)):
        message = binding.found.qualified(element, "message") or ""
        part = binding.definitions.messages.get(message, {}).get(element.get("part") or "")
        if part is None:
            text = f"the header names part {element.get('part')} of message {message}, which there is not"
            binding.broken("missing-header", element, about=binding.found.name, text=text)
            continue
        yield Header(message=message, part=part, use=_use(element))


def _faults(binding: _Binding, bound: Element, abstract: Element) -> Iterator[FaultDetail]:
    uses: dict[str | None, Use] = {
        each.get("name"): _use(_soap_child(each, "fault")) for each in bound.iterchildren(WSDL + "fault")
    }
    for element in abstract.iterchildren(WSDL + "fault"):
        name = element.get("name") or ""
        _, parts = _message(binding, element)
        yield FaultDetail(name=name, part=next(iter(parts.values()), None), use=uses.get(name, "literal"))


def _message(binding: _Binding, element: Element | None) -> tuple[str, Mapping[str, Part]]:
    if element is None:
        return "", {}
    name = binding.port_type.qualified(element, "message") or ""
    if name not in binding.definitions.messages:
        place = binding.port_type.place_of(element)
        binding.definitions.notes.broken(
            "missing-message", place, about=name, text=f"there is no message {name or 'named'}"
        )
    return name, binding.definitions.messages.get(name, {})


def _abstract(same: Sequence[Element], bound: Element) -> Element | None:
    """Return the port type's operation; of overloaded ones that whose input and output have the bound one's names."""
    named = [_direction_names(bound) == _direction_names(each) for each in same]
    return next((each for each, fits in zip(same, named, strict=True) if fits), same[0] if same else None)


def _direction_names(operation: Element) -> tuple[str | None, ...]:
    directions = (operation.find(WSDL + direction) for direction in ("input", "output"))
    return tuple(None if each is None else each.get("name") for each in directions)


def _soap_child(element: Element, name: str) -> Element | None:
    return next(element.iterchildren(*(namespace + name for namespace in _SOAP)), None)


def _version(element: Element | None) -> SoapVersion | None:
    return None if element is None else _SOAP[element.tag.rpartition("}")[0] + "}"]


def _said(documentation: Element) -> str:
    texts: Iterator[Any] = documentation.itertext()
    return " ".join("".join(map(str, texts)).split())


def _use(element: Element | None) -> Use:
    return "encoded" if element is not None and element.get("use") == "encoded" else "literal"
