"""A module of pydantic models: what a contract's requests, replies and declared faults are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from xmlschema.validators import XsdType

from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.model import Body, Contract, Operation, Part
from contracts.legacy.soap.contract.schema import Schemas
from hub.scaffold.model_classes import Classes, Entry
from hub.scaffold.naming import pascal
from hub.scaffold.text import docstring, imports, quoted

__all__ = ["Module", "models_of"]

_RESERVED: Final = frozenset(
    {
        *(
            "Annotated",
            "Any",
            "AnyRecord",
            "BaseModel",
            "ConfigDict",
            "Decimal",
            "Discriminator",
            "Enum",
            "SerializerFunctionWrapHandler",
            "model_serializer",
            "FAULTS",
            "Field",
        ),
        *("Final", "Literal", "REPLIES", "REQUESTS", "Record", "StrEnum", "Tag", "TypeAlias", "UNSET", "Unset", "None"),
        *("True", "False"),
    }
)
_HEAD: Final = '''class Unset(Enum):
    """What stands for an element or attribute that is absent; None is one that is nil."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class Record(BaseModel):
    """Any record of this contract. What the contract does not have is left out: services grow."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
        ser_json_inf_nan="strings",
    )

    xsi_type: str = Field(default="", alias="@xsi:type")
    """`{namespace}name` of another type than the declared one."""

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        absent = [name for name, value in self if value is UNSET]
        aliases = [type(self).model_fields[name].alias or name for name in absent]
        return {name: each for name, each in dumped.items() if name not in absent + aliases}
'''
_XSI: Final = '''def _xsi_type(value: Any) -> str:
    """Return which of several types a record says that it has."""
    if isinstance(value, Record):
        return value.xsi_type
    if not isinstance(value, dict):
        return ""
    return str(value.get("@xsi:type", value.get("xsi_type", "")))'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module, and which of its models is what."""

    text: str
    requests: Mapping[str, str]
    """Operation -> model."""
    replies: Mapping[str, str]
    faults: Mapping[str, Mapping[str, str]]
    """Operation -> name of the fault -> model of its detail."""
    left_out: tuple[str, ...]
    """What there is no model of, a sentence each."""


def models_of(contract: Contract, schemas: Schemas) -> Module:
    """Write the models of a contract, or of what of it was chosen.

    Raises:
        ConfigError: It has no operation.
    """
    operations = _operations(contract)
    if not operations:
        raise ConfigError([f"{contract.name}: expected a SOAP port with an operation, found none"])
    making = _Making(schemas)
    for operation in operations:
        making.add(operation)
    return Module(
        text=making.text(contract.name),
        requests=making.requests,
        replies=making.replies,
        faults=making.faults,
        left_out=tuple(making.left_out),
    )


def _operations(contract: Contract) -> list[Operation]:
    found: dict[str, Operation] = {}
    for _, port in contract.ports:
        if port.soap is not None:
            for name, operation in port.operations.items():
                found.setdefault(name, operation)
    return [*found.values()]


class _Making:
    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._classes = Classes(schemas=schemas, taken=set(_RESERVED))
        self.requests: dict[str, str] = {}
        self.replies: dict[str, str] = {}
        self.faults: dict[str, dict[str, str]] = {}
        self.left_out: list[str] = []
        self._parts: dict[tuple[str | None, str | None], str] = {}

    def add(self, operation: Operation) -> None:
        """Write what an operation needs."""
        if operation.is_encoded:
            self.left_out.append(f"{operation.name}: SOAP encoding, whose records refer to each other.")
            return
        for into, body in ((self.requests, operation.input), (self.replies, operation.output)):
            try:
                if body is not None:
                    into[operation.name] = self._body(operation, body)
            except ContractError as error:
                self.left_out.append(f"{operation.name}: {error}")
        for fault in operation.faults:
            kind = None if fault.part is None else self._type(fault.part)
            if fault.part is not None and kind is not None:
                model = self._part(fault.part, kind)
                self.faults.setdefault(operation.name, {})[fault.name] = model
            else:
                self.left_out.append(f"{operation.name}: the fault {fault.name}, whose detail the contract lacks.")

    def _body(self, operation: Operation, body: Body) -> str:
        if body.wrapper is None and len(body.parts) == 1:
            return self._part(body.parts[0], self._needed(operation, body.parts[0]))
        entries = [
            Entry(alias=part.name, annotation=self._classes.annotation(self._needed(operation, part), called=part.name))
            for part in body.parts
        ]
        called = body.message.rpartition("}")[2] if body.wrapper is None else body.wrapper.rpartition("}")[2]
        return self._classes.write(called, entries, said=f"The parts of {called}.")

    def _part(self, part: Part, kind: XsdType) -> str:
        """Return the model of what is told of an element: of a simple one its text."""
        key = (part.element, part.type)
        if key not in self._parts:
            called = part.tag.rpartition("}")[2]
            if kind.is_simple() or kind.name == "{http://www.w3.org/2001/XMLSchema}anyType":
                text = Entry(alias="#text", annotation=self._classes.annotation(kind, called=called))
                self._parts[key] = self._classes.write(called, [text], said=f"The element {called}.")
            else:
                self._parts[key] = self._classes.annotation(kind, called=called)
        return self._parts[key]

    def _needed(self, operation: Operation, part: Part) -> XsdType:
        found = self._type(part)
        if found is None:
            raise ContractError(
                str(operation.place), expected=f"what part {part.name} is", found=part.element or "none"
            )
        return found

    def _type(self, part: Part) -> XsdType | None:
        if part.element is None:
            return self._schemas.type(part.type or "")
        declared = self._schemas.element(part.element)
        return None if declared is None else declared.type

    def text(self, name: str) -> str:
        """Return the module."""
        classes = self._classes
        blocks = [*classes.values.texts, *classes.texts]
        if classes.unions:
            blocks += [_XSI, *classes.unions]
        kind = "Any" if classes.unions else "type[Record]"
        tables = [
            _table("REQUESTS", f"dict[str, {kind}]", self.requests.items()),
            _table("REPLIES", f"dict[str, {kind}]", self.replies.items()),
            _faults(f"dict[str, dict[str, {kind}]]", self.faults),
        ]
        body = "\n\n\n".join([*blocks, "\n".join(tables)]) + "\n"
        said = f"What is sent and answered by the contract {pascal(name)}: models of typed records, one for each type."
        body = f"{_HEAD}\n\n{body}"
        head = "from __future__ import annotations"
        return f"{docstring(said, indent=0)}\n\n{head}\n\n{imports(body)}\n\n\n{body}"


def _table(name: str, annotation: str, pairs: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"    {quoted(operation)}: {model},\n" for operation, model in pairs)
    return f"{name}: Final[{annotation}] = " + (f"{{\n{lines}}}" if lines else "{}")


def _faults(annotation: str, faults: Mapping[str, Mapping[str, str]]) -> str:
    lines = ""
    for operation, models in faults.items():
        inner = "".join(f"        {quoted(name)}: {model},\n" for name, model in models.items())
        lines += f"    {quoted(operation)}: {{\n{inner}    }},\n"
    return f"FAULTS: Final[{annotation}] = " + (f"{{\n{lines}}}" if lines else "{}")
