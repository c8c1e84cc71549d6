"""Calls of intercepted routes, kept as they pass: their parts by reference, and packed when they are handed on."""

import json
from collections.abc import Sequence
from functools import lru_cache
from time import perf_counter_ns
from typing import Final, NamedTuple, final

from contracts.intercepted import HEAD_BYTES, NOT_KEPT, head
from observability import fields
from routers.facade.accounting.inflight import Inflight
from routers.facade.accounting.tally import Tally
from routers.facade.ended import Ended, Outcome
from routers.facade.http.head import AnswerHead, RequestHead
from routers.facade.settings import Intercept

__all__ = ["WAITING_BYTES", "Capture", "Captured", "Captures"]

WAITING_BYTES: Final = 64 * 1024**2
"""How much a worker holds that is not yet safe in Kafka or on the disk; further calls are not kept, and counted."""
PACK_BYTES: Final = 64 * 1024
"""How long a pack becomes before it is put together: longer ones cost fresh memory each time."""
_SUCCESS: Final = range(200, 300)
# Bound once: looking a member up on its enum costs ten times as much.
_FROM_A_SIDE: Final = (Outcome.ANSWERED, Outcome.FELL_BACK)
_ABANDONED: Final = Outcome.ABANDONED


class Captured(NamedTuple):
    """What was kept since the last time."""

    until_ns: int
    """By the machine's steady clock: what is told later ended later."""
    packs: Sequence[tuple[str, bytes]]
    """Route and some of its calls: a line `ROUTE CALLS FIRST LAST`, and a pack of `contracts.intercepted`.

    First and last are when the first and the last of these calls ended, by the machine's steady clock.
    """
    size_bytes: int
    """For `Captures.taken`."""


@final
class Capture:
    """One call while it passes.

    Args:
        route: `capability/route`.
        request_bytes: Longest request that is kept.
        reply_bytes: Longest reply that is kept.
        failed: Keep it, too, when it does not succeed.
        parts: What has come of the request's body by now.
    """

    __slots__ = (
        "asked", "asked_bytes", "failed", "operation", "reply_bytes", "request_bytes", "route", "said", "said_bytes",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - on the hot path, names cost
        self,
        route: str,
        operation: str | None,
        request_bytes: int,
        reply_bytes: int,
        failed: bool,  # noqa: FBT001
        parts: list[bytes],
    ) -> None:
        self.route, self.operation, self.failed = route, operation, failed
        self.request_bytes, self.reply_bytes = request_bytes, reply_bytes
        self.asked: list[bytes] | None = []
        """Parts of the request's body; None when it is too long."""
        self.said: list[bytes] | None = []
        """Parts of the reply's body; None when it is too long."""
        self.asked_bytes = self.said_bytes = 0
        for part in parts:
            self.request(part)

    def request(self, data: bytes) -> None:
        """Take more of the request's body, without its chunks' frames."""
        self.asked_bytes += len(data)
        if self.asked_bytes > self.request_bytes:
            self.asked = None
        elif self.asked is not None:
            self.asked.append(data)

    def reply(self, data: bytes) -> None:
        """Take more of the reply's body, without its chunks' frames."""
        self.said_bytes += len(data)
        if self.said_bytes > self.reply_bytes:
            self.said = None
        elif self.said is not None:
            self.said.append(data)


@final
class _Pack:
    """Calls of one route that are not put together yet."""

    __slots__ = ("calls", "first_ns", "last_ns", "parts", "size")

    def __init__(self, first_ns: int) -> None:
        self.parts: list[bytes] = []
        self.calls = self.size = 0
        self.first_ns = self.last_ns = first_ns

    def joined(self, route: str) -> bytes:
        """Return it as it is told."""
        line = f"{route} {self.calls} {self.first_ns} {self.last_ns}\n".encode()
        return b"".join([line, *self.parts])


