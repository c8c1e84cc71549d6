"""The spans of a call, made when it is over: one for the call, and one for each side that it was sent to.

The call's SERVER span has the id that backends were given as their parent (`Ended.trace.span_id`), so that what
they and their subscribers record hangs below the call, whichever attempt it was; the CLIENT spans, which tell the
attempts apart, stand beside it. They have ids of their own, since one id can't be that of two attempts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from random import getrandbits
from typing import Final, final

from observability import fields
from observability.pastspan import PastSpan
from observability.tracing import SpanKind
from routers.decision import Decision, Reason
from routers.facade.ended import Ended, Outcome
from routers.facade.settings import FacadeSettings
from routers.rulesets.ruleset import Rule
from routers.stage import Side

__all__ = ["Spans"]

Attributes = dict[str, fields.Value]

_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_FAILED: Final = frozenset({Outcome.FAILED, Outcome.IN_DOUBT, Outcome.CUT})
_REASONS: Final = {Reason.SHARE: "split", Reason.HELD: "static"}
_SERVER_ERROR: Final = 500
_SHORT: Final = 40
_STATUS: Final = re.compile(r"status_([0-9]{3})")
# Words of a URL, not what somebody is known by: digits, escapes and long segments may be personal.
_PLAIN: Final = re.compile(r"[A-Za-z_.~-]{0,40}")


@final
class Spans:
    """Makes the spans of calls that have ended.

    Args:
        settings: Where listeners and backends are.
        rules: Returns the rules in force, by `capability/route`.
    """

    def __init__(self, settings: FacadeSettings, rules: Callable[[], Mapping[str, Rule]]) -> None:
        self._rules = rules
        self._listeners = {
            name: {
                fields.URL_SCHEME: "http" if listener.tls is None else "https",
                **_place(*listener.address.rsplit(":", 1)),
            }
            for name, listener in settings.listeners.items()
        }
        self._backends = {name: _place(backend.host, str(backend.port)) for name, backend in settings.backends.items()}

    def of(self, ended: Ended, *, key_hash: str | None) -> Iterator[PastSpan]:
        """Yield the call's span, then those of its attempts."""
        rule = None if ended.route is None else self._rules().get(ended.route)
        failed = ended.outcome in _FAILED or ended.status >= _SERVER_ERROR
        decision = ended.decision
        yield PastSpan(
            name=fields.span_name(_word(ended), ended.route or ended.listener),
            kind=SpanKind.SERVER,
            trace_id=ended.trace.trace_id,
            span_id=ended.trace.span_id,
            parent_id=ended.trace.parent_id,
            remote_parent=True,
            start_ns=ended.started_ns,
            end_ns=ended.started_ns + ended.duration_ns,
            attributes=self._call(ended, rule, key_hash),
            events={} if decision is None else {fields.FEATURE_FLAG_EVALUATION: _evaluation(decision)},
            error=_told(ended) if failed else None,
        )
        yield from self._attempts(ended, rule)

    def _call(self, ended: Ended, rule: Rule | None, key_hash: str | None) -> Attributes:
        found = _method(ended.method) | self._listeners.get(ended.listener, {})
        found[fields.BANYAN_OUTCOME] = str(ended.outcome)
        optional = {
            fields.HTTP_RESPONSE_STATUS_CODE: ended.status or None,
            fields.BANYAN_ROUTE: ended.route,
            fields.BANYAN_SIDE: None if ended.side is None else str(ended.side),
            fields.BANYAN_KEY_HASH: key_hash,
            fields.ERROR_TYPE: ended.error,
        }
        if (decision := ended.decision) is not None:
            optional |= {
                fields.BANYAN_STAGE: str(decision.stage),
                fields.BANYAN_BUCKET: decision.bucket,
                fields.BANYAN_REASON: str(decision.reason),
                fields.FEATURE_FLAG_VERSION: str(decision.version),
            }
        return found | _path(ended, rule) | {name: value for name, value in optional.items() if value is not None}

    def _attempts(self, ended: Ended, rule: Rule | None) -> Iterator[PastSpan]:
        end_ns = ended.started_ns + ended.duration_ns
        fell_back = ended.outcome is Outcome.FELL_BACK
        asked_modern = ended.modern_ns > 0
        # The modern side is asked first; what comes after it is the fallback's.
        turn_ns = ended.started_ns + ended.modern_ns
        if asked_modern and (fell_back or ended.side is Side.LEGACY):
            modern = None if rule is None else rule.route.modern
            failed = ended.error or "failed"
            yield self._attempt(ended, (Side.MODERN, modern), during_ns=(ended.started_ns, turn_ns), error=failed)
            yield self._attempt(ended, (Side.LEGACY, ended.backend), during_ns=(turn_ns, end_ns), error=_last(ended))
        elif ended.attempts:
            start_ns = end_ns - ended.modern_ns if asked_modern else ended.started_ns
            whom = (ended.side, ended.backend)
            yield self._attempt(ended, whom, during_ns=(start_ns, end_ns), error=_last(ended))

    def _attempt(
        self,
        ended: Ended,
        whom: tuple[Side | None, str | None],
        *,
        during_ns: tuple[int, int],
        error: str | None,
    ) -> PastSpan:
        side, backend = whom
        status = _STATUS.fullmatch(error or "")
        code = int(status[1]) if status else ended.status if error is None else 0
        optional = {
            fields.BANYAN_SIDE: None if side is None else str(side),
            fields.HTTP_RESPONSE_STATUS_CODE: code or None,
            fields.ERROR_TYPE: error,
        }
        return PastSpan(
            name=fields.span_name(_word(ended), backend or "backend"),
            kind=SpanKind.CLIENT,
            trace_id=ended.trace.trace_id,
            span_id=f"{getrandbits(64) or 1:016x}",
            parent_id=ended.trace.span_id,
            start_ns=during_ns[0],
            end_ns=during_ns[1],
            attributes=_method(ended.method)
            | self._backends.get(backend or "", {})
            | {name: value for name, value in optional.items() if value is not None},
            error=error,
        )


