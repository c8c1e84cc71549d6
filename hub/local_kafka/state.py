"""What is known of a local cluster between two commands: `cluster.json` in its home."""

import base64
import random
import socket
import uuid
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ConfigError
from hub.local_kafka.process import Process

__all__ = ["Broker", "Cluster", "free_ports", "port_is_free"]

_FILE = "cluster.json"
# Below the ports that systems give to outgoing connections: a client that retries against a killed broker
# would otherwise, now and then, be given the broker's own port and keep it from coming back.
_PORTS = range(20_000, 32_000)


class Broker(BaseModel):
    """One broker of a local cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: int
    """Kafka's `node.id`, from 1."""
    port: int
    """Where clients connect, on 127.0.0.1; stays the same over restarts."""
    controller_port: int
    """Where the KRaft controllers talk to each other."""
    process: Process | None = None
    """What was started last; it may have ended since."""
    started: datetime | None = None
    """When that was."""

    @property
    def address(self) -> str:
        """Return where clients connect."""
        return f"127.0.0.1:{self.port}"


class Cluster(BaseModel):
    """A local cluster: its identity and its brokers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    cluster_id: str
    """Kafka's own id; the data folders carry it."""
    brokers: tuple[Broker, ...]
    """In the order of their ids."""

    @property
    def bootstrap(self) -> str:
        """Return the addresses of all brokers, as `bootstrap_servers` takes them."""
        return ",".join(broker.address for broker in self.brokers)

    @classmethod
    def new(cls, brokers: int) -> Self:
        """Return a new cluster on free ports."""
        ports = free_ports(2 * brokers)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        members = (Broker(id=i + 1, port=ports[2 * i], controller_port=ports[2 * i + 1]) for i in range(brokers))
        return cls(cluster_id=cluster_id, brokers=tuple(members))

    @classmethod
    def load(cls, home: Path) -> Self | None:
        """Return the cluster of this home, or None where there is none.

        Raises:
            ConfigError: The file is there but can't be understood.
        """
        file = home / _FILE
        if not file.exists():
            return None
        try:
            return cls.model_validate_json(file.read_bytes())
        except ValidationError as error:
            raise ConfigError([f"{file} is no state of a local Kafka ({error.error_count()} problems)"]) from error

    def save(self, home: Path) -> None:
        """Write it down in one step."""
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f"{_FILE}.new"
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(home / _FILE)

    @staticmethod
    def forget(home: Path) -> None:
        """Remove what was written down."""
        (home / _FILE).unlink(missing_ok=True)

    def with_broker(self, changed: Broker) -> Self:
        """Return the cluster with this broker in place of the one with its id."""
        brokers = tuple(changed if broker.id == changed.id else broker for broker in self.brokers)
        return self.model_copy(update={"brokers": brokers})


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 on which nobody listens, and which no outgoing connection will be given.

    Raises:
        ConfigError: There are not that many.
    """
    tried = random.sample(_PORTS, k=200)
    free = [port for port in tried if port_is_free(port)]
    if len(free) < count:
        raise ConfigError([f"no {count} free ports between {_PORTS.start} and {_PORTS.stop} on 127.0.0.1"])
    return free[:count]
