"""What items of a listing change: what is new, what is gone, what is bad. Pure; polls and snapshots share it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias, cast
from zoneinfo import ZoneInfo

from adapters.soap.config import Config, Watermark
from adapters.soap.ledger import Ledger, Mark
from contracts.errors import ListingRefusedError, RecordError
from contracts.event import Event
from contracts.legacy.soap.message.deviation import Deviation
from contracts.mapping import Mapper
from contracts.ports import Columns, DeadLetter
from contracts.record_path import at

__all__ = ["Changed", "Changes", "Listed", "Marked", "Record", "Shape", "key_of", "within_limits"]

Marked: TypeAlias = tuple[bytes, Mark]
Record: TypeAlias = Mapping[str, Any]
"""Text or typed values, by name."""
Stale: TypeAlias = Callable[[Mark, datetime | None], bool]
"""Tells whether an item that was last modified then is older than what is known of it."""
_MOST_DEVIATIONS = 1000
"""Different ones that are told of one listing."""


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
    again: bool = False
    """It was refused before, and is tried again: it is no news where it is refused still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What some items of a listing changed."""

    events: Columns
    dead: Sequence[DeadLetter]
    state: dict[bytes, bytes | None]


class Changes:
    """Turns the items of one listing into what they change.

    Args:
        shape: How items become events.
        ledger: What is known of them.
        started: When the listing began.
        stale: Tells which item is older than what is known of it: it is seen, and changes nothing.
    """

    def __init__(
        self, shape: Shape, ledger: Ledger, *, started: datetime, stale: Stale = lambda _mark, _modified: False
    ) -> None:
        self._shape, self._ledger, self._started, self._stale = shape, ledger, started, stale
        self.newest: datetime | None = None
        """Newest last-modified that was seen."""
        self.deviations = Counter[Deviation]()
        """How the items differ from their contract, and how often."""
        self._refreshed: list[Marked] = []

    def made_by(self, items: Iterable[Listed]) -> Changed:
        """Return what these items change, and remember it."""
        changes = [change for item in items if (change := self._change(item)) is not None]
        published, dead, marks = self._encode(changes)
        refreshed, self._refreshed = self._refreshed, []
        state = {key: self._ledger.put(key, mark) for key, mark in [*refreshed, *marks]}
        return Changed(events=published, dead=dead, state=state)

    def deleted(self, gone: Sequence[Marked]) -> Changed:
        """Return what it changes that these items are gone, and remember it."""
        tombstones = self._tombstones(gone)
        return Changed(events=tombstones, dead=(), state={key: self._ledger.put(key, mark) for key, mark in gone})

    def _change(self, item: Listed) -> _Change | None:
        config, digest = self._shape.config, item.digest
        self._note(item.deviations)
        key = key_of(at(item.record, config.key))
        modified, error = _modified(item.record, config.watermark)
        error = item.error or error
        if modified is not None:
            # A date in the future must not hide what changes until then.
            seen = min(modified, self._started)
            self.newest = seen if self.newest is None else max(self.newest, seen)
        if key is None:
            error = RecordError("/".join(config.key), expected="the key of the item")
            # Known by its content, so that it is dead-lettered once and not at each poll.
            key = "?" + digest
        known = self._ledger.known(key.encode())
        mark = self._new_version(key.encode(), digest, modified, known=known)
        again = mark is None and known is not None and known.r and known.h == digest
        if mark is None and not again:
            if known is not None and known.h == digest:
                self._refresh(key.encode(), known, modified)
            return None
        mark = replace(mark or cast("Mark", known), m=None if modified is None else modified.isoformat())
        time = modified or self._started
        return _Change(key=key.encode(), item=item, mark=mark, time=time, error=error, again=again)

    def _new_version(self, key: bytes, digest: str, modified: datetime | None, *, known: Mark | None) -> Mark | None:
        if known is not None and known.h != digest and self._stale(known, modified):
            self._ledger.saw(known.n)
            return None
        return self._ledger.changed(key, digest, known=known)

    def _refresh(self, key: bytes, known: Mark, modified: datetime | None) -> None:
        """While a snapshot is under way, remember a change that is ignored: else an older item would win."""
        if modified is None or self._ledger.checkpoint.snapshot is None:
            return
        if known.m is None or datetime.fromisoformat(known.m) < modified:
            self._refreshed.append((key, replace(known, m=modified.isoformat())))

    def _note(self, deviations: Sequence[Deviation]) -> None:
        for deviation in deviations:
            if len(self.deviations) < _MOST_DEVIATIONS or deviation in self.deviations:
                self.deviations[deviation] += 1

    def _encode(self, changes: Sequence[_Change]) -> tuple[Columns, list[DeadLetter], list[Marked]]:
        sound = [change for change in changes if change.error is None]
        encoded = self._shape.mapper.encode_records([self._row(change.item.record) for change in sound])
        made = {
            id(sound[row]): (key, value)
            for row, key, value in zip(encoded.rows, encoded.keys, encoded.values, strict=True)
        }
        bad = [(change, change.error) for change in changes if change.error is not None]
        bad += [(sound[row], error) for row, error in encoded.bad.items()]
        marks = self._marks(changes, made, {id(change) for change, _ in bad})
        bad = [(change, error) for change, error in bad if not change.again]
        new = [change for change in changes if id(change) in made]
        columns = self._columns(
            [made[id(change)][0] for change in new],
            [change.mark for change in new],
            time=[change.time for change in new],
            values=[made[id(change)][1] for change in new],
        )
        return columns, [self._dead_letter(change, error) for change, error in bad], marks

    def _marks(
        self, changes: Sequence[_Change], made: dict[int, tuple[bytes, bytes]], bad: Container[int]
    ) -> list[Marked]:
        """Return the marks of changes, and take out of what is made of them those events that are there already."""
        marks: dict[bytes, Mark] = {}
        for change in changes:
            if change.again and id(change) in bad:
                continue
            before, is_bad = marks.get(change.key, change.mark), id(change) in bad
            mark = replace(change.mark, k=before.k, e=None if is_bad else before.e, r=is_bad)
            if (event := made.get(id(change))) is not None:
                mark = replace(mark, k=event[0].decode(), e=self._event_hash(*event))
                if mark.e == before.e:
                    del made[id(change)]
            marks[change.key] = mark
        return [*marks.items()]

    def _event_hash(self, key: bytes, value: bytes) -> str:
        """Return the hash of an event: of another type or on another topic, the same values are another one."""
        model = self._shape.model
        head = f"{model.topic}\0{model.type}\0".encode()
        return hashlib.blake2b(b"\0".join([head, key, value]), digest_size=16).hexdigest()

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

    def _tombstones(self, gone: Sequence[Marked]) -> Columns:
        # Another item may have an event of the same key, and has it still.
        others = self._ledger.event_keys({key for key, _ in gone}) if gone else set[str]()
        marks = [mark for _, mark in gone if mark.k is not None and mark.k not in others]
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


def within_limits(gone: Sequence[Marked], *, known: int, config: Config) -> Sequence[Marked]:
    """Return what a full listing lacked.

    Raises:
        ListingRefusedError: It lacked more of the known items than `most_deleted` allows.
    """
    if len(gone) > config.most_deleted * known:
        reason = (
            f"a full listing lacks {len(gone)} of {known} known items, more than most_deleted = {config.most_deleted}; "
            "where it is right, run once with another most_deleted; of another service, use another namespace"
        )
        raise ListingRefusedError(config.name, reason=reason)
    return gone


def key_of(value: Any) -> str | None:  # noqa: ANN401 - text or a typed value
    """Return a key as text; None where there is none, or nothing that names one item."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return format(value.to_integral_value(), "f")
    return value if isinstance(value, str) and value.strip() else None


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
