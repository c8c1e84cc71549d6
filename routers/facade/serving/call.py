"""One call: from its head to the side that answers, and to the other side where that is safe."""

from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, final

from routers.decision import Decision, decide_rule, decide_together
from routers.facade.accounting.body_hashes import BodyHashes
from routers.facade.accounting.captures import Capture
from routers.facade.ended import Ended, Outcome
from routers.facade.http.chunks import LAST_CHUNK, chunk
from routers.facade.http.forwarding import answer_head, interim_head, request_head, trailer_part
from routers.facade.http.head import AnswerHead, RefusedError, RequestHead
from routers.facade.serving.home import Client, Home
from routers.facade.serving.pool import Pool
from routers.facade.serving.port import Exchange
from routers.facade.serving.reply import own_reply
from routers.facade.soap.inquiry import Inquiry
from routers.stage import OperationClass, Side, Stage

__all__ = ["Call"]

_STATUS: Final = {"timeout": 504, "connect_timeout": 504, "breaker_open": 503, "no_connection": 503}
"""What the caller is told when no side answered; 502 otherwise."""
# Bound once: looking a member up on its enum costs ten times as much.
_LEGACY, _MODERN = Side.LEGACY, Side.MODERN
_SAFE, _UNSAFE = OperationClass.SAFE, OperationClass.UNSAFE
_ANSWERED, _FELL_BACK, _IN_DOUBT = Outcome.ANSWERED, Outcome.FELL_BACK, Outcome.IN_DOUBT
# A named tuple's own constructor costs three times as much.
_new: Final[Callable[[type[Ended], tuple[object, ...]], Ended]] = vars(tuple)["__new__"]

_FROM_A_SIDE: Final = (_ANSWERED, _FELL_BACK)
_CAN_GO_BACK: Final = frozenset({Stage.OFF, Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE})
"""While a capability's current stage is one of these, its legacy side is kept and may answer."""
_BUFFERED_BYTES: Final = 262_144
"""How much of a body is held while nobody takes it; then the caller waits."""


