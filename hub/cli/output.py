"""How commands print: a table or lines for people, one JSON document or JSON lines for programs."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["AsJson", "complain", "console", "print_json", "print_table"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_UNBOUNDED: Final = 10_000
"""Columns of a pipe or a file: nobody's eyes bound it."""
_GAP: Final = 2
_INDENT: Final = 4


def console() -> Console:
    """Return standard output as rich sees it; made at the call, so that tests can capture it."""
    return Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())


def complain(problem: str) -> None:
    """Print one mistake to standard error."""
    print(f"banyan: {problem}", file=sys.stderr)  # noqa: T201 - the command line's own voice


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON document on a line."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)  # noqa: T201


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, spare: Sequence[str] = ()
) -> None:
    """Print a table, or a sentence when it has no rows.

    Args:
        columns: Their names.
        rows: A cell for each column.
        empty: The sentence.
        spare: Where the table is too wide, these columns stand below their row, by name, in this order until it
            fits: so nothing is cut. What is not named is folded.
    """
    listed = [[str(cell) for cell in row] for row in rows]
    if not listed:
        console().print(empty)
        return
    width = shutil.get_terminal_size((_UNBOUNDED, 24)).columns
    widths = [max(map(cell_len, column)) for column in zip(columns, *listed, strict=True)]
    below = _below(dict(zip(columns, widths, strict=True)), spare, width)
    out = Console(highlight=False, emoji=False, width=width)
    if not below:
        out.print(_table(columns, listed))
        return
    kept = [place for place, column in enumerate(columns) if column not in below]
    out.print(Text(_row(columns, kept, widths), style="bold"), soft_wrap=True)
    for cells in listed:
        out.print(Text(_row(cells, kept, widths)), soft_wrap=True)
        named = dict(zip(columns, cells, strict=True))
        for line in _wrapped([f"{column}: {named[column]}" for column in below if named[column]], width):
            out.print(Text(line), soft_wrap=True)


def _table(columns: Sequence[str], listed: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*(Text(cell) for cell in row))  # text, since brackets are markup otherwise
    return table


def _below(widths: dict[str, int], spare: Sequence[str], width: int) -> list[str]:
    """Return the columns that there is no room for."""
    below: list[str] = []
    for column in spare:
        kept = [each for name, each in widths.items() if name not in below]
        if sum(kept) + _GAP * (len(kept) - 1) <= width:
            break
        below.append(column)
    return below


def _row(cells: Sequence[str], kept: Sequence[int], widths: Sequence[int]) -> str:
    padded = (cells[place] + " " * (widths[place] - cell_len(cells[place])) for place in kept)
    return (" " * _GAP).join(padded).rstrip()


def _wrapped(items: Sequence[str], width: int) -> Iterator[str]:
    """Yield indented lines of whole items; one that is longer than a line has its own; from two on, it is folded."""
    line = ""
    for item in items:
        longer = f"{line}{' ' * _GAP}{item}" if line else " " * _INDENT + item
        if line and cell_len(longer) > width:
            yield from _folded(line, width)
            longer = " " * _INDENT + item
        line = longer
    if line:
        yield from _folded(line, width)


def _folded(line: str, width: int) -> Sequence[str]:
    indent = " " * (2 * _INDENT)
    if cell_len(line) <= 2 * width or width <= len(indent):
        return [line]
    # A name stays on the line of what it names.
    kept = line.strip().replace(": ", ":\xa0", 1)
    lines = textwrap.wrap(
        kept,
        width,
        initial_indent=" " * _INDENT,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [each.replace(":\xa0", ": ", 1) for each in lines]
