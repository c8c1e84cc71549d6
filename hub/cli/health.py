"""`banyan health`: whether the running hub gets its work done, for probes."""

from datetime import UTC, datetime

import typer

from hub.cli.context import settings
from hub.cli.output import AsJson, print_json, print_table
from hub.health import read

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
        print_table(("source", "state", "events", "missing files of", "error"), rows, empty="no sources")
        for problem in problems:
            typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(code=1)
