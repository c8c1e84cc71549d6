"""The budgets that one process draws on: those of the systems that its adapters or backends name."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

import structlog

from contracts.budget.settings import LegacySystem
from contracts.errors import ConfigError
from contracts.ports import Budget
from hub.budget.folder import Folder
from hub.budget.member import Member
from hub.settings import Settings

__all__ = ["Budgets", "budget_folder", "described"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0


def budget_folder(settings: Settings, system: str) -> Path:
    """Return the folder in which processes share the budget of a system."""
    return (settings.budget_folder or settings.data / "budget") / system


def described(settings: Settings, system: str, *, named_by: str) -> LegacySystem:
    """Return what is said of a system.

    Raises:
        ConfigError: Nothing is; `named_by` is where its name was found.
    """
    found = settings.systems.get(system)
    if found is None:
        there = ", ".join(sorted(settings.systems)) or "none"
        raise ConfigError([f"{named_by}: no system {system!r} under systems in the settings; there are: {there}"])
    return found


@final
class Budgets:
    """Gives out budgets, which are drawn on while this runs.

    Args:
        settings: All settings.
        process: What this process is, for people: `pipeline`, `facade`.
    """

    def __init__(self, settings: Settings, *, process: str) -> None:
        self._settings, self._process = settings, process
        self._members: dict[str, Member] = {}

    def of(self, system: str, *, named_by: str) -> Budget:
        """Return the budget of a system.

        Args:
            system: Its name in the settings.
            named_by: The setting that names it.

        Raises:
            ConfigError: There is none of that name, or its folder can't be used.
        """
        found = described(self._settings, system, named_by=named_by)
        if system not in self._members:
            folder = Folder(budget_folder(self._settings, system)).made()
            self._members[system] = Member(system, found, folder, process=self._process)
        return self._members[system]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Answer draws until the block ends."""
        loop = asyncio.get_running_loop()
        # No task group: an error of the block must leave it as it is.
        tasks = [loop.create_task(_kept_up(name, member)) for name, member in self._members.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_up(name: str, member: Member) -> None:
    """Run a member; a defect of ours must not let draws wait for ever."""
    while True:
        try:
            await member.run()
        except Exception:  # noqa: BLE001 - whatever it is, others draw on it
            _log.exception("the budget failed, and begins anew", system=name)
        await asyncio.sleep(PAUSE_SECONDS)
