"""`banyan file`: the files that were delivered, and what became of each."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from pydantic_core import to_json

from adapters.batch.ledger import Entry, entries_in
from contracts.errors import ConfigError
from contracts.ports import LogRecord
from events.archive import FileArchive
from events.claim import progress
from events.connection import Connection
from events.log import latest, topics
from events.topics import state_topic
from hub.cli.context import settings
from hub.cli.expected import expected
from hub.cli.output import AsJson, console, print_json, print_table
from hub.discovery import discover
from hub.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)
app.command()(expected)

_SHORT: Final = 12
"""Hex digits of a sha256 that tell deliveries of one source apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A ledger entry, and the record that it stands in."""

    source: str
    entry: Entry
    record: LogRecord

    @property
    def short_id(self) -> str:
        sha256, colon, rest = self.entry.id.partition(":")
        return sha256[:_SHORT] + colon + rest

    def ordinal_in(self, told: str) -> int | None:
        """Return the record that an event's id names; None where somebody names a whole delivery."""
        rest = told.removeprefix("file:").removeprefix(f"{self.entry.id}:")
        return int(rest) if f"{self.entry.id}:{rest}" == told.removeprefix("file:") and rest.isdecimal() else None

    def is_meant_by(self, told: str) -> bool:
        """Tell whether this is what somebody names: by an id or its beginning, a stream, or an event's id."""
        plain = told.removeprefix("file:")
        return self.entry.id.startswith(plain) or self.short_id == plain or plain.startswith(f"{self.entry.id}:")

    def is_exactly(self, told: str) -> bool:
        """Tell whether somebody names this whole, or an event of this, and not only a beginning."""
        return told.removeprefix("file:") in {self.entry.id, self.short_id} or self.ordinal_in(told) is not None


@app.command("list")
def list_(
    context: typer.Context,
    adapter: Annotated[str | None, typer.Argument(metavar="[ADAPTER]", help="One adapter; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first; those that are held with the reason and the next step."""
    given = settings(context)
    found = asyncio.run(_ledgers(given.kafka, given.namespace, adapter))
    if as_json:
        print_json([_row(each) for each in found])
        return
    columns = ["delivery", "adapter", "file", "outcome", "read", "records", "business date", "arrived"]
    columns += ["policy", "reason", "next step"]
    rows = [[_cell(_row(each)[column.replace(" ", "_")]) for column in columns] for each in found]
    spare = ("reason", "next step", "policy", "arrived", "business date", "adapter")
    print_table(columns, rows, empty="no files were delivered", spare=spare)


@app.command()
def show(
    context: typer.Context,
    delivery: Annotated[
        str,
        typer.Argument(metavar="DELIVERY", help="As `list` shows it, the beginning of its SHA-256, or an event's id."),
    ],
    adapter: Annotated[
        str | None, typer.Option("--adapter", metavar="NAME", help="Whose delivery, where two adapters read the same.")
    ] = None,
    unmask: Annotated[bool, typer.Option("--unmask", help="Show an event's record itself, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a delivery; of an event's id, the record that it was made of, from the archive."""
    given = settings(context)
    told = _only(asyncio.run(_ledgers(given.kafka, given.namespace, adapter)), delivery)
    ordinal = told.ordinal_in(delivery)
    row = _row(told) if ordinal is None else {**_row(told), **_record(given, told, ordinal, unmask=unmask)}
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        console().print(f"{name:>16}  {_cell(value) or '-'}", markup=False)


def _only(found: Sequence[_Told], delivery: str) -> _Told:
    meant = [each for each in found if each.is_meant_by(delivery)]
    exact = [each for each in meant if each.is_exactly(delivery)]
    if len(exact or meant) == 1:
        return (exact or meant)[0]
    if not meant:
        raise ConfigError([f"there is no delivery {delivery!r}; see `banyan file list`"])
    among = ", ".join(sorted(f"{each.short_id} of {each.source}" for each in exact or meant))
    raise ConfigError([f"{delivery!r} is one of {among}: {'name the --adapter' if exact else 'say more of it'}"])


def _row(told: _Told) -> dict[str, Any]:
    entry = told.entry.model_dump(mode="json", exclude={"id"})
    committed = datetime.fromtimestamp(told.record.timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
    where = {"ledger_offset": told.record.offset, "committed": committed}
    return {"delivery": told.short_id, "adapter": told.source, **entry, "stream": f"file:{told.entry.id}", **where}


def _record(given: Settings, told: _Told, ordinal: int, *, unmask: bool) -> dict[str, Any]:
    """Return the record itself, or why it can't be shown."""
    shown: dict[str, Any] = {"record": ordinal}
    archive = FileArchive(given.archive) if given.archive else None
    read = getattr(discover(given.adapters).get(told.source), "original", None)
    sha256 = told.entry.sha256 or ""
    if archive is None:
        return {**shown, "original": "no archive is configured: archive.url"}
    if sha256 not in archive:
        return {**shown, "original": "the archive has it not, or not any more"}
    if read is None:
        return {**shown, "original": f"there is no adapter {told.source} that reads it; see adapters.files"}
    with archive.opened(sha256) as file:
        found = read(file, ordinal)
    shown |= {"offset": found.offset, "bytes": len(found.value)}
    if not unmask:
        return {**shown, "original": "*** (--unmask shows it)"}
    fields = None if found.fields is None else json.loads(to_json(found.fields))
    return {**shown, "original": found.value.hex(), "fields": fields, "error": found.error}


def _cell(value: object) -> str:
    return "" if value is None else str(value)


async def _ledgers(connection: Connection, namespace: str, adapter: str | None) -> list[_Told]:
    prefix = state_topic(namespace, "").name
    sources = sorted(topic.removeprefix(prefix) for topic in await topics(connection) if topic.startswith(prefix))
    if adapter is not None and adapter not in sources:
        raise ConfigError([f"{adapter!r} has delivered nothing; there are: {', '.join(sources) or 'none'}"])
    chosen = sources if adapter is None else [adapter]
    found = [told for source in chosen for told in _entries(source, await latest(connection, f"{prefix}{source}"))]
    return sorted(found, key=lambda each: each.entry.arrived, reverse=True)


def _entries(source: str, records: dict[bytes, LogRecord]) -> Iterable[_Told]:
    for key, record in records.items():
        for entry in entries_in(progress({key: record}).state):
            yield _Told(source=source, entry=entry, record=record)
