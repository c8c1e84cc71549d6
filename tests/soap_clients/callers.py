"""SOAP callers that are not ours: zeep, `soap` of Node.js, and the SoapClient of PHP. All do the same jobs."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import requests
import zeep
import zeep.exceptions
from lxml import etree

from tests.npm import installed

__all__ = ["CALLERS", "Call", "Caller", "Job", "program", "unavailable", "zeep_calls"]

_HERE = Path(__file__).parent
_zeep_library: Any = zeep  # it has no annotations


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call."""

    operation: str
    arguments: Mapping[str, str]
    header: str = ""
    """XML of a SOAP header."""
    http: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further HTTP header fields."""
    action: str | None = None
    """Said instead of the operation's SOAPAction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a caller does."""

    wsdl: str
    calls: Sequence[Call]
    version: str = "1.1"
    style: str = ""
    """`gzip`, `chunked` (with Expect: 100-continue) or `mtom`, where the caller can."""


async def _zeep(job: Job) -> list[dict[str, Any]]:
    return await asyncio.to_thread(zeep_calls, job)


async def _node(job: Job) -> list[dict[str, Any]]:
    command = ["node", str(_HERE / "client.js")]
    return await program(command, json.dumps(asdict(job)), NODE_PATH=str(installed(_HERE) / "node_modules"))


async def _php(job: Job) -> list[dict[str, Any]]:
    return await program(["php", str(_HERE / "client.php")], json.dumps(asdict(job)))


Caller: TypeAlias = Callable[[Job], Awaitable[list[dict[str, Any]]]]
CALLERS: Mapping[str, Caller] = {"zeep": _zeep, "node": _node, "php": _php}
"""By name; each returns for each call `answer` with typed values, or `fault` with code, text and what it is about."""


@cache
def unavailable() -> str | None:
    """Return why not all of them can be used here; None where they can."""
    missing = [tool for tool in ("node", "npm", "php") if shutil.which(tool) is None]
    if missing:
        return f"no {', no '.join(missing)} on the path"
    loaded = subprocess.run(["php", "-m"], capture_output=True, text=True, timeout=30, check=True).stdout
    if "soap" not in loaded.split():
        return "PHP has no soap extension"
    try:
        installed(_HERE)
    except ConnectionError as error:
        return str(error)
    return None


async def program(command: Sequence[str], asked: str, **environ: str) -> list[dict[str, Any]]:
    """Let a program of another stack do what its input says, and return what it writes as JSON.

    Raises:
        RuntimeError: It failed; says what it wrote.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
    )
    out, err = await asyncio.wait_for(process.communicate(asked.encode()), 60)
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{out.decode()}{err.decode()}")
    results: list[dict[str, Any]] = json.loads(out)
    return results


class _Action:
    """A plugin that says what the call says instead of the operation's action."""

    def __init__(self) -> None:
        self.action: str | None = None

    def ingress(self, envelope: Any, http_headers: Any, _operation: Any) -> Any:
        """Leave the answer as it is."""
        return envelope, http_headers

    def egress(self, envelope: Any, http_headers: Any, _operation: Any, _options: Any) -> Any:
        """Change the request before it is sent."""
        if self.action is None:
            return envelope, http_headers
        if "action=" in http_headers["Content-Type"]:
            http_headers["Content-Type"] = f'application/soap+xml; charset=utf-8; action="{self.action}"'
        else:
            http_headers["SOAPAction"] = f'"{self.action}"'
        return envelope, http_headers


def zeep_calls(job: Job, *, session: requests.Session | None = None, address: str | None = None) -> list[Any]:
    """Do a job with zeep; with an address, the one in the WSDL does not matter."""
    actions = _Action()
    with session or requests.Session() as used:
        used.trust_env = False  # else an authority or a proxy of the environment wins
        transport = _zeep_library.transports.Transport(session=used)
        client = _zeep_library.Client(job.wsdl, transport=transport, plugins=[actions])
        service = client.service
        if address is not None:
            service = client.create_service(next(iter(client.wsdl.bindings)), address)
        return [_zeep_call(client, service, actions, call) for call in job.calls]


def _zeep_call(client: Any, service: Any, actions: _Action, call: Call) -> dict[str, Any]:
    actions.action = call.action
    headers = [etree.fromstring(call.header)] if call.header else None
    asked: Callable[..., Any] = service[call.operation]
    try:
        with client.settings(extra_http_headers=dict(call.http)):
            return {"answer": _zeep_answer(call.operation, asked(**call.arguments, _soapheaders=headers))}
    except zeep.exceptions.Fault as error:
        fault: Any = error
        return {"fault": {"code": fault.code.split(":")[-1], "text": fault.message, "about": _zeep_about(fault)}}


def _zeep_answer(operation: str, found: Any) -> Any:
    if operation == "ListResidents":
        return list(map(_zeep_resident, found or ()))
    if operation == "ReadResident":
        return _zeep_resident(found)
    names = ("id", "address", "accepted")
    typed = {"fee": float(found["fee"]), "validFrom": found["validFrom"].isoformat()}
    return {**{name: found[name] for name in names}, **typed}


def _zeep_resident(found: Any) -> dict[str, Any]:
    names = ("id", "name", "city", "born")
    return {**{name: found[name] for name in names}, "modified": found["lastModified"]}


def _zeep_about(fault: Any) -> str | None:
    for detail in () if fault.detail is None else fault.detail:
        name = etree.QName(detail).localname
        found: str | None = detail.findtext("id") if name == "UnknownResident" else "façade"
        return found
    return None
