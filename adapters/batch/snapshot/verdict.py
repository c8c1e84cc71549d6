"""What becomes of an extract, by the extracts before it and by the declared policies: the stricter holds. Pure."""

from dataclasses import replace

from adapters.batch.config import Config
from adapters.batch.identity import Verdict, decide_new
from adapters.batch.ledger import Ledger, entry_id
from adapters.batch.snapshot.history import Begun, Known, Older

__all__ = ["decide"]

_NEVER = "take it away: what is older than the extract in force is not compared, accepted or not"


def decide(found: Begun | Known | Older, ledger: Ledger, config: Config) -> Verdict:
    """Return what becomes of an extract of which the history said this."""
    delivery = found.delivery
    if isinstance(found, Known):
        if found.file == delivery.file:
            return Verdict(action="skip")
        return Verdict(action="duplicate", policy="duplicate: skip", same_as=found.file)
    if isinstance(found, Begun) and found.checkpoint is not None:
        known = ledger.get(entry_id(delivery))
        return Verdict(action="publish", policy=known.policy if known else "")
    verdict = decide_new(delivery, ledger, config)
    if isinstance(found, Older):
        return _older(found, verdict)
    reason = config.acceptance(delivery.sha256)
    if verdict.action != "publish" or reason is None:
        return verdict
    return replace(verdict, policy=f"{verdict.policy}: {reason}" if verdict.policy else f"accepted: {reason}")


def _older(found: Older, verdict: Verdict) -> Verdict:
    """Return a verdict that no acceptance changes, since the state has gone on."""
    if verdict.action == "skip":
        return verdict
    return Verdict(
        action="quarantine" if verdict.action == "quarantine" else "hold",
        policy=verdict.policy if verdict.action == "quarantine" else "older_extract: hold",
        rule="older_extract",
        expected=found.expected,
        found=found.found,
        next_step=_NEVER,
    )
