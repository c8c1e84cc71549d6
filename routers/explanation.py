"""Why a call went where it went, and what became of it, in sentences. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from routers.decision import Reason
from routers.decision_record import DecisionRecord
from routers.facade.ended import Outcome
from routers.rulesets.chain import Manifest
from routers.rulesets.difference import percent
from routers.rulesets.ruleset import Rule

OWED: Final = "owed_to_modern:"
"""How the reason of an in-doubt record begins that is about a write which only legacy has."""

__all__ = ["OWED", "doubted", "explain"]

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "That side answered",
    Outcome.FELL_BACK: "The modern side failed or was left alone, and legacy answered instead",
    Outcome.REFUSED: "It was refused, since it broke a rule of HTTP or SOAP or a bound; nobody was asked",
    Outcome.REJECTED: "It was rejected, as the capability says; nobody was asked",
    Outcome.FAILED: "No side answered; nothing was done, or asking again is no harm",
    Outcome.IN_DOUBT: "It was sent, and whether it was done is not known; it was not sent again",
    Outcome.CUT: "The answer ended before its end",
    Outcome.ABANDONED: "The caller left before the answer ended",
}


def explain(
    record: DecisionRecord,
    *,
    rule: Rule | None,
    manifests: Mapping[int, Manifest],
    in_doubt: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the sentences.

    Args:
        record: What was decided, and how it ended.
        rule: The route's rule in the ruleset that decided; None where that one can't be had any more.
        manifests: Of the versions that can be had.
        in_doubt: The in-doubt record of the call, where there is one.
    """
    ended = datetime.fromtimestamp(record.ended_ms / 1000, UTC).isoformat(timespec="milliseconds")
    route = f"took route {record.route}" if record.route else "was taken by no route"
    return [
        f"Request {record.request_id} {route}, and ended at {ended}.",
        *_decided(record, rule),
        *_applied(record, rule, manifests),
        _became(record),
        *([] if in_doubt is None else [doubted(in_doubt)]),
        *_hashed(record),
        f"Its trace is {record.trace_id}; `banyan trace {record.trace_id}` shows it where it was sampled.",
    ]


def _is_own(record: DecisionRecord) -> bool:
    return record.outcome is Outcome.ANSWERED and record.backend is None and record.attempts == 0


def _decided(record: DecisionRecord, rule: Rule | None) -> Iterator[str]:
    if _is_own(record):
        yield "No side was chosen: it asked for the contract that the façade serves there itself."
        return
    side = "No side" if record.side is None else f"The {record.side} side"
    why = {
        Reason.HELD: f"its route is held back{'' if rule is None else f': {rule.route.held}'}",
        Reason.MISSING_KEY: "the call had no key, and that is the capability's rule for it",
        Reason.UNFIT_KEY: "the call's key was not of the capability's form, and that is its rule for it",
        Reason.SEVERAL_KEYS: "the call had several keys that are not all on the modern side",
        Reason.NO_ROUTE: "no route takes the call: the listener's legacy backend answers",
        None: "no route takes the call: the listener's legacy backend answers",
    }
    if record.reason is Reason.SHARE:
        yield f"{side} was chosen: {_drawn(record, rule)}, so its stage was {record.stage}."
    else:
        yield f"{side if record.route else 'The legacy side'} was chosen: {why[record.reason]}."


def _drawn(record: DecisionRecord, rule: Rule | None) -> str:
    bucket = record.bucket or 0
    if rule is None:
        return f"its key falls in bucket {bucket}, which ruleset {record.version} gives to that side"
    share = rule.capability.share
    relation = "below" if bucket < share else "not below"
    return (
        f"its key falls in bucket {bucket}, {relation} the share {share} ({percent(share)}) of {rule.capability_name}"
    )


def _applied(record: DecisionRecord, rule: Rule | None, manifests: Mapping[int, Manifest]) -> Iterator[str]:
    version = record.version if rule is None else rule.version
    manifest = manifests.get(version)
    if record.version == 0:
        yield "There was no ruleset."
    elif manifest is None:
        yield f"Ruleset {record.version} decided; it is not on the topic that is read here."
    else:
        since = "" if version == record.version else f"; its rule stands since ruleset {version}"
        applied = f"applied by {manifest.author} at {manifest.at.isoformat(timespec='seconds')}"
        yield f"Ruleset {record.version} decided{since}, {applied}, because: {manifest.reason}"


def _became(record: DecisionRecord) -> str:
    asked = f" Backend {record.backend}" if record.backend else " No backend"
    times = "once" if record.attempts == 1 else f"{record.attempts} times"
    sent = f"{asked} was the last one asked; the call was sent {times}" if record.attempts else " It was not sent"
    status = f"the caller got status {record.status}" if record.status else "the caller got no answer"
    if _is_own(record):
        return f"The façade answered, and {status}."
    return f"{_OUTCOMES[record.outcome]}.{sent}, and {status}."


def _hashed(record: DecisionRecord) -> Iterator[str]:
    request, answer = record.request_sha256, record.answer_sha256
    if request is not None:
        yield f"The request's body has the sha256 {request}."
    if answer is not None:
        yield f"The answer's body has the sha256 {answer}."
    if request is not None and answer is None:
        yield "No sha256 of an answer: no side gave one, or it did not come whole."


def doubted(entry: Mapping[str, Any]) -> str:
    """Return the sentence about an in-doubt record."""
    why = str(entry.get("why", "unknown"))
    if why.startswith(OWED):
        return (
            f"The modern side is owed this write since {entry.get('at', 'an unknown time')}: {why.removeprefix(OWED)}."
        )
    where = f"{entry.get('side', 'unknown')} side, backend {entry.get('backend', 'unknown')}"
    return f"It is in doubt since {entry.get('at', 'an unknown time')}: {why} ({where})."
