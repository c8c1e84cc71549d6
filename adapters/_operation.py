"""Finds the operation that a configuration names in a contract."""

from collections.abc import Iterable

from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Contract, Operation, Port, Service
from contracts.near import near

__all__ = ["chosen", "local"]


def chosen(
    contract: Contract, where: str, *, operation: str, service: str | None, port: str | None
) -> tuple[Service, Port, Operation]:
    """Return the first SOAP port that has an operation, with its service.

    Args:
        contract: What is searched.
        where: Its name, for errors.
        operation: The operation.
        service: The service; needed where several have it.
        port: The port.

    Raises:
        ConfigError: There is none, or there are several; says what there is.
    """
    every = [(each, port) for each, port in contract.ports if each is not None and port.soap is not None]
    fit = [
        (each, offered)
        for each, offered in every
        if service in {None, local(each.name)} and port in {None, offered.name}
    ]
    having = [(each, offered) for each, offered in fit if operation in offered.operations]
    if len({each.name for each, _ in having}) > 1:
        raise ConfigError([f"{where}: several services have {operation}: name one: {_listed(having)}"])
    if having:
        found, offered = having[0]
        return found, offered, offered.operations[operation]
    if fit:
        known = near(operation, {name for _, offered in fit for name in offered.operations})
        raise ConfigError([f"{where}: no operation {operation}; there are: {known}"])
    raise ConfigError([f"{where}: no SOAP port {service}/{port}; there are: {_listed(every)}"])


def local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]


def _listed(ports: Iterable[tuple[Service, Port]]) -> str:
    return ", ".join(f"{local(service.name)}/{port.name}" for service, port in ports) or "none"
