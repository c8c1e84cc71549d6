"""What every command is given: the settings, read when they are first asked for."""

import typer

from hub.cli.options import Options
from hub.settings import Settings, load
from hub.wiring import logging_level
from observability import logging

__all__ = ["settings"]


def settings(context: typer.Context) -> Settings:
    """Read the settings; from here on, logs go to standard error.

    Raises:
        ConfigError: They are wrong.
    """
    options = context.obj
    if not isinstance(options, Options):
        raise TypeError("the root command sets its context")
    given = load(options.config, environ=options.environ)
    logging.configure(logging_level(given))
    return given
