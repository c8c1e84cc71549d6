"""One poll, from the items of a listing to event batches: what is new, what is gone, what is bad. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import MINYEAR, UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias, cast
from zoneinfo import ZoneInfo

from adapters.soap.config import Config, Watermark
from adapters.soap.ledger import Checkpoint, Ledger, Mark
from contracts.errors import ListingRefusedError, RecordError
from contracts.event import Event
from contracts.legacy.soap.message.deviation import Deviation
from contracts.mapping import Mapper
from contracts.ports import Columns, DeadLetter, EventBatch

__all__ = ["Listed", "Poll", "Record", "Shape", "at", "key_of", "since"]

_Marked: TypeAlias = tuple[bytes, Mark]
Record: TypeAlias = Mapping[str, Any]
"""Text or typed values, by name."""
_MOST_DEVIATIONS = 1000
"""Different ones that are told of one poll."""


class Listed(Protocol):
    """An item of a listing, read as text or typed by the contract."""

    @property
    def record(self) -> Record:
        """Return its values."""
        ...

    @property
    def xml(self) -> bytes:
        """Return its canonical bytes."""
        ...

    @property
    def digest(self) -> str:
        """Return the hash of its content."""
        ...

    @property
    def error(self) -> RecordError | None:
        """Return why it is refused."""
        ...

    @property
    def deviations(self) -> Sequence[Deviation]:
        """Return what was tolerated."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What stays the same from poll to poll."""

    config: Config
    model: type[Event]
    mapper: Mapper

    @property
    def stream(self) -> str:
        """Return the stream of the source."""
        return f"poll:{self.config.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """An item that is not what it was."""

    key: bytes
    item: Listed
    mark: Mark
    time: datetime
    error: RecordError | None


class Poll:
    """One listing of the operation, turned into batches chunk by chunk."""

    def __init__(self, shape: Shape, ledger: Ledger, *, started: datetime) -> None:
        self._shape, self._ledger, self._started = shape, ledger, started
        self._before = ledger.checkpoint
        self._newest = self._before.watermark
        self._parts = 0
        self.deviations = Counter[Deviation]()
        """How the items differ from their contract, and how often."""
        self.is_full = _is_full(shape.config, self._before, started)
        ledger.begin()

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
            ListingRefusedError: The listing lacks more of the known items than `most_deleted` allows.
        """
        changes = [change for item in items if (change := self._change(item)) is not None]
        gone = self._gone() if last and self._finds_deletes else []
        published, dead, marks = self._encode(changes)
        state = {key: self._ledger.put(key, mark) for key, mark in [*marks, *gone]}
        if last:
            self._ledger.checkpoint = self._moved()
        moved = last and (self._parts > 0 or self._ledger.checkpoint != self._before)
        if not (state or moved):
            return None
        self._parts += 1
        return EventBatch(
            stream=self._shape.stream,
            checkpoint=self._ledger.checkpoint.to_bytes(),
            events=[columns for columns in (published, self._tombstones(gone)) if columns],
            state=state,
            dead=dead,
            more=not last,
            traceparent=traceparent,
        )

    def _change(self, item: Listed) -> _Change | None:
        config, digest = self._shape.config, item.digest
        self._note(item.deviations)
        key = key_of(at(item.record, config.key))
        modified, error = _modified(item.record, config.watermark)
        error = item.error or error
        if modified is not None:
            # A date in the future must not hide what changes until then.
            seen = min(modified, self._started)
            self._newest = seen if self._newest is None else max(self._newest, seen)
        if key is None:
            error = RecordError("/".join(config.key), expected="the key of the item")
            # Known by its content, so that it is dead-lettered once and not at each poll.
            key = "?" + digest
        mark = self._ledger.changed(key.encode(), digest)
        if mark is None:
            return None
        mark = replace(mark, m=None if modified is None else modified.isoformat())
        return _Change(key=key.encode(), item=item, mark=mark, time=modified or self._started, error=error)

    def _note(self, deviations: Sequence[Deviation]) -> None:
        for deviation in deviations:
            if len(self.deviations) < _MOST_DEVIATIONS or deviation in self.deviations:
                self.deviations[deviation] += 1

    def _encode(self, changes: Sequence[_Change]) -> tuple[Columns, list[DeadLetter], list[_Marked]]:
        sound = [change for change in changes if change.error is None]
        encoded = self._shape.mapper.encode_records([self._row(change.item.record) for change in sound])
        done = [sound[row] for row in encoded.rows]
        keys = {id(change): key.decode() for change, key in zip(done, encoded.keys, strict=True)}
        bad = [(change, change.error) for change in changes if change.error is not None]
        bad += [(sound[row], error) for row, error in encoded.bad.items()]
        marks = [(c.key, replace(c.mark, k=keys.get(id(c), c.mark.k))) for c in changes]
        columns = self._columns(
            encoded.keys, [c.mark for c in done], time=[c.time for c in done], values=encoded.values
        )
        return columns, [self._dead_letter(change, error) for change, error in bad], marks

    def _row(self, record: Record) -> Record:
        fields = self._shape.mapper.fields
        return record if fields is None else {name: at(record, name.split("/")) for name in fields}

    def _dead_letter(self, change: _Change, error: RecordError) -> DeadLetter:
        return DeadLetter(
            position=change.mark.position,
            value=change.item.xml,
            reason=str(error),
            error=type(error).__name__,
            key=None if change.key.startswith(b"?") else change.key,
            attributes={"operation": self._shape.config.operation},
        )

    def _gone(self) -> list[_Marked]:
        known, missing = self._ledger.alive, self._ledger.missing()
        share = self._shape.config.most_deleted
        if len(missing) > share * known:
            reason = (
                f"a full listing lacks {len(missing)} of {known} known items, more than most_deleted = {share}; where "
                "it is right, run once with another most_deleted; where it is of another service, use another namespace"
            )
            raise ListingRefusedError(self._shape.config.name, reason=reason)
        return missing

    def _tombstones(self, gone: Sequence[_Marked]) -> Columns:
        marks = [mark for _, mark in gone if mark.k is not None]
        keys = [mark.k.encode() for mark in marks if mark.k is not None]
        kind = self._shape.config.deleted_type or self._shape.model.type
        return self._columns(keys, marks, time=self._started, values=[None] * len(keys), kind=kind)

    def _columns(
        self,
        keys: Sequence[bytes],
        marks: Sequence[Mark],
        *,
        time: datetime | Sequence[datetime],
        values: Sequence[bytes | None],
        kind: str | None = None,
    ) -> Columns:
        model = self._shape.model
        return Columns(
            topic=model.topic,
            type=kind or model.type,
            dataschema=model.dataschema(),
            time=time,
            keys=keys,
            positions=[mark.position for mark in marks],
            sequences=[mark.sequence for mark in marks],
            values=values,
        )

    def _moved(self) -> Checkpoint:
        moved = replace(self._ledger.checkpoint, watermark=self._newest)
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


