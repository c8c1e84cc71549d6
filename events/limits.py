"""What bounds one transaction of a source, and how failures are waited out."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Limits"]

_Positive = Annotated[timedelta, Field(gt=timedelta(0))]


class Limits(BaseModel):
    """The batches of a file are one transaction within these bounds, and several beyond them.

    An open transaction holds back the readers of its partitions, so it is short.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    transaction_events: int = Field(default=200_000, ge=1)
    """Events after which a transaction takes no more."""
    transaction_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    """Bytes of keys, values and state after which a transaction takes no more (64 MiB)."""
    transaction_time: _Positive = timedelta(seconds=5)
    """Time after which a transaction takes no more (5 seconds)."""
    patience: _Positive = timedelta(minutes=1)
    """Longest wait for one answer of Kafka; its transaction timeout, too (1 minute)."""
    longest_wait: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=30)
    """Longest pause between two attempts (30 seconds); pauses grow from half a second and are drawn at random."""