def _place(host: str, port: str) -> Attributes:
    return {fields.SERVER_ADDRESS: host.strip("[]"), fields.SERVER_PORT: int(port)}


def _word(ended: Ended) -> str:
    """Return the first word of a span's name, which must not be a caller's invention."""
    return ended.method if ended.method in _METHODS else "HTTP"


def _method(method: str) -> Attributes:
    if method in _METHODS:
        return {fields.HTTP_REQUEST_METHOD: method}
    return {fields.HTTP_REQUEST_METHOD: "_OTHER", fields.HTTP_REQUEST_METHOD_ORIGINAL: method[:_SHORT]}


def _path(ended: Ended, rule: Rule | None) -> Attributes:
    """Return the path as far as it can't be personal, and what else the route tells."""
    if rule is not None and rule.route.soap is not None:
        return {fields.URL_PATH: ended.path, fields.RPC_SYSTEM_NAME: "soap", fields.RPC_METHOD: rule.route.soap}
    if rule is not None and rule.route.rest is not None:
        template = rule.route.rest.partition(" ")[2]
        return {fields.URL_PATH: template, fields.HTTP_ROUTE: template}
    return {fields.URL_PATH: "/".join(part if _PLAIN.fullmatch(part) else "*" for part in ended.path.split("/"))}


def _evaluation(decision: Decision) -> Attributes:
    found: Attributes = {
        fields.FEATURE_FLAG_KEY: decision.route,
        fields.FEATURE_FLAG_SET_ID: decision.route.partition("/")[0],
        fields.FEATURE_FLAG_VERSION: str(decision.version),
        fields.FEATURE_FLAG_PROVIDER_NAME: "banyan",
        fields.FEATURE_FLAG_RESULT_VARIANT: "reject" if decision.side is None else str(decision.side),
        fields.FEATURE_FLAG_RESULT_REASON: _REASONS.get(decision.reason, "default"),
        fields.BANYAN_REASON: str(decision.reason),
        fields.BANYAN_STAGE: str(decision.stage),
    }
    return found if decision.bucket is None else found | {fields.BANYAN_BUCKET: decision.bucket}


def _last(ended: Ended) -> str | None:
    """Return what was wrong with the attempt that came last."""
    if ended.outcome in _FAILED:
        return ended.error or str(ended.outcome)
    return f"status_{ended.status}" if ended.status >= _SERVER_ERROR else None


def _told(ended: Ended) -> str:
    return f"{ended.outcome}: {ended.error}" if ended.error else f"{ended.outcome}: status_{ended.status}"
