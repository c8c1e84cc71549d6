"""What every command is given: the settings, read when they are first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from hub.settings import Settings, load
from hub.wiring import logging_level
from observability import logging

__all__ = ["Context", "settings"]


@dataclass(frozen=True, slots=True)
class Context:
    """The options of the root command."""

    config: Path | None
    environ: Mapping[str, str]


def settings(context: typer.Context) -> Settings:
    """Read the settings; from here on, logs go to standard error.

    Raises:
        ConfigError: They are wrong.
    """
    options = context.obj
    if not isinstance(options, Context):
        raise TypeError("the root command sets its context")
    given = load(options.config, environ=options.environ)
    logging.configure(logging_level(given))
    return given
