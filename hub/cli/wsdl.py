"""`banyan wsdl`: contracts of SOAP services. Each command is a module of its own, imported when it is called."""

from collections.abc import Mapping
from typing import Final

import typer

from hub.cli.lazy import Place, lazily

__all__ = ["app"]

_COMMANDS: Final[Mapping[str, Place]] = {
    "import": Place(
        "hub.cli.wsdl_import",
        "import_contract",
        "Take a contract with all that it imports into a folder, pinned by hash.",
    ),
    "inspect": Place(
        "hub.cli.wsdl_inspect", "inspect", "Show what a contract offers, what is broken in it, and what will hurt."
    ),
    "diff": Place(
        "hub.cli.wsdl_diff", "diff", "Show what changed between two contracts, and whom it breaks: callers or readers."
    ),
    "drift": Place(
        "hub.cli.wsdl_drift", "drift_from_pinned", "Tell whether a service still has the contract that was imported."
    ),
    "compare": Place(
        "hub.cli.wsdl_compare",
        "compare",
        "Compare replies of two sides: of one call, or of many as classes of differences with their counts.",
    ),
    "mock": Place(
        "hub.cli.wsdl_mock",
        "mock",
        "Stand in for a service: answer its operations with valid samples, until told to stop; SIGTERM drains.",
    ),
    "models": Place(
        "hub.cli.wsdl_models",
        "models",
        "Write pydantic models of the records of requests, replies and declared faults.",
    ),
}

app = typer.Typer(no_args_is_help=True, cls=lazily(_COMMANDS))


@app.callback()
def wsdl() -> None:
    """Read and compare contracts of SOAP services, and stand in for them."""
