"""Adapters and backends that name a legacy system get its budget, and the settings are judged at the start."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from contracts.errors import ConfigError
from contracts.ports import Budget
from events.publisher import Published
from hub import facade, wiring
from hub.budget.budgets import Budgets
from hub.health import OutboundHealth
from hub.settings import Settings, load
from routers.facade.settings import Backend, FacadeSettings, Listener
from tests.sources import Numbers


class Polling(Numbers):
    """An adapter that keeps to a budget."""

    name = "customers"

    def __init__(self, system: str | None) -> None:
        super().__init__(1)
        self.config = SimpleNamespace(system=system)
        self.budget: Budget | None = None

    def draw_on(self, budget: Budget) -> None:
        self.budget = budget

    def configured(self, changes: Mapping[str, Any]) -> Self:
        assert not changes
        return self

    async def check(self) -> list[str]:
        return []


class Reading(Polling):
    """An adapter that knows of no budget."""

    draw_on = None  # type: ignore[assignment]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of two systems."""
    return Settings.model_validate({"data": tmp_path, "systems": {"crm": {"rate": "50/s"}, "tax": {"rate": "9/min"}}})


def ignore(name: str, published: Published) -> None:
    """Take that something was published."""


def wired(settings: Settings, *adapters: Polling) -> Budgets:
    """Return the budgets of a process with these adapters."""
    budgets = Budgets(settings, process="pipeline")
    wiring.pipelines(settings, adapters, on_commit=ignore, budgets=budgets)
    return budgets


async def test_an_adapter_that_names_a_system_draws_on_its_budget(settings: Settings, tmp_path: Path) -> None:
    adapter = Polling("crm")

    async with wired(settings, adapter).running():
        assert adapter.budget is not None
        await asyncio.wait_for(adapter.budget.draw("poll"), 3)

    assert (tmp_path / "budget" / "crm").is_dir()
    assert not (tmp_path / "budget" / "tax").exists()


async def test_adapters_of_one_system_share_its_budget(settings: Settings) -> None:
    adapters = [Polling("crm"), Polling("crm"), Polling("tax")]

    wired(settings, *adapters)

    assert adapters[0].budget is adapters[1].budget is not adapters[2].budget


def test_the_folder_may_be_another_one_than_that_of_the_process(settings: Settings, tmp_path: Path) -> None:
    wired(settings.model_copy(update={"budget_folder": tmp_path / "shared"}), Polling("crm"))

    assert (tmp_path / "shared" / "crm").is_dir()


def test_an_adapter_that_names_none_gets_none(settings: Settings) -> None:
    adapter = Polling(None)

    wired(settings, adapter)

    assert adapter.budget is None


def test_a_system_that_there_is_not_is_refused_with_those_that_are(settings: Settings) -> None:
    with pytest.raises(ConfigError) as caught:
        wired(settings, Polling("cmr"))

    assert caught.value.problems == (
        "customers: system: no system 'cmr' under systems in the settings; there are: crm, tax",
    )


def test_an_adapter_that_can_t_keep_to_a_budget_is_refused(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="customers: system: this kind of adapter does not keep to a budget"):
        wired(settings, Reading("crm"))


def test_a_backend_of_an_unknown_system_is_refused(settings: Settings) -> None:
    given = settings.model_copy(
        update={
            "facade": FacadeSettings(
                listeners={"main": Listener(address="127.0.0.1:0", legacy="old")},
                backends={"old": Backend(url="http://127.0.0.1:9", system="mainframe")},
            )
        }
    )

    with pytest.raises(ConfigError, match=r"facade\.backends\.old\.system: no system 'mainframe' under systems"):
        facade.facade_settings(given)


def test_a_mistake_in_a_system_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "banyan.yaml"
    file.write_text(
        "systems:\n  crm:\n    rate: 5/d\n  tax:\n    rate: 10/s\n    zone: Europe/Atlantis\n  old:\n    rate: 5\n"
        "    windows:\n    - {opens: 22:00, closes: 06:00, rate: 50}\n    - {opens: 05:00, closes: 07:00, rate: 1}\n"
    )

    with pytest.raises(ConfigError) as caught:
        load(file, environ={})

    told = "\n".join(caught.value.problems)
    assert f"{file}:3: systems.crm.rate: expected calls per second, or such as 5/s, 300/min or 1000/h" in told
    assert f"{file}:6: systems.tax.zone: there is no time zone 'Europe/Atlantis' here" in told
    assert "systems.old: windows: daily 22:00-06:00 and daily 05:00-07:00 overlap on" in told


def test_a_variable_sets_a_rate() -> None:
    environ = {"BANYAN_SYSTEMS__CRM__RATE": "300/min", "BANYAN_SYSTEMS__CRM__BURST": "2"}

    assert load(environ=environ).systems["crm"].rate == 5


class Part:
    """Something that a hub runs, and that draws once."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    async def run(self) -> None:
        await asyncio.wait_for(self._budget.draw("retry"), 5)

    def stop(self) -> None:
        """Nothing goes on."""

    def told(self) -> OutboundHealth:
        return OutboundHealth(state="collecting")


async def test_draws_are_answered_while_the_hub_runs(settings: Settings, tmp_path: Path) -> None:
    adapter = Polling("crm")
    budgets = wired(settings, adapter)
    assert adapter.budget is not None

    failed = await wiring.run({}, {"part": Part(adapter.budget)}, health=tmp_path / "health", budgets=budgets)

    assert failed == {}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(adapter.budget.draw("poll"), 0.2)
