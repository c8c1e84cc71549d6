"""What the commands share that take a contract from where it stands."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters.soap.bundle_web import Access
from adapters.soap.config import Credentials
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.address import without_secrets
from hub.cli.options import Options

__all__ = ["CaFile", "CatalogFolder", "PasswordEnv", "Seconds", "User", "access_by", "telling"]

CatalogFolder = Annotated[
    Path | None,
    typer.Option("--catalog", help="Folder of a catalog of one's own, asked before the built-in one: catalog.json."),
]
User = Annotated[str | None, typer.Option("--user", help="Name of the technical user, where the server wants one.")]
PasswordEnv = Annotated[
    str | None, typer.Option("--password-env", metavar="NAME", help="Environment variable that holds its password.")
]
CaFile = Annotated[
    Path | None, typer.Option("--ca-file", help="Certificates in PEM of who signed the server's; else the system's.")
]
Seconds = Annotated[int, typer.Option("--seconds", min=1, help="Longest time for all documents of a server together.")]


@contextmanager
def telling() -> Generator[Callable[[str], None]]:
    """Yield what shows the document that is asked for, on standard error, where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = SpinnerColumn(), TextColumn("{task.completed} documents, now {task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda address: progress.update(
            task, description=escape(without_secrets(address).rpartition("/")[2]), advance=1
        )


def access_by(
    context: typer.Context, user: str | None, password_env: str | None, *, ca_file: Path | None, seconds: int
) -> Access:
    """Return how a server is asked; the password is taken from the environment.

    Raises:
        ConfigError: Of user and password only one is given, or the variable is not set.
    """
    options = context.obj
    if not isinstance(options, Options):
        raise TypeError("the root command sets its context")
    if (user is None) != (password_env is None):
        raise ConfigError(["--user and --password-env belong together"])
    credentials = None
    if user is not None and password_env is not None:
        if password_env not in options.environ:
            raise ConfigError([f"--password-env: expected a variable that is set, found {password_env}"])
        credentials = Credentials(user=user, password=SecretStr(options.environ[password_env]))
    return Access(credentials=credentials, ca_file=ca_file, whole=timedelta(seconds=seconds))
