"""The root command: options that all share, the groups, and how an error ends the process.

Exit codes: 0 done, 1 failed, 2 wrong settings or usage, 3 done but not all of it is right (the command says of what),
4 fenced by a newer instance (do not restart).
"""

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.errors import BanyanError, ConfigError, FencedError, safe_message
from hub.cli.lazy import Place, lazily
from hub.cli.options import Options
from hub.cli.output import complain

__all__ = ["EXIT_CONFIG", "EXIT_FAILED", "EXIT_FENCED", "app", "main"]

EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 2
EXIT_FENCED: Final = 4

_COMMANDS: Final = {
    "run": Place("hub.cli.adapter", "run_all", "Run adapters and outbound files until told to stop; SIGTERM drains."),
    "health": Place(
        "hub.cli.health",
        "health",
        "Tell how `banyan run` with the same settings is doing; the exit code is 1 when it makes no progress.",
    ),
    "demo": Place(
        "hub.cli.demo",
        "demo",
        "Show the main job: legacy data become events, then callers move to a modern service, share by share.",
    ),
    "trace": Place(
        "hub.cli.trace",
        "trace",
        "Show one trace as a tree: what was read, published and handled, and how long each took.",
    ),
    "kafka": Place(
        "hub.cli.kafka", "app", "Run a local, durable Apache Kafka (needs Java 17 or newer, and Maven once)."
    ),
    "adapter": Place("hub.cli.adapter", "app", "Adapters: what wraps the legacy systems."),
    "events": Place("hub.cli.events", "app", "Events: look at what is published."),
    "dlq": Place("hub.cli.dlq", "app", "Dead letters: what could not be handled, and why."),
    "file": Place("hub.cli.file", "app", "Files: what was delivered, and what became of it."),
    "key": Place("hub.cli.key", "app", "Keys and their place in the cohort space."),
    "copybook": Place("hub.cli.copybook", "app", "Copybooks: layouts of records, and what changed in them."),
    "wsdl": Place("hub.cli.wsdl", "app", "Contracts of SOAP services: taken, looked at, compared, stood in for."),
    "ruleset": Place("hub.cli.ruleset", "app", "Rulesets: who answers, numbered and kept for ever."),
    "route": Place("hub.cli.route", "app", "Routes: what each decides, and why a call went where it went."),
    "facade": Place(
        "hub.cli.facade", "app", "The façade: callers come in, and each is answered by the side decided on."
    ),
    "budget": Place("hub.cli.budget", "app", "Budgets: how much legacy systems are called besides their live traffic."),
    "in-doubt": Place(
        "hub.cli.in_doubt", "app", "In doubt: calls that may have been done, and writes that the modern side is owed."
    ),
    "outbound": Place(
        "hub.cli.outbound", "app", "Outbound files: events as records for systems that still read files."
    ),
}

app = typer.Typer(
    name="banyan",
    cls=lazily(_COMMANDS),
    help="Replace legacy systems piece by piece: their data as events, exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"banyan {version('banyan-hub')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings file; else BANYAN_CONFIG, else ./banyan.yaml.", show_default=False
        ),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Remember what all commands share; settings are read by the command that needs them."""
    context.obj = Options(config, os.environ)


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
