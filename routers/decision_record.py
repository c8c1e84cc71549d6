"""Decision records: what was decided on one call and how it ended, many of them in one Kafka record.

The value of a Kafka record is a JSON array of decision records; each is the JSON array of the fields below.
"""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from contracts.errors import RecordError
from routers.decision import Reason
from routers.facade.ended import Ended, Outcome
from routers.stage import Side, Stage

__all__ = ["DecisionRecord", "decode", "encode", "recorded"]


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


_MANY: Final = TypeAdapter(list[DecisionRecord])
_JSON: Final = json.JSONEncoder(check_circular=False, separators=(",", ":"))


def recorded(ended: Ended, *, key_hash: str | None, version: int) -> DecisionRecord:
    """Return the record of a call that has ended; `version` is that of the ruleset in force."""
    decision = ended.decision
    return DecisionRecord(
        ended.request_id,
        (ended.started_ns + ended.duration_ns) // 1_000_000,
        ended.route,
        key_hash,
        None if decision is None else decision.bucket,
        None if decision is None else decision.stage,
        None if decision is None else decision.side,
        None if decision is None else decision.reason,
        version if decision is None else decision.version,
        ended.outcome,
        ended.status,
        ended.backend,
        ended.attempts,
        ended.trace.trace_id,
    )


def encode(records: Sequence[DecisionRecord]) -> bytes:
    """Return the value of one Kafka record; takes about a microsecond for each decision record."""
    return _JSON.encode(records).encode()


def decode(value: bytes) -> list[DecisionRecord]:
    """Return the decision records of one Kafka record.

    Raises:
        RecordError: It holds something else.
    """
    try:
        return _MANY.validate_json(value)
    except ValidationError as error:
        raise RecordError("decisions", expected=f"decision records, not {error.error_count()} other values") from None
