"""What the adapter of an operation needs to say, found in its contract or guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from adapters.soap.bundle import is_web, load_bundle
from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.soap.contract.model import Contract, Operation, Port, Service
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.deviation import Tolerance
from contracts.legacy.soap.message.field import read_field
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.xml import local
from contracts.near import near
from hub.scaffold.item import Item, item_of
from hub.scaffold.soap_guess import (
    Found,
    Guess,
    Parameter,
    find_items,
    guess_key,
    guess_watermark,
    parameters_of,
)

__all__ = ["Plan", "Wanted", "plan"]

_BEGINNING = "1970-01-01T00:00:00Z"
_LEAST = Options(optional=0, nil=0, variants=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for."""

    name: str
    wsdl: str
    operation: str
    root: Path | None = None
    service: str | None = None
    port: str | None = None
    items: str | None = None
    key: str | None = None
    namespace: str = "org.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be written."""

    wanted: Wanted
    schemas: Schemas
    service: Service
    port: Port
    operation: Operation
    needs_service: bool
    items: Found
    items_told: bool
    item: Item
    key: Guess
    watermark: tuple[Parameter, Guess] | None
    parameters: Mapping[str, Any]
    """Constants that the request must have: made up."""

    @property
    def config(self) -> dict[str, Any]:
        """Return the settings that are no matter of the file's own."""
        wanted = self.wanted
        given: dict[str, Any] = {
            "name": wanted.name,
            "wsdl": str(Path(wanted.wsdl).resolve()),
            "bundle": None if wanted.root is None else wanted.root.resolve(),
            "service": local(self.service.name) if self.needs_service else None,
            "port": wanted.port,
            "operation": self.operation.name,
            "items": tuple(self.items.path.split("/")),
            "key": tuple(self.key.member.path.split("/")),
            "values": "typed",
            "parameters": dict(self.parameters),
        }
        return {name: value for name, value in given.items() if value not in (None, {})}


def plan(wanted: Wanted) -> Plan:
    """Read a contract, and find or guess what its adapter needs.

    Raises:
        ConfigError: The contract does not say it, and it can't be guessed; names the option that says it.
        ContractError: The contract can't be read, or lacks what it imports.
    """
    if is_web(wanted.wsdl):
        fix = f"banyan wsdl import {wanted.wsdl} --into contracts/{wanted.name}"
        raise ConfigError([f"--wsdl: take the contract first, so that tests need no network: {fix}"])
    bundle = load_bundle(wanted.wsdl, root=wanted.root)
    for missing in bundle.missing:
        raise ContractError(missing.needed_by, expected=f"an import of {missing.location}", found=missing.reason)
    contract, schemas = read_contract(bundle), build(bundle)
    service, port, needs_service = _chosen(contract, wanted)
    operation = port.operations[wanted.operation]
    if operation.is_encoded:
        reason = "SOAP encoding: this command writes no adapter for it; write one by hand, with values: typed"
        raise ConfigError([f"{operation.name}: {reason}"])
    items = find_items(operation, schemas, wanted.items)
    item = item_of(items.element)
    parameters = parameters_of(operation.input, schemas)
    watermark = guess_watermark(parameters, item)
    return Plan(
        wanted=wanted,
        schemas=schemas,
        service=service,
        port=port,
        operation=operation,
        needs_service=needs_service,
        items=items,
        items_told=wanted.items is not None,
        item=item,
        key=guess_key(item, wanted.key),
        watermark=watermark,
        parameters=_constants(operation, schemas, parameters, watermark=watermark),
    )


def _chosen(contract: Contract, wanted: Wanted) -> tuple[Service, Port, bool]:
    soap = [(service, port) for service, port in contract.ports if service is not None and port.soap is not None]
    having = [(service, port) for service, port in soap if wanted.operation in port.operations]
    fit = [
        (service, port)
        for service, port in having
        if wanted.service in {None, local(service.name)} and wanted.port in {None, port.name}
    ]
    if not having:
        known = near(wanted.operation, {name for _, port in soap for name in port.operations})
        raise ConfigError([f"--operation: no SOAP port has {wanted.operation}; there are: {known}"])
    if not fit:
        names = ", ".join(f"--service {local(service.name)} --port {port.name}" for service, port in having)
        raise ConfigError([f"--port: {wanted.operation} is not offered there; there are: {names}"])
    if len({service.name for service, _ in fit}) > 1:
        names = ", ".join(sorted({local(service.name) for service, _ in fit}))
        raise ConfigError([f"--service: several services have {wanted.operation}; name one of: {names}"])
    return *fit[0], len({service.name for service, _ in having}) > 1


def _constants(
    operation: Operation,
    schemas: Schemas,
    parameters: Sequence[Parameter],
    *,
    watermark: tuple[Parameter, Guess] | None,
) -> dict[str, Any]:
    """Return a sample of what the request must have."""
    if not any(each.is_required for each in parameters):
        return {}
    body, readers, sampler = operation.input, Readers(schemas), Sampler(schemas, _LEAST)
    given: dict[str, Any] = {}
    for part in body.parts:
        element = sampler.part(part, seed=0)
        field = readers.part(part.name, element=part.element, type_name=part.type)
        try:
            value: Any = None if field is None else read_field(field, element, Tolerance(root=element))
        except RecordError:
            value = None
        value = _json(value)
        is_bare = body.wrapper is None and len(body.parts) == 1
        given |= cast("dict[str, Any]", value) if is_bare and isinstance(value, dict) else {part.name: value}
    if watermark is not None and watermark[0].name in given:
        given[watermark[0].name] = _BEGINNING
    return given


def _json(value: Any) -> Any:  # noqa: ANN401 - a typed value
    """Return a typed value as JSON has it, and as requests name it."""
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value).items()
        if kind := cast("dict[str, Any]", value).get("@xsi:type"):
            needs = f"the request needs xsi:type ({kind}), since a type of it is abstract"
            raise ConfigError([f"{needs}; parameters of a polling adapter can't say that"])
        return {"_value_1" if name == "#text" else name.lstrip("@"): _json(each) for name, each in named}
    if isinstance(value, list):
        return [*map(_json, cast("Iterable[Any]", value))]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
