"""What the demo tells: legacy data become events, then the legacy system is replaced, person by person."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import aclosing

from rich.console import Console

from contracts.benefit import BenefitPaid
from contracts.file_end import FileDelivered
from contracts.resident import ResidentRecorded
from events.embedded import NOTICE
from events.envelope import decode
from events.log import committed
from hub.demo.acts import Acts, bars, until
from hub.demo.cutover import prepared
from hub.demo.evidence import (
    Channels,
    Evidence,
    Outage,
    Rehearsed,
    Tally,
    Traced,
    channel_table,
    history_table,
    outage_table,
    tally_table,
)
from hub.demo.extract import Extract, make
from hub.demo.rehearsal import rehearse
from hub.demo.stage import Stage, staged
from hub.wiring import observed
from observability.render import render
from observability.store import TraceStore
from observability.tracing import Tracing
from routers.rulesets.chain import Manifest

__all__ = ["play"]

RECORDS, PLANTED = 2_000, 6
RESIDENTS = 200
_RECEIVE_SECONDS = 30.0
_TOPICS = {"residents": ResidentRecorded.topic, "benefits": BenefitPaid.topic, "modern": ResidentRecorded.topic}
"""Source -> topic."""
_WHOLE = ("caller", "facade", "modern", "resident-view")
"""Services that have a part in a call of the modern side."""
_FIRST, _SECOND = (
    """
[bold]Banyan[/bold]: legacy data as events, exactly once

  a SOAP registry of residents ─ poll ─┐
                                       ├─ adapters ─ Kafka ─ a new service
  a nightly EBCDIC file of benefits ───┘
""",
    """
[bold]Who answers?[/bold] The registry is replaced, person by person, on every channel

  callers ─ SOAP ─ façade ─┐          ┌─ legacy ─ poll ─┐
                           ├─ decide ─┤                 ├─ Kafka ─ new service
  the file's records ──────┘          └─ modern ────────┘
