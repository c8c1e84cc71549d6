"""`banyan wsdl`: contracts of SOAP services. Each command is a module of its own, imported when it is called."""

from collections.abc import Mapping
from typing import Final

import typer

from hub.cli.lazy import Place, lazily

__all__ = ["app"]

_COMMANDS: Final[Mapping[str, Place]] = {
    "compare": Place(
        "hub.cli.wsdl_compare",
        "compare",
        "Compare replies of two sides: of one call, or of many as classes of differences with their counts.",
    ),
}

app = typer.Typer(no_args_is_help=True, cls=lazily(_COMMANDS))


@app.callback()
def wsdl() -> None:
    """Read and compare contracts of SOAP services, and stand in for them."""
