"""Durations as people type them: `30m`, `24h`, `7d`."""

import re
from datetime import timedelta
from typing import Final

from contracts.errors import ConfigError

__all__ = ["duration"]

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Return what an option `--since` says.

    >>> duration("30m")
    datetime.timedelta(seconds=1800)

    Raises:
        ConfigError: It is none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    if found is None:
        raise ConfigError([f"--since {text!r}: expected a number and s, m, h or d, such as 24h"])
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
