"""Where calls wait until what they said is published; each is answered once it is."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from adapters.soap_callback.book import Book, Taken
from adapters.soap_callback.config import Config
from adapters.soap_callback.contract import Message
from contracts.legacy.soap.authentication import Authenticated

__all__ = ["Desk", "Outcome", "Waiting"]

Word = Literal["accepted", "duplicate", "invalid", "id-reused", "replayed", "unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a message."""

    word: Word
    position: str = ""
    """Position of its event."""
    fault: str = ""
    """Why the contract or the event does not allow it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """A message, and the place where its caller waits."""

    message: Message
    arrived: datetime
    done: "asyncio.Future[Outcome]" = field(repr=False)
    is_handed_over: bool = False


_UNAVAILABLE: Final = Outcome(word="unavailable")


class Desk:
    """Takes messages while somebody reads; gives them out in the order in which they came.

    Args:
        config: How many may wait, and how long.
        book: Which messages and nonces were taken.
        clock: Returns the time.
    """

    def __init__(self, config: Config, book: Book, *, clock: Callable[[], datetime]) -> None:
        self._config, self.book, self._clock = config, book, clock
        self._queue: deque[Waiting] = deque()
        self._came = asyncio.Event()
        self._ids: dict[bytes, Waiting] = {}
        self._nonces: dict[bytes, Waiting] = {}
        self._handed: deque[tuple[bytes, Sequence[tuple[Waiting, Outcome]]]] = deque()
        self._settled = asyncio.Event()
        self._settled.set()
        self.is_open = True

    async def take(self, message: Message) -> Outcome:
        """Return what became of a message, when that is committed; not later than its patience allows."""
        if not self.is_open:
            return _UNAVAILABLE
        known = self._known(message)
        if isinstance(known, Outcome):
            return known
        waiting = known or self._queued(message)
        if waiting is None:
            return _UNAVAILABLE
        try:
            async with asyncio.timeout(self._config.answer_within.total_seconds()):
                # Whoever goes away must not take the event of another with it who waits for the same.
                outcome = await asyncio.shield(waiting.done)
        except TimeoutError:
            if not waiting.is_handed_over:
                self._withdraw(waiting)
            return _UNAVAILABLE
        is_second = known is not None and outcome.word == "accepted"
        return Outcome(word="duplicate", position=outcome.position) if is_second else outcome

    def _known(self, message: Message) -> Outcome | Waiting | None:
        """Return what is known of a message that was taken before, or waits; a nonce comes once, whatever it is for."""
        nonce, now = _nonce_key(message), self._clock()
        if nonce is not None and (nonce in self._nonces or self.book.find(nonce, now) is not None):
            return Outcome(word="replayed")
        key = _id_key(message)
        waiting = None if key is None else self._ids.get(key)
        taken = None if key is None else self.book.find(key, now)
        if waiting is None and taken is None:
            return None
        digest = waiting.message.digest if waiting is not None else "" if taken is None else taken.digest
        if digest != message.digest:
            return Outcome(word="id-reused")
        self._remember_nonce(message)
        # What is handed over is in the book already, and not yet committed: who waits for it goes on waiting.
        return waiting if taken is None or waiting is not None else _told(taken)

    def _queued(self, message: Message) -> Waiting | None:
        if not self.is_open or len(self._queue) >= self._config.most_waiting:
            return None
        waiting = Waiting(message=message, arrived=self._clock(), done=asyncio.get_running_loop().create_future())
        if (key := _id_key(message)) is not None:
            self._ids[key] = waiting
        if (nonce := _nonce_key(message)) is not None:
            self._nonces[nonce] = waiting
        self._queue.append(waiting)
        self._came.set()
        return waiting

    def spend(self, caller: Authenticated | None) -> None:
        """Remember the nonce of a message that is refused for what it says: it was taken once, too."""
        if caller is not None and caller.nonce is not None:
            until = _unix(caller.until + timedelta(seconds=1))
            self.book.put(b"nonce:" + caller.nonce.encode(), Taken(until=until))

    def put(self, message: Message) -> None:
        """Take a message for which nobody waits."""
        if self._known(message) is None:
            self._queued(message)

    @property
    def waiting(self) -> int:
        """Return how many calls wait to be read."""
        return len(self._queue)

    async def next(self, most: int) -> list[Waiting]:
        """Return the calls that wait, at most so many; waits until there is one."""
        while not self._queue:
            self._came.clear()
            await self._came.wait()
        found = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        for waiting in found:
            waiting.is_handed_over = True
        return found

    def hand_over(self, checkpoint: bytes, outcomes: Sequence[tuple[Waiting, Outcome]]) -> dict[bytes, bytes | None]:
        """Answer these once a batch with this checkpoint is committed; return how the state changes with it."""
        for waiting, outcome in outcomes:
            self._remember_nonce(waiting.message)
            if (key := _id_key(waiting.message)) is not None:
                until = waiting.arrived + self._config.remembered
                digest = waiting.message.digest
                taken = Taken(until=_unix(until), position=outcome.position, digest=digest, fault=outcome.fault)
                self.book.put(key, taken)
        self._handed.append((checkpoint, outcomes))
        self._settled.clear()
        return self.book.changes(self._clock())

    def published(self, checkpoint: bytes) -> None:
        """Answer those whose batch is committed."""
        if all(checkpoint != handed for handed, _ in self._handed):
            return
        while self._handed:
            handed, outcomes = self._handed.popleft()
            for waiting, outcome in outcomes:
                self.answer(waiting, outcome)
            if handed == checkpoint:
                break
        if not self._handed:
            self._settled.set()

    async def settled(self) -> None:
        """Wait until all that was handed over is committed."""
        await self._settled.wait()

    def answer(self, waiting: Waiting, outcome: Outcome) -> None:
        """Answer a call, and wait no more."""
        self._withdraw(waiting)
        if not waiting.done.done():
            waiting.done.set_result(outcome)

    def close(self) -> None:
        """Take nothing more; tell all who wait to come again, whose messages may be published or not."""
        self.is_open = False
        every = [*self._queue, *(waiting for _, outcomes in self._handed for waiting, _ in outcomes)]
        self._handed.clear()
        for waiting in every:
            self.answer(waiting, _UNAVAILABLE)

    def _withdraw(self, waiting: Waiting) -> None:
        if not waiting.is_handed_over and waiting in self._queue:
            self._queue.remove(waiting)
        for known, key in ((self._ids, _id_key(waiting.message)), (self._nonces, _nonce_key(waiting.message))):
            if key is not None and known.get(key) is waiting:
                del known[key]

    def _remember_nonce(self, message: Message) -> None:
        nonce = _nonce_key(message)
        if nonce is not None and message.caller is not None:
            # As long as its Created is fresh; a second more, since that is written more exactly than it is compared.
            self.book.put(nonce, Taken(until=_unix(message.caller.until + timedelta(seconds=1))))


def _told(taken: Taken) -> Outcome:
    return Outcome(word="invalid" if taken.fault else "duplicate", position=taken.position, fault=taken.fault)


def _id_key(message: Message) -> bytes | None:
    if message.error is not None:  # known by its bytes
        return b"bad:" + message.digest.encode()
    return None if message.id is None else b"id:" + hashlib.sha256(message.id.encode()).hexdigest().encode()


def _nonce_key(message: Message) -> bytes | None:
    caller = message.caller
    return None if caller is None or caller.nonce is None else b"nonce:" + caller.nonce.encode()


def _unix(moment: datetime) -> float:
    return moment.timestamp()
