"""Who answers: the one decision for the same person on every channel. Pure; no I/O.

`side` depends on the ruleset, the route and the key alone: not on the process, the time or the call before.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from xxhash import xxh32_intdigest

from contracts.errors import RecordError
from contracts.keys import BUCKETS
from routers.rulesets.ruleset import Rule, Ruleset
from routers.stage import Side, Stage, Word

__all__ = ["Decision", "Reason", "decide", "decide_each", "decide_rule", "decide_together"]


class Reason(Word):
    """Why this side."""

    SHARE = "share"
    """The key's bucket, against the share."""
    HELD = "held"
    """The route lags behind its capability, as listed."""
    MISSING_KEY = "missing_key"
    """The call has no key."""
    UNFIT_KEY = "unfit_key"
    """The key is not of the capability's form."""
    SEVERAL_KEYS = "several_keys"
    """The call has several keys, and not all of them are on the modern side."""
    NO_ROUTE = "no_route"
    """No route takes the call: the listener's legacy backend answers."""


class Decision(NamedTuple):
    """Who answers, and why."""

    route: str
    """`capability/route`."""
    side: Side | None
    """The side that answers; None when the capability rejects a call without a fit key."""
    also: Side | None
    """The side that gets the call, too."""
    stage: Stage
    """The key's stage."""
    bucket: int | None
    """0 to 9999; None without a fit key."""
    reason: Reason
    version: int
    """The ruleset that decided."""


# Once for all calls: a member of an enumeration and a named tuple cost more to look up and to make than to use.
_SHARE: Final = Reason.SHARE
_new: Final[Callable[[type[Decision], tuple[object, ...]], Decision]] = vars(tuple)["__new__"]


def decide(ruleset: Ruleset, route: str, key: str | None) -> Decision:
    """Decide one call.

    Args:
        ruleset: The rules.
        route: `capability/route`.
        key: As the channel wrote it; None when it has none.

    Raises:
        KeyError: The ruleset has no such route.
    """
    return decide_rule(ruleset.rules[route], key, ruleset.version)


def decide_each(ruleset: Ruleset, route: str, keys: Iterable[str | None]) -> Sequence[Decision]:
    """Decide a batch of calls of one route, each as `decide` would.

    Raises:
        KeyError: The ruleset has no such route.
    """
    rule, version = ruleset.rules[route], ruleset.version
    return [decide_rule(rule, key, version) for key in keys]


def decide_rule(rule: Rule, key: str | None, version: int) -> Decision:
    """Decide one call of a rule that is at hand; `version` is that of the ruleset in force."""
    if rule.held:
        return Decision(rule.name, Side.LEGACY, None, Stage.OFF, None, Reason.HELD, version)
    if key is None:
        return _without_key(rule, Reason.MISSING_KEY, version)
    try:
        canonical = rule.key.of(key)
    except RecordError:
        return _without_key(rule, Reason.MISSING_KEY if not key.strip() else Reason.UNFIT_KEY, version)
    bucket = xxh32_intdigest((canonical + rule.suffix).encode()) % BUCKETS
    stage, answers, also = rule.next if bucket < rule.share else rule.current
    return _new(Decision, (rule.name, answers, also, stage, bucket, _SHARE, version))


def decide_together(rule: Rule, keys: Sequence[str], version: int) -> Decision:
    """Decide one call that has several keys: modern only if each key alone would be, in the same stage."""
    if rule.capability.several_keys == "reject":
        return Decision(rule.name, None, None, rule.capability.current, None, Reason.SEVERAL_KEYS, version)
    decisions = [decide_rule(rule, key, version) for key in keys]
    first = decisions[0]
    if all((each.side, each.also, each.stage) == (first.side, first.also, first.stage) for each in decisions):
        return first
    return Decision(rule.name, Side.LEGACY, None, Stage.OFF, None, Reason.SEVERAL_KEYS, version)


def _without_key(rule: Rule, reason: Reason, version: int) -> Decision:
    """Follow the capability's declared policy; never a draw."""
    if rule.capability.unfit_key == "reject":
        return Decision(rule.name, None, None, rule.capability.current, None, reason, version)
    return Decision(rule.name, Side.LEGACY, None, Stage.OFF, None, reason, version)