@final
class Captures:
    """All captures of one worker; used by one thread.

    Args:
        settings: Which routes, and how much of their calls.
        tally: Counts what becomes of them.
        inflight: Notes how many were kept: so the parent knows how many a killed worker took along.
        waiting_bytes: How much is held that nobody has taken yet.
    """

    __slots__ = (
        "_count",
        "_full",
        "_inflight",
        "_kept",
        "_limit",
        "_packs",
        "_pending",
        "_routes",
        "_tally",
        "_waiting",
    )

    def __init__(
        self, settings: Intercept, *, tally: Tally, inflight: Inflight, waiting_bytes: int = WAITING_BYTES
    ) -> None:
        self._tally, self._inflight, self._limit = tally, inflight, waiting_bytes
        self._routes = {
            name: (each.request_bytes, each.reply_bytes, each.failed) for name, each in settings.routes.items()
        }
        self._packs: dict[str, _Pack] = {}
        self._full: list[tuple[str, bytes]] = []
        self._kept: dict[str, int] = {}
        self._count = self._pending = 0
        self._waiting = 0
        """Bytes that are not known to be safe; `_pending` of them were not yet told."""

    def begin(self, route: str, operation: str | None, parts: list[bytes]) -> Capture | None:
        """Return what takes the call of a route; None where it is not intercepted."""
        bounds = self._routes.get(route)
        if bounds is None:
            return None
        return Capture(route, operation, bounds[0], bounds[1], bounds[2], parts)

    def end(  # noqa: PLR0917 - on the hot path, names cost
        self,
        capture: Capture,
        ended: Ended,
        request: RequestHead,
        answer: AnswerHead | None,
        whole: bool,  # noqa: FBT001
    ) -> None:
        """Keep a call that has ended, where it is one of those that are wanted.

        Args:
            capture: What passed.
            ended: The call.
            request: Its head.
            answer: The head of the reply that its caller got, or would have got.
            whole: All of the request had come.
        """
        outcome = ended.outcome
        replied = answer is not None and (outcome in _FROM_A_SIDE or (outcome is _ABANDONED and ended.status > 0))
        if not ((replied and ended.status in _SUCCESS) or capture.failed):
            return
        facts = _facts(capture, ended, request, answer)
        asked, said = capture.asked if whole else None, capture.said if replied else None
        size = HEAD_BYTES + len(facts) + (0 if asked is None else capture.asked_bytes)
        size += 0 if said is None else capture.said_bytes
        if self._waiting + size > self._limit:
            self._tally.count(fields.BANYAN_CALLS_INTERCEPTED, capture.route, "dropped")
            return
        is_short = (whole and asked is None) or (replied and said is None)
        if is_short:
            self._tally.count(fields.BANYAN_CALLS_INTERCEPTED, capture.route, "too_long")
        else:
            self._kept[capture.route] = self._kept.get(capture.route, 0) + 1
        lengths = NOT_KEPT if asked is None else capture.asked_bytes, NOT_KEPT if said is None else capture.said_bytes
        self._keep(capture.route, size, facts, lengths, asked or (), said or ())

    def _keep(  # noqa: PLR0917 - on the hot path, names cost
        self,
        route: str,
        size: int,
        facts: bytes,
        lengths: tuple[int, int],
        asked: Sequence[bytes],
        said: Sequence[bytes],
    ) -> None:
        # The same clock in all processes of a machine: by it, the parent puts all workers' calls into one order.
        now = perf_counter_ns()
        pack = self._packs.get(route)
        if pack is None:
            pack = self._packs[route] = _Pack(now)
        parts = pack.parts
        parts.append(head(now, len(facts), lengths[0], lengths[1]))
        parts.append(facts)
        parts.extend(asked)
        parts.extend(said)
        pack.size += size
        pack.calls += 1
        pack.last_ns = now
        if pack.size > PACK_BYTES:
            self._full.append((route, pack.joined(route)))
            del self._packs[route]
        self._waiting += size
        self._pending += size
        self._count += 1
        self._inflight.captured(self._count)

    def take(self) -> Captured:
        """Return what was kept since the last time."""
        found, size = self._full, self._pending
        found.extend([(route, pack.joined(route)) for route, pack in self._packs.items()])
        for route, calls in self._kept.items():
            self._tally.count(fields.BANYAN_CALLS_INTERCEPTED, route, "kept", by=calls)
        self._kept = {}
        self._packs, self._full, self._pending = {}, [], 0
        return Captured(perf_counter_ns(), found, size)

    def taken(self, size: int) -> None:
        """Forget so many bytes of what was told: they are safe."""
        self._waiting -= size


def _facts(  # noqa: PLR0917 - on the hot path, names cost
    capture: Capture, ended: Ended, request: RequestHead, answer: AnswerHead | None
) -> bytes:
    names, decision, trace = request.names, ended.decision, ended.trace
    onward = b"" if answer is None else answer.onward
    low = onward.lower()
    constant = _constant(
        (
            capture.route,
            capture.operation,
            ended.side,
            ended.backend,
            ended.status,
            ended.outcome,
            0 if decision is None else decision.version,
            names.get(b"content-type", b""),
            names.get(b"content-encoding", b""),
            names.get(b"soapaction", b""),
            _value(onward, low, b"\r\ncontent-type:"),
            _value(onward, low, b"\r\ncontent-encoding:"),
        )
    )
    # A request id has a pattern, and a trace has hexadecimal digits: neither needs escaping.
    return (
        f'{{"request_id":"{ended.request_id}","ended_ns":{ended.started_ns + ended.duration_ns},'
        f'"traceparent":"00-{trace.trace_id}-{trace.span_id}-{trace.flags | trace.sampled:02x}",'
        f'"request_bytes":{capture.asked_bytes},"reply_bytes":{capture.said_bytes},{constant}}}'
    ).encode()


def _value(onward: bytes, low: bytes, name: bytes) -> bytes:
    """Return a field's value; a head that was read has each of these once at most."""
    at = low.find(name)
    if at < 0:
        return b""
    at += len(name)
    end = onward.find(b"\r\n", at)
    return onward[at : end if end >= 0 else len(onward)].strip(b" \t")


_NAMES: Final = (
    "route", "operation", "side", "backend", "status", "outcome", "version", "request_type", "request_coding", "action",
    "reply_type", "reply_coding",
)  # fmt: skip


@lru_cache(maxsize=256)
def _constant(values: tuple[object, ...]) -> str:
    """Return what many calls have in common, as the inside of a JSON object."""
    texts = [value.decode("latin-1") if isinstance(value, bytes) else value for value in values]
    return json.dumps(dict(zip(_NAMES, texts, strict=True)), separators=(",", ":"))[1:-1]
