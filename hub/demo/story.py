"""What the demo tells: legacy data become events, a new service gets each once, and every step can be traced."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from contracts.benefit import BenefitPaid
from contracts.resident import ResidentRecorded
from events.embedded import NOTICE
from events.envelope import decode
from events.log import committed
from events.pipeline import Pipeline
from events.publisher import Published
from hub.demo.extract import make
from hub.demo.stage import Stage, staged
from hub.discovery import discover
from hub.wiring import observed
from observability import fields
from observability.render import render
from observability.store import TraceStore
from observability.storedspan import StoredSpan
from observability.tracing import Tracing

__all__ = ["Tally", "play"]

RECORDS, PLANTED = 2_000, 6
RESIDENTS = 200
_RECEIVE_SECONDS = 30
_TOPICS = (ResidentRecorded.topic, BenefitPaid.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The checked counts of one source."""

    source: str
    read: int
    """Records and changed items that the legacy side had."""
    published: int
    """Events in Kafka."""
    received: int
    """Different events that the new service handled."""
    lost: int
    doubled: int
    dead: int
    planted: int
    """Bad records that were put into the input on purpose."""

    @property
    def holds(self) -> bool:
        """Tell whether everything is where it should be."""
        complete = self.read == self.published + self.dead and self.published == self.received
        return complete and not self.lost and not self.doubled and self.dead == self.planted


def play(console: Console) -> list[Tally]:
    """Run the story on a console, and return the counts."""
    console.print("\n[bold]Banyan[/bold]: legacy data as events, exactly once\n")
    console.print("  a SOAP registry of residents ─ poll ─┐")
    console.print("                                       ├─ adapters ─ Kafka ─ a new service")
    console.print("  a nightly EBCDIC file of benefits ───┘\n")
    console.print(f"{NOTICE}\n", style="dim")
    with staged() as stage, observed(stage.settings, service="pipeline") as tracing:
        tallies = asyncio.run(_acts(stage, tracing, console))
        _show_counts(tallies, stage.view(), console)
    return tallies


async def _acts(stage: Stage, tracing: Tracing, console: Console) -> list[Tally]:
    extract = make(RECORDS, residents=RESIDENTS, planted=PLANTED)
    columns = (TextColumn("  {task.description:<54}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        act = _Act(stage, bars)
        residents = await act.run("residents", "1  poll the registry: everybody is new", expected=RESIDENTS)
        changed = await asyncio.to_thread(stage.change_registry, move=12, add=3, remove=2)
        residents.add(await act.run("residents", f"2  {changed} move, come or go; poll again", expected=changed))
        (stage.inbox / "BENEFITS.D20261121").write_bytes(extract.data)
        benefits = await act.run("benefits", "3  the nightly file arrives", expected=extract.records - extract.planted)
        (stage.inbox / "COPY.OF.BENEFITS").write_bytes(extract.data)
        benefits.add(await act.run("benefits", "4  the same file under another name: nothing new", expected=0))
        await act.received(residents.events + benefits.events)
    tallies = [
        await _tally(stage, "residents", read=RESIDENTS + changed, planted=0, dead=residents.dead),
        await _tally(stage, "benefits", read=extract.records, planted=extract.planted, dead=benefits.dead),
    ]
    tracing.flush()
    await _show_traces(stage, console)
    return tallies


@dataclass(frozen=True, slots=True)
class _Act:
    """Runs steps of the story, each with a bar."""

    stage: Stage
    bars: Progress

    async def run(self, adapter: str, label: str, *, expected: int) -> Published:
        """Publish what an adapter finds now."""
        found = discover(self.stage.settings.adapters)[adapter].configured(self._changes(adapter))
        bar = self.bars.add_task(label, total=expected)
        pipeline = Pipeline(
            found,
            self.stage.settings.kafka,
            namespace=self.stage.settings.namespace,
            on_commit=lambda committed: self.bars.advance(bar, committed.events),
        )
        return await pipeline.run()

    def _changes(self, adapter: str) -> dict[str, object]:
        if adapter == "residents":
            return {"endpoint": self.stage.registry, "once": True}
        return {"path": self.stage.inbox / "*BENEFITS*", "once": True, "stable_for": 0, "chunk_records": 250}

    async def received(self, expected: int) -> None:
        """Wait until the new service has as many events, or the time is up; the counts tell what is missing."""
        bar = self.bars.add_task("5  the new service handles each event once", total=expected)
        with suppress(TimeoutError):
            async with asyncio.timeout(_RECEIVE_SECONDS):
                while (count := sum(len(self.stage.received(topic)) for topic in _TOPICS)) < expected:
                    self.bars.update(bar, completed=count)
                    await asyncio.sleep(0.1)
                self.bars.update(bar, completed=count)


async def _tally(stage: Stage, source: str, *, read: int, planted: int, dead: int) -> Tally:
    records = committed(stage.settings.kafka, f"{stage.settings.namespace}.{source}")
    published = [decode(record.headers, record.value).id async for record in records]
    received = stage.received(source)
    return Tally(
        source=source,
        read=read,
        published=len(published),
        received=len(set(received)),
        lost=len(set(published) - set(received)),
        doubled=len(received) - len(set(received)) + len(published) - len(set(published)),
        dead=dead,
        planted=planted,
    )


async def _show_traces(stage: Stage, console: Console) -> None:
    """Print how the first event of each topic came to be, and what became of it."""
    store = TraceStore(stage.settings.trace_store)
    for topic, title in zip(
        _TOPICS, ("poll → transaction → subscriber", "file → transaction → subscriber"), strict=True
    ):
        async with aclosing(committed(stage.settings.kafka, f"{stage.settings.namespace}.{topic}")) as records:
            first = await anext(records)
            event = decode(first.headers, first.value)
        trace_id = (event.traceparent or "").split("-")[1]
        console.print(f"\n[bold]{title}[/bold], as `banyan trace` shows it\n")
        console.print(render(await _complete(store, trace_id)), soft_wrap=True)
    store.shutdown()


async def _complete(store: TraceStore, trace_id: str) -> Sequence[StoredSpan]:
    """Return the trace once the subscriber's spans have reached the store, too."""
    for _ in range(50):
        spans = store.trace(trace_id)
        if {fields.SEND, fields.PROCESS} <= {span.name.partition(" ")[0] for span in spans}:
            break
        await asyncio.sleep(0.1)
    return store.trace(trace_id)


def _show_counts(tallies: Sequence[Tally], view: tuple[int, int, int], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    names = ("source", "read", "published", "received", "lost", "doubled", "dead-lettered", "")
    for name in names:
        table.add_column(name, justify="left" if name in {"source", ""} else "right", no_wrap=True)
    for tally in tallies:
        counts = (tally.read, tally.published, tally.received, tally.lost, tally.doubled)
        verdict = "[green]holds[/green]" if tally.holds else "[red]fails[/red]"
        dead = f"{tally.dead} of {tally.planted} planted"
        table.add_row(tally.source, *(f"{count:,}" for count in counts), dead, verdict)
    console.print()
    console.print(table)
    residents, payments, joined = view
    console.print(
        f"\nThe new service shows {residents} residents and {payments:,} payments, {joined} residents with one,"
    )
    console.print("joined by one key: 00000042 in SOAP and 0000000042 in EBCDIC are the same person.\n")
