"""Bounds of a file's size and count, which hold it before anything of it is published. Pure."""

from collections.abc import Iterator

from adapters.batch.config import Config
from adapters.batch.delivery import Delivery
from adapters.batch.expected.settings import Expected
from adapters.batch.identity import let_through
from adapters.batch.ledger import Entry
from contracts.errors import FileHeldError

__all__ = ["checked"]


def checked(entry: Entry, delivery: Delivery, config: Config) -> Entry:
    """Return a delivery's entry, with the policy where somebody accepted a file that is out of bounds.

    Raises:
        FileHeldError: It is out of bounds, and nobody accepted it; names every bound that it breaks.
    """
    records = entry.records or 0
    broken = list(_broken(config.expected or Expected(), bytes=delivery.size_bytes, records=records))
    if not broken:
        return entry
    rules = ", ".join(rule for rule, _ in broken)
    accepted = config.acceptance(delivery.sha256)
    if accepted is None:
        raise FileHeldError(
            delivery.file,
            rule=rules,
            expected=" and ".join(expected for _, expected in broken),
            found=f"{delivery.size_bytes} bytes, {records} records",
            next_step=let_through(delivery, config),
        )
    policy = f"{rules}: accepted {accepted}"
    return entry.model_copy(update={"policy": f"{entry.policy}; {policy}" if entry.policy else policy})


def _broken(expected: Expected, **found: int) -> Iterator[tuple[str, str]]:
    bounds = {
        "bytes": (expected.min_bytes, expected.max_bytes),
        "records": (expected.min_records, expected.max_records),
    }
    for what, (least, most) in bounds.items():
        if least is not None and found[what] < least:
            yield f"min_{what}", f"at least {least} {what}"
        if most is not None and found[what] > most:
            yield f"max_{what}", f"at most {most} {what}"
