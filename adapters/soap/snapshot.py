"""A snapshot: everything is listed in chunks, a call each, while polls for changes go on between them.

The order makes it right:

1. It begins with a moment from which polls ask for changes. Whatever changes later is seen by a poll, wherever the
   listing is by then.
2. Chunks and polls take turns. An item of a chunk that is older than what is known of it changes nothing: by its
   last-modified; and where that is the same, what a poll has published since the begin is the newer.
3. When all chunks are read, a last poll is made. An item that neither a chunk nor any of these polls has seen is gone.

What the service deletes after its chunk was read, or after a poll saw it, is found by the next snapshot.
"""

import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from adapters.soap.changes import Changed, Changes, Listed, Marked, Shape, within_limits
from adapters.soap.config import Config, Snapshot
from adapters.soap.cursor import Chunk, Walk, walk
from adapters.soap.ledger import Ledger, Mark, Running
from contracts.errors import ConfigError, LegacyFaultError, LegacyUnavailableError, ListingRefusedError
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.soap.message.reader import Rest
from contracts.ports import EventBatch
from observability import metrics

__all__ = ["Portion", "Snapshots", "ask"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Portion(Protocol):
    """Some items of a chunk's reply."""

    @property
    def items(self) -> Sequence[Listed]:
        """Return them."""
        ...

    @property
    def is_last(self) -> bool:
        """Tell whether the reply has no more."""
        ...

    @property
    def rest(self) -> Rest | None:
        """Return what the reply says besides, with its last items."""
        ...


Call = Callable[[Mapping[str, Any]], AsyncGenerator[Portion, None]]
"""Makes the call of one chunk with these parameters."""


class Snapshots:
    """The snapshots of one polled operation, one after the other.

    Args:
        shape: How items become events.
        ledger: What is known of them, shared with the polls.
        clock: Returns the time.
    """

    def __init__(self, shape: Shape, ledger: Ledger, *, clock: Callable[[], datetime]) -> None:
        self._stream, self._config = shape.stream, shape.config
        self._snapshot = shape.config.snapshot or Snapshot()
        self._shape = replace(shape, config=shape.config.listing())
        self._ledger, self._clock = ledger, clock
        self._metrics = metrics.Metrics()
        self._deviations = Counter[Deviation]()
        self._refused = 0
        """How many chunks were read when a token was refused last: another one has to get further."""

    def rest(self) -> timedelta:
        """Return how long the next chunk is to wait."""
        running = self._ledger.checkpoint.snapshot
        over = self._clock() if running is None else running.moved + self._snapshot.pause
        return max(over - self._clock(), timedelta(0)) if self._snapshot.pause else timedelta(0)

    @property
    def is_running(self) -> bool:
        """Tell whether one is under way."""
        return self._ledger.checkpoint.snapshot is not None

    @property
    def is_read(self) -> bool:
        """Tell whether all chunks of the one under way are read, so that it ends after the next poll."""
        running = self._ledger.checkpoint.snapshot
        return running is not None and running.cursor is None

    def begin(self) -> EventBatch | None:
        """Begin one where it is time to, or where the one under way can't go on; return what tells so."""
        if self._config.snapshot is None:
            return self._given_up() if self.is_running else None
        now, known = self._clock(), self._ledger.checkpoint
        asked = _asked(self._snapshot.request)
        why = self._why_anew(now) if known.snapshot is not None else self._why(now, asked)
        if why is None:
            return None
        return self._begun(now, why, asked=known.asked if asked is None else asked)

    async def chunk(self, call: Call, *, traceparent: str | None = None) -> AsyncGenerator[EventBatch, None]:
        """Read the next chunk, and yield what it changes.

        Raises:
            LegacyUnavailableError: There is no answer, or the listing goes round in circles.
            LegacyFaultError: The service says that the request is wrong.
        """
        running = self._running
        assert running.cursor is not None  # noqa: S101 - who calls has asked whether all are read
        chunk = Chunk(self._config.key)
        changes = Changes(self._shape, self._ledger, started=self._clock(), stale=self._is_stale)
        asked = {**self._shape.config.parameters, **self._walk.ask(running.cursor)}
        try:
            async with aclosing(call(asked)) as portions:
                async for portion in portions:
                    chunk.take(portion.items)
                    changed = changes.made_by(portion.items)
                    if portion.is_last:
                        self._move(running, chunk, portion.rest)
                    yield self._batch(changed, more=not portion.is_last, traceparent=traceparent)
        except LegacyFaultError as error:
            if not self._may_begin_anew(running, error):
                raise
            self._refused = running.chunks
            _log.warning("a token of the snapshot was refused", source=self._config.name, chunks=running.chunks)
            yield self._begun(self._clock(), "its token was refused", asked=self._ledger.checkpoint.asked)
        self._deviations += changes.deviations

    def deviated(self) -> Counter[Deviation]:
        """Return how items differed from their contract since this was last asked."""
        told, self._deviations = self._deviations, Counter[Deviation]()
        return told

    def ending(self) -> Generator[EventBatch, None, None]:
        """Yield what ends the one under way: tombstones, and that nothing of it need be known any more.

        Raises:
            ListingRefusedError: It lacked more of the known items than `most_deleted` allows; it has ended, and
                nothing is deleted.
        """
        running, refused = self._running, list[ListingRefusedError]()
        gone: Sequence[Marked] = ()
        try:
            gone = within_limits(self._gone(), known=self._ledger.alive, config=self._config)
        except ListingRefusedError as lacks:
            refused.append(lacks)
        self._refused = 0
        changes, size = Changes(self._shape, self._ledger, started=self._clock()), self._config.chunk_items
        for start in range(0, len(gone), size):
            yield self._batch(changes.deleted(gone[start : start + size]), more=True)
        state = self._ledger.run(None)
        self._ledger.checkpoint = replace(self._ledger.checkpoint, full=running.begun)
        self._tell("refused" if refused else "complete", running, deleted=len(gone))
        yield EventBatch(stream=self._stream, checkpoint=self._ledger.checkpoint.to_bytes(), state=state)
        for error in refused:
            raise error

    @property
    def _running(self) -> Running:
        running = self._ledger.checkpoint.snapshot
        assert running is not None  # noqa: S101 - who calls has asked
        return running

    @property
    def _walk(self) -> Walk:
        return walk(self._shape.config, self._snapshot.by_key, greatest=lambda: self._ledger.greatest)

    def _given_up(self) -> EventBatch:
        """Forget one that the settings do not want any more."""
        state = self._ledger.run(None)
        _log.info("snapshot given up", source=self._config.name, reason="its settings are gone")
        return EventBatch(stream=self._stream, checkpoint=self._ledger.checkpoint.to_bytes(), state=state)

    def _why(self, now: datetime, asked: str | None) -> str | None:
        """Return why it is time to begin one."""
        known = self._ledger.checkpoint
        if asked is not None and asked != known.asked:
            return "it was asked for"
        if known.full is None:
            return "there was none"
        return "full_every has passed" if now - known.full >= self._config.full_every else None

    def _why_anew(self, now: datetime) -> str | None:
        """Return why the one under way can't go on."""
        running, lives = self._running, self._snapshot.token_lives
        if running.how != self._how:
            return "its settings have changed"
        has_token = running.cursor is not None and running.cursor.get("token") is not None
        return "its token is too old" if has_token and lives is not None and now - running.moved > lives else None

    @property
    def _how(self) -> str:
        """Return what a cursor depends on."""
        config, keys = self._shape.config, self._snapshot.by_key
        if keys is not None:
            return f"{config.operation} by {keys.after or f'{keys.at_least}-{keys.at_most}'}"
        assert config.paging is not None  # noqa: S101 - the configuration was checked
        size = config.paging.size if config.paging.by == "page" else ""
        return f"{config.operation} by {config.paging.by} {config.paging.parameter} {size}".rstrip()

    def _begun(self, now: datetime, why: str, *, asked: str | None) -> EventBatch:
        running = Running(begun=now, moved=now, how=self._how, cursor=self._walk.first(), known=self._ledger.alive)
        state = self._ledger.run(running)
        known = self._ledger.checkpoint
        # Polls must not wait for the first item: what changes from now on is theirs to find.
        self._ledger.checkpoint = replace(known, watermark=known.watermark or now, asked=asked)
        _log.info("snapshot begun", source=self._config.name, reason=why, known=running.known)
        self._metrics.snapshot(self._config.name, "begun")
        return EventBatch(stream=self._stream, checkpoint=self._ledger.checkpoint.to_bytes(), state=state)

    def _may_begin_anew(self, running: Running, error: LegacyFaultError) -> bool:
        """Tell whether a fault may say that a token is not good any more; a new one that is refused as well is not."""
        has_token = running.cursor is not None and running.cursor.get("token") is not None
        return has_token and not error.code.startswith("HTTP") and running.chunks > self._refused

    def _move(self, running: Running, chunk: Chunk, rest: Rest | None) -> None:
        assert running.cursor is not None  # noqa: S101 - a chunk of it was read
        most = self._most_chunks
        if running.chunks >= most:
            reason = f"expected at most {most} chunks: the listing does not end"
            raise LegacyUnavailableError(self._config.name, reason=reason)
        moved = replace(
            running,
            cursor=self._walk.following(running.cursor, chunk, rest),
            moved=self._clock(),
            chunks=running.chunks + 1,
            items=running.items + chunk.count,
        )
        self._ledger.checkpoint = replace(self._ledger.checkpoint, snapshot=moved)
        self._metrics.snapshot_chunk(self._config.name, chunk.count, share=_share(moved))
        if moved.chunks % self._snapshot.tell_every == 0:
            self._tell("under way", moved)

    @property
    def _most_chunks(self) -> int:
        paging, keys = self._shape.config.paging, self._snapshot.by_key
        if keys is not None:
            return keys.most_chunks
        assert paging is not None  # noqa: S101 - the configuration was checked
        return paging.most_pages

    def _batch(self, changed: Changed, *, more: bool, traceparent: str | None = None) -> EventBatch:
        seen = self._ledger.seen_meanwhile(polled=False)
        return EventBatch(
            stream=self._stream,
            checkpoint=self._ledger.checkpoint.to_bytes(),
            events=[changed.events] if changed.events else [],
            state={**changed.state, **seen},
            dead=changed.dead,
            more=more,
            traceparent=traceparent,
        )

    def _is_stale(self, known: Mark, modified: datetime | None) -> bool:
        """Tell whether an item of a chunk is older than what is known of it."""
        published = None if known.m is None else datetime.fromisoformat(known.m)
        if self._ledger.polled(known.n):
            return published is None or modified is None or modified <= published
        if published is None or modified is None or self._config.watermark is None:
            return False
        # Long before the begin, no poll looks any more: what is older now has been put back, and is true.
        return modified < published and published > self._running.begun - self._config.watermark.overlap

    def _gone(self) -> list[Marked]:
        paging, keys = self._shape.config.paging, self._snapshot.by_key
        if keys is None and paging is not None and paging.by == "page":
            return []
        missing = self._ledger.missing(in_snapshot=True)
        if keys is None or keys.at_least is None:
            return missing
        return [(key, mark) for key, mark in missing if _is_within(key, keys.first, keys.last)]

    def _tell(self, outcome: str, running: Running, **more: int) -> None:
        if outcome != "under way":
            self._metrics.snapshot(self._config.name, outcome)
        _log.info(
            f"snapshot {outcome}",
            source=self._config.name,
            chunks=running.chunks,
            items=running.items,
            known=running.known,
            seconds=round((self._clock() - running.begun).total_seconds()),
            **more,
        )


def _share(running: Running) -> float | None:
    """Return how much of it is read, by how many items were known at its begin."""
    if running.cursor is None:
        return 1.0
    return min(running.items / running.known, 1.0) if running.known else None


def _is_within(key: bytes, first: int, last: int | None) -> bool:
    return key.isdigit() and first <= int(key) and (last is None or int(key) <= last)


def ask(config: Config, *, now: datetime) -> Path:
    """Leave a request for a snapshot, and return where; the next one that begins answers it.

    Raises:
        ConfigError: The settings name no file for it, or it can't be written.
    """
    request = None if config.snapshot is None else config.snapshot.request
    if request is None:
        raise ConfigError([f"{config.name}: snapshot.request: expected a file in which a request is left"])
    part = request.with_name(f".{request.name}.part")
    try:
        part.write_text(f"{now.isoformat()} {secrets.token_hex(4)}\n", encoding="utf-8")
        part.replace(request)
    except OSError as error:
        raise ConfigError([f"{config.name}: snapshot.request: {request}: {error.strerror}"]) from error
    return request


def _asked(request: Path | None) -> str | None:
    """Return what a request for a snapshot says; None where there is none."""
    if request is None:
        return None
    try:
        return request.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("request for a snapshot not read", reason=type(error).__name__)
        return None
