"""The configuration of a broker: small, quick to start, and as careful with data as a big one."""

from pathlib import Path

from hub.local_kafka.state import Broker, Cluster

__all__ = ["JVM", "server_properties"]

JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true")
"""Options for a small machine: a broker starts in 2-3 s and takes about 350 MB."""

_SETTINGS = """\
process.roles=broker,controller
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
num.partitions=4
auto.create.topics.enable=false
offsets.topic.num.partitions=5
transaction.state.log.num.partitions=5
transaction.max.timeout.ms=900000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.num.partitions=5
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=6000
log.cleaner.dedupe.buffer.size=33554432
num.network.threads=2
num.io.threads=4
"""


def server_properties(cluster: Cluster, broker: Broker, *, data: Path) -> str:
    """Return the text of a broker's `server.properties`."""
    copies = len(cluster.brokers)
    in_sync = 2 if copies > 1 else 1
    voters = ",".join(f"{b.id}@127.0.0.1:{b.controller_port}" for b in cluster.brokers)
    own = {
        "node.id": broker.id,
        "log.dirs": data,
        "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},CONTROLLER://127.0.0.1:{broker.controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker.port}",
        "controller.quorum.voters": voters,
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
    }
    return _SETTINGS + "".join(f"{name}={value}\n" for name, value in own.items())
