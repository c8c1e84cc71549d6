"""`banyan key`: where a key falls in the cohort space."""

from typing import Annotated

import typer

from contracts.errors import ConfigError
from contracts.keys import bucket
from hub.cli.output import AsJson, print_json, print_table

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `bucket` a command of its own, as long as it is the only one."""


@app.command("bucket")
def bucket_(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Canonical keys.")],
    salt: Annotated[str, typer.Option(help="The capability's salt: A-Z a-z 0-9 . _ -")],
    as_json: AsJson = False,
) -> None:
    """Show the bucket of each key: xxh32(key + ":" + salt, seed 0) % 10000."""
    try:
        found = {key: bucket(key, salt) for key in keys}
    except ValueError as error:
        raise ConfigError([f"--salt: {error}"]) from error
    if as_json:
        print_json(found)
    else:
        print_table(("key", "bucket"), found.items(), empty="no key")
