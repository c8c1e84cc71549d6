"""The façade's contenders, each as its manual says, one worker each, on one split; and what they stand in front of."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal

from bench.machine import Processes, free_ports, program, reachable

__all__ = ["CONTENDERS", "SALT", "SHARE", "Backend", "Contender", "Key", "Running", "backend", "files"]

Key = Literal["header", "body"]

SALT, SHARE = "registry-2026", 1000
PEERS = Path(__file__).parent / "peers"
ANSWER = (
    '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<r:ChangeAddressResponse xmlns:r="urn:example:registry"><r:accepted>true</r:accepted></r:ChangeAddressResponse>'
    "</soap:Body></soap:Envelope>"
)
_HAPROXY_KEY: Mapping[Key, str] = {
    "header": "req.fhdr(x-citizen)",
    "body": r"""'req.body,regsub("^.*<residentId>([^<]*)</residentId>.*$","\\1")'""",
}
_BANYAN_KEY: Mapping[Key, str] = {"header": "{header: X-Citizen}", "body": "{xpath: Body/r:ChangeAddress/residentId}"}
_DUTIES = (
    "option forwardfor\n    unique-id-format %{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid\n    unique-id-header X-Request-ID\n"
    "    log-format '%ID %t %[var(txn.bucket)] %b %ST %Tt %[capture.req.hdr(0)]'\n"
    "    http-request capture req.hdr(traceparent) len 55"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What answers: two sides of one server."""

    legacy: int
    modern: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A contender at work."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One proxy with one way to find the key."""

    name: str
    engine: Literal["banyan", "haproxy", "nginx", "envoy", "granian"]
    key: Key
    duties: bool = False
    """With what Banyan does besides: forwarded address, request id, a record of each call."""
    same_split: bool = True
    """It splits by the published formula; else by a hash of its own."""

    def start(self, processes: Processes, folder: Path, *, cores: str, behind: Backend, kafka: str) -> Running:
        """Start it in a folder of its own, and wait until it listens."""
        folder.mkdir()
        [port] = free_ports(1)
        values = {
            "folder": str(folder), "port": str(port), "salt": SALT, "share": str(SHARE), "kafka": kafka, "workers": "1",
            "legacy": str(behind.legacy), "modern": str(behind.modern),
        }  # fmt: skip
        command = getattr(self, f"_{self.engine}")(folder, values)
        environ = {f"PEER_{name.upper()}": value for name, value in {**values, "key": self.key}.items()}
        pid = processes.start(folder.name, command, cores=cores, environ=environ)
        reachable(port)
        return Running(port=port, pid=pid)

    def _banyan(self, folder: Path, values: Mapping[str, str]) -> list[str]:
        files(folder, {**values, "key": _BANYAN_KEY[self.key], "class": "safe"}, "banyan.yaml", "rules.yaml")
        banyan = str(Path(sys.executable).with_name("banyan"))
        return [banyan, "--config", str(folder / "banyan.yaml"), "facade", "run"]

    def _haproxy(self, folder: Path, values: Mapping[str, str]) -> list[str]:
        more = {
            "key": _HAPROXY_KEY[self.key],
            "wait": "option http-buffer-request" if self.key == "body" else "",
            "duties": _DUTIES if self.duties else "",
            "log": "log stdout format raw local0" if self.duties else "",
        }
        files(folder, {**values, **more}, "haproxy.cfg")
        return [program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]

    def _nginx(self, folder: Path, values: Mapping[str, str]) -> list[str]:
        files(folder, values, "nginx.conf")
        return [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def _envoy(self, folder: Path, values: Mapping[str, str]) -> list[str]:
        lua = (PEERS / "envoy_key.lua.yaml").read_text().rstrip("\n") if self.key == "body" else ""
        files(folder, {**values, "lua": lua}, "envoy.yaml")
        envoy = str(Path(sys.executable).with_name("envoy"))
        return [envoy, "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "-l", "warning", "--use-dynamic-base-id"]

    def _granian(self, _folder: Path, values: Mapping[str, str]) -> list[str]:
        options = ["--interface", "asgi", "--http", "1", "--workers", "1", "--loop", "uvloop", "--no-ws"]
        place = ["--host", "127.0.0.1", "--port", values["port"], "--log-level", "warning"]
        return [sys.executable, "-m", "granian", *options, *place, "bench.peers.asgi_proxy:app"]


CONTENDERS = (
    Contender(name="banyan", engine="banyan", key="header"),
    Contender(name="haproxy", engine="haproxy", key="header"),
    Contender(name="haproxy, equal duties", engine="haproxy", key="header", duties=True),
    Contender(name="nginx", engine="nginx", key="header", same_split=False),
    Contender(name="envoy", engine="envoy", key="header", same_split=False),
    Contender(name="granian + aiohttp", engine="granian", key="header"),
    Contender(name="banyan", engine="banyan", key="body"),
    Contender(name="haproxy, regsub", engine="haproxy", key="body"),
    Contender(name="haproxy, regsub, equal duties", engine="haproxy", key="body", duties=True),
    Contender(name="envoy, Lua", engine="envoy", key="body", same_split=False),
    Contender(name="granian + aiohttp", engine="granian", key="body"),
)
"""In the order in which a round asks them; nginx can't look into a Body without a module."""


def files(folder: Path, values: Mapping[str, str], *names: str) -> None:
    """Write configurations into a folder, with their values."""
    for name in names:
        text = Template((PEERS / name).read_text()).substitute(values)
        (folder / name).write_text(re.sub(r"\n[ \t]+(?=\n)", "", text))


def backend(processes: Processes, folder: Path, *, cores: str | None) -> Backend:
    """Start both sides."""
    legacy, modern = free_ports(2)
    files(
        folder, {"folder": str(folder), "legacy": str(legacy), "modern": str(modern), "answer": ANSWER}, "backend.conf"
    )
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "backend.conf")]
    processes.start("backend", command, cores=cores)
    for port in (legacy, modern):
        reachable(port)
    return Backend(legacy=legacy, modern=modern)
