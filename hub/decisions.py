"""Decisions for other code: the rules in force, followed as they change, and the `decide` of every channel."""

import asyncio
import fcntl
import re
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

import structlog

from contracts.document import meant
from contracts.errors import ConfigError
from events.log import KafkaLog
from events.topics import ruleset_topic
from hub.settings import Settings
from observability.metrics import Metrics
from routers.decision import Decision, Reason, decide_rule, decide_together
from routers.rulesets.capability import NAME
from routers.rulesets.file import RulesetFile
from routers.rulesets.ruleset import Rule, Ruleset
from routers.rulesets.source import Rulesets
from routers.rulesets.topic import RulesetTopic
from routers.stage import Side, Stage

__all__ = ["Decisions"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_PATIENCE: Final = timedelta(seconds=10)
_LEAVE_SECONDS: Final = 5.0


@final
class Decisions:
    """Who answers, for code that is no channel of Banyan: the same decision for the same person.

        with Decisions(settings, name="letters") as decisions:
            decision = decisions.decide("address-changes/change", "0000012345")

    The rules are followed in a thread of its own, so it serves code with and without an event loop, any number of
    threads, and a decision waits for no disk and no network. They come from where the façade's come from: the file of
    the settings, else the topic.

    Promise: without Kafka the last rules stay in force, also over a restart, by a local copy; while there never were
    any, legacy answers. A process that forks needs one of its own afterwards.

    Args:
        settings: All settings.
        name: Names the local copy, which one process has at a time.
        patience: How long the beginning waits for the newest rules; then it goes on with those of the local copy.
    """

    def __init__(self, settings: Settings, *, name: str = "decisions", patience: timedelta = _PATIENCE) -> None:
        if not re.fullmatch(NAME, name):
            raise ConfigError([f"name {name!r}: expected a-z 0-9 . _ -, a letter or digit first"])
        self._folder, self._name, self._patience = settings.data / "decisions", name, patience
        self._rulesets = _rulesets(settings, self._folder / f"{name}.jsonl")
        self._metrics = Metrics()
        self._watchers: list[Callable[[], None]] = []
        self._caught_up, self._broken = threading.Event(), ""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin to follow the rules, and wait for the newest.

        Raises:
            ConfigError: Another process follows them by the same name.
        """
        with ExitStack() as stack:
            self._lock(stack)
            following = _Following(self._run, name=f"rules-{self._name}")
            stack.callback(following.end)
            if not self._caught_up.wait(self._patience.total_seconds()):
                _log.warning("the rules may be old", version=self.ruleset.version, problems=self.problems)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Follow them no more."""
        self._stack.close()

    @property
    def ruleset(self) -> Ruleset:
        """Return the rules in force. They never change: a run that keeps them decides by one version throughout."""
        return self._rulesets.ruleset

    @property
    def problems(self) -> Sequence[str]:
        """Return why newer rules may not be in force, a sentence each; none where all is well."""
        unread = () if self._caught_up.is_set() else (f"{self._rulesets.source} was not read yet",)
        return [*self._rulesets.problems, *unread, *filter(None, [self._broken])]

    def decide(self, route: str, *keys: str | None) -> Decision:
        """Decide one call, and count the decision.

        Args:
            route: `capability/route`.
            keys: As the channel wrote them: one, or none (None is none, too); for several, what the capability declares
                for that.

        Raises:
            ConfigError: The rules have no such route.
        """
        ruleset, given = self.ruleset, [key for key in keys if key is not None]
        rule = _rule(ruleset, route)
        if rule is None:
            decision = Decision(route, Side.LEGACY, None, Stage.OFF, None, Reason.NO_ROUTE, 0)
        elif len(given) > 1:
            decision = decide_together(rule, given, ruleset.version)
        else:
            decision = decide_rule(rule, given[0] if given else None, ruleset.version)
        self._metrics.decided(route, decision.side or "reject", decision.reason)
        return decision

    def watch(self, changed: Callable[[], None]) -> None:
        """Have this called after each change of the rules, in the thread that follows them."""
        self._watchers.append(changed)

    def _lock(self, stack: ExitStack) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._name}.lock"
        opened = stack.enter_context(path.open("ab"))
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError([f"{path}: another process follows the rules by this name: choose another"]) from None

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._rulesets.run(self._told))
                await self._rulesets.caught_up()
                self._caught_up.set()
        except* Exception as errors:  # noqa: BLE001 - whatever it is, the last rules stay, and it is told
            self._broken = f"{self._rulesets.source} is not followed any more: {errors.exceptions[0]!r}"
            self._caught_up.set()  # nobody need wait any longer
            _log.exception("the rules are not followed any more; the last ones stay", version=self.ruleset.version)

    def _told(self, _change: bytes, _version: int) -> None:
        for changed in self._watchers:
            try:
                changed()
            except Exception:  # noqa: BLE001 - whatever it is, the rules are followed on
                _log.exception("a watcher of the rules failed", version=self.ruleset.version)


class _Following:
    """A coroutine in a thread of its own, until it is told to end."""

    def __init__(self, run: Callable[[], Coroutine[None, None, None]], *, name: str) -> None:
        self._run = run
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._task: asyncio.Task[None]
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    def _main(self) -> None:
        with asyncio.Runner() as runner, suppress(asyncio.CancelledError):
            runner.run(self._cancellable())

    async def _cancellable(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())
        self._begun.set()
        await self._task

    def end(self) -> None:
        """End it, and wait until it has, at most for a few seconds."""
        self._begun.wait(_LEAVE_SECONDS)
        with suppress(RuntimeError):  # its loop is closed: it has ended already
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_LEAVE_SECONDS)


def _rulesets(settings: Settings, copy: Path) -> Rulesets:
    facade = settings.facade
    if facade is not None and facade.ruleset is not None:
        return RulesetFile(facade.ruleset, copy=copy, backends=facade.backends)
    return RulesetTopic(KafkaLog(settings.kafka), ruleset_topic(settings.namespace).name, copy=copy)


def _rule(ruleset: Ruleset, route: str) -> Rule | None:
    """Return a rule; None while there are none at all."""
    rule = ruleset.rules.get(route)
    if rule is None and ruleset.version:
        fix = meant(route, ruleset.rules) or "; see `banyan route list`"
        raise ConfigError([f"ruleset {ruleset.version} has no route {route!r}{fix}"])
    return rule
