"""The local cluster: start, stop, kill and look at its brokers."""

import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contracts.errors import BrokerUnavailableError, ConfigError
from hub.local_kafka.distribution import Tell, cache_home, find_java, jars, kafka_version
from hub.local_kafka.launch import Runtime, launch, prepare
from hub.local_kafka.process import end, is_running
from hub.local_kafka.readiness import await_ready
from hub.local_kafka.state import Broker, Cluster, port_is_free

__all__ = ["LocalKafka", "Status"]

_SIZES: Final = (1, 3)
_PORT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How one broker is."""

    broker: Broker
    running: bool
    """Its process lives; whether it serves is asked of Kafka."""
    log: Path


class LocalKafka:
    """A local, durable Apache Kafka of one or three brokers, in KRaft's combined mode, on 127.0.0.1.

    Its home keeps data, logs and `cluster.json` (pids, ports, start times), so that one command may start it
    and another stop it. Data survive `down` and `kill`. No TLS, no authorization: not for production.

    Args:
        home: The folder of this cluster and of no other.
        brokers: 1, or 3 (then topics have three copies, of which two must be in sync).
        cache: Where the jars of Apache Kafka are kept; XDG's cache directory unless told.
        environ: Where JAVA_HOME, PATH and XDG_CACHE_HOME are looked up.
        tell: Takes a sentence about each step that takes long.
    """

    def __init__(
        self,
        home: Path,
        brokers: int = 1,
        *,
        cache: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        tell: Tell = lambda _: None,
    ) -> None:
        if brokers not in _SIZES:
            raise ConfigError([f"a local Kafka has 1 or 3 brokers, not {brokers}"])
        self.home = home.resolve()
        self._size = brokers
        self._environ = environ
        self._cache = cache or cache_home(environ)
        self._tell = tell

    @property
    def bootstrap(self) -> str:
        """Return the addresses of the brokers, as `bootstrap_servers` takes them.

        Raises:
            ConfigError: There is no cluster in this home.
        """
        return self._cluster().bootstrap

    def status(self) -> tuple[Status, ...]:
        """Return how each broker is; nothing where there is no cluster."""
        cluster = Cluster.load(self.home)
        return tuple(
            Status(broker=broker, running=is_running(broker.process), log=self._folder(broker) / "logs" / "server.log")
            for broker in (cluster.brokers if cluster else ())
        )

    def up(self, timeout: timedelta = timedelta(seconds=60)) -> str:
        """Start every broker that does not run, wait until all serve, and return the bootstrap addresses.

        Raises:
            ConfigError: Java, Maven or a port is missing, or the home holds a cluster of another size.
            BrokerUnavailableError: A broker ended, or did not serve in time; its log is named.
        """
        cluster = Cluster.load(self.home) or Cluster.new(self._size)
        if len(cluster.brokers) != self._size:
            raise ConfigError(
                [f"{self.home} holds a cluster of {len(cluster.brokers)}: ask for that, wipe it, or take another home"]
            )
        self._launch(cluster, [broker for broker in cluster.brokers if not is_running(broker.process)])
        self._await_ready(cluster.brokers, timeout)
        return cluster.bootstrap

    def start(self, broker_id: int, timeout: timedelta = timedelta(seconds=60)) -> None:
        """Start one broker again, on the same port and data, and wait until it is in sync.

        Raises:
            ConfigError: There is no such broker, or its port was taken.
            BrokerUnavailableError: It ended, or did not serve in time; its log is named.
        """
        broker = self._broker(broker_id)
        others = [b for b in self._cluster().brokers if b.id != broker_id and is_running(b.process)]
        if not is_running(broker.process):
            self._launch(self._cluster(), [broker])
        self._await_ready([broker, *others], timeout)

    def kill(self, broker_id: int) -> None:
        """End one broker as a power cut would (SIGKILL): it says no goodbye.

        Raises:
            ConfigError: There is no such broker.
        """
        broker = self._broker(broker_id)
        end(broker.process, how=signal.SIGKILL)

    def down(self, *, wipe: bool = False, grace: timedelta = timedelta(seconds=10)) -> None:
        """Stop every broker, one after the other; does nothing where none runs.

        Args:
            wipe: Remove data, logs and state as well; nobody waits for a clean stop then.
            grace: How long each may take before it is killed. The last of three is killed at once: it would
                wait for a quorum that is no more. What was acknowledged is on disk either way.
        """
        cluster = Cluster.load(self.home)
        if cluster is None:
            return
        for broker in cluster.brokers:
            abrupt = wipe or (len(cluster.brokers) > 1 and broker == cluster.brokers[-1])
            how = signal.SIGKILL if abrupt else signal.SIGTERM
            end(broker.process, how=how, grace_seconds=grace.total_seconds())
        if wipe:
            cluster.forget(self.home)
            for broker in cluster.brokers:
                shutil.rmtree(self._folder(broker))

    def _cluster(self) -> Cluster:
        found = Cluster.load(self.home)
        if found is None:
            raise ConfigError([f"no local Kafka in {self.home}; `banyan kafka up` makes one"])
        return found

    def _broker(self, broker_id: int) -> Broker:
        brokers = {broker.id: broker for broker in self._cluster().brokers}
        if broker_id not in brokers:
            raise ConfigError([f"no broker {broker_id} in {self.home}; there are: {', '.join(map(str, brokers))}"])
        return brokers[broker_id]

    def _folder(self, broker: Broker) -> Path:
        return self.home / f"broker-{broker.id}"

    def _launch(self, cluster: Cluster, idle: Sequence[Broker]) -> None:
        if not idle:
            return
        _await_ports([port for broker in idle for port in (broker.port, broker.controller_port)])
        java = find_java(self._environ)
        fetched = jars(self._cache, environ=self._environ, tell=self._tell)
        runtime = Runtime(java=java, jars=fetched, environ=self._environ)
        cluster.save(self.home)
        self._tell(f"starting Apache Kafka {kafka_version()}, {len(idle)} broker(s)")
        for broker in idle:
            prepare(self._folder(broker), cluster, broker, runtime=runtime)
        for broker in idle:
            process = launch(self._folder(broker), runtime=runtime)
            cluster = cluster.with_broker(broker.model_copy(update={"process": process, "started": datetime.now(UTC)}))
            cluster.save(self.home)

    def _await_ready(self, expected: Sequence[Broker], timeout: timedelta) -> None:
        ids = {broker.id for broker in expected}
        brokers = [broker for broker in self._cluster().brokers if broker.id in ids]

        def check() -> None:
            for broker in brokers:
                if not is_running(broker.process):
                    logs = self._folder(broker) / "logs"
                    raise BrokerUnavailableError("local Kafka", reason=f"broker {broker.id} ended; see {logs}")

        await_ready({broker.id: broker.address for broker in brokers}, timeout=timeout, check=check)


def _await_ports(ports: Sequence[int]) -> None:
    """Wait for ports that a killed broker still holds while the system clears it away."""
    deadline = time.monotonic() + _PORT_SECONDS
    while taken := [port for port in ports if not port_is_free(port)]:
        if time.monotonic() > deadline:
            raise ConfigError(f"port {port} of the local Kafka is taken by another program; end that" for port in taken)
        time.sleep(_POLL_SECONDS)
