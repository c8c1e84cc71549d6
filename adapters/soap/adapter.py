"""The adapter: asks the legacy system, and hands its answers to `Poll`."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, aclosing, closing
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import structlog

from adapters._attempt import during, kept
from adapters._edge import Patience, call, part
from adapters._gate import Gates
from adapters.soap import example
from adapters.soap.bundle import is_web
from adapters.soap.changes import Listed, Shape
from adapters.soap.config import Config
from adapters.soap.contract import Contract, load
from adapters.soap.cursor import first_chunk
from adapters.soap.http import Exchange, HttpExchange, Opener, Request, tls_context
from adapters.soap.ledger import Ledger
from adapters.soap.listing import Listing
from adapters.soap.outward import Fetching, Outward
from adapters.soap.paging import Pages
from adapters.soap.poll import Poll, since
from adapters.soap.snapshot import Snapshots, ask
from adapters.soap.watch import Watch
from contracts.errors import BanyanError, ConfigError, LegacyUnavailableError
from contracts.event import Event
from contracts.keys import CanonicalKey
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.soap.message.reader import Rest
from contracts.mapping import EventMapping, compile_mapping
from contracts.ports import Budget, EventBatch, Progress, Purpose
from observability import fields, metrics, tracing

__all__ = ["Adapter"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Portion:
    items: Sequence[Listed]
    is_last: bool = False
    rest: Rest | None = None


class Adapter:
    """Polls one operation of a SOAP service. Delivery: exactly once from the poll into Kafka.

    Fulfils the port `Source`. Polls one after the other, each a span; a poll that changes nothing yields
    nothing. With `snapshot`, everything is listed in chunks between polls, which a crash ends at no more than a chunk.

    Args:
        config: The service, the operation and how to ask.
        model: The event that each item becomes.
        key: The model's field that is the partition key.
        mapping: A table or a function from item to event, as for every adapter. A table names what is
            nested with slashes: `{"city": "address/city"}`.
        canonical: How the key is written.
        clock: Returns the time.
        sleep: Waits between polls.
        opener: Makes an exchange; by default over HTTP.
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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        opener: Opener | None = None,
    ) -> None:
        named = _named(mapping)
        mapper = compile_mapping(model, mapping, key=key, legacy=named, canonical=canonical)
        self._shape = Shape(config=config, model=model, mapper=mapper)
        self._clock, self._sleep, self._given = clock, sleep, opener
        self._contracts: dict[str, Contract] = {}
        self._tls: tuple[ssl.SSLContext | None] | None = None
        self._outward = Outward()
        self._metrics = metrics.Metrics()

    @property
    def name(self) -> str:
        """Return the name of this source."""
        return self.config.name

    @property
    def config(self) -> Config:
        """Return its configuration."""
        return self._shape.config

    @property
    def model(self) -> type[Event]:
        """Return the event that each item becomes."""
        return self._shape.model

    @classmethod
    def example(cls, legacy: Opener | None = None) -> Self:
        """Return one that polls a registry of two members, which lives in this process; another at choice."""
        return cls(
            example.CONFIG,
            model=example.MemberRegistered,
            key="member_id",
            mapping={"member_id": "id", "name": "name"},
            opener=legacy or example.Registry({"1": "Ada", "2": "Grace"}),
        )

    def configured(self, changes: Mapping[str, object]) -> Self:
        """Return the same adapter with some of its configuration changed.

        Raises:
            ValidationError: A name is unknown, or a value does not fit.
        """
        config = Config.model_validate({**dict(self.config), **changes})
        other = copy(self)
        vars(other).update(_shape=replace(self._shape, config=config), _contracts={}, _tls=None)
        return other

    def asking(self, opener: Opener) -> Self:
        """Return the same adapter that asks otherwise than over HTTP: a test's own service."""
        other = copy(self)
        vars(other).update(_given=opener, _contracts={}, _outward=Outward())
        return other

    def draw_on(self, budget: Budget) -> None:
        """Have every call draw on the budget of its legacy system first."""
        self._outward = replace(self._outward, budget=budget)

    def share_gates(self, gates: Gates) -> None:
        """Share breakers and bulkheads with other adapters that call the same operation."""
        self._outward = replace(self._outward, gates=gates)

    def ask_for_snapshot(self) -> Path:
        """Leave a request for a snapshot where an instance that runs looks for one; return where that is.

        Raises:
            ConfigError: The settings name no place for it, or it can't be written.
        """
        return ask(self.config, now=self._clock())

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each: reads the contract, and asks once.

        An `unsafe` operation is not asked.
        """
        try:
            once = self.config.patience.once()
            if self.config.operation_class == "unsafe":
                await self._load(once)
                return []  # to ask would be to do it
            await self.try_call(self._smallest(), once)
            if self.config.snapshot is not None:
                await self._listed().try_call(first_chunk(self.config), once)
        except ConfigError as error:
            return [*error.problems]
        except BanyanError as error:
            return [str(error)]
        return []

    def _smallest(self) -> dict[str, Any]:
        parameters, watermark = self.config.parameters, self.config.watermark
        return parameters if watermark is None else {**parameters, watermark.parameter: since(watermark, self._clock())}

    async def read(self, since: Progress) -> AsyncGenerator[EventBatch, None]:
        """Yield batches that continue right after `since`; ends only with `once`.

        Raises:
            LegacyUnavailableError: The legacy system gave no answer, or none that can be true, for all our
                patience.
            LegacyFaultError: It says that our request is wrong.
            LegacyInDoubtError: An `unsafe` operation may have been called, and gave no answer.
            ConfigError: The contract has no such operation, parameter or items.
            ContractError: The WSDL is not understood.
        """
        ledger = Ledger(since, self._shape.stream)
        watch = Watch(self.config, since, clock=self._clock, outward=self._outward)
        snapshots, listed = Snapshots(self._shape, ledger, clock=self._clock), self._listed()
        while True:
            for told in (await watch.look(), await asyncio.to_thread(snapshots.begin)):
                if told is not None:
                    yield told
            started = self._clock()
            async with aclosing(self._poll(Poll(self._shape, ledger, started=started))) as batches:
                async for batch in batches:
                    yield batch
            async with aclosing(listed.snapshot(snapshots, until=started + self.config.interval)) as batches:
                async for batch in batches:
                    yield batch
            if self.config.once and not snapshots.is_running:
                return
            rest = timedelta(0) if snapshots.is_read else self.config.interval - (self._clock() - started)
            await self._sleep(max(rest, timedelta(0)).total_seconds())

    async def try_call(self, parameters: Mapping[str, Any], patience: Patience) -> None:
        """Call the service, and take nothing of its answer."""
        listing, _ = await self._ask(parameters, None, purpose="poll", patience=patience)
        listing.close()

    async def snapshot(self, snapshots: Snapshots, *, until: datetime) -> AsyncGenerator[EventBatch, None]:
        """Go on with the snapshot under way until it is time for a poll, or end it.

        Of the adapter for the operation that lists everything.
        """
        if snapshots.is_read:
            for batch in snapshots.ending():
                yield batch
            return
        while snapshots.is_running and not snapshots.is_read:
            wait = min(snapshots.rest(), until - self._clock())
            if wait > timedelta(0):
                await self._sleep(wait.total_seconds())
            if snapshots.rest() > timedelta(0):
                break
            async with aclosing(self._chunk(snapshots)) as batches:
                async for batch in batches:
                    yield batch
            if self._clock() >= until:
                break
        self._tell(snapshots.deviated().items())

    async def _chunk(self, snapshots: Snapshots) -> AsyncGenerator[EventBatch, None]:
        with tracing.span(fields.span_name(fields.SNAPSHOT, self.name), current=False) as span:
            traceparent = tracing.traceparent(span)
            chunk = snapshots.chunk(partial(self._portions, traceparent=traceparent), traceparent=traceparent)
            async with aclosing(chunk) as batches:
                async for batch in batches:
                    yield batch

    def _listed(self) -> Self:
        """Return the same adapter for the operation that lists everything."""
        other = copy(self)
        vars(other).update(_shape=replace(self._shape, config=self.config.listing()))
        return other

    async def _poll(self, poll: Poll) -> AsyncGenerator[EventBatch, None]:
        name = fields.span_name(fields.POLL, self.name)
        with tracing.span(name, current=False) as span:
            traceparent = tracing.traceparent(span)
            deviations: list[Deviation] = []
            async with aclosing(self._chunks(poll.parameters(), traceparent, deviations)) as chunks:
                async for items, last in chunks:
                    if (batch := poll.batch(items, last=last, traceparent=traceparent)) is not None:
                        yield batch
            self._tell([*poll.deviations.items(), *Counter(deviations).items()])

    async def _chunks(
        self, parameters: Mapping[str, Any], traceparent: str | None, deviations: list[Deviation]
    ) -> AsyncGenerator[tuple[Sequence[Listed], bool], None]:
        """Yield the items of all pages, some at a time, and whether they are the last."""
        config, pages = self.config, Pages(self.config.paging, system=self.name)
        asked: Mapping[str, Any] | None = pages.first()
        while asked is not None:
            listing, items = await self._ask({**parameters, **asked}, traceparent, purpose="poll")
            with closing(listing):
                fresh, count = pages.begun(items), len(items)
                while len(items) == config.chunk_items:
                    yield fresh, False
                    fresh = items = await self._more(listing)
                    count += len(items)
                self._refuse_capped(count)
                deviations += listing.deviations
                asked = pages.following(count, listing.last, listing.rest)
                yield fresh, asked is None

    async def _ask(
        self,
        request: Mapping[str, Any],
        traceparent: str | None,
        *,
        purpose: Purpose,
        patience: Patience | None = None,
    ) -> tuple[Listing, Sequence[Listed]]:
        """Call the service; the one place for what each call needs, whatever it is for."""
        patience = patience or self.config.patience
        contract = await self._load(patience)
        operation = self._outward.polls(self.config, contract.endpoint, purpose=purpose)
        asked = partial(self._list, contract, request, traceparent)
        return await call(self.name, asked, patience, operation=operation)

    async def _more(self, listing: Listing) -> Sequence[Listed]:
        """Return the next items; what was handed on can't be taken back, so the rest of a reply is not tried twice."""
        operation = self._outward.polls(self.config, listing.endpoint)
        return await part(self.name, listing.more, self.config.patience, operation=operation, held=listing.held)

    async def _portions(self, request: Mapping[str, Any], *, traceparent: str | None) -> AsyncGenerator[_Portion, None]:
        """Yield the items of a snapshot's chunk, some at a time."""
        listing, items = await self._ask(request, traceparent, purpose="snapshot")
        with closing(listing):
            count = len(items)
            while len(items) == self.config.chunk_items:
                yield _Portion(items)
                items = await self._more(listing)
                count += len(items)
            self._refuse_capped(count)
            self._tell(Counter(listing.deviations).items())
            yield _Portion(items, is_last=True, rest=listing.rest)

    def _refuse_capped(self, count: int) -> None:
        if self.config.cap is not None and count >= self.config.cap:
            reason = f"the listing has {count} items and cap is {self.config.cap}: it was cut off; ask in pages"
            raise LegacyUnavailableError(self.name, reason=reason)

    def _tell(self, deviations: Iterable[tuple[Deviation, int]]) -> None:
        """Tell how a listing differs from the contract, each difference once: the service has changed."""
        for deviation, times in deviations:
            self._metrics.deviated(self.name, deviation.kind, times=times)
            _log.warning(
                "reply deviates from its contract",
                source=self.name,
                path=deviation.path,
                kind=deviation.kind,
                expected=deviation.expected,
                times=times,
            )

    async def _list(
        self, contract: Contract, parameters: Mapping[str, Any], parent: str | None
    ) -> tuple[Listing, Sequence[Listed]]:
        name = fields.span_name(fields.CALL, self.config.operation)
        with tracing.span(name, kind=tracing.SpanKind.CLIENT, parent=parent), ExitStack() as undo:
            request = contract.request(parameters)
            if (traceparent := tracing.traceparent()) is not None:
                request = replace(request, headers={**request.headers, "traceparent": traceparent})
            listing = Listing(self._open(request), contract, self.config)
            undo.callback(listing.close)
            items = await listing.begin()
            listing.held = kept()
            undo.pop_all()
            return listing, items

    async def _load(self, patience: Patience) -> Contract:
        config = self.config
        listing = str((config.operation, config.items, config.paging))
        if listing not in self._contracts:
            if is_web(config.wsdl):
                operation = self._outward.fetches(config, config.wsdl)
                contract = await call(self.name, self._loaded, patience, operation=operation)
            else:
                contract = await self._loaded()
            self._require_fields(contract)
            self._contracts[listing] = contract
        return self._contracts[listing]

    async def _loaded(self) -> Contract:
        with closing(Fetching(self.config, self._open)) as fetching:
            during(fetching)
            return await asyncio.to_thread(load, self.config, fetching)

    def _require_fields(self, contract: Contract) -> None:
        if contract.fields is None:
            return
        config = self.config
        wanted = {"key": "/".join(config.key)}
        if config.watermark is not None:
            wanted["watermark.field"] = "/".join(config.watermark.field)
        wanted |= {f"mapping of {name}": name for name in self._shape.mapper.fields or ()}
        missing = [where for where, name in wanted.items() if name not in contract.fields]
        if missing:
            known = ", ".join(sorted(contract.fields))
            raise ConfigError([f"{where}: an item has no such field; there are: {known}" for where in missing])

    def _open(self, request: Request) -> Exchange:
        patience = self.config.patience
        if self._given is not None:
            return self._given(request, patience.silence)
        if self._tls is None:
            self._tls = (tls_context(self.config.tls),)
        return HttpExchange(request, patience.silence, connect=patience.connecting, tls=self._tls[0])


def _named(mapping: EventMapping) -> frozenset[str]:
    """Return what a table names; whether an item has it is known when the contract is read."""
    if callable(mapping):
        return frozenset()
    return frozenset(to if isinstance(to, str) else to[0] for to in mapping.values())
