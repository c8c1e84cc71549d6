"""`banyan in-doubt`: calls of which nobody knows whether they were done, and writes owed to the modern side."""

import asyncio
from datetime import UTC, timedelta
from typing import Annotated, Any

import typer

from contracts.errors import ConfigError, RecordError
from hub.cli.context import settings
from hub.cli.duration import duration
from hub.cli.output import AsJson, complain, console, print_json, print_table
from hub.facade import waiting
from hub.rules import doubts
from hub.settings import Settings
from routers.explanation import doubted
from routers.in_doubt import InDoubt

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="How far back to look: 30m, 24h, 7d.")] = "7d",
    owed: Annotated[bool, typer.Option("--owed", help="Only writes that legacy has and the modern side not.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is in doubt, the newest first. Keys are not shown; `show` has their keyed hashes."""
    found = [each for each in asyncio.run(_found(settings(context), duration(since))) if each.owed or not owed]
    if as_json:
        print_json([_row(each) for each in found])
        return
    columns = ("at", "request id", "what", "route", "class", "side", "backend", "why", "trace id")
    rows = [
        (
            row["at"],
            row["request_id"],
            "owed" if row["owed"] else "in doubt",
            row["route"] or "-",
            row["class"],
            row["side"] or "-",
            row["backend"] or "-",
            row["why"],
            row["trace_id"] or "",
        )
        for row in map(_row, found)
    ]
    spare = ("trace id", "backend", "side", "class", "route", "why")
    print_table(columns, rows, empty=f"nothing in doubt in the last {since}", spare=spare)


@app.command()
def show(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="As the answer's header, or `list`, has it.")],
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a call in doubt, or an owed write, however old."""
    found = [each for each in asyncio.run(_found(settings(context), None)) if each.request_id == request_id]
    if not found:
        raise ConfigError([f"nothing is in doubt of request {request_id!r}; see `banyan in-doubt list --since 30d`"])
    if as_json:
        print_json([{**_row(each), "key_hash": each.key_hash} for each in found])
        return
    for each in found:
        for name, value in {**_row(each), "key_hash": each.key_hash}.items():
            console().print(f"{name:>10}  {'-' if value is None else value}", markup=False)
        console().print(doubted(each.model_dump(mode="json", by_alias=True)), markup=False)
    console().print(f"`banyan route why {request_id}` tells why it went where it went.", markup=False)


async def _found(given: Settings, since: timedelta | None) -> list[InDoubt]:
    """Return what is on the topic, the newest first; what was appended twice counts once."""
    if kept := waiting(given):  # said first: Kafka may be away, and the rest an error
        complain(f"warning: {kept} more wait on the disk of this machine until Kafka takes them")
    found, unreadable = dict[bytes, InDoubt](), 0
    async for record in doubts(given, since=since):
        try:
            found[record.value or b""] = InDoubt.decode(record.value)
        except RecordError:
            unreadable += 1
    if unreadable:
        complain(f"warning: {unreadable} records of the in-doubt topic can't be read")
    return sorted(found.values(), key=lambda each: each.at, reverse=True)


def _row(each: InDoubt) -> dict[str, Any]:
    return {
        "at": each.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "request_id": each.request_id,
        "owed": each.owed,
        "route": each.route,
        "class": each.operation,
        "side": each.side,
        "backend": each.backend,
        "why": each.cause,
        "trace_id": each.trace_id,
    }
