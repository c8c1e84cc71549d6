"""What a leader and the processes that ask it say to each other: one JSON document on a line, bounded in length."""

from collections.abc import Mapping
from typing import Annotated, Final

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field

from contracts.ports import Purpose
from hub.budget.report import BudgetReport

__all__ = [
    "ASKED_BYTES",
    "TOLD_BYTES",
    "Asked",
    "Ended",
    "Granted",
    "Hello",
    "Lease",
    "Told",
    "decode_asked",
    "decode_told",
]

ASKED_BYTES: Final = 4_096
"""Longest line to a leader."""
TOLD_BYTES: Final = 1_048_576
"""Longest line of a leader: what it tells people."""

Calls = Annotated[int, Ge(0), Le(1_000_000)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def line(self) -> bytes:
        """Return the line; what is as it was is left out."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


class Hello(_Model):
    """Who asks."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """What the process is: `pipeline`, `facade`."""
    pid: Annotated[int, Ge(0)]
    settings: Annotated[str, Field(max_length=64)]
    """Hash of what it knows of the system; a leader that knows otherwise says so."""


class Lease(_Model):
    """Calls of one lease."""

    number: Annotated[int, Ge(0)]
    calls: Calls


class Ended(_Model):
    """How calls ended."""

    calls: Calls
    slow: Calls = 0
    failed: Calls = 0


class Asked(_Model):
    """What a process says to the leader; the first time with `hello`."""

    hello: Hello | None = None
    ask: Mapping[Purpose, Calls] = {}
    """Wait for so many more calls."""
    drop: Mapping[Purpose, Calls] = {}
    """Wait for so many fewer."""
    used: Lease | None = None
    """Calls that were made."""
    returned: Lease | None = None
    """Calls that will not be made."""
    live: Calls = 0
    """Live calls that were made."""
    ended: Ended | None = None
    """How calls ended."""
    show: bool = False
    """Tell how it is."""


class Granted(_Model):
    """Calls that may be made."""

    purpose: Purpose
    lease: int
    calls: int
    until: float
    """Before this moment of the machine's monotonic clock."""


class Told(_Model):
    """What a leader says."""

    granted: Granted | None = None
    report: BudgetReport | None = None


def decode_asked(line: bytes) -> Asked:
    """Read a line to the leader.

    Raises:
        ValueError: It is none.
    """
    return Asked.model_validate_json(line)


def decode_told(line: bytes) -> Told:
    """Read a line of the leader.

    Raises:
        ValueError: It is none.
    """
    return Told.model_validate_json(line)
