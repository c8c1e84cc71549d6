"""`banyan file expected`: the calendar of expected files, with what became of each day."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from adapters import batch
from adapters.batch.expected.listing import Listed, listed
from adapters.batch.expected.settings import Expected
from contracts.errors import ConfigError
from contracts.ports import Progress
from events.claim import progress
from events.log import latest, topics
from events.topics import state_topic
from hub.cli.context import settings
from hub.cli.output import AsJson, print_json, print_table
from hub.discovery import discover
from hub.settings import Settings

__all__ = ["expected"]

_COLUMNS = ("adapter", "day", "state", "files", "window", "late by", "arrived as")


def expected(
    context: typer.Context,
    adapter: Annotated[str | None, typer.Argument(metavar="[ADAPTER]", help="One adapter; all without it.")] = None,
    days: Annotated[int, typer.Option(min=0, max=366, metavar="N", help="Days back and ahead.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Show which files are expected of the last and the next days, and what became of each; publishes nothing."""
    given = settings(context)
    declared = _declared(given, adapter)
    known = asyncio.run(_progress(given, declared))
    now = datetime.now(UTC)
    found = {name: listed(each, known[name], now=now, days=days) for name, each in declared.items()}
    rows = [_row(name, declared[name], each) for name, days_ in found.items() for each in days_]
    if as_json:
        print_json(rows)
        return
    print_table(_COLUMNS, [_cells(row) for row in rows], empty=_nothing(declared, days), spare=("arrived as", "window"))


def _declared(given: Settings, adapter: str | None) -> dict[str, Expected]:
    """Return what each adapter expects."""
    adapters = discover(given.adapters)
    if adapter is not None and adapter not in adapters:
        raise ConfigError([f"no adapter {adapter!r}; there are: {', '.join(adapters) or 'none'}"])
    found = {
        name: each.config.expected
        for name, each in adapters.items()
        if isinstance(each, batch.Adapter) and each.config.expected is not None and each.config.expected.window
    }
    if adapter is None:
        return found
    if adapter not in found:
        raise ConfigError([f"{adapter}: expects no files; set `expected` with a `window`"])
    return {adapter: found[adapter]}


async def _progress(given: Settings, declared: Mapping[str, Expected]) -> dict[str, Progress]:
    """Return how far each source is; one that never ran is at its beginning."""
    there = set(await topics(given.kafka)) if declared else set[str]()
    found: dict[str, Progress] = {}
    for name in declared:
        topic = state_topic(given.namespace, name).name
        found[name] = progress(await latest(given.kafka, topic)) if topic in there else Progress()
    return found


def _row(adapter: str, declared: Expected, each: Listed) -> dict[str, Any]:
    zone, late_by = ZoneInfo(declared.zone), each.late_by
    times = {"opens": each.occurrence.opens, "closes": each.occurrence.closes, "overdue": each.occurrence.overdue}
    shown = {"file", "outcome", "standing", "arrived", "late_by", "reason"}
    return {
        "adapter": adapter,
        "day": each.occurrence.day.isoformat(),
        "state": each.state,
        "expected": each.expected,
        "published": each.published,
        **{name: moment.astimezone(zone).isoformat() for name, moment in times.items()},
        "late_by_seconds": None if late_by is None else int(late_by.total_seconds()),
        "told_missing": None if each.told.missing is None else each.told.missing.isoformat(),
        "reason": each.told.reason,
        "files": [entry.model_dump(mode="json", include=shown) for entry in each.files],
    }


def _cells(row: Mapping[str, Any]) -> list[str]:
    opens, closes = (datetime.fromisoformat(row[name]) for name in ("opens", "closes"))
    window = f"{opens:%m-%d %H:%M} to {closes:%m-%d %H:%M %Z}"
    seconds = row["late_by_seconds"]
    late = "" if seconds is None else f"{seconds // 3600}:{seconds // 60 % 60:02d} h"
    names = ", ".join(
        each["file"] + ("" if each["outcome"] == "published" else f" ({each['outcome']})") for each in row["files"]
    )
    files = f"{row['published']} of {row['expected']}"
    return [row["adapter"], row["day"], row["state"], files, window, late, names]


def _nothing(declared: Mapping[str, Expected], days: int) -> str:
    if not declared:
        return "no adapter expects files; set `expected` with a `window`"
    return f"no files are expected within {days} days"
