"""A polled service whose contract changes: told once for each change, and never in the way of polling."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters import soap
from adapters.soap.bundle import load_bundle
from adapters.soap.bundle_folder import planned
from adapters.soap.example import CONFIG, MemberRegistered
from contracts.errors import ConfigError
from contracts.wsdl_drifted import WsdlDrifted
from tests.budgets import Draws
from tests.contract_server import Page, Shelf, serving_contract
from tests.members import NOON, Clock, Scripted, member
from tests.polls import Hub, poll

WSDL = Path(CONFIG.wsdl).read_text("utf-8")
LATER = WSDL.replace('<xsd:element name="name" type="xsd:string"/>', '<xsd:element name="name" type="xsd:token"/>')


@pytest.fixture
def live() -> Generator[Shelf]:
    with serving_contract() as shelf:
        shelf.put("/members?wsdl", WSDL)
        yield shelf


def watching(live: Shelf, folder: Path, clock: Clock, **changes: Any) -> soap.Adapter:
    """Return a poller of nothing that watches the contract, imported from the live one as it is now."""
    planned(load_bundle(f"{live.address}/members?wsdl"), folder, taken=datetime(2026, 1, 1, tzinfo=UTC)).carry_out()
    adapter = soap.Adapter(
        CONFIG,
        model=MemberRegistered,
        key="member_id",
        mapping={"member_id": "id", "name": "name"},
        opener=Scripted(*[member("1")] * 9),
        clock=clock,
    )
    return adapter.configured({"wsdl": str(folder), "drift_every": timedelta(hours=1), **changes})


def told(hub: Hub) -> list[WsdlDrifted]:
    return [
        WsdlDrifted.model_validate_json(value or b"")
        for batch in hub.batches
        for columns in batch.events
        if columns.type == WsdlDrifted.type
        for value in columns.values
    ]


async def test_a_contract_that_changed_is_told_once(live: Shelf, tmp_path: Path) -> None:
    clock, hub = Clock(), Hub()
    adapter = watching(live, tmp_path / "pinned", clock)
    await poll(adapter, hub)
    assert told(hub) == []

    live.put("/members?wsdl", LATER)
    with capture_logs() as logs:
        for _ in range(3):
            clock.now += timedelta(hours=1)
            await poll(adapter, hub)

    [event] = told(hub)
    assert (event.source, event.wsdl) == ("members", f"{live.address}/members?wsdl")
    assert len(event.changed) == 1
    assert event.pinned != event.live
    assert [log["log_level"] for log in logs if log["event"] == "contract drifted"] == ["error"]


async def test_a_contract_that_comes_back_and_changes_again_is_told_again(live: Shelf, tmp_path: Path) -> None:
    clock, hub = Clock(), Hub()
    adapter = watching(live, tmp_path / "pinned", clock)
    for text in (LATER, WSDL, LATER):
        live.put("/members?wsdl", text)
        await poll(adapter, hub)
        clock.now += timedelta(hours=1)

    assert len(told(hub)) == 2
    positions = [position for key, position, _ in hub.events if key == "members"]
    assert len(set(positions)) == 2


async def test_it_is_looked_as_often_as_is_said(live: Shelf, tmp_path: Path) -> None:
    clock, hub = Clock(), Hub()
    adapter = watching(live, tmp_path / "pinned", clock)
    live.asked.clear()
    for minutes in (0, 30, 59, 60):
        clock.now = NOON + timedelta(minutes=minutes)
        await poll(adapter, hub)

    assert len(live.asked) == 2


async def test_a_live_contract_that_cant_be_had_does_not_end_the_polling(live: Shelf, tmp_path: Path) -> None:
    clock, hub = Clock(), Hub()
    adapter = watching(live, tmp_path / "pinned", clock)
    live.pages["/members?wsdl"] = Page(status=503)

    with capture_logs() as logs:
        await poll(adapter, hub)

    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["contract not compared"]
    assert [key for key, _, _ in hub.events] == ["1"]


async def test_another_address_may_be_the_live_one(live: Shelf, tmp_path: Path) -> None:
    clock, hub = Clock(), Hub()
    adapter = watching(live, tmp_path / "pinned", clock, drift_url=f"{live.address}/test?wsdl")
    live.put("/test?wsdl", LATER)

    await poll(adapter, hub)

    assert [event.wsdl for event in told(hub)] == [f"{live.address}/test?wsdl"]


async def test_without_an_imported_contract_there_is_nothing_to_compare(live: Shelf, tmp_path: Path) -> None:
    adapter = watching(live, tmp_path / "pinned", Clock(), wsdl=CONFIG.wsdl)

    with pytest.raises(ConfigError, match="drift_every: expected wsdl to be a folder"):
        await poll(adapter, Hub())


async def test_an_import_that_cant_be_had_is_no_drift(live: Shelf, tmp_path: Path) -> None:
    imported = '<xsd:import namespace="urn:other" schemaLocation="other.xsd"/>'
    head = '<xsd:schema targetNamespace="urn:banyan:example:members" elementFormDefault="qualified">'
    assert head in WSDL
    live.put("/members?wsdl", WSDL.replace(head, head + imported))
    live.put("/other.xsd", '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other"/>')
    clock, hub = Clock(), Hub()
    adapter = watching(live, tmp_path / "pinned", clock)
    del live.pages["/other.xsd"]

    with capture_logs() as logs:
        await poll(adapter, hub)

    assert told(hub) == []
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["contract not compared"]
    assert "contract" not in hub.progress.checkpoints


async def test_each_look_draws_on_the_budget_and_is_left_alone_after_failures(live: Shelf, tmp_path: Path) -> None:
    clock, hub, budget = Clock(), Hub(), Draws()
    adapter = watching(live, tmp_path / "pinned", clock, breaker={"failures": 2, "pause": 60})
    adapter.draw_on(budget)
    await poll(adapter, hub)
    assert budget.drawn == ["poll", "poll"]
    live.pages["/members?wsdl"] = Page(status=503)
    live.asked.clear()
    with capture_logs() as logs:
        for _ in range(4):
            clock.now += timedelta(hours=1)
            await poll(adapter, hub)

    assert len(live.asked) == 2
    assert budget.drawn[2:] == ["poll"] * (2 * 2 + 2)
    assert [log["operation"] for log in logs if log["event"] == "circuit breaker"] == ["contract"]
    reasons = [log["reason"] for log in logs if log["event"] == "contract not compared"]
    assert ["left alone" in reason for reason in reasons] == [False, False, True, True]
