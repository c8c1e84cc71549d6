"""`banyan trace`: one trace as a tree, from the local store."""

import json
from typing import Annotated

import typer

from contracts.errors import ConfigError
from hub.cli.context import settings
from hub.cli.output import AsJson, console, print_json
from observability.render import render, to_json
from observability.store import TraceStore

__all__ = ["trace"]


def trace(
    context: typer.Context,
    trace_id: Annotated[str | None, typer.Argument(metavar="ID", help="Trace id, 32 hex digits.")] = None,
    last: Annotated[bool, typer.Option("--last", help="The trace that ended last.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one trace as a tree: what was read, published and handled, and how long each took."""
    if (trace_id is None) is not last:
        raise ConfigError(["trace: give a trace id, or --last"])
    path = settings(context).trace_store
    if not path.is_file():
        raise ConfigError([f"trace: no traces are stored yet in {path}"])
    store = TraceStore(path)
    spans = store.last() if trace_id is None else store.trace(trace_id)
    store.shutdown()
    if not spans:
        raise ConfigError([f"trace: {trace_id or 'the last one'} is not stored in {path}"])
    if as_json:
        print_json(json.loads(to_json(spans)))
    else:
        out = console()
        out.print(render(spans, width=out.width if out.is_terminal else None), soft_wrap=True)
