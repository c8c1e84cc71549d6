"""Decision records: what was decided on one call and how it ended, many of them in one Kafka record.

The value of a Kafka record is a JSON array of decision records; each is the JSON array of the fields below.
They are written by `routers.facade.accounting.recorder`.
"""

from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from contracts.errors import RecordError
from routers.decision import Reason
from routers.facade.ended import Outcome
from routers.stage import Side, Stage

__all__ = ["DecisionRecord", "decode"]


class DecisionRecord(NamedTuple):
    """One call; nothing in it is personal."""

    request_id: str
    ended_ms: int
    """Unix time in milliseconds."""
    route: str | None
    """`capability/route`; None where no route took the call."""
    key_hash: str | None
    """Keyed hash of the canonical key; None without a fit key, or without a secret to hash it with."""
    bucket: int | None
    stage: Stage | None
    side: Side | None
    """The side that was decided on; None where no route took the call, or it was rejected."""
    reason: Reason | None
    version: int
    """The ruleset that decided; 0 while there is none."""
    outcome: Outcome
    status: int
    backend: str | None
    """Who gave the answer, or was asked last."""
    attempts: int
    trace_id: str
    request_sha256: str | None = None
    """Of the request's body, where it came whole; only where the route has `record_hashes`."""
    answer_sha256: str | None = None
    """Of the answer's body, where a side gave it and it came whole."""


_MANY: Final = TypeAdapter(list[DecisionRecord])


def decode(value: bytes) -> list[DecisionRecord]:
    """Return the decision records of one Kafka record.

    Raises:
        RecordError: It holds something else.
    """
    try:
        return _MANY.validate_json(value)
    except ValidationError as error:
        raise RecordError("decisions", expected=f"decision records, not {error.error_count()} other values") from None
