"""`banyan dlq`: what could not be handled, and why."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from adapters.batch.redrive import redriven_key
from contracts.errors import ConfigError
from contracts.ports import LogRecord
from events.claim import progress
from events.connection import Connection
from events.dead_letter import context_of, original_headers
from events.log import committed, latest, topics
from events.topics import dead_letter_topic, state_topic
from hub.cli.context import settings
from hub.cli.output import AsJson, console, print_json, print_table

__all__ = ["app", "letter_id", "letters"]

app = typer.Typer(no_args_is_help=True)

Owner = Annotated[str, typer.Argument(help="The source or consumer group that gave up; see `banyan dlq list`.")]


@app.command("list")
def list_(
    context: typer.Context,
    owner: Annotated[str | None, typer.Argument(help="One source or consumer group; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters: where each came from, and why. Never shows their content."""
    given = settings(context)
    rows = [
        {"owner": name, "id": letter_id(record), **context_of(record), "bytes": len(record.value or b"")}
        for name, record in asyncio.run(letters(given.kafka, given.namespace, owner))
    ]
    for name in {str(row["owner"]) for row in rows}:
        _mark(rows, name, asyncio.run(_state(given.kafka, given.namespace, name)))
    if as_json:
        print_json(rows)
        return
    columns = ["owner", "id", "at", "stream", "position", "error", "reason", "bytes"]
    columns += ["redriven"] if any("redriven" in row for row in rows) else []
    shown = [[row.get(c, "") for c in columns] for row in rows]
    spare = ("reason", "stream", "position", "bytes", "error", "redriven", "at")
    print_table(columns, shown, empty="no dead letters", spare=spare)


@app.command()
def show(
    context: typer.Context,
    owner: Owner,
    letter: Annotated[str, typer.Argument(metavar="ID", help="Partition and offset, as `list` shows them: 2:17")],
    unmask: Annotated[bool, typer.Option("--unmask", help="Show the original key and bytes, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: its context and original headers; its bytes only if asked for."""
    given = settings(context)
    found = asyncio.run(letters(given.kafka, given.namespace, owner))
    record = next((record for _, record in found if letter_id(record) == letter), None)
    if record is None:
        raise ConfigError([f"{owner} has no dead letter {letter!r}; see `banyan dlq list {owner}`"])
    shown = _shown(record, unmask=unmask)
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        console().print(f"{name:>12}  {value}", markup=False)


def _shown(record: LogRecord, *, unmask: bool) -> dict[str, Any]:
    value = record.value or b""
    masked = f"*** ({len(value)} bytes, sha256 {hashlib.sha256(value).hexdigest()[:16]})"
    headers = original_headers(record.headers)
    return {
        "id": letter_id(record),
        **context_of(record),
        "key": (record.key.hex() if record.key is not None else None) if unmask else "***",
        "headers": [(name, (raw.hex() if raw is not None else None) if unmask else "***") for name, raw in headers],
        "value": value.hex() if unmask else masked,
    }


def _mark(rows: Sequence[dict[str, Any]], owner: str, state: Mapping[bytes, bytes]) -> None:
    """Say of each dead letter that became an event after all when that was."""
    for row in rows:
        kept = state.get(redriven_key(str(row.get("stream")), str(row.get("position"))))
        if row["owner"] == owner and kept is not None:
            row["redriven"] = json.loads(kept)["at"]


async def _state(connection: Connection, namespace: str, owner: str) -> Mapping[bytes, bytes]:
    topic = state_topic(namespace, owner).name
    return progress(await latest(connection, topic)).state if topic in await topics(connection) else {}


def letter_id(record: LogRecord) -> str:
    """Return what a dead letter is called: its partition and offset."""
    return f"{record.partition}:{record.offset}"


async def letters(connection: Connection, namespace: str, owner: str | None) -> list[tuple[str, LogRecord]]:
    """Return the dead letters of an owner, or of all, each with its owner.

    Raises:
        ConfigError: The owner has none.
    """
    prefix = dead_letter_topic(namespace, "").name
    there = sorted(topic for topic in await topics(connection) if topic.startswith(prefix))
    owners = [topic.removeprefix(prefix) for topic in there]
    if owner is not None and owner not in owners:
        raise ConfigError([f"{owner!r} has no dead letters; there are: {', '.join(owners) or 'none'}"])
    return [
        (name, record)
        for name in ([owner] if owner else owners)
        async for record in committed(connection, prefix + name)
    ]
