"""`banyan demo`: the main job on an embedded broker, checked."""

from dataclasses import asdict

import typer
from rich.console import Console

from hub.cli.output import AsJson, print_json
from hub.demo.story import play

__all__ = ["demo"]


def demo(as_json: AsJson = False) -> None:
    """Show the main job: legacy data become events, then callers move to a modern service, share by share.

    A SOAP registry and an EBCDIC file are read, and a new service gets each event once. The façade moves callers
    from the registry to its successor, 0 to 100 percent; a side and workers are killed on the way, and every
    resident is on one side, on both channels.

    Needs nothing but Python, and ends by itself; the exit code tells whether every count holds.
    """
    verdicts = play(Console(stderr=as_json, highlight=False))
    if as_json:
        print_json([asdict(verdict) for verdict in verdicts])
    if not all(verdict.holds for verdict in verdicts):
        raise typer.Exit(code=1)
