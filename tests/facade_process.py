"""The façade as its users run it: `banyan facade run` in a process of its own, with workers, started for a test."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import ConfigError
from routers.facade.process.report import Report, read
from tests.command_line import BANYAN

__all__ = ["Facade", "running_facade"]

_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facade:
    """A façade that runs."""

    folder: Path
    """Holds `banyan.yaml`, `rules.yaml`, `log` and `data/`."""
    process: asyncio.subprocess.Process
    """The parent."""
    patience: float = _SECONDS
    """Longest wait in seconds until it does what it was told."""

    @property
    def config(self) -> Path:
        """Return the settings file, for further commands."""
        return self.folder / "banyan.yaml"

    @property
    def rules(self) -> Path:
        """Return the file of the ruleset; `edit_rules` also waits until the edit is in force."""
        return self.folder / "rules.yaml"

    @property
    def log(self) -> str:
        """Return what it logged."""
        return (self.folder / "log").read_text()

    @property
    def addresses(self) -> Mapping[str, str]:
        """Return listener -> `host:port`, `probes` among them."""
        return self.status().addresses

    def status(self) -> Report:
        """Return what it last told of itself; up to two seconds old.

        Raises:
            ConfigError: It has told nothing yet.
        """
        return read(self.folder / "data" / "facade.json")

    def serving(self) -> set[int]:
        """Return the processes of the workers that serve, as last told."""
        try:
            return {worker.pid for worker in self.status().workers if worker.state == "serving"}
        except ConfigError:
            return set()

    async def edit_rules(self, rules: Mapping[str, Any]) -> int:
        """Write other rules, and return their version when every worker runs them.

        Raises:
            ConfigError: They are wrong.
            TimeoutError: They say what is in force already.
        """
        before = self.status()
        whole = self.rules.with_suffix(".new")
        whole.write_text(yaml.safe_dump(rules))
        whole.replace(self.rules)
        await self._until(lambda: self._runs(before.ruleset.version + 1) or self._refused(before))
        if not self._runs(before.ruleset.version + 1):
            raise ConfigError(self.status().ruleset.problems)
        return self.status().ruleset.version

    def kill_worker(self) -> int:
        """Kill a worker that serves, at once, and return its process id."""
        victim = min(self.serving())
        os.kill(victim, signal.SIGKILL)
        return victim

    async def recovered(self, victim: int, *, workers: int = 2) -> None:
        """Wait until another one serves in the place of a killed worker."""
        await self._until(lambda: len(self.serving() - {victim}) == workers)

    async def drain(self) -> int:
        """Tell it to stop, wait until it has, and return its exit code."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), _SECONDS)

    async def ready(self, *, workers: int) -> None:
        """Wait until its probe says so, all workers serve, and rules are in force."""
        await self._until(lambda: len(self.serving()) == workers and self._runs(1))
        await self._until(lambda: _probe(self.addresses["probes"]) == 200)

    def _runs(self, version: int) -> bool:
        try:
            report = self.status()
        except ConfigError:
            return False
        return report.pid == self.process.pid and all(
            found >= version for found in (report.ruleset.version, *(worker.version for worker in report.workers))
        )

    def _refused(self, before: Report) -> bool:
        problems = self.status().ruleset.problems
        return bool(problems) and problems != before.ruleset.problems

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(self.patience):
            while not condition():
                if self.process.returncode is not None:
                    raise RuntimeError(f"the façade ended with {self.process.returncode}:\n{self.log}")
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running_facade(
    folder: Path,
    *,
    facade: Mapping[str, Any],
    rules: Mapping[str, Any],
    patience: float = _SECONDS,
    **settings: Any,
) -> AsyncGenerator[Facade]:
    """Run a façade until the block ends; then it is drained.

    Args:
        folder: Holds all its files; again the same one is a restart.
        facade: The `facade` settings; without listeners, `main` is on a free port before the backend `legacy`.
        rules: The document of the ruleset; one that is on the disk already stays.
        patience: Longest wait in seconds until it does what it was told.
        settings: The others; Kafka is away where they do not say otherwise.
    """
    workers = int(facade.get("workers", 2))
    there = {
        "data": str(folder / "data"),
        "kafka": {"bootstrap_servers": "127.0.0.1:9"},
        "key_secret": "only-for-tests-of-ours",
        **settings,
        "facade": {
            "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "legacy"}},
            "workers": workers,
            "probes": "127.0.0.1:0",
            "ruleset": str(folder / "rules.yaml"),
            "limits": {"connections": 256},
            **facade,
        },
    }
    (folder / "banyan.yaml").write_text(yaml.safe_dump(there))
    if not (folder / "rules.yaml").exists():
        (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    with (folder / "log").open("ab") as log:
        command = (BANYAN, "--config", folder / "banyan.yaml", "facade", "run")
        process = await asyncio.create_subprocess_exec(*command, stderr=log)
    started = Facade(folder=folder, process=process, patience=patience)
    try:
        await started.ready(workers=workers)
        yield started
    finally:
        if await started.drain() != 0 and process.returncode != -signal.SIGKILL:
            print(started.log)


def _probe(address: str) -> int:
    connection = HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