def at(record: Record, path: Iterable[str]) -> Any:  # noqa: ANN401 - text or a typed value
    """Return what stands at a path of a record; None where it is absent.

    >>> at({"person": {"number": "7"}}, ["person", "number"])
    '7'
    """
    found: Any = record
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = cast("Record", found).get(step)
    return found


def key_of(value: Any) -> str | None:  # noqa: ANN401 - text or a typed value
    """Return a key as text; None where there is none, or nothing that names one item."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return format(value.to_integral_value(), "f")
    return value if isinstance(value, str) and value.strip() else None


def _is_full(config: Config, before: Checkpoint, now: datetime) -> bool:
    if config.watermark is None or before.watermark is None or not config.full_every:
        return True
    return before.full is None or now - before.full >= config.full_every


def _modified(record: Record, watermark: Watermark | None) -> tuple[datetime | None, RecordError | None]:
    """Read when an item was last modified; fractions are cut to microseconds, as by `overlap` they may be."""
    if watermark is None:
        return None, None
    said = at(record, watermark.field)
    name = "/".join(watermark.field)
    moment = said if isinstance(said, datetime) else None
    if isinstance(said, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(said.strip())
    if moment is None:
        return None, RecordError(name, expected="a date and time (ISO 8601)")
    if moment.tzinfo is None:
        if watermark.zone is None:
            return None, RecordError(name, expected="a time zone; set watermark.zone where the legacy states none")
        moment = moment.replace(tzinfo=ZoneInfo(watermark.zone))
    try:
        return moment.astimezone(UTC), None
    except OverflowError:
        return None, RecordError(name, expected="a moment of the years 1 to 9999 in UTC")
