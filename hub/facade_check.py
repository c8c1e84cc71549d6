"""What would keep a façade from serving: rules, addresses, certificates, contracts, backends that don't answer."""

import asyncio
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509

from contracts.errors import ConfigError
from hub.facade_contracts import load_contract, misplaced
from hub.rule_fit import fit
from routers.facade.http.tls import backend_context, listener_context
from routers.facade.process.listening import address, bind, resolved
from routers.facade.process.report import Report
from routers.facade.settings import Backend, FacadeSettings, Listener
from routers.rulesets.capability import Capability
from routers.rulesets.document import read_rules
from routers.rulesets.file import refusals

__all__ = ["Found", "check"]


@dataclass(slots=True, kw_only=True)
class Found:
    """What a check found."""

    problems: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What would keep it from serving, by what it concerns; an empty list where nothing would."""
    warnings: list[str] = field(default_factory=list[str])
    """What serves, and hardly as it is meant."""


async def check(
    facade: FacadeSettings, *, running: Report | None = None, in_force: Mapping[str, Capability] | None = None
) -> Found:
    """Return what is wrong, and what is hardly meant; changes nothing.

    Args:
        facade: The settings.
        running: The façade that runs with them; the addresses that it has are not taken by somebody else.
        in_force: The capabilities that a façade with these settings took over last; None where nobody knows.
    """
    own = frozenset[tuple[str, int]]() if running is None else frozenset(map(address, running.addresses.values()))
    found = Found()
    _rules(facade, in_force, found)
    for name, listener in facade.listeners.items():
        found.problems[f"listener {name}"] = _listener(name, listener, own)
        for served_at, contract in listener.contracts.items():
            where = f"contract {served_at} of {name}"
            found.problems[where] = _problems(partial(load_contract, served_at, contract))
            if not found.problems[where]:
                found.warnings += [f"{where}: {each}" for each in misplaced(served_at, contract)]
    for name, backend in facade.backends.items():
        found.problems[f"backend {name}"] = await _backend(name, backend)
    return found


def _rules(facade: FacadeSettings, in_force: Mapping[str, Capability] | None, found: Found) -> None:
    """Check a file of rules, or how those of the topic fit the contracts."""
    path, document, problems = facade.ruleset, None, list[str]()
    if path is not None:
        try:
            document = read_rules(path, backends=facade.backends)
        except ConfigError as error:
            found.problems["ruleset"] = list(error.problems)
            return
        problems = refusals(path, in_force or {}, document)
    elif in_force is None:
        return
    capabilities = in_force or {} if document is None else document.capabilities
    fits = fit(facade, capabilities, document)
    found.problems["ruleset"] = [*problems, *fits.problems, *_intercepted(facade, capabilities)]
    found.warnings += fits.warnings


def _intercepted(facade: FacadeSettings, capabilities: Mapping[str, Capability]) -> list[str]:
    """Return which routes are to be intercepted and are none of SOAP."""
    wanted = () if facade.intercept is None else facade.intercept.routes
    there = {
        f"{name}/{route}"
        for name, capability in capabilities.items()
        for route, each in capability.routes.items()
        if each.soap is not None
    }
    known = ", ".join(sorted(there)) or "none"
    return [
        f"facade.intercept.routes: no SOAP route {each}; there are: {known}" for each in wanted if each not in there
    ]


def _listener(name: str, listener: Listener, own: Collection[tuple[str, int]]) -> list[str]:
    is_ours = resolved(listener.address) in own
    problems = [] if is_ours else _problems(lambda: bind(name, listener.address).close())
    if (tls := listener.tls) is None:
        return problems
    return [*problems, *_problems(lambda: listener_context(tls)), *_dated(tls.certificate)]


async def _backend(name: str, backend: Backend) -> list[str]:
    context, server_name = None, None
    if backend.secure:
        try:
            context, server_name = backend_context(backend.tls), backend.tls.server_name or backend.host
        except ConfigError as error:
            return list(error.problems)
        if backend.tls.certificate is not None and (problems := _dated(backend.tls.certificate)):
            return problems
    try:
        async with asyncio.timeout(backend.connect.total_seconds()):
            _, writer = await asyncio.open_connection(
                backend.host, backend.port, ssl=context, server_hostname=server_name
            )
    except TimeoutError:
        return [f"backends.{name}: {backend.url} does not answer within {backend.connect.total_seconds():g} s"]
    except ssl.SSLError as error:
        return [f"backends.{name}: {backend.url}: {error.reason or error}"]
    except OSError as error:
        return [f"backends.{name}: {backend.url} can't be reached: {error.strerror or error}"]
    writer.transport.abort()
    return []


def _problems(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except ConfigError as error:
        return list(error.problems)
    return []


def _dated(certificate: Path) -> list[str]:
    """Return whether a certificate's time has come, or is over."""
    try:
        found = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError, IndexError):
        return []  # told where it was to be used
    now = datetime.now(UTC)
    if found.not_valid_after_utc < now:
        return [f"{certificate}: expired on {found.not_valid_after_utc:%Y-%m-%d}"]
    if found.not_valid_before_utc > now:
        return [f"{certificate}: is valid only from {found.not_valid_before_utc:%Y-%m-%d} on"]
    return []
