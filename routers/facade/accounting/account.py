"""What is known of every call afterwards: counters, a decision record, spans where they are kept, what is in doubt.

A call costs a few microseconds here and waits for nothing: all is put into memory that the worker hands on with
`flush`. Decision records beyond a bound are dropped and counted; in-doubt records never are.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, final

from contracts.errors import RecordError
from contracts.ports import LogRecord
from observability import fields, tracing
from observability.masking import KeyHash
from routers.decision import Decision, Reason
from routers.explanation import OWED
from routers.facade.accounting import tracecontext
from routers.facade.accounting.captures import Captures
from routers.facade.accounting.inflight import Inflight, InflightCall
from routers.facade.accounting.recorder import encode
from routers.facade.accounting.spans import Spans
from routers.facade.accounting.tally import Tally
from routers.facade.ended import Ended, Outcome, TraceContext
from routers.facade.settings import FacadeSettings
from routers.rulesets.ruleset import Rule
from routers.stage import OperationClass, Side

__all__ = ["PACK_BYTES", "RECORDS", "Account", "Flushed", "encode", "left_in_doubt"]

RECORDS: Final = 20_000
"""How many decision records wait for `flush` at most."""
PACK_BYTES: Final = 256 * 1024
"""How long a pack of decision records may be: one record of Kafka."""
FAILURES_A_SECOND: Final = 200
"""How many failed calls that are not sampled get spans all the same; the others are counted."""
REFUSALS_A_SECOND: Final = 10
"""The same of refused and rejected ones."""
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000
# Bound once: looking a member up on its enum costs ten times as much.
_ANSWERED, _UNSAFE = Outcome.ANSWERED, OperationClass.UNSAFE
_USUAL: Final = frozenset({Reason.SHARE, Reason.HELD})
_BOUND_A_SECOND: Final = {
    Outcome.FELL_BACK: FAILURES_A_SECOND,
    Outcome.FAILED: FAILURES_A_SECOND,
    Outcome.IN_DOUBT: FAILURES_A_SECOND,
    Outcome.CUT: FAILURES_A_SECOND,
    Outcome.REFUSED: REFUSALS_A_SECOND,
    Outcome.REJECTED: REFUSALS_A_SECOND,
}


class Flushed(NamedTuple):
    """What was accounted for since the last flush."""

    tally: bytes
    """For `Tally.merge`; empty when there is nothing."""
    decisions: Sequence[bytes]
    """Packs of decision records: each a JSON array of arrays, one on each line."""
    in_doubt: Sequence[LogRecord]
    """For the topic of in-doubt records."""
    doubted: Sequence[int] = ()
    """The slots of those calls: for `Account.kept`, once the records are on the disk."""


@final
class Account:
    """The account of one worker; used by one thread.

    Args:
        settings: The façade.
        keys: Makes keyed hashes; without it, records have none.
        inflight: Where calls in flight are noted.
        rules: Returns the rules in force, by `capability/route`: they say how a key is written.
        version: Returns the version of the ruleset in force, for the records of calls that no route took.
        records: How many decision records wait for `flush` at most.
        soon: Calls back when what was written by now is with the system: a call whose answer a kill may still
            stop has not ended. Without it, calls end when they are told.
    """

    __slots__ = (
        "_closing", "_doubted", "_doubts", "_inflight", "_keys", "_limit", "_noted", "_records", "_rules", "_sample",
        "_second", "_shown", "_soon", "_spans", "_tally", "_version", "captures", "closed", "closed_at_once", "ended",
        "sent",
    )  # fmt: skip

    def __init__(
        self,
        settings: FacadeSettings,
        *,
        keys: KeyHash | None,
        inflight: Inflight,
        rules: Callable[[], Mapping[str, Rule]],
        version: Callable[[], int] = lambda: 0,
        records: int = RECORDS,
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._keys, self._inflight, self._rules, self._limit = keys, inflight, rules, records
        self._version = version
        self._sample = tracecontext.threshold(settings.sample_ratio)
        self._tally = Tally()
        self._spans = Spans(settings, rules)
        self.captures = (
            None if settings.intercept is None else Captures(settings.intercept, tally=self._tally, inflight=inflight)
        )
        """Takes the calls of intercepted routes."""
        self._records: list[str] = []
        self._doubts: list[LogRecord] = []
        self._noted: dict[int, str | None] = {}
        self._doubted: list[int] = []
        self._second = 0
        self._shown: dict[int, int] = {}
        self.ended: Callable[[Ended], None] = self._ended
        """Accounts for a call that has ended, once; who wants to see each may put a function of its own before it."""
        self.sent: Callable[[int, Side, str], None] = inflight.sent
        """See `Inflight.sent`."""
        self._soon = soon
        self._closing: list[int] = []
        self.closed: Callable[[int], None] = inflight.end if soon is None else self._closed
        """See `Inflight.end`; once the answer is with the system."""
        self.closed_at_once: Callable[[int], None] = inflight.end
        """See `Inflight.end`; for calls that are never in doubt."""

    def trace(self, traceparent: bytes | None, tracestate: bytes | None) -> TraceContext:
        """Continue the caller's trace, or begin one."""
        return tracecontext.continue_(traceparent, tracestate, sample=self._sample)

    def begun(  # noqa: PLR0917 - on the hot path, names cost
        self, request_id: str, decision: Decision | None, operation: OperationClass, key: str | None
    ) -> int:
        """Note a call before it is sent to anybody; see `Inflight.begin`."""
        if operation is not _UNSAFE or decision is None:
            return self._inflight.begin(request_id, None, operation, None)
        self._noted[id(decision)] = key_hash = self._hash(decision, key)
        return self._inflight.begin(request_id, decision.route, operation, key_hash)

    def _ended(self, ended: Ended) -> None:
        self._tally.add(ended)
        decision, outcome = ended.decision, ended.outcome
        key_hash = None
        if decision is not None:
            # An unsafe call's was made when it began; the decision lives as long as the call.
            key_hash = self._noted.pop(id(decision), None) or self._hash(decision, ended.key)
        if len(self._records) < self._limit:
            version = self._version() if decision is None else 0
            self._records.append(encode(ended, key_hash=key_hash, version=version))
        else:
            self._tally.count(fields.BANYAN_DECISIONS_DROPPED)
        if decision is not None and decision.reason not in _USUAL:
            self._tally.count(fields.BANYAN_KEYS_UNUSABLE, ended.route, decision.reason)
        if ended.trace.sampled:
            tracing.tell(self._spans.of(ended, key_hash=key_hash))
        if outcome is not _ANSWERED:
            self._not_answered(ended, key_hash)

    def refused(self, reason: str) -> None:
        """Count a request whose head could not be read; it never became a call."""
        self._tally.count(fields.BANYAN_CALLS_REFUSED, None, reason)

    def doubted(self, slot: int) -> None:
        """Keep a call in flight until its in-doubt record is on the disk: a kill in between must not lose it."""
        self._doubted.append(slot)

    def _closed(self, slot: int) -> None:
        if not self._closing and self._soon is not None:
            self._soon(self._close)
        self._closing.append(slot)

    def _close(self) -> None:
        for slot in self._closing:
            self._inflight.end(slot)
        self._closing.clear()

    def flush(self) -> Flushed:
        """Return what was accounted for since the last time."""
        records, doubts, slots = self._records, self._doubts, self._doubted
        self._records, self._doubts, self._doubted = [], [], []
        return Flushed(self._tally.take(), list(_packs(records)), doubts, slots)

    def kept(self, slots: Sequence[int]) -> None:
        """End the calls in doubt whose records are on the disk."""
        for slot in slots:
            self._inflight.end(slot)

    def _not_answered(self, ended: Ended, key_hash: str | None) -> None:
        outcome = ended.outcome
        if outcome is Outcome.REFUSED:
            self._tally.count(fields.BANYAN_CALLS_REFUSED, ended.route, ended.error or "unknown")
        elif outcome is Outcome.IN_DOUBT:
            self._doubts.append(_doubt(ended, key_hash, why=ended.error))
        elif _is_owed(ended):
            self._doubts.append(_doubt(ended, key_hash, why=f"{OWED}{ended.error}"))
        bound = _BOUND_A_SECOND.get(outcome)
        if bound is None or ended.trace.sampled:
            return
        if self._shows(bound, (ended.started_ns + ended.duration_ns) // _NS_PER_S):
            tracing.tell(self._spans.of(ended, key_hash=key_hash))
        else:
            self._tally.count(fields.BANYAN_SPANS_DROPPED)

    def _shows(self, bound: int, second: int) -> bool:
        """Tell whether spans of one more call may be kept in this second; building them costs ten calls' price."""
        if second != self._second:
            self._second = second
            self._shown.clear()
        shown = self._shown.get(bound, 0)
        self._shown[bound] = shown + 1
        return shown < bound

    def _hash(self, decision: Decision, key: str | None) -> str | None:
        """Return the keyed hash of the canonical key; None where it has none, or where there is no secret."""
        if key is None or self._keys is None:
            return None
        rule = self._rules().get(decision.route)
        if rule is None or decision.bucket is None:
            return None
        # Not remembered: that would keep personal keys in memory, and costs about as much as making it again.
        try:
            return self._keys(rule.key.of(key))
        except RecordError:
            return None  # the ruleset has changed since the call was decided


def _is_owed(ended: Ended) -> bool:
    """Tell whether legacy may have a write that was the modern side's, whatever its caller got of the answer."""
    decided = ended.decision is not None and ended.decision.side is Side.MODERN
    return decided and ended.side is Side.LEGACY and ended.operation is OperationClass.IDEMPOTENT and ended.attempts > 0


def left_in_doubt(call: InflightCall, at: datetime) -> LogRecord:
    """Return the in-doubt record of a call that was in flight when its worker died."""
    return _doubtful(
        call.request_id or "",
        {
            "route": call.route,
            "class": call.operation,
            "key_hash": call.key_hash,
            "side": call.side,
            "backend": call.backend,
            "at": at.isoformat(timespec="milliseconds"),
            "why": "worker_died",
            "trace_id": None,
        },
    )


def _doubt(ended: Ended, key_hash: str | None, *, why: str | None) -> LogRecord:
    at = datetime.fromtimestamp((ended.started_ns + ended.duration_ns) / _NS_PER_S, UTC)
    return _doubtful(
        ended.request_id,
        {
            "route": ended.route,
            "class": ended.operation,
            "key_hash": key_hash,
            "side": ended.side,
            "backend": ended.backend,
            "at": at.isoformat(timespec="milliseconds"),
            "why": why,
            "trace_id": ended.trace.trace_id,
        },
    )


def _doubtful(request_id: str, facts: Mapping[str, str | None]) -> LogRecord:
    value = json.dumps({"request_id": request_id} | dict(facts), separators=(",", ":"))
    return LogRecord(key=request_id.encode(), value=value.encode())


def _packs(records: Sequence[str]) -> Iterator[bytes]:
    start, size = 0, 0
    for place, record in enumerate(records):
        if size + len(record) + 2 > PACK_BYTES - 2 and place > start:
            yield _pack(records[start:place])
            start, size = place, 0
        size += len(record) + 2
    if start < len(records):
        yield _pack(records[start:])


def _pack(records: Sequence[str]) -> bytes:
    return ("[" + ",\n".join(records) + "]").encode("ascii")
