"""`banyan demo`: the main job on an embedded broker, checked."""

from dataclasses import asdict

import typer
from rich.console import Console

from hub.cli.output import AsJson, print_json
from hub.demo.story import play

__all__ = ["demo"]


def demo(as_json: AsJson = False) -> None:
    """Show the main job: a SOAP registry and an EBCDIC file become events, and a new service gets each once.

    Needs nothing but Python, and ends by itself; the exit code tells whether every count holds.
    """
    tallies = play(Console(stderr=as_json, highlight=False))
    if as_json:
        print_json([asdict(tally) for tally in tallies])
    if not all(tally.holds for tally in tallies):
        raise typer.Exit(code=1)
