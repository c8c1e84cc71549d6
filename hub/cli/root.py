"""The root command: options that all share, the groups, and how an error ends the process.

Exit codes: 0 done, 1 failed, 2 wrong settings or usage, 3 fenced by a newer instance (do not restart).
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.errors import BanyanError, ConfigError, FencedError
from hub.cli import (
    adapter,
    copybook,
    demo,
    dlq,
    events,
    facade,
    file,
    health,
    in_doubt,
    kafka,
    key,
    mask,
    outbound,
    reconcile,
    records,
    route,
    ruleset,
    sniff,
    trace,
)
from hub.cli.context import Context
from hub.cli.output import complain
from observability.tracing import safe_message

__all__ = ["EXIT_CONFIG", "EXIT_FAILED", "EXIT_FENCED", "app", "main"]

EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 2
EXIT_FENCED: Final = 3

app = typer.Typer(
    name="banyan",
    help="Replace legacy systems piece by piece: their data as events, exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(kafka.app, name="kafka")
app.add_typer(adapter.app, name="adapter")
app.add_typer(events.app, name="events")
app.add_typer(dlq.app, name="dlq")
app.add_typer(file.app, name="file")
app.add_typer(key.app, name="key")
app.add_typer(copybook.app, name="copybook")
copybook.app.command("sniff")(sniff.sniff)
copybook.app.command("decode")(records.decode)
copybook.app.command("encode")(records.encode)
copybook.app.command("reconcile")(reconcile.reconcile)
copybook.app.command("mask")(mask.mask)
app.add_typer(ruleset.app, name="ruleset")
app.add_typer(route.app, name="route")
app.add_typer(facade.app, name="facade")
app.add_typer(in_doubt.app, name="in-doubt")
app.add_typer(outbound.app, name="outbound")
app.command("trace")(trace.trace)
app.command("run")(adapter.run_all)
app.command("health")(health.health)
app.command("demo")(demo.demo)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings file; else BANYAN_CONFIG, else ./banyan.yaml.", show_default=False
        ),
    ] = None,
) -> None:
    """Remember what all commands share; settings are read by the command that needs them."""
    context.obj = Context(config, os.environ)


def main() -> None:
    """Run the command line, and end with its exit code."""
    sys.exit(_guarded(app))


def _guarded(command: Callable[[], object]) -> int:
    try:
        command()
    except ConfigError as error:
        for problem in error.problems:
            complain(problem)
        return EXIT_CONFIG
    except FencedError as error:
        complain(str(error))
        return EXIT_FENCED
    except BanyanError as error:
        complain(safe_message(error) or type(error).__name__)
        return EXIT_FAILED
    return 0
