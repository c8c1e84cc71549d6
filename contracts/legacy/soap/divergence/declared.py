"""What a contract declares of an operation's replies, as one table: the body's elements, a fault, headers."""

from collections.abc import Iterator

from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Contract, Operation, Part, Port
from contracts.legacy.soap.divergence import fault
from contracts.legacy.soap.divergence.content import Content, Declared, Types

__all__ = ["ENVELOPE", "HEADER", "operation_of", "replies"]

HEADER = "Header"
ENVELOPE = "Envelope"
"""What stands in the envelope beside its Header and its Body, where nothing should."""


def operation_of(contract: Contract, operation: str, port: str | None) -> tuple[Port, Operation]:
    """Return an operation and its port: the one that is named, or the first SOAP port that has it.

    Raises:
        ConfigError: There is none; says what there is.
    """
    ports = [each for _, each in contract.ports]
    named = [each for each in ports if port in {None, each.name}]
    if not named:
        raise ConfigError([f"no port {port} in {contract.name}; there are: {_listed(each.name for each in ports)}"])
    offering = sorted((each for each in named if operation in each.operations), key=lambda each: each.soap is None)
    if not offering:
        names = dict.fromkeys(name for each in named for name in each.operations)
        where = contract.name if port is None else f"port {port}"
        raise ConfigError([f"no operation {operation} in {where}; there are: {_listed(names)}"])
    return offering[0], offering[0].operations[operation]


def replies(operation: Operation, types: Types) -> Content:
    """Return what may stand in the Body of a reply, with the fault, the headers and all else beside it."""
    elements: dict[str, Declared] = {}
    output = operation.output
    if output is not None:
        parts = {part.tag: _part(part, types, is_once=True) for part in output.parts}
        if output.wrapper is None:
            elements = parts
        else:
            inner = Content(name="response", elements=parts)
            elements = {output.wrapper: Declared(tag=output.wrapper, type=inner, is_once=True)}
    details = {each.part.tag: _part(each.part, types) for each in operation.faults if each.part is not None}
    return Content(
        elements={
            **elements,
            fault.FAULT: Declared(tag=fault.FAULT, type=fault.content(details), is_once=True),
            HEADER: Declared(tag=HEADER, type=Content(is_open=True, is_all=True), is_once=True),
            ENVELOPE: Declared(tag=ENVELOPE, type=Content(is_open=True), is_once=True),
        }
    )


def _part(part: Part, types: Types, *, is_once: bool = False) -> Declared:
    if part.element is not None:
        found = types.element(part.element)
        kind = None if found is None else found.type
        default = None if found is None else found.default
        return Declared(tag=part.tag, type=kind, default=default, is_once=is_once)
    return Declared(tag=part.tag, type=None if part.type is None else types.named(part.type), is_once=is_once)


def _listed(names: "Iterator[str] | dict[str, str | None]") -> str:
    return ", ".join(names) or "none"
