"""One poll, from the items of a listing to event batches. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import MINYEAR, UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.soap.changes import Changes, Listed, Shape, within_limits
from adapters.soap.config import Config, Watermark
from adapters.soap.ledger import Checkpoint, Ledger
from contracts.legacy.soap.message.deviation import Deviation
from contracts.ports import EventBatch

__all__ = ["Poll", "since"]


class Poll:
    """One listing of the operation, turned into batches chunk by chunk."""

    def __init__(self, shape: Shape, ledger: Ledger, *, started: datetime) -> None:
        self._shape, self._ledger, self._started = shape, ledger, started
        self._before = ledger.checkpoint
        self._changes = Changes(shape, ledger, started=started)
        self._parts = 0
        self.is_full = _is_full(shape.config, self._before, started)
        ledger.begin()

    @property
    def deviations(self) -> Counter[Deviation]:
        """Return how the items differ from their contract, and how often."""
        return self._changes.deviations

    @property
    def _finds_deletes(self) -> bool:
        """Tell whether what this listing lacks is gone: by page number, it may have been passed over."""
        paging = self._shape.config.paging
        return self.is_full and (paging is None or paging.by != "page")

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the request."""
        config, watermark = self._shape.config, self._before.watermark
        if self.is_full or config.watermark is None or watermark is None:
            return dict(config.parameters)
        return {**config.parameters, config.watermark.parameter: since(config.watermark, watermark)}

    def batch(self, items: Sequence[Listed], *, last: bool, traceparent: str | None = None) -> EventBatch | None:
        """Return what these items change; None where that is nothing.

        The watermark moves with the last batch alone: after a crash in the middle all is polled again, and
        what was published is known by its hash.

        Raises:
            LegacyUnavailableError: The listing lacks more of the known items than `most_deleted` allows.
        """
        changed = self._changes.made_by(items)
        known = self._ledger.alive
        missing = self._ledger.missing() if last and self._finds_deletes else []
        gone = self._changes.deleted(within_limits(missing, known=known, config=self._shape.config))
        seen = self._ledger.seen_meanwhile(polled=True)
        if last:
            self._ledger.checkpoint = self._moved()
        state = {**changed.state, **gone.state, **seen}
        moved = last and (self._parts > 0 or self._ledger.checkpoint != self._before)
        if not (state or moved):
            return None
        self._parts += 1
        return EventBatch(
            stream=self._shape.stream,
            checkpoint=self._ledger.checkpoint.to_bytes(),
            events=[columns for columns in (changed.events, gone.events) if columns],
            state=state,
            dead=changed.dead,
            more=not last,
            traceparent=traceparent,
        )

    def _moved(self) -> Checkpoint:
        newest = [moment for moment in (self._before.watermark, self._changes.newest) if moment is not None]
        moved = replace(self._ledger.checkpoint, watermark=max(newest, default=None))
        config = self._shape.config
        remember = self.is_full and config.watermark is not None and config.full_every
        return replace(moved, full=self._started) if remember else moved


def since(watermark: Watermark, newest: datetime) -> str:
    """Return the point in time to ask from, as the legacy system writes it; whole seconds, rounded down.

    >>> from datetime import UTC
    >>> overlapping = Watermark(parameter="since", field="changed", overlap=60)
    >>> since(overlapping, datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC))
    '2026-01-02T03:03:05Z'
    """
    earliest = datetime(MINYEAR, 1, 2, tzinfo=UTC)
    moment = max(newest, earliest + watermark.overlap) - watermark.overlap
    moment = moment.replace(microsecond=0)
    if watermark.zone is not None:
        return moment.astimezone(ZoneInfo(watermark.zone)).replace(tzinfo=None).isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_full(config: Config, before: Checkpoint, now: datetime) -> bool:
    if config.snapshot is not None:
        return False  # what is listed in chunks is not listed by polls
    if config.watermark is None or before.watermark is None or not config.full_every:
        return True
    return before.full is None or now - before.full >= config.full_every
