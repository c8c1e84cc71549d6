"""The second half of the demo: the share moves, and everybody's calls and records go to one side, the same one."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from contracts.errors import ConfigError
from events.log import KafkaLog
from events.topics import ruleset_topic
from hub.demo.acts import Acts, until
from hub.demo.evidence import Channels, Outage
from hub.demo.extract import Extract
from hub.demo.judgement import Seen, channels, decided, outage
from hub.demo.part import Part
from hub.demo.stage import WORKERS
from hub.facade import report_file
from hub.rules import current, read_document
from routers.facade.process.report import Report, WorkerReport, read
from routers.rulesets.chain import Manifest
from routers.rulesets.log import apply
from routers.rulesets.ruleset import Ruleset

__all__ = ["Cutover", "prepared"]

_RULES = Path(__file__).with_name("rules.yaml")
_UNDER_WAY_SECONDS = 0.2
_OUTAGE_SECONDS = 1.0
_BREAKER_SECONDS = 1.5
"""Longer than a breaker leaves a backend alone."""


class Cutover:
    """Moves the share, kills, and counts.

    Args:
        acts: Shows the steps.
        callers: Call the façade.
        residents: Whom they call for.
        known: Events of the legacy registry so far.
    """

    def __init__(self, acts: Acts, *, callers: Part, residents: Sequence[str], known: int) -> None:
        self._acts, self._stage, self._settings = acts, acts.stage, acts.stage.settings
        self._callers, self._residents, self._known = callers, residents, known
        self._seen: list[Seen] = []
        self._rounds: dict[str, Counter[str]] = {}
        self.trace = ""
        """Trace of one call, from its caller on."""
        self.history: Sequence[Manifest] = ()
        """The changes of the ruleset."""

    async def play(self) -> None:
        """Move the share from nobody to everybody."""
        await self._move("act-6", 0, "6  share 0 %: legacy answers", reason="The façade is there; nobody moves yet")
        await self._keep_up()
        await self._move("act-7", 2_500, "7  share 25 %: modern answers a quarter", reason="A quarter, for a week")
        await self._kill("kill-modern", "8  kill -9 the modern side, and start it again", self._without_modern)
        await self._kill("kill-worker", "   kill -9 each worker of the façade, in turn", self._without_each_worker)
        await self._keep_up()
        await self._move("act-9", 10_000, "9  share 100 %: modern answers", reason="Everybody; no call was lost")
        self.trace = str((await self._round("traced", traced=True))["trace"])
        self.history = (await current(self._settings)).chain.manifests

    async def judged(self, extract: Extract) -> tuple[list[Channels], list[Outage]]:
        """Return what it showed, held against the file's records and the decision records."""
        records = await decided(self._settings, self._seen[-1])
        kills = (("kill-modern", "the modern side"), ("kill-worker", "each worker"))
        outages = [outage(name, self._rounds[name], records, killed=killed) for name, killed in kills]
        return [channels(seen, extract, records) for seen in self._seen], outages

    async def _move(self, name: str, share: int, label: str, *, reason: str) -> None:
        """Move the share, and let the callers go round once."""
        step = self._acts.begin(label, total=len(self._residents) * 3)
        ruleset = await self._apply(share, reason)
        await asyncio.to_thread(self._stage.served)
        told = await self._round(name)
        legacy, modern = map(frozenset, await asyncio.to_thread(self._stage.served))
        self._acts.end(step, told["calls"])
        calls, answered = told["calls"], told["answered"]
        self._seen.append(
            Seen(name=name, share=share, ruleset=ruleset, calls=calls, answered=answered, legacy=legacy, modern=modern)
        )

    async def _apply(self, share: int, reason: str) -> Ruleset:
        """Do what `banyan ruleset apply rules.yaml` does, and wait until all workers decide by it."""
        file = self._stage.folder / "rules.yaml"
        text = _RULES.read_text("utf-8").replace("\n    share: 0\n", f"\n    share: {share}\n")
        file.write_text(text, "utf-8")
        wanted, topic = read_document(self._settings, file).capabilities, ruleset_topic(self._settings.namespace)
        async with KafkaLog(self._settings.kafka, topics=[topic]) as log:
            await apply(log, topic.name, wanted, author="operations", reason=reason)
        ruleset = (await current(self._settings)).chain.ruleset
        await until(lambda: all(worker.version >= ruleset.version for worker in self._workers()))
        return ruleset

    async def _keep_up(self) -> None:
        """Let the modern side take over what has changed on the legacy side."""
        label = "   the modern side keeps up by events"
        self._known += (await self._acts.publish("residents", label, expected=None)).events
        await until(lambda: self._stage.taken() >= self._known)

    async def _round(self, name: str, *, traced: bool = False) -> dict[str, Any]:
        """Let the callers go round once, and return what they tell."""
        residents = self._residents[:1] if traced else self._residents
        asked = {"act": name, "street": f"Wurzelpfad {name}", "residents": residents, "traced": traced}
        told: dict[str, Any] = json.loads(await asyncio.to_thread(self._callers.ask, json.dumps(asked)))
        counts = {what: count for what, count in told.items() if isinstance(count, int)}
        self._rounds.setdefault(name, Counter()).update(counts)
        return told

    async def _kill(self, name: str, label: str, kill: Callable[[], Awaitable[None]]) -> None:
        """Kill something while the callers go round and round; the last round begins when all is well again."""
        step, over = self._acts.begin(label), asyncio.Event()

        async def rounds() -> None:
            is_last = False
            while not is_last:
                is_last = over.is_set()
                await self._round(name)

        async with asyncio.TaskGroup() as group:
            group.create_task(rounds())
            await asyncio.sleep(_UNDER_WAY_SECONDS)
            await kill()
            over.set()
        self._acts.end(step, self._rounds[name]["calls"])

    async def _without_modern(self) -> None:
        modern = self._stage.modern
        await asyncio.to_thread(modern.kill)
        await asyncio.sleep(_OUTAGE_SECONDS)
        modern.start()
        await asyncio.to_thread(modern.wait)
        await until(lambda: self._stage.served()[1])
        await asyncio.sleep(_BREAKER_SECONDS)  # each worker has a breaker of its own

    async def _without_each_worker(self) -> None:
        """Kill each worker in turn: the kernel may have given all callers to one of them."""
        for worker in self._workers():
            os.kill(worker.pid, signal.SIGKILL)
            await until(partial(self._is_replaced, worker.pid))

    def _is_replaced(self, pid: int) -> bool:
        serving = {worker.pid for worker in self._workers()}
        return pid not in serving and len(serving) == WORKERS

    def _workers(self) -> list[WorkerReport]:
        report = _report(report_file(self._settings))
        return [] if report is None else [worker for worker in report.workers if worker.state == "serving"]


@asynccontextmanager
async def prepared(acts: Acts, *, known: int) -> AsyncGenerator[Cutover]:
    """Wait until the façade serves and the modern side knows everybody, and start callers for the block."""
    stage, settings = acts.stage, acts.stage.settings
    file = report_file(settings)
    await until(lambda: (found := _report(file)) is not None and not found.unready())
    await until(lambda: stage.taken() >= known)
    address = f"http://{read(file).addresses['residents']}/registry"
    callers = Part("hub.demo.callers", address, str(settings.trace_store), log=stage.folder / "log")
    with callers:
        yield Cutover(acts, callers=callers, residents=stage.residents(), known=known)


def _report(file: Path) -> Report | None:
    with suppress(ConfigError):
        return read(file)
    return None
