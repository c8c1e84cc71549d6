"""From captured calls to what they say: a record with `request`, `reply` and `call`, or why it is none. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

from adapters.soap_intercept.body import envelope
from adapters.soap_intercept.config import Config
from adapters.soap_intercept.contract import Contract
from contracts.errors import BanyanError, LegacyFaultError, LegacyUnavailableError, RecordError
from contracts.intercepted import InterceptedCall
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.soap.message.reader import Reply

__all__ = ["ReadCall", "read_call"]

_SUCCESS = range(200, 300)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCall:
    """One captured call, read."""

    call: InterceptedCall
    position: str
    """Where it is in the stream: the same each time that it is read."""
    time: datetime
    """When its reply had come."""
    outcome: Literal["event", "dead", "fault", "failed", "other_side"]
    """What becomes of it."""
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: BanyanError | None = None
    """Why it is a dead letter."""
    deviations: Sequence[Deviation] = ()
    """What was tolerated."""


def read_call(call: InterceptedCall, contract: Contract, config: Config) -> ReadCall:
    """Read a call; whatever is wrong with it is told in what is returned."""
    known: dict[str, Any] = {
        "call": call,
        "position": _position(call, config),
        "time": _EPOCH + timedelta(microseconds=call.ended_ns // 1000),
    }
    if config.side not in {None, call.side}:
        return ReadCall(**known, outcome="other_side")
    if call.status not in _SUCCESS:
        return ReadCall(**known, outcome="failed")
    try:
        reply = contract.reply(_body(call, "reply", config)) if contract.replies else None
        request = contract.request(_body(call, "request", config))
    except LegacyFaultError as error:
        return ReadCall(**known, outcome="fault", error=error)
    except (LegacyUnavailableError, RecordError) as error:
        return ReadCall(**known, outcome="dead", error=error)
    record = {
        "request": request.record,
        "reply": {} if reply is None else reply.record,
        "call": _facts(call, known["time"]),
    }
    return ReadCall(**known, outcome="event", record=record, deviations=[*_deviations((request, reply))])


def _deviations(read: Iterable[Reply | None]) -> Iterable[Deviation]:
    for each in read:
        yield from () if each is None else each.deviations


def _body(call: InterceptedCall, what: Literal["request", "reply"], config: Config) -> bytes:
    is_request = what == "request"
    return envelope(
        call.request if is_request else call.reply,
        content_type=call.request_type if is_request else call.reply_type,
        coding=call.request_coding if is_request else call.reply_coding,
        what=what,
        most_bytes=config.most_bytes,
    )


def _position(call: InterceptedCall, config: Config) -> str:
    """Return what a call that is captured twice has both times, and another call has not."""
    if config.identity == "call":
        return f"{call.traceparent.split('-')[1]}.{call.span_id}"
    # Of the bytes as they were sent, not of what is mapped from them: a mended mapping leaves it as it is.
    return f"{call.request_id}.{blake2b(call.request or b'', digest_size=8).hexdigest()}"


def _facts(call: InterceptedCall, time: datetime) -> dict[str, Any]:
    return {
        "at": time,
        "backend": call.backend,
        "request_id": call.request_id,
        "side": call.side,
        "traceparent": call.traceparent,
    }
