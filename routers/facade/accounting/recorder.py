"""Writes decision records, one for each call; `routers.decision_record` says what is in them, and reads them."""

import json
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final

from routers.facade.ended import Ended

__all__ = ["encode"]

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
    text = f'[{encode_basestring_ascii(ended.request_id)},{ended_ms},{place},{_facts(facts)},"{ended.trace.trace_id}"]'
    hashes = ended.hashes
    return text if hashes is None else f"{text[:-1]},{_quoted(hashes.request)},{_quoted(hashes.answer)}]"


def _quoted(digits: str | None) -> str:
    return "null" if digits is None else f'"{digits}"'


@lru_cache(maxsize=1024)
def _facts(facts: tuple[object, ...]) -> str:
    """Return what many calls have in common, as JSON."""
    return json.dumps(facts, separators=(",", ":"))[1:-1]
