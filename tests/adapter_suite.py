"""What every adapter has to fulfil, whoever wrote it; each function fails with a sentence.

    from tests import adapter_suite

    async def test_it_resumes_anywhere() -> None:
        await adapter_suite.resumes_after_every_batch(Adapter.example())

The adapter has to end by itself, as with a setting `once`, and to read the same again until it is told how far
it came. Everything is told by its shape: an adapter that passes need not import us.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from types import ModuleType
from typing import Any, Protocol, Self

from pydantic import BaseModel

from contracts.event import models
from contracts.ports import Columns, EventBatch, Progress, Source

__all__ = [
    "ABOUT_EXAMPLES",
    "Adapter",
    "checks_itself",
    "columns_fit",
    "dead_letters_keep_the_original",
    "documents_its_settings",
    "ends_where_everything_is_published",
    "events_fulfil_their_contract",
    "keys_are_canonical",
    "positions_are_never_used_twice",
    "progress",
    "read",
    "refuses_unknown_settings",
    "resumes_after_every_batch",
    "resumes_when_only_asked_for_a_part",
    "says_what_it_promises",
    "sequences_grow",
]

_SECONDS = 60


class Adapter(Source, Protocol):
    """What can be configured and checked besides being read."""

    def configured(self, changes: Mapping[str, Any]) -> Self:
        """Return the same adapter with these settings changed."""
        ...

    async def check(self) -> list[str]:
        """Return what would keep it from working."""
        ...


async def read(adapter: Source, since: Progress | None = None) -> list[EventBatch]:
    """Return all batches from there on."""
    async with asyncio.timeout(_SECONDS):
        return [batch async for batch in adapter.read(since or Progress())]


async def resumes_after_every_batch(adapter: Adapter) -> None:
    """After a crash at any point a new instance reads exactly what was not published: same ids, same values."""
    batches = await read(adapter)
    assert batches, "its example has nothing to read"
    for published in range(len(batches) + 1):
        rest = await read(adapter.configured({}), progress(batches[:published]))
        expected = list(_said(batches[published:]))
        assert list(_said(rest)) == expected, f"it does not resume after batch {published} of {len(batches)}"


async def resumes_when_only_asked_for_a_part(adapter: Adapter) -> None:
    """A reader that is closed in the middle changes nothing: what it was not told to be published comes again."""
    batches = await read(adapter)
    iterator: Any = adapter.read(Progress())
    async with aclosing(iterator) as abandoned:
        await anext(abandoned)
    assert list(_said(await read(adapter))) == list(_said(batches)), "an abandoned read changes the next one"


async def ends_where_everything_is_published(adapter: Adapter) -> None:
    """Nothing is published twice when nothing has changed at the legacy side."""
    batches = await read(adapter)
    again = await read(adapter, progress(batches))
    assert list(_said(again)) == [], "it publishes again what was published"


async def positions_are_never_used_twice(adapter: Adapter) -> None:
    """Stream and position make the event's id; events and dead letters share them."""
    used = [(batch.stream, position) for batch in await read(adapter) for position in _positions(batch)]
    doubles = {place for place in used if used.count(place) > 1}
    assert not doubles, f"positions that are used twice: {doubles}"


async def keys_are_canonical(adapter: Adapter) -> None:
    """A key is one person on every channel: UTF-8, NFC, without blanks around it."""
    for columns in await _columns(adapter):
        for key in columns.keys:
            text = key.decode("utf-8")
            assert text, "a key is empty"
            assert text == unicodedata.normalize("NFC", text.strip()), "a key is not canonical"


async def columns_fit(adapter: Adapter) -> None:
    """All columns of a batch are of equal length; times have a zone; nothing in them is empty."""
    for columns in await _columns(adapter):
        times = [columns.time] * len(columns) if isinstance(columns.time, datetime) else columns.time
        lengths = {len(c) for c in (columns.keys, columns.positions, columns.sequences, columns.values, times)}
        assert lengths == {len(columns)}, f"columns of different lengths: {lengths}"
        assert all(time.tzinfo is not None for time in times), "a time has no zone"
        assert all(columns.positions), "a position is empty"
        assert all(columns.sequences), "a sequence is empty"
        assert columns.topic, "there is no topic"
        assert columns.dataschema, "there is no dataschema"


async def sequences_grow(adapter: Adapter) -> None:
    """The events of one key are in order, and their `sequence` tells so by its letters."""
    last: dict[bytes, str] = {}
    for columns in await _columns(adapter):
        for key, sequence in zip(columns.keys, columns.sequences, strict=True):
            assert sequence > last.get(key, ""), f"sequence {sequence} does not follow {last.get(key)}"
            last[key] = sequence


