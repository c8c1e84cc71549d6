"""How commands print: a table or lines for people, one JSON document or JSON lines for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["AsJson", "complain", "console", "print_json", "print_table"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def console() -> Console:
    """Return standard output as rich sees it; made at the call, so that tests can capture it."""
    return Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())


def complain(problem: str) -> None:
    """Print one mistake to standard error."""
    print(f"banyan: {problem}", file=sys.stderr)  # noqa: T201 - the command line's own voice


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON document on a line."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)  # noqa: T201


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table, or a sentence when it has no rows."""
    listed = [[Text(str(cell)) for cell in row] for row in rows]  # text, since brackets are markup otherwise
    if not listed:
        console().print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*row)
    console().print(table)
