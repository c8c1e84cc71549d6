"""`banyan copybook`: what a copybook and the files that it describes say."""

import typer

__all__ = ["app"]

app = typer.Typer(help="Copybooks, and the files that they describe.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `sniff` a command of its own, as long as it is the only one."""
