"""The brokers that tests run on; each is stopped by whoever started it.

A real Kafka is, in this order: the one at BANYAN_TEST_KAFKA, one in a Docker engine that answers (a client alone
is none), or Apache Kafka from its Maven artifacts on this machine's Java.
"""

import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml
from confluent_kafka.admin import AdminClient
from testcontainers.core.container import DockerContainer

from contracts.errors import ConfigError
from events.connection import Connection
from hub.local_kafka import LocalKafka
from hub.local_kafka.readiness import await_ready
from hub.local_kafka.state import free_ports

NONE = "no real Kafka here: set BANYAN_TEST_KAFKA, start a Docker engine, or install Java 17 and Maven"
COMPOSE = Path(__file__).parent.parent / "docker-compose.yml"
ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeBrokers:
    """A local Kafka of three, whose brokers may be killed."""

    connection: Connection
    local: LocalKafka

    def leader(self, topic: str, partition: int = 0) -> int:
        """Return the broker that leads a partition."""
        admin = AdminClient({"bootstrap.servers": self.connection.bootstrap_servers})
        return admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader

    def kill(self, broker_id: int) -> None:
        """End a broker as a power cut would."""
        self.local.kill(broker_id)

    def start(self, broker_id: int) -> None:
        """Start it again, and wait until it is in sync."""
        self.local.start(broker_id)


@contextmanager
def real_kafka(home: Path, environ: Mapping[str, str]) -> Generator[Connection | None, None, None]:
    """Give a real Kafka, or None where there is no way to one; `home` is a folder for its data."""
    address = environ.get("BANYAN_TEST_KAFKA")
    if address:
        yield Connection(bootstrap_servers=address)
        return
    with _in_docker(environ) as connection:
        if connection is not None:
            yield connection
            return
    with local_kafka(home, brokers=1) as local:
        yield Connection(bootstrap_servers=local.bootstrap) if local else None


@contextmanager
def local_kafka(home: Path, *, brokers: int) -> Generator[LocalKafka | None, None, None]:
    """Give a local Kafka, or None where Java or Maven is missing; its data are gone afterwards."""
    local = LocalKafka(home, brokers)
    try:
        try:
            local.up(timedelta(seconds=100))
        except ConfigError:
            yield None
        else:
            yield local
    finally:
        local.down(wipe=True)


@contextmanager
def _in_docker(environ: Mapping[str, str]) -> Generator[Connection | None, None, None]:
    """Start Kafka as the compose file declares it; None where no engine answers.

    testcontainers' own library leaks a socket when there is no engine, so the client is asked first.
    """
    if not _engine_answers(environ):
        yield None
        return
    service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["kafka"]
    [port] = free_ports(1)
    told = service["environment"] | {"KAFKA_ADVERTISED_LISTENERS": f"HOST://127.0.0.1:{port},NETWORK://localhost:9093"}
    container = DockerContainer(service["image"]).with_bind_ports(9092, port)
    for name, value in told.items():
        container = container.with_env(name, value)
    with container:
        address = f"127.0.0.1:{port}"
        await_ready({1: address}, timeout=timedelta(minutes=1), check=lambda: None)
        yield Connection(bootstrap_servers=address)


def _engine_answers(environ: Mapping[str, str]) -> bool:
    docker = shutil.which("docker", path=environ.get("PATH"))
    if docker is None:
        return False
    asked = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(asked, capture_output=True, timeout=ANSWER_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
