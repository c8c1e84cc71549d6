"""`banyan health`: whether the running hub gets its work done, for probes."""

from collections.abc import Mapping
from datetime import UTC, datetime

import typer

from hub.cli.context import settings
from hub.cli.output import AsJson, print_json, print_table
from hub.health import OutboundHealth, read

__all__ = ["health"]


def health(context: typer.Context, as_json: AsJson = False) -> None:
    """Tell how `banyan run` with the same settings is doing; the exit code is 1 when it makes no progress."""
    report = read(settings(context).health_file)
    problems = report.problems(datetime.now(UTC))
    if as_json:
        print_json({"ok": not problems, "problems": problems, **report.model_dump(mode="json")})
    else:
        rows = [
            (name, source.state, source.events, ", ".join(source.missing), source.error or "")
            for name, source in report.sources.items()
        ]
        if rows or not report.outbound:
            print_table(("source", "state", "events", "missing files of", "error"), rows, empty="no sources")
        _print(report.outbound)
        for problem in problems:
            typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(code=1)


def _print(outbound: Mapping[str, OutboundHealth]) -> None:
    rows = [
        (
            name,
            each.state,
            each.waiting,
            each.file or "",
            each.delivered.isoformat(timespec="seconds") if each.delivered else "",
            ", ".join(each.late),
            each.error or "",
        )
        for name, each in outbound.items()
    ]
    if rows:
        columns = ("outbound file", "state", "waiting", "newest file", "handed over", "answers overdue", "error")
        print_table(columns, rows, empty="", spare=("error", "answers overdue", "handed over"))
