"""The adapter: from calls to batches, and from what is published to answers."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import structlog

from adapters._http import Request
from adapters.soap_callback import example
from adapters.soap_callback.book import Book
from adapters.soap_callback.config import Config
from adapters.soap_callback.contract import Contract, Message, Refused, load, refused
from adapters.soap_callback.desk import Desk, Outcome, Waiting
from adapters.soap_callback.listener import Answer, Listener
from contracts.errors import BanyanError, ConfigError, RecordError
from contracts.event import Event
from contracts.identifiers import ordinal
from contracts.keys import CanonicalKey
from contracts.legacy.soap.answer import Refusal
from contracts.mapping import EventMapping, Mapper, compile_mapping
from contracts.ports import Columns, DeadLetter, EventBatch, Progress
from contracts.record_path import at
from observability import metrics

__all__ = ["Adapter"]

_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_Paired = tuple[Waiting, Outcome]
_REFUSALS: Final[Mapping[str, Refusal]] = {
    "replayed": Refusal(code="Client", text="the message is not authenticated"),
    "id-reused": Refusal(code="Client", text="the id of the message was used for another message"),
    "unavailable": Refusal(code="Server", text="the message is not taken now: send it again", status=503),
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Adapter:
    """Takes the calls of a legacy system. Delivery: an answer comes after the event is committed.

    Fulfils the ports `Source` and `Answering`.

    Args:
        config: The contract, and where to listen.
        model: The event that each message becomes.
        key: The model's field that is the partition key.
        mapping: A table or a function from message to event, as for every adapter. A table names what is nested with
            slashes: `{"city": "address/city"}`.
        canonical: How the key is written.
        clock: Returns the time.
        sent: Messages that wait when it begins, and for which nobody waits: for tests.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: type[Event],
        key: str,
        mapping: EventMapping,
        canonical: CanonicalKey | None = None,
        clock: Callable[[], datetime] = _utc_now,
        sent: Sequence[bytes] = (),
    ) -> None:
        named = frozenset[str]() if callable(mapping) else frozenset(_sources(mapping))
        self._mapper: Mapper = compile_mapping(model, mapping, key=key, legacy=named, canonical=canonical)
        self.config, self.model = config, model
        self._clock, self._sent = clock, sent
        self._contract: Contract | None = None
        self._desk: Desk | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._metrics = metrics.Metrics()
        self.url = ""
        """Where it answers, while it listens."""

    @property
    def name(self) -> str:
        """Return the name of this source."""
        return self.config.name

    @property
    def _stream(self) -> str:
        return f"call:{self.config.operation}"

    @classmethod
    def example(cls) -> Self:
        """Return one to which a shop has sent two orders, and one of them twice."""
        return cls(
            example.CONFIG,
            model=example.OrderPlaced,
            key="order_id",
            mapping={"order_id": "number", "cents": "cents"},
            clock=lambda: example.NOON,
            sent=example.MESSAGES,
        )

    def configured(self, changes: Mapping[str, object]) -> Self:
        """Return the same adapter with some of its configuration changed.

        Raises:
            ValidationError: A name is unknown, or a value does not fit.
        """
        other = copy(self)
        config = Config.model_validate({**dict(self.config), **changes})
        vars(other).update(config=config, _contract=None, _desk=None, _thread=None)
        return other

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each: reads the contract, and listens once."""
        try:
            await asyncio.to_thread(load, self.config)
            if self._desk is None and not self.url:
                listener = Listener(self.config, self._handle)
                await listener.begin()
                await listener.end()
        except ConfigError as error:
            return [*error.problems]
        except BanyanError as error:
            return [str(error)]
        return []

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None, None]:
        """Listen until the block ends, whether anybody reads or not; then answer those who wait, and end.

        Raises:
            ConfigError: It can't listen there, or the contract has no such operation.
        """
        await self._load()
        listener = Listener(self.config, self._handle)
        await listener.begin()
        self.url = listener.url
        try:
            yield
        finally:
            listener.close()
            if self._desk is not None:
                self._desk.close()
            await listener.end()
            self.url = ""

    def published(self, stream: str, checkpoint: bytes) -> None:
        """Take that every batch up to the one with this checkpoint is committed: their callers are answered."""
        if self._desk is not None and stream == self._stream:
            self._desk.published(checkpoint)

    async def read(self, since: Progress) -> AsyncGenerator[EventBatch, None]:
        """Yield what was called, as much as waits at a time; the next only when that is committed.

        Raises:
            ConfigError: The contract has no such operation, or its reply is none.
            ContractError: The contract is not understood.
        """
        await self._load()
        number = json.loads(since.checkpoints.get(self._stream, b'{"next":1}'))["next"]
        desk = self._desk = Desk(self.config, Book(since.state), clock=self._clock)
        try:
            for data in self._sent:
                if isinstance(found := await self._read(data, "text/xml", ""), Message):
                    desk.put(found)
            while not self.config.once or desk.waiting:
                calls = await desk.next(self.config.chunk_calls)
                batch, number = self._batch(desk, calls, number)
                if batch is None:
                    continue
                yield batch
                if not self.config.once:
                    await desk.settled()
        finally:
            desk.close()

    def _batch(self, desk: Desk, calls: Sequence[Waiting], number: int) -> tuple[EventBatch | None, int]:
        """Make one batch of some calls; those that are refused at once have no part in it."""
        sound = [call for call in calls if call.message.error is None]
        encoded = self._mapper.encode_records([self._row(call.message.record) for call in sound])
        bad = [(call, call.message.error) for call in calls if call.message.error is not None]
        bad += [(sound[row], error) for row, error in encoded.bad.items()]
        if self.config.invalid == "refuse":
            for call, error in bad:
                desk.spend(call.message.caller)
                desk.answer(call, Outcome(word="invalid", fault=str(error)))
            bad = []
        done = [sound[row] for row in encoded.rows]
        made = {*encoded.rows, *encoded.bad}
        none = [(call, Outcome(word="accepted")) for row, call in enumerate(sound) if row not in made]
        positions = [str(number + index) for index in range(len(done) + len(bad))]
        number += len(positions)
        if not positions and not none:
            return None, number
        good: list[_Paired] = [
            (call, Outcome(word="accepted", position=at)) for call, at in zip(done, positions, strict=False)
        ]
        letters = list(zip(bad, positions[len(done) :], strict=True))
        lost: list[_Paired] = [(call, _invalid(call, error, at)) for (call, error), at in letters]
        checkpoint = json.dumps({"next": number}).encode()
        state = desk.hand_over(checkpoint, [*good, *lost, *none])
        columns = self._columns(done, positions[: len(done)], keys=encoded.keys, values=encoded.values)
        return (
            EventBatch(
                stream=self._stream,
                checkpoint=checkpoint,
                events=[columns] if done else [],
                state=state,
                dead=[self._dead_letter(call, error, at) for (call, error), at in letters],
            ),
            number,
        )

    def _row(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        fields = self._mapper.fields
        return record if fields is None else {name: at(record, name.split("/")) for name in fields}

    def _columns(
        self, calls: Sequence[Waiting], positions: Sequence[str], *, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> Columns:
        return Columns(
            topic=self.model.topic,
            type=self.model.type,
            dataschema=self.model.dataschema(),
            time=[call.arrived for call in calls],
            keys=keys,
            positions=positions,
            sequences=[ordinal(int(position)) for position in positions],
            values=values,
        )

    def _dead_letter(self, call: Waiting, error: RecordError, position: str) -> DeadLetter:
        return DeadLetter(
            position=position,
            value=call.message.data,
            reason=str(error),
            error=type(error).__name__,
            attributes={"operation": self.config.operation},
        )

    async def _load(self) -> Contract:
        if self._thread is None:
            # One thread reads all: neither the contract nor lxml's documents are for several at a time.
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"calls-{self.name}")
        contract = self._contract
        if contract is None:
            contract = await asyncio.get_running_loop().run_in_executor(self._thread, load, self.config)
            self._contract = contract
        return contract

    async def _read(self, data: bytes, content_type: str, action: str) -> Message | Refused:
        contract, now = await self._load(), self._clock()

        def read() -> Message | Refused:
            return contract.read(data, content_type=content_type, action=action, now=now)

        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def _handle(self, request: Request) -> Answer:
        parts = urlsplit(request.target)
        if parts.path != self.config.path:
            return await self._beside(request.method, parts.path)
        if request.method == "GET":
            return await self._page(parts.query, request.headers.get("host", ""))
        if request.method != "POST":
            return Answer(status=405, body=b"expected POST, or GET of ?wsdl", headers={"Allow": "POST, GET"})
        headers = request.headers
        found = await self._read(request.body, headers.get("content-type", ""), headers.get("soapaction", ""))
        desk = self._desk
        if isinstance(found, Refused):
            if desk is not None:
                desk.spend(found.caller)
            return self._refuse(found)
        outcome = Outcome(word="unavailable") if desk is None else await desk.take(found)
        return await self._answered(found, outcome)

    async def _answered(self, message: Message, outcome: Outcome) -> Answer:
        if outcome.word not in {"accepted", "duplicate"}:
            fault = message.record.get("#fault") or outcome.fault
            refusal = _REFUSALS.get(outcome.word) or Refusal(code="Client", text=str(fault))
            return self._refuse(Refused(version=message.version, refusal=refusal, reason=outcome.word))
        self._metrics.callback(self.name, outcome.word)
        contract = await self._load()
        status, content_type, body = contract.accepted(message.version, message.record, outcome.position)
        return Answer(status=status, content_type=content_type, body=body)

    def _refuse(self, found: Refused) -> Answer:
        self._metrics.callback(self.name, found.reason)
        if found.reason != "unavailable":
            _log.warning("call refused", source=self.name, reason=found.reason)
        status, content_type, body = refused(found)
        after = str(round(self.config.retry_after.total_seconds()))
        headers = {"Retry-After": after} if found.reason == "unavailable" else {}
        return Answer(status=status, content_type=content_type, body=body, headers=headers)

    async def _beside(self, method: str, path: str) -> Answer:
        if path == "/health" and method == "GET":
            is_well = self._desk is not None and self._desk.is_open
            return Answer(status=200 if is_well else 503, body=b"ok" if is_well else b"not taking calls")
        return Answer(status=404, body=f"expected {self.config.path}".encode())

    async def _page(self, query: str, host: str) -> Answer:
        kind, equals, name = query.partition("=")
        page = (await self._load()).pages.get(kind.lower() + equals + unquote(name))
        if page is None:
            return Answer(status=404, body=b"expected ?wsdl")
        # As the caller named us: the address that we listen on may be one that nobody can call.
        scheme = "http" if self.config.tls is None else "https"
        origin = f"{scheme}://{host}" if _HOST.fullmatch(host) else self.url.removesuffix(self.config.path)
        return Answer(status=200, body=page.at(origin), content_type="text/xml")


def _invalid(call: Waiting, error: RecordError, position: str) -> Outcome:
    said = call.message.record.get("#fault")
    return Outcome(word="invalid", position=position, fault=str(said or error))


def _sources(mapping: Mapping[str, Any]) -> list[str]:
    return [to if isinstance(to, str) else to[0] for to in mapping.values()]
