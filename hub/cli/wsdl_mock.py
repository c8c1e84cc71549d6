"""`banyan wsdl mock`: a service that is not there yet, or not at hand, or shall misbehave."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer

from adapters.soap.bundle import load_bundle
from adapters.soap.sandbox import Reply, Sandbox, SandboxOptions, read_scenario
from adapters.soap.sandbox.scenario import BreakageKind, DriftKind
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from hub.cli.output import AsJson, console, print_json, print_table
from hub.wiring import draining

__all__ = ["mock"]

_LATENCY: Final = re.compile(r"(\d{1,6})(ms|s)(?:\.\.(\d{1,6})(ms|s))?")
_BREAKAGES: Final = ", ".join(get_args(BreakageKind))
_DRIFTS: Final = ", ".join(get_args(DriftKind))


_Location = Annotated[
    str,
    typer.Argument(
        metavar="CONTRACT", help="The WSDL: a file, an address, or a folder that `banyan wsdl import` wrote."
    ),
]
_Root = Annotated[
    str | None,
    typer.Option(help="What its imports must lie below; else its own folder, or server.", show_default=False),
]
_Host = Annotated[str, typer.Option(help="Address to listen on.")]
_Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
_Scenario = Annotated[
    Path | None,
    typer.Option(help="YAML file that says for each operation what these options say.", show_default=False),
]
_Seed = Annotated[int | None, typer.Option(help="Another number makes other samples.", show_default="0")]
_Items = Annotated[
    int | None,
    typer.Option(
        min=0, help="How often repeated elements stand; 0 leaves out those that may be.", show_default="1 to 3"
    ),
]
_Latency = Annotated[
    str | None, typer.Option(metavar="TIME", help="How long each answer takes: 50ms, 2s, or 50ms..2s.")
]
_NoAnswer = Annotated[
    float, typer.Option(min=0, max=1, metavar="RATE", help="Share of calls that are cut off without an answer.")
]
_Faults = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OPERATION=NAME@RATE",
        help="Answer a share of the calls (0 to 1) with a declared fault, or with Client or Server; repeatable.",
    ),
]
_Http = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND@RATE", help=f"Answer a share with what is no SOAP: {_BREAKAGES}; repeatable."),
]
_Drift = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND@RATE", help=f"Answer a share as another version of the service might: {_DRIFTS}; repeatable."
    ),
]
_Recorded = Annotated[
    Path | None,
    typer.Option(help="Folder of *.request.xml and *.answer.xml: what is there goes before samples."),
]
_Record = Annotated[Path | None, typer.Option(help="Folder to record calls in, as --recorded reads them.")]
_CheckHeaders = Annotated[
    bool, typer.Option("--check-headers", help="Refuse requests without the SOAP headers that are declared.")
]


def mock(
    contract: _Location,
    root: _Root = None,
    host: _Host = "127.0.0.1",
    port: _Port = 0,
    scenario: _Scenario = None,
    seed: _Seed = None,
    items: _Items = None,
    latency: _Latency = None,
    no_answer: _NoAnswer = 0,
    fault: _Faults = None,
    http: _Http = None,
    drift: _Drift = None,
    recorded: _Recorded = None,
    record: _Record = None,
    check_headers: _CheckHeaders = False,
    as_json: AsJson = False,
) -> None:
    """Stand in for a service: answer its operations with valid samples, until told to stop; SIGTERM drains.

    The same request has the same answer. A request that the contract does not allow gets a Client fault that says
    where and why. The contract itself is at the address with ?wsdl. With --json, each call is a line.
    """
    given: dict[str, Any] = {} if seed is None else {"seed": seed}
    every = _every(items, latency, no_answer, http=http or (), drift=drift or ())
    every |= {"check_headers": True} if check_headers else {}
    given |= {"every": every} if every else {}
    given |= {"operations": _faults(fault or ())} if fault else {}
    options = SandboxOptions(
        host=host, port=port, scenario=read_scenario(scenario, given), recorded=recorded, record=record
    )
    bundle = load_bundle(contract, root=root)
    read = read_contract(bundle)
    sandbox = Sandbox(read, build(bundle), options, told=_told if as_json else lambda _reply: None)
    asyncio.run(_serve(sandbox, as_json=as_json))


async def _serve(sandbox: Sandbox, *, as_json: bool) -> None:
    stop = asyncio.Event()
    try:
        await sandbox.__aenter__()
    except OSError as error:
        raise ConfigError([f"--host and --port: can't listen there: {error.strerror or error}"]) from error
    try:
        with draining(stop.set):
            _introduce(sandbox, as_json=as_json)
            await stop.wait()
    finally:
        await sandbox.__aexit__(None, None, None)
    if as_json:
        calls = [
            {"operation": name or None, "outcome": outcome, "calls": n} for (name, outcome), n in sandbox.calls.items()
        ]
        print_json({"stopped": True, "calls": calls})
        return
    rows = [(name or "-", outcome, n) for (name, outcome), n in sorted(sandbox.calls.items())]
    print_table(("operation", "outcome", "calls"), rows, empty="no calls")


def _introduce(sandbox: Sandbox, *, as_json: bool) -> None:
    ports = {
        address: {"soap": port.soap, "operations": list(port.operations)} for address, port in sandbox.addresses.items()
    }
    if as_json:
        print_json({"url": sandbox.url, "wsdl": sandbox.url + "?wsdl", "ports": ports})
        return
    console().print(f"{sandbox.url}?wsdl", markup=False)
    rows = [
        (operation.name, port.soap, address)
        for address, port in sandbox.addresses.items()
        for operation in port.operations.values()
    ]
    print_table(("operation", "SOAP", "address"), rows, empty="no operations")


def _told(reply: Reply) -> None:
    print_json(
        {
            "operation": reply.operation or None,
            "outcome": reply.outcome,
            "reason": reply.reason or None,
            "status": reply.status,
            "bytes": len(reply.body),
            "delay_ms": round(reply.delay * 1000),
        }
    )


def _every(
    items: int | None, latency: str | None, no_answer: float, *, http: Sequence[str], drift: Sequence[str]
) -> dict[str, Any]:
    every: dict[str, Any] = {}
    if items is not None:
        every["items"] = items
    if latency is not None or no_answer:
        every["latency"] = {**_latency(latency or "0ms"), "errors": no_answer}
    if http:
        every["broken"] = [_rated(each, "--http", "kind") for each in http]
    if drift:
        every["drift"] = [_rated(each, "--drift", "kind") for each in drift]
    return every


def _latency(text: str) -> Mapping[str, float]:
    found = _LATENCY.fullmatch(text)
    if found is None:
        raise ConfigError([f"--latency {text!r}: expected a time such as 50ms, 2s or 50ms..2s"])
    scale = {"ms": 0.001, "s": 1.0}
    least = int(found[1]) * scale[found[2]]
    return {"least": least} if found[3] is None else {"least": least, "most": int(found[3]) * scale[found[4]]}


def _faults(texts: Sequence[str]) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for text in texts:
        operation, equals, rest = text.partition("=")
        if not equals:
            raise ConfigError([f"--fault {text!r}: expected OPERATION=NAME@RATE, such as Move=unknown@0.5"])
        operations.setdefault(operation, {"faults": []})["faults"].append(_rated(rest, "--fault", "name"))
    return operations


def _rated(text: str, option: str, what: str) -> Mapping[str, Any]:
    name, at, rate = text.partition("@")
    try:
        return {what: name, "rate": float(rate) if at else 1.0}
    except ValueError:
        raise ConfigError([f"{option} {text!r}: expected a rate from 0 to 1 after @, found {rate!r}"]) from None