async def events_fulfil_their_contract(adapter: Adapter) -> None:
    """Each value is the JSON of the event that its type says; tombstones may have a type of their own."""
    known = models()
    for columns in await _columns(adapter):
        if not any(columns.values):
            continue
        assert columns.type in known, f"no event has the type {columns.type}"
        model = known[columns.type]
        assert (columns.topic, columns.dataschema) == (model.topic, model.dataschema())
        for value in columns.values:
            if value is not None:
                model.model_validate_json(value)


async def dead_letters_keep_the_original(adapter: Adapter) -> None:
    """What can't become an event is kept as it was, with a reason that quotes nothing of it but the one field."""
    for batch in await read(adapter):
        for letter in batch.dead:
            assert letter.value, "a dead letter has no bytes"
            assert letter.reason, "a dead letter has no reason"
            assert letter.error.endswith("Error"), f"{letter.error!r} is no name of an error"
            assert repr(letter.value) not in letter.reason, "the reason quotes the whole record"


async def refuses_unknown_settings(adapter: Adapter) -> None:
    """A misspelled setting is an error that names it, and changes nothing."""
    before = await read(adapter)
    try:
        adapter.configured({"no_such_setting": 1})
    except ValueError as error:
        assert "no_such_setting" in str(error), "the error does not name the setting"  # noqa: PT017 - this is no test of pytest's alone
    else:
        raise AssertionError("it takes a setting that it does not know")
    assert list(_said(await read(adapter))) == list(_said(before)), "a refused setting changed it"


async def checks_itself(adapter: Adapter) -> None:
    """What works has nothing to complain of, and checking it publishes nothing."""
    before = list(_said(await read(adapter)))
    problems = await adapter.check()
    assert problems == [], f"it finds fault with its own example: {problems}"
    assert list(_said(await read(adapter))) == before, "checking changes what is read"


def says_what_it_promises(kind: ModuleType) -> None:
    """The module says what it wraps, what it can't do, and how often an event is delivered."""
    text = " ".join((kind.__doc__ or "").split())
    assert text, "it has no docstring"
    assert any(f"Delivery: {promise} once" in text for promise in ("exactly", "at least")), "no delivery guarantee"
    assert any(word in text for word in ("can't", "cannot", "are not ", "is not ", "refused")), "no limits"


def documents_its_settings(config: type[BaseModel]) -> None:
    """Each setting says what it means, those inside of settings as well."""
    silent = list(_silent(config.model_json_schema()))
    assert not silent, f"settings without a meaning: {silent}"
    assert config.model_config.get("extra") == "forbid", "unknown settings are not forbidden"
    assert config.model_config.get("frozen"), "settings can be changed"


ABOUT_EXAMPLES: Sequence[Callable[[Adapter], Any]] = (
    checks_itself,
    columns_fit,
    dead_letters_keep_the_original,
    ends_where_everything_is_published,
    events_fulfil_their_contract,
    keys_are_canonical,
    positions_are_never_used_twice,
    refuses_unknown_settings,
    resumes_after_every_batch,
    resumes_when_only_asked_for_a_part,
    sequences_grow,
)
"""All that is asked of an example, for a suite that wants everything."""


def progress(batches: Sequence[EventBatch]) -> Progress:
    """Return how far a source is when these batches are published."""
    state: dict[bytes, bytes] = {}
    for batch in batches:
        state |= {key: value for key, value in batch.state.items() if value is not None}
        for key in (key for key, value in batch.state.items() if value is None):
            state.pop(key, None)
    return Progress(checkpoints={batch.stream: batch.checkpoint for batch in batches}, state=state)


async def _columns(adapter: Adapter) -> list[Columns]:
    return [columns for batch in await read(adapter) for columns in batch.events]


def _positions(batch: EventBatch) -> Iterator[str]:
    for columns in batch.events:
        yield from columns.positions
    yield from (letter.position for letter in batch.dead)


def _said(batches: Sequence[EventBatch]) -> Iterator[tuple[object, ...]]:
    """Yield what subscribers and operators get to see, in order; how it is cut into batches does not matter."""
    for batch in batches:
        for c in batch.events:
            for row in zip(c.positions, c.keys, c.sequences, c.values, strict=True):
                yield (batch.stream, c.topic, c.type, *row)
        for letter in batch.dead:
            yield (batch.stream, letter.error, letter.position, letter.value, letter.reason)


def _silent(schema: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        if not field.get("description"):
            yield above + name
    for name, inner in schema.get("$defs", {}).items():
        yield from _silent(inner, f"{name}.")
