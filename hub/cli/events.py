"""`banyan events`: look at what is published."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from contracts.errors import EnvelopeError
from contracts.event import Event, masked, models
from contracts.ports import LogRecord
from events.connection import Connection
from events.envelope import decode
from events.log import committed
from events.topics import event_topic
from hub.cli.context import settings
from hub.cli.output import AsJson, console, print_json
from hub.discovery import discover

__all__ = ["app", "data_shown"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `tail` a command of its own, as long as it is the only one."""


@app.command()
def tail(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help="Topic without the namespace, such as `residents`.")],
    *,
    since: Annotated[datetime | None, typer.Option(help="From a point in time; else from the beginning.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="End after so many.")] = None,
    unmask: Annotated[bool, typer.Option("--unmask", help="Show personal fields and keys, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show committed events: what is personal is masked, unless asked for.

    An event whose contract this process does not know is masked whole.
    """
    given = settings(context)
    discover(given.adapters)  # their files define the event models
    known = models()

    def show(record: LogRecord) -> None:
        line = _line(record, known, unmask=unmask)
        if as_json:
            print_json(line)
        else:
            console().print(f"{line.pop('time') or '-'}  {line.pop('type')}  {line.pop('id')}  {line}", markup=False)

    name = event_topic(given.namespace, topic).name
    moment = since.astimezone() if since else None
    asyncio.run(_tail(given.kafka, name, show, since=moment, follow=follow, limit=limit))


async def _tail(
    connection: Connection,
    topic: str,
    show: Callable[[LogRecord], None],
    *,
    since: datetime | None,
    follow: bool,
    limit: int | None,
) -> None:
    shown = 0
    async with aclosing(committed(connection, topic, since=since, follow=follow)) as records:
        async for record in records:
            show(record)
            shown += 1
            if shown == limit:
                break


def _line(record: LogRecord, known: dict[str, type[Event]], *, unmask: bool) -> dict[str, Any]:
    place = {"partition": record.partition, "offset": record.offset}
    try:
        event = decode(record.headers, record.value)
    except EnvelopeError as error:
        return {"time": None, "type": "no CloudEvent", "id": "-", "reason": str(error), **place}
    return {
        "time": event.time.isoformat() if event.time else None,
        "type": event.type,
        "id": event.id,
        "source": event.source,
        "key": event.subject if unmask else "***",
        "data": data_shown(event.data, known.get(event.type), unmask=unmask),
        "traceparent": event.traceparent,
        **place,
    }


def data_shown(data: bytes | None, model: type[Event] | None, *, unmask: bool) -> object:
    """Return an event's data as they may be shown."""
    if data is None:
        return None
    if unmask:
        return data.decode(errors="replace")
    if model is None:
        return f"*** ({len(data)} bytes)"
    try:
        return masked(model.model_validate_json(data))
    except ValidationError as error:
        return f"*** ({error.error_count()} fields against the contract)"