@final
class Call:
    """The asker port for a plain split: one side, and the other when that one fails and it is safe."""

    # Defaults stand on the class: most calls change few of them, and each assignment costs.
    _parts_bytes: int = 0
    _hashes: BodyHashes | None = None
    _capture: Capture | None = None
    _decision: Decision | None = None
    _key: str | None = None
    _pool: Pool | None = None
    _answer: AnswerHead | None = None
    _error: str | None = None
    _whole: bool = False
    _abandoned: bool = False
    _fell_back: bool = False
    _rechunked: bool = False
    _over: bool = False
    _sending: bool = False
    _keep_alive: bool = False
    _attempts: int = 0
    _modern_ns: int = 0
    _sent_at: int = 0
    _slot: int = -1

    def __init__(self, home: Home, client: Client, request: RequestHead) -> None:
        names = request.names
        self._home, self._client, self._request = home, client, request
        self._started = perf_counter_ns()
        self.id = home.request_id(names.get(b"x-request-id"))
        self.trace = home.account.trace(names.get(b"traceparent"), names.get(b"tracestate"))
        self._inquiry = Inquiry(home.matcher, request)
        self._parts: list[bytes] | None = []
        """Of the body, to be sent, perhaps twice; None when it is gone: too long to keep, or never to be repeated."""
        self.operation: OperationClass = _UNSAFE
        self._side: Side = _LEGACY
        self._exchange: Exchange | None = None

    @property
    def method(self) -> bytes:
        """Return the request's method; see the port."""
        return self._request.method

    @property
    def repeatable(self) -> bool:
        """Tell whether it may be sent again; see the port."""
        return self.operation is not _UNSAFE and self._parts is not None

    # From the caller.

    def begin(self, data: bytes, *, whole: bool) -> None:
        """Take the first part of the body, and find out whom the call is for."""
        inquiry = self._inquiry
        self._parts, self._parts_bytes, self._whole = [data], len(data), whole
        try:
            if inquiry.begin(data, whole=whole, limit_bytes=self._home.limits.inspect_bytes):
                self._decide(inquiry)
        except RefusedError as error:
            self.refuse(error.status, error.reason)

    def request_more(self, data: bytes, *, whole: bool) -> None:
        """Take more of the body; `whole` with its last part."""
        if self._over:
            return
        self._keep(data, whole=whole)
        if self._sending and self._exchange is not None:
            self._exchange.write(self._framed(data, last=whole), last=whole)
        elif not self._sending:
            try:
                if self._inquiry.feed(data, whole=whole):
                    self._decide(self._inquiry)
            except RefusedError as error:
                self.refuse(error.status, error.reason)
        elif self._parts_bytes > _BUFFERED_BYTES:
            self._client.hold(full=True)

    def refuse(self, status: int, reason: str, *, outcome: Outcome = Outcome.REFUSED) -> None:
        """Answer with an error of our own, or cut the answer that has begun."""
        if self._leave() and self.operation is _UNSAFE:
            outcome = Outcome.IN_DOUBT  # a side has the beginning of it
        self._error = reason
        self._own_answer(status, reason, outcome)

    def caller_left(self) -> None:
        """Go on without a caller where a side may be doing something; else give up."""
        if self._over:
            return
        self._abandoned = True
        if self._exchange is not None and self._whole and self.operation is not _SAFE:
            self._exchange.resume()
            return  # what becomes of it must be known
        self._error = self._error or "caller_left"
        unknown = self._leave() and self.operation is _UNSAFE
        self._end(Outcome.IN_DOUBT if unknown else Outcome.ABANDONED, status=0)

    def _leave(self) -> bool:
        """Let go of the side that is asked; tell whether it may have something of the call."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.give_up()
        elif self._pool is not None:
            self._pool.forget(self)
        return exchange is not None

    def caller_full(self, *, full: bool) -> None:
        """Take no more of the answer while the caller does not read it."""
        if self._exchange is not None:
            (self._exchange.pause if full else self._exchange.resume)()

    # To a side.

    def _keep(self, data: bytes, *, whole: bool) -> None:
        self._whole = whole
        if self._hashes is not None:
            self._hashes.asked(data)
        if self._capture is not None:
            self._capture.request(data)
        if self._parts is None:
            return
        self._parts.append(data)
        self._parts_bytes += len(data)
        if self._parts_bytes > self._home.limits.replay_bytes and self._exchange is not None:
            self._parts = None

    def _decide(self, inquiry: Inquiry) -> None:
        """Ask the ruleset, and send the call to the side that it names."""
        rule, keys = inquiry.rule, inquiry.keys
        if rule is None:
            self._send(_LEGACY, self._client.legacy)
            return
        route, version = rule.route, self._home.ruleset.version
        self.operation = route.operation
        if rule.record_hashes:
            self._hashes = BodyHashes(self._parts or ())
        captures = self._home.account.captures
        if captures is not None and self._request.method == b"POST":
            self._capture = captures.begin(rule.name, route.soap, self._parts or [])
        if len(keys) <= 1:
            self._key = key = keys[0] if keys else None
            self._decision = decision = decide_rule(rule, key, version)
        else:
            self._key = keys[0]
            self._decision = decision = decide_together(rule, keys, version)
        side = decision[1]
        if side is None:
            self.refuse(400, "rejected", outcome=Outcome.REJECTED)
        elif decision[2] is not None:
            self.refuse(503, "stage_not_served", outcome=Outcome.FAILED)
        else:
            self._send(side, (route.legacy if side is _LEGACY else route.modern) or self._client.legacy)

    def _send(self, side: Side, backend: str) -> None:
        home = self._home
        self._side, self._sending = side, True
        self._pool = pool = home.pools[backend]
        if not pool.breaker.lets_through(home.clock.now, self):
            self.failed("breaker_open", sent=False)
            return
        self._sent_at = perf_counter_ns()
        pool.ask(self)

    def connected(self, exchange: Exchange) -> None:
        """Write what there is of the request; see the port."""
        self._exchange, parts, pool, account = exchange, self._parts, self._pool, self._home.account
        if parts is None or pool is None or self._over:
            exchange.give_up()
            self.failed("closed", sent=True)
            return
        self._attempts += 1
        if self._slot < 0:
            self._slot = account.begun(self.id, self._decision, self.operation, self._key)
        account.sent(self._slot, self._side, pool.name)
        request, whole = self._request, self._whole
        head = request_head(request, origin=self._client.origin, trace=self.trace, request_id=self.id, host=pool.host)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if not whole:
            self._client.hold(full=False)
        exchange.write(head + (self._framed(body, last=whole) if request.chunked else body), last=whole)
        if self.operation is _UNSAFE or self._parts_bytes > self._home.limits.replay_bytes:
            self._parts = None  # it will not be sent again

    def _framed(self, data: bytes, *, last: bool) -> bytes:
        if not self._request.chunked:
            return data
        return (chunk(data) if data else b"") + (LAST_CHUNK if last else b"")

    def congested(self, *, full: bool) -> None:
        """Hold the caller while the backend does not take more; see the port."""
        self._client.hold(full=full)

    # From a side.

    def interim(self, answer: AnswerHead) -> None:
        """Pass on an interim answer; see the port. The caller's own 100 has been sent already."""
        if answer.status != 100 and self._request.minor and not self._abandoned:  # noqa: PLR2004 - Continue
            self._client.write(interim_head(answer))

    def answered(self, answer: AnswerHead, data: bytes, *, ended: bool) -> None:
        """Take the head and what came with it; see the port."""
        exchange, pool = self._exchange, self._pool
        if ended:
            self._exchange = None  # it may serve another call from now on
        if pool is not None and answer.status in pool.failing and self._may_fall_back(sent=True):
            if not ended and exchange is not None:
                exchange.give_up()
            self._fall_back(f"status_{answer.status}")
            return
        self._answer = answer
        if self._capture is not None:
            self._capture.reply(data)
        if not self._abandoned:
            self._pass_on(answer, data)
            if ended:
                self._complete()
        elif ended:
            self._end(Outcome.ABANDONED, status=answer.status)

    def _pass_on(self, answer: AnswerHead, data: bytes) -> None:
        home, request = self._home, self._request
        if self._hashes is not None:
            self._hashes.answered(data)
        keep_alive = request.keep_alive and self._whole and not home.draining
        if answer.length < 0:
            self._rechunked = request.minor
            keep_alive = keep_alive and request.minor
            if data and request.minor:
                data = chunk(data)
        self._keep_alive = keep_alive
        head = answer_head(answer, request=request, keep_alive=keep_alive, request_id=self.id, date=home.clock.date)
        self._client.write(head + data)

    def more(self, data: bytes) -> None:
        """Take a part of the body; see the port."""
        if self._capture is not None:
            self._capture.reply(data)  # of one whose caller has left, too: a side has done what it says
        if self._abandoned:
            return
        if self._hashes is not None:
            self._hashes.answered(data)
        self._client.write(chunk(data) if self._rechunked else data)

    def ended(self, trailers: list[bytes]) -> None:
        """Take the end; see the port."""
        self._exchange = None
        if self._abandoned:
            self._end(Outcome.ABANDONED, status=0 if self._answer is None else self._answer.status)
            return
        if self._rechunked:
            self._client.write(trailer_part(trailers) if trailers else LAST_CHUNK)
        self._complete()

    def failed(self, error: str, *, sent: bool) -> None:
        """Turn to the other side where that is safe, else tell the caller; see the port."""
        self._exchange = None
        if self._over:
            return
        if self._answer is not None:
            self._error = error
            self._end(Outcome.CUT, status=self._answer.status)
            self._client.cut()
        elif self._may_fall_back(sent=sent):
            self._fall_back(error)
        else:
            self._error = error
            unknown = sent and self.operation is _UNSAFE
            status = _STATUS.get(error, 502)
            reason = "in_doubt" if unknown else error
            self._own_answer(status, reason, Outcome.IN_DOUBT if unknown else Outcome.FAILED)

    def _may_fall_back(self, *, sent: bool) -> bool:
        """Tell whether legacy may answer in the modern side's place: promise 2 of the design."""
        inquiry, decision = self._inquiry, self._decision
        if decision is None or self._side is _LEGACY or inquiry.rule is None:
            return False
        if inquiry.rule.capability.current not in _CAN_GO_BACK or self._parts is None:
            return False
        return not sent or self.operation is not _UNSAFE

    def _fall_back(self, error: str) -> None:
        self._exchange = None
        self._error, self._fell_back = error, True
        self._modern_ns = perf_counter_ns() - self._sent_at if self._sent_at else 0
        rule = self._inquiry.rule
        self._send(_LEGACY, (rule and rule.route.legacy) or self._client.legacy)

    # The end.

    def _own_answer(self, status: int, reason: str, outcome: Outcome) -> None:
        if self._answer is not None:
            self._end(Outcome.CUT, status=self._answer.status)
            self._client.cut()
            return
        if self._abandoned:
            self._end(outcome if outcome is Outcome.IN_DOUBT else Outcome.ABANDONED, status=0)
            return
        self._keep_alive = self._request.keep_alive and self._whole and not self._home.draining
        status, data = own_reply(
            status,
            reason,
            request=self._request,
            soap_version=self._inquiry.soap_version,
            request_id=self.id,
            date=self._home.clock.date,
            keep_alive=self._keep_alive,
        )
        self._client.write(data)
        self._end(outcome, status=status)
        self._client.done(keep_alive=self._keep_alive)

    def _complete(self) -> None:
        self._end(
            _FELL_BACK if self._fell_back else _ANSWERED,
            status=0 if self._answer is None else self._answer.status,
        )
        self._client.done(keep_alive=self._keep_alive)

    def _end(self, outcome: Outcome, *, status: int) -> None:
        """Account for the call, once."""
        self._over = True
        self._inquiry.release()
        account, request, decision, pool = self._home.account, self._request, self._decision, self._pool
        now = perf_counter_ns()
        hashes = self._hashes and self._hashes.told(asked=self._whole, answered=outcome in _FROM_A_SIDE)
        ended = (
            self.id,
            self._client.listener,
            request.method.decode(),
            request.path,
            None if decision is None else decision[0],
            self.operation,
            decision,
            self._key,
            None if pool is None else pool.name,
            None if pool is None else self._side,
            status,
            outcome,
            self._error,
            self._attempts,
            self._started + self._home.clock.epoch_ns,
            now - self._started,
            now - self._sent_at if self._side is _MODERN and self._sent_at else self._modern_ns,
            self.trace,
            hashes,
        )
        told = _new(Ended, ended)
        account.ended(told)
        if self._capture is not None and account.captures is not None:
            account.captures.end(self._capture, told, request, self._answer, self._whole)
        if self._slot >= 0:
            if self.operation is not _UNSAFE:
                account.closed_at_once(self._slot)
            else:
                (account.doubted if outcome is _IN_DOUBT else account.closed)(self._slot)
