"""What is known of a call when it has ended: all that counters, records and spans are made of."""

from typing import NamedTuple

from routers.decision import Decision
from routers.stage import OperationClass, Side, Word

__all__ = ["Ended", "Hashes", "Outcome", "TraceContext"]


class Outcome(Word):
    """How a call ended."""

    ANSWERED = "answered"
    """The decided side answered, or legacy where no route took the call; a fault or 4xx of theirs is an answer."""
    FELL_BACK = "fell_back"
    """The modern side failed or was left alone, and legacy answered."""
    REFUSED = "refused"
    """The request broke a rule of HTTP or SOAP, or a bound; it was sent to nobody."""
    REJECTED = "rejected"
    """It had no fit key, and the capability rejects such calls; it was sent to nobody."""
    FAILED = "failed"
    """No side answered, and it is known that nothing was done or that asking again is no harm."""
    IN_DOUBT = "in_doubt"
    """An unsafe call was sent, and whether it was done is not known."""
    CUT = "cut"
    """The answer ended before its end; the caller's connection was closed."""
    ABANDONED = "abandoned"
    """The caller left before its answer ended."""


class TraceContext(NamedTuple):
    """W3C trace context of one call."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """The façade's own span, 16 hex digits: the parent of what the backend records."""
    parent_id: str | None
    """The caller's span; None where the trace begins here."""
    flags: int
    """Trace-flags that go on: the known ones of the caller; of a trace that begins here, that its id is random."""
    tracestate: str
    """The caller's, unchanged; empty where there is none, or where it is not valid."""
    sampled: bool
    """The façade keeps this call's spans whatever its outcome."""


class Hashes(NamedTuple):
    """The sha256 of the bodies of one call, in hex; None where the body did not come whole."""

    request: str | None
    answer: str | None
    """None also where the caller got an answer of the façade's own."""


class Ended(NamedTuple):
    """One call that has ended."""

    request_id: str
    listener: str
    method: str
    path: str
    """Without the query, which may be personal."""
    route: str | None
    """`capability/route`; None where no route took it."""
    operation: OperationClass
    decision: Decision | None
    """None where no route took it."""
    key: str | None
    """As the call had it: personal, so only its keyed hash may go anywhere."""
    backend: str | None
    """The backend whose answer the caller got, or that was asked last."""
    side: Side | None
    """The side of that backend; legacy where no route took the call."""
    status: int
    """Of the answer that the caller got; 0 where it got none."""
    outcome: Outcome
    error: str | None
    """What went wrong, in one word: `refused_connection`, `timeout`, `closed`, `malformed`, `status_503` …"""
    attempts: int
    """How many times it was sent to a backend."""
    started_ns: int
    """time.time_ns when its head was complete."""
    duration_ns: int
    """Until the last byte of the answer was handed to the system."""
    modern_ns: int
    """Duration of the attempt at the modern side, 0 without one; with the one at legacy after it, the fallback's."""
    trace: TraceContext
    hashes: Hashes | None = None
    """Where its route records them."""
