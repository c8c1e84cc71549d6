"""How long a legacy system is waited for: a setting of every adapter that calls one."""

from datetime import timedelta
from typing import Annotated, Self

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, model_validator

__all__ = ["Patience"]

_CONNECT = timedelta(seconds=10)


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


class Patience(BaseModel):
    """How long one call of a legacy system is tried. Attempts, each wait and each attempt are all bounded.

    >>> Patience(timeout=5).timeout
    datetime.timedelta(seconds=5)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    timeout: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(hours=1))] = timedelta(seconds=30)
    """Longest time of one attempt, from its begin to the last byte; where a reply is read in parts, of each part."""
    connect: Annotated[timedelta, Gt(timedelta(0))] | None = None
    """Longest time of it until connected, TLS included; by default 10 seconds, or `timeout` where that is less."""
    read: Annotated[timedelta, Gt(timedelta(0))] | None = None
    """Longest silence in it, before the answer and between two bytes of it; by default `timeout`."""
    reply: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(days=7))] = timedelta(hours=1)
    """Longest time that all parts of a reply that is read in parts are waited for, without the time in which what was
    read is published; at least `timeout`."""
    overall: Annotated[timedelta, Gt(timedelta(0)), Le(timedelta(days=1))] | None = None
    """No attempt begins later than this after the first did, waits for the budget not counted; by default `attempts`
    and `longest_wait` alone bound it."""
    attempts: Annotated[int, Ge(1), Le(100)] = 3
    """Most attempts, the first included."""
    longest_wait: Annotated[timedelta, Ge(timedelta(0)), Le(timedelta(hours=1))] = timedelta(seconds=10)
    """Longest wait between two attempts; each is drawn at random below a bound that doubles up to this. Where the
    service says `Retry-After` it is waited for that long, or tried no more in this call where that is longer."""
    server_faults: bool = True
    """Whether a SOAP fault of the server is tried again at once, as a failed connection is."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, bound in (("connect", self.connect), ("read", self.read)):
            if bound is not None and bound > self.timeout:
                found = f"found {_seconds(bound)}: lower it, or raise timeout"
                raise ValueError(
                    f"{name}: expected at most timeout, {_seconds(self.timeout)}, which bounds all; {found}"
                )
        for name, bound in (("reply", self.reply), ("overall", self.overall)):
            if bound is not None and bound < self.timeout:
                found = f"found {_seconds(bound)}: raise it, or lower timeout"
                raise ValueError(f"{name}: expected at least timeout, {_seconds(self.timeout)}, {found}")
        return self

    @property
    def connecting(self) -> timedelta:
        """Return the longest time until connected."""
        return self.connect or min(_CONNECT, self.timeout)

    @property
    def silence(self) -> timedelta:
        """Return the longest silence."""
        return self.read or self.timeout

    def once(self) -> "Patience":
        """Return the same timeout for a call that must not be made twice."""
        return self.model_copy(update={"attempts": 1})
