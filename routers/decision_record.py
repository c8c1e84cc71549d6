"""Decision records: what was decided on one call and how it ended, many of them in one Kafka record.

The value of a Kafka record is a JSON array of decision records; each is the JSON array of the fields below.
"""

import json
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from contracts.errors import RecordError
from routers.decision import Reason
from routers.facade.ended import Ended, Outcome
from routers.stage import Side, Stage

__all__ = ["DecisionRecord", "decode", "encode"]


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
_NS_PER_MS: Final = 1_000_000


def encode(ended: Ended, *, key_hash: str | None, version: int) -> str:
    """Return the record of a call that has ended, as JSON.

    Args:
        ended: The call.
        key_hash: Of its canonical key.
        version: That of the ruleset in force; counts where no route took the call, and nothing was decided.
    """
    decision = ended.decision
    ended_ms = (ended.started_ns + ended.duration_ns) // _NS_PER_MS
    # A route's name has a pattern, and a hash has hexadecimal digits: neither needs escaping.
    if decision is None:
        place, stage, side, reason = "null,null,null", None, None, None
    else:
        route, side, _, stage, bucket, reason, version = decision
        hashed = "null" if key_hash is None else f'"{key_hash}"'
        place = f'"{route}",{hashed},{"null" if bucket is None else bucket}'
    facts = (stage, side, reason, version, ended.outcome, ended.status, ended.backend, ended.attempts)
    return f'[{encode_basestring_ascii(ended.request_id)},{ended_ms},{place},{_facts(facts)},"{ended.trace.trace_id}"]'


@lru_cache(maxsize=1024)
def _facts(facts: tuple[object, ...]) -> str:
    """Return what many calls have in common, as JSON."""
    return json.dumps(facts, separators=(",", ":"))[1:-1]


def decode(value: bytes) -> list[DecisionRecord]:
    """Return the decision records of one Kafka record.

    Raises:
        RecordError: It holds something else.
    """
    try:
        return _MANY.validate_json(value)
    except ValidationError as error:
        raise RecordError("decisions", expected=f"decision records, not {error.error_count()} other values") from None
