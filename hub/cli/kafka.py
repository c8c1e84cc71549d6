"""`banyan kafka`: a real Apache Kafka on this machine, without containers."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from contracts.errors import ConfigError
from hub.cli.output import AsJson, console, print_json, print_table
from hub.local_kafka import LocalKafka, Status

__all__ = ["app", "default_home"]

app = typer.Typer(no_args_is_help=True)


def default_home(environ: Mapping[str, str]) -> Path:
    """Return where the local Kafka lives: XDG's data directory, outside any checkout."""
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "banyan" / "kafka"


Home = Annotated[
    Path,
    typer.Option(
        "--home",
        help="Folder of data, logs and state.",
        default_factory=lambda: default_home(os.environ),
        show_default="~/.local/share/banyan/kafka",
    ),
]


@app.command()
def up(
    home: Home,
    *,
    brokers: Annotated[
        Literal["1", "3"] | None, typer.Option("--brokers", help="1 or 3; what the home holds, else 1.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Start it, and tell what to put into banyan.yaml; the first time Maven fetches it (about 43 MB)."""
    held = len(LocalKafka(home).status())
    kafka = LocalKafka(home, int(brokers or held or 1), tell=_tell)
    bootstrap = kafka.up()
    if json:
        print_json({"bootstrap_servers": bootstrap, "home": str(kafka.home)})
        return
    console().print(f"Apache Kafka is up at {bootstrap}; `banyan kafka down` stops it.")
    console().print(f"In banyan.yaml:\n\nkafka:\n  bootstrap_servers: {bootstrap}")


@app.command()
def status(home: Home, *, json: AsJson = False) -> None:
    """Tell which brokers run, where, and where they log; the exit code is 1 unless all do."""
    brokers = LocalKafka(home).status()
    if json:
        print_json([_document(broker) for broker in brokers])
    else:
        _show(brokers, home)
    if not brokers or not all(broker.running for broker in brokers):
        raise typer.Exit(code=1)


def _show(brokers: Sequence[Status], home: Path) -> None:
    rows = [_document(broker) for broker in brokers]
    print_table(
        ("broker", "address", "state", "pid", "started"),
        [(row["broker"], row["address"], row["state"], row["pid"] or "", row["started"] or "") for row in rows],
        empty=f"No local Kafka in {home}; `banyan kafka up` makes one.",
    )
    if brokers:
        console().print(f"Logs: {home}/broker-*/logs")


@app.command()
def down(
    home: Home,
    *,
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove its data, logs and state as well.")] = False,
    json: AsJson = False,
) -> None:
    """Stop it; what was published stays, unless it is wiped."""
    kafka = LocalKafka(home)
    if not kafka.status():
        raise ConfigError([f"no local Kafka in {home}"])
    kafka.down(wipe=wipe)
    if json:
        print_json({"home": str(kafka.home), "wiped": wipe})
        return
    console().print(f"Apache Kafka is down; its data in {home} {'are removed' if wipe else 'stay'}.")


def _document(status: Status) -> dict[str, object]:
    broker, process = status.broker, status.broker.process
    return {
        "broker": broker.id,
        "address": broker.address,
        "state": "running" if status.running else "stopped",
        "pid": process.pid if process and status.running else None,
        "started": broker.started.isoformat(timespec="seconds") if broker.started and status.running else None,
        "log": str(status.log),
    }


def _tell(step: str) -> None:
    typer.echo(step, err=True)
