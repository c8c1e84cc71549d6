"""What becomes of a delivery, by what was delivered before and by the declared policies. Pure."""

from dataclasses import dataclass, replace
from typing import Literal

from adapters.batch.config import Config
from adapters.batch.delivery import Delivery, rank
from adapters.batch.ledger import Entry, Ledger, entry_id
from adapters.batch.snapshot.guard import how_to_accept

__all__ = ["Verdict", "decide", "decide_new", "identify", "let_through"]

Action = Literal["publish", "skip", "duplicate", "hold", "quarantine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a delivery, and why."""

    action: Action
    """`skip` is for a file that is still there after it was delivered."""
    policy: str = ""
    same_as: str | None = None
    expected: str = ""
    found: str = ""
    """With `expected`, why it is held or quarantined."""
    rule: str | None = None
    """What holds it, where that is no policy."""
    next_step: str | None = None
    until: bool = False
    """Held until another delivery is published."""


def identify(delivery: Delivery, ledger: Ledger, config: Config) -> Delivery:
    """Return the delivery with its name as a part of it, where that is declared.

    What was delivered under the name before that was declared stays what it was.
    """
    if config.duplicate == "skip" or any(
        not _is_named(e) and e.file == delivery.file for e in ledger.same_content(delivery)
    ):
        return delivery
    return replace(delivery, is_named=True)


def decide(delivery: Delivery, ledger: Ledger, config: Config) -> Verdict:
    """Return what becomes of an identified delivery."""
    known = ledger.same_content(delivery)
    if config.duplicate == "publish":
        known = [each for each in known if each.file == delivery.file]
    done = next((each for each in known if each.outcome == "published"), None)
    if done is not None:
        if any(each.file == delivery.file for each in known):
            return Verdict(action="skip")
        return Verdict(action="duplicate", policy="duplicate: skip", same_as=done.file)
    if known:  # begun before: it goes on, whatever has changed since
        return Verdict(action="publish", policy=known[0].policy)
    return decide_new(delivery, ledger, config)


def decide_new(delivery: Delivery, ledger: Ledger, config: Config) -> Verdict:
    """Return what the policies make of a delivery that was not begun before."""
    before = ledger.get(entry_id(delivery))
    if before is not None and before.outcome == "quarantined" and not _is_accepted(delivery, config):
        return Verdict(action="skip")
    return _in_order(delivery, ledger, config)


def _in_order(delivery: Delivery, ledger: Ledger, config: Config) -> Verdict:
    verdicts = [_late(delivery, ledger, config), _gap(delivery, ledger, config), _correction(delivery, ledger, config)]
    told = [verdict for verdict in verdicts if verdict is not None]
    policy = ", ".join(verdict.policy for verdict in told)
    if _is_accepted(delivery, config):
        return Verdict(action="publish", policy=f"{policy}; accepted by the settings" if policy else "")
    barred = next((verdict for verdict in told if verdict.action != "publish"), None)
    return barred or Verdict(action="publish", policy=policy)


def _late(delivery: Delivery, ledger: Ledger, config: Config) -> Verdict | None:
    newest = ledger.newest()
    if newest is None or rank(delivery.business_date, delivery.sequence) >= rank(newest.business_date, newest.sequence):
        return None
    policy = f"late: {config.late}"
    if config.late == "publish":
        return Verdict(action="publish", policy=policy)
    return Verdict(
        action="hold" if config.late == "hold" else "quarantine",
        policy=policy,
        expected=f"nothing before {_said(newest.business_date, newest.sequence)}, which was published",
        found=_said(delivery.business_date, delivery.sequence),
        next_step=let_through(delivery, config),
    )


def _gap(delivery: Delivery, ledger: Ledger, config: Config) -> Verdict | None:
    numbers = {each.sequence for each in ledger if each.is_delivered and each.sequence is not None}
    if delivery.sequence is None or not numbers or delivery.sequence <= min(numbers):
        return None
    if delivery.sequence - 1 in numbers:
        return None
    policy = f"gap: {config.gap}"
    if config.gap == "publish":
        return Verdict(action="publish", policy=policy)
    return Verdict(
        action="hold",
        policy=policy,
        expected=f"sequence {delivery.sequence - 1} before {delivery.sequence}",
        found="none",
        next_step=f"deliver sequence {delivery.sequence - 1}: it goes on by itself; or {let_through(delivery, config)}",
        until=True,
    )


def _correction(delivery: Delivery, ledger: Ledger, config: Config) -> Verdict | None:
    others = ledger.same_name(delivery)
    if not others:
        return None
    policy = f"correction: {config.correction}"
    if config.correction == "publish":
        return Verdict(action="publish", policy=policy)
    newest = max(others, key=lambda each: each.arrived)
    return Verdict(
        action="hold",
        policy=policy,
        expected=f"the content that was published under this name, {(newest.sha256 or '')[:12]}",
        found=f"other, {delivery.sha256[:12]}",
        next_step=let_through(delivery, config),
    )


def _is_accepted(delivery: Delivery, config: Config) -> bool:
    return config.acceptance(delivery.sha256) is not None


def let_through(delivery: Delivery, config: Config) -> str:
    """Return what somebody does to publish a delivery that is held."""
    if config.snapshot is not None:
        return how_to_accept(delivery)
    return f"to publish it all the same, add {delivery.sha256[:12]} to the setting accept and start the adapter again"


def _said(day: object, number: int | None) -> str:
    return " ".join([*([] if day is None else [str(day)]), *([] if number is None else [f"sequence {number}"])])


def _is_named(entry: Entry) -> bool:
    return any(part.startswith("n") for part in entry.id.split(":")[1:])