""",
)


_FOOTNOTE = """
again: the connection broke before the answer; the caller made the call again.
legacy: calls that legacy answered in place of the modern side. Among them,
owed: writes, which the modern side then got by events; older: reads that knew
only an address of before, since a plain split writes to one side."""


def play(console: Console) -> list[Evidence]:
    """Run the story on a console, and return what was counted."""
    console.print(_FIRST)
    console.print(f"{NOTICE}\n", style="dim")
    with staged() as stage, observed(stage.settings, service="pipeline") as tracing:
        return asyncio.run(_Story(stage, tracing, console).play())


class _Story:
    """The two halves of the demo."""

    def __init__(self, stage: Stage, tracing: Tracing, console: Console) -> None:
        self._stage, self._tracing, self._console = stage, tracing, console
        self._extract: Extract = make(RECORDS, residents=RESIDENTS, planted=PLANTED)

    async def play(self) -> list[Evidence]:
        rehearsed, *events = await self._events()
        return [rehearsed, *events, *await self._cutover(events[0].published)]

    async def _events(self) -> tuple[Rehearsed, Tally, Tally]:
        """Show that legacy data become events, and a new service gets each once."""
        stage, extract = self._stage, self._extract
        with bars(self._console) as shown:
            acts = Acts(stage, shown)
            rehearsed = await rehearse(acts, "0  rehearse on a stand-in made of the WSDL")
            residents = await acts.publish("residents", "1  poll the registry: everybody is new", expected=RESIDENTS)
            changed = await asyncio.to_thread(stage.change_registry, move=12, add=3, remove=2)
            label = f"2  {changed} move, come or go; poll again"
            residents.add(await acts.publish("residents", label, expected=changed))
            (stage.inbox / "BENEFITS.D20261121").write_bytes(extract.data)
            good = extract.records - extract.planted
            benefits = await acts.publish("benefits", "3  the nightly file arrives", expected=good)
            (stage.inbox / "COPY.OF.BENEFITS").write_bytes(extract.data)
            label = "4  the same file under another name: nothing new"
            benefits.add(await acts.publish("benefits", label, expected=0))
            await self._receive(acts, "5  the new service handles each event once", residents.events + benefits.events)
        tallies = (
            await self._tally("residents", read=RESIDENTS + changed, dead=residents.dead),
            await self._tally("benefits", read=extract.records, dead=benefits.dead, planted=extract.planted),
        )
        first = await self._first_trace("benefits")
        await self._show_trace("file → transaction → subscriber", first, services=("pipeline", "resident-view"))
        self._show_counts(rehearsed, tallies)
        return (rehearsed, *tallies)

    async def _cutover(self, known: int) -> list[Evidence]:
        """Show that callers go from one side to the other, everybody to one at a time."""
        stage, console = self._stage, self._console
        console.print(_SECOND)
        with bars(console) as shown:
            acts = Acts(stage, shown)
            async with prepared(acts, known=known) as cutover:
                await cutover.play()
            changes = stage.changed()
            await self._receive(acts, "   the new service hears of each change", changes, sources=["modern"])
        channels, outages = await cutover.judged(self._extract)
        tally = await self._tally("modern", read=changes)
        title = "caller → façade → modern side → event → subscriber"
        traced = await self._show_trace(title, cutover.trace, services=_WHOLE)
        _show_cutover(console, channels=channels, outages=outages, history=cutover.history)
        console.print("\n[bold]What the modern side has told[/bold], by events of its own\n")
        console.print(tally_table([tally]))
        return [*channels, *outages, traced, tally]

    async def _receive(
        self, acts: Acts, label: str, expected: int, *, sources: Collection[str] = ("residents", "benefits")
    ) -> None:
        def count() -> int:
            return sum(len(set(self._stage.received(source))) for source in sources)

        await acts.received(label, count, expected, seconds=_RECEIVE_SECONDS)

    async def _tally(self, source: str, *, read: int, dead: int = 0, planted: int = 0) -> Tally:
        settings = self._stage.settings
        records = committed(settings.kafka, f"{settings.namespace}.{_TOPICS[source]}")
        every = [decode(record.headers, record.value) async for record in records]
        events = [event for event in every if event.type != FileDelivered.type]
        published = [event.id for event in events if event.source.endswith(f"/{source}")]
        received = self._stage.received(source)
        # The modern side sends again what it can't know to be sent; the pipeline may not.
        twice = 0 if source == "modern" else len(published) - len(set(published))
        return Tally(
            source=source,
            read=read,
            published=len(set(published)),
            received=len(set(received)),
            lost=len(set(published) - set(received)),
            doubled=len(received) - len(set(received)) + twice,
            dead=dead,
            planted=planted,
        )

    async def _first_trace(self, topic: str) -> str:
        """Return the trace of the first event of a topic."""
        settings = self._stage.settings
        async with aclosing(committed(settings.kafka, f"{settings.namespace}.{topic}")) as records:
            first = await anext(records)
        return (decode(first.headers, first.value).traceparent or "").split("-")[1]

    async def _show_trace(self, title: str, trace_id: str, *, services: tuple[str, ...]) -> Traced:
        """Print a trace, once spans of all these services have reached the store."""
        self._tracing.flush()
        store = TraceStore(self._stage.settings.trace_store)
        await until(lambda: {span.service for span in store.trace(trace_id)} >= {*services}, seconds=5)
        spans = store.trace(trace_id)
        store.shutdown()
        self._console.print(f"\n[bold]{title}[/bold], as `banyan trace` shows it\n")
        width = self._console.width if self._console.is_terminal else None  # a file has a line for each span
        self._console.print(render(spans, width=width), soft_wrap=True)
        return Traced(source="trace", services=tuple(sorted({span.service for span in spans})), expected=services)

    def _show_counts(self, rehearsed: Rehearsed, tallies: Sequence[Tally]) -> None:
        residents, payments, joined = self._stage.view()
        self._console.print(
            f"Rehearsed first on a stand-in for the registry, made of its WSDL: {rehearsed.events} of "
            f"{rehearsed.items}\nmade-up residents became events, {rehearsed.dead} dead letters.\n"
        )
        self._console.print(tally_table(tallies))
        self._console.print(
            f"\nThe new service shows {residents} residents and {payments:,} payments, {joined} residents with one,\n"
            "joined by one key: 00000042 in SOAP and 0000000042 in EBCDIC are the same.\n"
        )


def _show_cutover(
    console: Console, *, channels: Sequence[Channels], outages: Sequence[Outage], history: Sequence[Manifest]
) -> None:
    console.print("[bold]One person, one side, on both channels[/bold]\n")
    console.print(channel_table(channels))
    console.print("\n[bold]kill -9 under calls[/bold] that are safe or idempotent\n")
    console.print(outage_table(outages))
    console.print(_FOOTNOTE, style="dim")
    console.print("\n[bold]Who moved the share, and why[/bold], as `banyan ruleset show --history` tells it\n")
    console.print(history_table(history))
