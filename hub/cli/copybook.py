"""`banyan copybook`: what a copybook says, and what changed in it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.errors import ConfigError
from contracts.file_description import layouts_of, read_spec
from contracts.legacy.copybook.compare import compare, described
from contracts.legacy.copybook.dialect import DIALECTS, ZOS
from contracts.legacy.copybook.entry import Condition, written
from contracts.legacy.copybook.item import Item
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.copybook.source import Form
from hub.cli.lazy import Place, lazily
from hub.cli.output import AsJson, console, print_json, print_table

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    cls=lazily(
        {
            "sniff": Place(
                "hub.cli.sniff",
                "sniff",
                "Propose framing and code page of a file, the likeliest first, with what speaks for and against each.",
            ),
            "decode": Place("hub.cli.records", "decode", "Print each record of a file as a line of JSON."),
            "encode": Place(
                "hub.cli.records",
                "encode",
                "Write lines of JSON as a file of records: the inverse of `decode`, byte for byte.",
            ),
            "reconcile": Place(
                "hub.cli.reconcile",
                "reconcile",
                "Compare a file with its header and trailer: counts, sums, hash totals, sequences; publishes nothing.",
            ),
            "mask": Place(
                "hub.cli.mask",
                "mask",
                "Write a file again with the fields masked that the description names (`masks`); it still parses.",
            ),
        }
    ),
)

Dialect = Annotated[str, typer.Option(metavar="D", help="Compiler: " + ", ".join(DIALECTS) + ".")]
SourceForm = Annotated[Form | None, typer.Option("--format", help="Reference format; recognised without it.")]
Copies = Annotated[list[Path] | None, typer.Option("--copies", "-I", help="Folder of what is copied; repeatable.")]
Record = Annotated[str | None, typer.Option(help="The record, where a copybook has several of level 01.")]
Encoding = Annotated[str, typer.Option("--copybook-encoding", help="Encoding of the copybooks' text.")]
DecimalComma = Annotated[
    bool | None, typer.Option("--decimal-comma/--decimal-point", help="Whether DECIMAL-POINT IS COMMA.")
]


@app.command()
def inspect(
    copybook: Annotated[Path, typer.Argument(metavar="COPYBOOK", help="A copybook, or a program.")],
    dialect: Dialect = ZOS.name,
    source_format: SourceForm = None,
    copies: Copies = None,
    record: Record = None,
    encoding: Encoding = "utf-8",
    decimal_comma: DecimalComma = None,
    as_json: AsJson = False,
) -> None:
    """Show offset (from 0), length and type of every item."""
    layouts = _layouts(copybook, dialect, source_format, copies, encoding, record, decimal_comma)
    if as_json:
        print_json({"dialect": dialect, "records": [_shown(layout) for layout in layouts]})
        return
    for layout in layouts:
        varies = "at most " if layout.is_variable else ""
        console().print(f"{layout.name or 'record'}: {varies}{layout.length} bytes, dialect {dialect}", markup=False)
        rows = [_row(item) for item in layout.walk()]
        print_table(("offset", "length", "item", "type"), rows, empty="no item")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The copybook before.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The copybook after.")],
    dialect: Dialect = ZOS.name,
    source_format: SourceForm = None,
    copies: Copies = None,
    record: Record = None,
    encoding: Encoding = "utf-8",
    decimal_comma: DecimalComma = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed, and whether records of the old copybook can be read with the new one.

    Exit code 1 where they can't.
    """
    before, after = (
        _one(_layouts(path, dialect, source_format, copies, encoding, record, decimal_comma), path)
        for path in (old, new)
    )
    comparison = compare(before, after)
    if as_json:
        changes = [asdict(each) for each in comparison.differences]
        print_json({"compatible": comparison.is_compatible, "reasons": comparison.reasons, "changes": changes})
    else:
        rows = [(each.change, each.path, each.old or "", each.new or "") for each in comparison.differences]
        print_table(("change", "item", "old", "new"), rows, empty="nothing changed in the items")
        verdict = "compatible" if comparison.is_compatible else "not compatible: " + "; ".join(comparison.reasons)
        console().print(verdict, markup=False)
    if not comparison.is_compatible:
        raise typer.Exit(1)


def _layouts(
    path: Path,
    dialect: str,
    form: Form | None,
    copies: Sequence[Path] | None,
    encoding: str,
    record: str | None,
    decimal_comma: bool | None,
) -> Sequence[Layout]:
    given = {
        "copybook": path,
        "dialect": dialect,
        "copybook_format": form,
        "copies": tuple(copies or ()),
        "copybook_encoding": encoding,
        "record": record,
        "decimal_comma": decimal_comma,
    }
    return layouts_of(read_spec(None, given))


def _one(layouts: Sequence[Layout], path: Path) -> Layout:
    if len(layouts) != 1:
        names = ", ".join(layout.name or "(no name)" for layout in layouts)
        raise ConfigError([f"{path}: expected one record, or --record with one of: {names}"])
    return layouts[0]


def _row(item: Item) -> tuple[object, ...]:
    indent = "  " * max(0, len(item.path) - bool(item.name))
    return item.offset, item.length, f"{indent}{item.level:02d} {item.name or 'FILLER'}", described(item)


def _shown(layout: Layout) -> dict[str, Any]:
    return {
        "record": layout.name,
        "length": layout.length,
        "variable": layout.is_variable,
        "items": [_item(item) for item in layout.walk()],
        "renames": [asdict(each) for each in layout.renames],
    }


def _item(item: Item) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "level": item.level,
        "name": item.name,
        "path": item.path,
        "offset": item.offset,
        "length": item.length,
        "kind": item.kind,
        "usage": item.usage,
        "picture": item.picture or None,
        "line": item.line,
    }
    if item.kind.is_number:
        shown |= {"digits": item.digits, "scale": item.scale, "signed": item.signed, "sign": item.sign}
    if item.occurs:
        table = item.occurs
        shown["occurs"] = {"least": table.least, "most": table.most, "depending_on": table.depending_on}
    if item.redefines:
        shown["redefines"] = item.redefines
    if item.conditions:
        shown["conditions"] = [{"name": each.name, "values": _ranges(each)} for each in item.conditions]
    return shown


def _ranges(condition: Condition) -> list[str]:
    """Return the values of a condition name as COBOL writes them."""
    return [written(low) + (f" THRU {written(high)}" if high else "") for low, high in condition.ranges]
