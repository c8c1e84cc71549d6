"""Some of the changes of an extract to one batch of events. Pure.

Deletes come first, in the order of the keys, and then what is in the extract, in its order. So a record whose key is
written in another way than before, which is a delete and a create of one event key, ends as created.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from adapters.batch.chunk import Shape, event_time, order
from adapters.batch.delivery import Delivery
from adapters.batch.snapshot.changes import Change, ChangeEvents
from adapters.batch.snapshot.image import Image
from adapters.batch.snapshot.records import Found
from contracts.errors import RecordError
from contracts.event import Event
from contracts.identifiers import ordinal
from contracts.mapping import Encoded
from contracts.ports import Columns, DeadLetter

__all__ = ["Made", "Row", "Stepper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record that was created or updated."""

    found: Found
    """The record in the extract."""
    state_key: bytes
    digest: bytes
    before: Image | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a step publishes."""

    events: list[Columns] = field(default_factory=list[Columns])
    state: dict[bytes, bytes | None] = field(default_factory=dict[bytes, bytes | None])
    dead: list[DeadLetter] = field(default_factory=list[DeadLetter])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One event that was made."""

    model: type[Event]
    position: str
    key: bytes
    value: bytes | None


class Stepper:
    """Makes the events of one extract, step by step."""

    def __init__(self, shape: Shape, changes: ChangeEvents, delivery: Delivery, *, behind: int) -> None:
        """Prepare.

        Args:
            shape: How the bytes become events.
            changes: Which event a change becomes.
            delivery: The extract.
            behind: The ordinal behind its last data record: deletes are numbered from there.
        """
        self._shape, self._changes, self._delivery, self._behind = shape, changes, delivery, behind

    def present(self, rows: Sequence[Row]) -> Made:
        """Return what created and updated records become, and their new images."""
        made = Made()
        events: dict[int, _Event] = {}
        kinds: dict[Change, list[int]] = {"created": [], "updated": []}
        for index, row in enumerate(rows):
            is_known = row.before is not None and row.before.is_published
            kinds["updated" if is_known else "created"].append(index)
        for change, indices in kinds.items():
            chosen = [rows[index] for index in indices]
            encoded = self._encoded(change, chosen)
            model = (self._changes.created if change == "created" else self._changes.updated).model
            for at, key, value in zip(encoded.rows, encoded.keys, encoded.values, strict=True):
                position = ordinal(chosen[at].found.ordinal)
                events[indices[at]] = _Event(model=model, position=position, key=key, value=value)
            made.dead.extend(self._dead(change, chosen, encoded.bad))
        for index, row in enumerate(rows):
            made.state[row.state_key] = self._image(row, events.get(index)).to_bytes()
        made.dead.sort(key=lambda letter: letter.position)
        made.events.extend(self._columns([events[index] for index in sorted(events)], rank="1-"))
        return made

    def deleted(self, gone: Mapping[bytes, Image], *, first: int) -> Made:
        """Return what deleted records become.

        Args:
            gone: Images by state key, in the order of the keys.
            first: How many deletes of this extract came before.
        """
        made = Made(state=dict.fromkeys(gone))
        start = self._behind + first
        # What never became an event is forgotten without one.
        known = [(ordinal(start + at), image) for at, image in enumerate(gone.values()) if image.is_published]
        maker, model = self._changes.deleted, self._changes.model
        if maker is None:
            events = [_Event(model=model, position=at, key=image.event_key, value=None) for at, image in known]
        else:
            encoded = maker.encode(before=[image.record for _, image in known])
            found = zip(encoded.rows, encoded.keys, encoded.values, strict=True)
            events = [_Event(model=maker.model, position=known[at][0], key=key, value=v) for at, key, v in found]
            for at, error in encoded.bad.items():
                made.dead.append(self._letter(known[at][0], known[at][1].record, error, public=maker.public))
        made.events.extend(self._columns(events, rank="0-"))
        return made

    def _encoded(self, change: Change, rows: Sequence[Row]) -> Encoded:
        after = [row.found.record for row in rows]
        if change == "created":
            return self._changes.created.encode(after=after)
        # Empty ones, where no event shows what was before, are not looked at.
        return self._changes.updated.encode(before=[row.before.record for row in rows if row.before], after=after)

    def _image(self, row: Row, event: _Event | None) -> Image:
        if event is None:
            known = row.before or Image(digest=row.digest)
            return Image(digest=row.digest, event_key=known.event_key, record=known.record, is_rejected=True)
        record = row.found.record if self._changes.keeps_records else b""
        return Image(digest=row.digest, event_key=event.key, record=record)

    def _columns(self, events: Sequence[_Event], *, rank: str) -> Iterator[Columns]:
        """Yield columns of one model each, in the order of the events: several keys may be one event key."""
        prefix = order(self._delivery) + rank
        for (model, _), some in groupby(events, key=lambda event: (event.model, event.value is None)):
            found = [*some]
            yield Columns(
                topic=model.topic,
                type=model.type,
                dataschema=model.dataschema(),
                time=event_time(self._shape, self._delivery),
                keys=[event.key for event in found],
                positions=[event.position for event in found],
                sequences=[prefix + event.position for event in found],
                values=[event.value for event in found],
            )

    def _dead(self, change: Change, rows: Sequence[Row], bad: Mapping[int, RecordError]) -> Iterator[DeadLetter]:
        public = (self._changes.created if change == "created" else self._changes.updated).public
        for at, error in bad.items():
            found = rows[at].found
            where = {"record": str(found.ordinal), "offset": str(found.offset)}
            yield self._letter(ordinal(found.ordinal), found.record, error, public=public, where=where)

    def _letter(
        self,
        position: str,
        record: bytes,
        error: RecordError,
        *,
        public: frozenset[str],
        where: Mapping[str, str] | None = None,
    ) -> DeadLetter:
        may_tell = error.field in public or error.start is None
        shown = error if may_tell else RecordError(error.field, expected=error.expected, start=error.start)
        return DeadLetter(
            position=position,
            value=record,
            reason=str(shown),
            error=type(error).__name__,
            attributes={"file": self._delivery.file, "sha256": self._delivery.sha256, **(where or {})},
        )
