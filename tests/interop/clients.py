"""Callers of six stacks: those of tests/soap_clients and gSOAP for document/literal, and four for rpc/encoded."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import requests
import zeep
import zeep.exceptions

from contracts.legacy.soap.contract.catalog import standard
from tests.interop import builds
from tests.interop.builds import HERE
from tests.soap_clients.callers import CALLERS, Call, Caller, Job, program

__all__ = ["ENCODED_CALLERS", "LITERAL_CALLERS"]

_zeep_library: Any = zeep  # it has no annotations


def _lines(job: Job) -> str:
    return "".join("\t".join([call.operation, *call.arguments.values()]) + "\n" for call in job.calls)


def _address(job: Job) -> str:
    return job.wsdl.removesuffix("?wsdl")


async def _gsoap(job: Job) -> list[dict[str, Any]]:
    return await program([str(builds.gsoap()), "call", _address(job)], _lines(job))


async def _axis(job: Job) -> list[dict[str, Any]]:
    classes = ":".join(map(str, [*builds.AXIS_JARS, builds.axis()]))
    return await program(["java", "-cp", classes, "org.banyan.testing.axis.Client", _address(job)], _lines(job))


async def _php(job: Job) -> list[dict[str, Any]]:
    return await program(["php", str(HERE / "php" / "encoded.php")], json.dumps(asdict(job)))


async def _soap_lite(job: Job) -> list[dict[str, Any]]:
    return await program(["perl", str(HERE / "soap_lite" / "encoded.pl")], json.dumps(asdict(job)))


async def _zeep(job: Job) -> list[dict[str, Any]]:
    return await asyncio.to_thread(_zeep_calls, job)


def _zeep_calls(job: Job) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        transport = _zeep_library.transports.Transport(session=session)
        fetched: Callable[[str], bytes] = transport.load

        def load(url: str) -> bytes:
            # It would fetch the schema of SOAP encoding from its namespace.
            return standard(url, None) or fetched(url)

        transport.load = load
        client = _zeep_library.Client(job.wsdl, transport=transport)
        return [_zeep_call(client, call) for call in job.calls]


def _zeep_call(client: Any, call: Call) -> dict[str, Any]:
    asked: Callable[..., Any] = client.service[call.operation]
    try:
        return {"answer": asked(**call.arguments)}
    except zeep.exceptions.Fault as error:
        fault: Any = error
        return {"fault": {"code": fault.code.split(":")[-1], "about": fault.detail.findtext(".//id")}}


LITERAL_CALLERS: Mapping[str, Caller] = {**CALLERS, "gsoap": _gsoap}
"""By name; all do the same jobs, see `tests.soap_clients.callers`."""
ENCODED_CALLERS: Mapping[str, Caller] = {"axis": _axis, "php": _php, "soap-lite": _soap_lite, "zeep": _zeep}
"""By name; all but zeep, which can't end a circle, also read residents."""
