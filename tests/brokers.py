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

from contracts.errors import ConfigError
from events.connection import Connection
from hub.local_kafka import LocalKafka
from hub.local_kafka.readiness import await_ready
from hub.local_kafka.state import free_ports

NONE = "no real Kafka here: set BANYAN_TEST_KAFKA, start a Docker engine, or install Java 17 and Maven"
COMPOSE = Path(__file__).parent.parent / "docker-compose.yml"
PULL_SECONDS = 300


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
    container, address = _in_docker(environ)
    if container:
        try:
            await_ready({1: address}, timeout=timedelta(minutes=1), check=lambda: None)
            yield Connection(bootstrap_servers=address)
        finally:
            _docker("rm", "--force", "--volumes", container)
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


def _in_docker(environ: Mapping[str, str]) -> tuple[str, str]:
    """Start Kafka as the compose file declares it; two empty strings where no engine answers, or it fails."""
    if shutil.which("docker", path=environ.get("PATH")) is None or not _docker(
        "version", "--format", "{{.Server.Version}}"
    ):
        return "", ""
    service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["kafka"]
    [port] = free_ports(1)
    told = service["environment"] | {"KAFKA_ADVERTISED_LISTENERS": f"HOST://127.0.0.1:{port},NETWORK://localhost:9093"}
    variables = [f"--env={name}={value}" for name, value in told.items()]
    container = _docker("run", "--detach", "--rm", f"--publish=127.0.0.1:{port}:9092", *variables, service["image"])
    return container, f"127.0.0.1:{port}"


def _docker(*arguments: str) -> str:
    """Return what Docker's client prints; empty when it fails."""
    try:
        ran = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=PULL_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip()
