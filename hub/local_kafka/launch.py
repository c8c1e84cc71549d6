"""One broker on disk and its process: folder, configuration, formatted storage, `java`."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import BrokerUnavailableError
from hub.local_kafka.distribution import log_configuration
from hub.local_kafka.process import Process, spawn
from hub.local_kafka.properties import JVM, server_properties
from hub.local_kafka.state import Broker, Cluster

__all__ = ["Runtime", "launch", "prepare"]

# The formatter lives for a second: compiling its code well is not worth it.
_TOOL_JVM = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What brokers run on."""

    java: Path
    jars: Path
    """A folder."""
    environ: Mapping[str, str]

    def command(self, folder: Path, *arguments: str, jvm: tuple[str, ...]) -> list[str]:
        """Return the command that runs a main class of Apache Kafka for the broker of this folder."""
        logging = (f"-Dbanyan.logs={folder / 'logs'}", f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}")
        return [str(self.java), *jvm, *logging, "-cp", f"{self.jars}/*", *arguments]


def prepare(folder: Path, cluster: Cluster, broker: Broker, *, runtime: Runtime) -> None:
    """Write the broker's configuration, and the first time give its data folder the cluster's identity.

    Raises:
        BrokerUnavailableError: The data folder can't be formatted.
    """
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(server_properties(cluster, broker, data=folder / "data"), encoding="utf-8")
    (folder / "log4j2.properties").write_text(log_configuration(), encoding="utf-8")
    if (folder / "data" / "meta.properties").exists():
        return
    tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster.cluster_id}", "--config", str(properties))
    command = runtime.command(folder, *tool, jvm=_TOOL_JVM)
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(runtime.environ))  # noqa: S603 - our own arguments
    if ran.returncode:
        raise BrokerUnavailableError("local Kafka", reason=f"no data folder: {(ran.stderr or ran.stdout).strip()}")


def launch(folder: Path, *, runtime: Runtime) -> Process:
    """Start the broker of a prepared folder; it serves a few seconds later."""
    command = runtime.command(folder, "kafka.Kafka", str(folder / "server.properties"), jvm=JVM)
    return spawn(command, console=folder / "logs" / "console.log", environ=runtime.environ)
