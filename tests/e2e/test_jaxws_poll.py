"""The adapter against a real JAX-WS server: its contract, its envelopes, its faults, its restarts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import soap
from adapters._edge import impatient
from contracts.errors import LegacyFaultError, LegacyUnavailableError
from contracts.event import Event, Personal, Public
from tests.jaxws_server import JaxwsServer, running, unavailable
from tests.polls import Hub, poll


class ResidentRegistered(Event):
    type = "org.banyan.testing.resident.registered.v1"
    topic = "residents"
    resident_id: Public[str]
    name: Personal[str]
    city: Personal[str]
    born: Personal[str | None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jaxws") / "residents.xml"


@pytest.fixture(scope="module")
def process(data: Path) -> Iterator[JaxwsServer]:
    if (reason := unavailable()) is not None:
        pytest.skip(reason)
    with running(data) as started:
        yield started


@pytest.fixture
def server(process: JaxwsServer) -> Iterator[JaxwsServer]:
    process.clear()
    with impatient():
        yield process


def _adapter(server: JaxwsServer, *, full_every: int = 0) -> soap.Adapter:
    config = soap.Config(
        name="residents",
        wsdl=server.wsdl,
        operation="ListResidents",
        items=("ListResidentsResponse", "resident"),
        key=("id",),
        watermark=soap.Watermark(parameter="modifiedSince", field=("lastModified",)),
        most_deleted=1,
        once=True,
    )
    adapter = soap.Adapter(
        config,
        model=ResidentRegistered,
        key="resident_id",
        mapping={"resident_id": "id", "name": "name", "city": "city", "born": "born"},
    )
    return adapter.configured({"full_every": full_every})


async def test_changes_and_deletes_are_published_once_across_a_restart_of_the_server(
    server: JaxwsServer, data: Path
) -> None:
    hub = Hub()
    server.put("7", "Ada & <Co>", born="1815-12-10")
    server.put("8", "Grace")

    assert await _adapter(server).check() == []
    assert await poll(_adapter(server), hub) == [
        ("7", "1.1", b'{"resident_id":"7","name":"Ada & <Co>","city":"Altfeigen","born":"1815-12-10"}'),
        ("8", "2.1", b'{"resident_id":"8","name":"Grace","city":"Altfeigen","born":null}'),
    ]
    assert await poll(_adapter(server), hub) == []

    server.put("8", "Grace", city="Luftwurz")
    server.delete("7")
    with running(data) as restarted:
        assert await poll(_adapter(restarted), hub) == [
            ("8", "2.2", b'{"resident_id":"8","name":"Grace","city":"Luftwurz","born":null}'),
            ("7", "1.2", None),
        ]
        restarted.put("7", "Ada")
        assert [event[:2] for event in await poll(_adapter(restarted), hub)] == [("7", "1.3")]
        assert await poll(_adapter(restarted), hub) == []

        started_before = _adapter(restarted)
        assert await started_before.check() == []
    with pytest.raises(LegacyUnavailableError, match="ConnectionRefusedError"):
        await poll(started_before, hub)


async def test_only_what_changed_is_asked_for_and_a_full_listing_finds_the_deletes(server: JaxwsServer) -> None:
    hub = Hub()
    server.set_clock("-PT1H")
    server.put("1", "Old")
    server.set_clock("PT0S")
    server.put("2", "New")
    await poll(_adapter(server, full_every=3600), hub)

    server.put("3", "Newest")
    server.delete("1")

    assert [event[:2] for event in await poll(_adapter(server, full_every=3600), hub)] == [("3", "3.1")]
    assert await poll(_adapter(server), hub) == [("1", "1.2", None)]


async def test_a_clock_that_runs_ahead_hides_nothing(server: JaxwsServer) -> None:
    hub = Hub()
    server.set_clock("P3650D")
    server.put("1", "From the future")
    await poll(_adapter(server, full_every=3600), hub)
    server.set_clock("PT0S")
    server.put("2", "From today")

    assert [event[0] for event in await poll(_adapter(server, full_every=3600), hub)] == ["2"]


async def test_a_fault_of_the_server_is_tried_again(server: JaxwsServer) -> None:
    server.put("1", "Ada")
    server.fail(2, "Server")

    assert len(await poll(_adapter(server), Hub())) == 1


async def test_a_fault_of_the_client_is_told_at_once(server: JaxwsServer) -> None:
    server.fail(1, "Client")

    with pytest.raises(LegacyFaultError, match="fault Client: not like this"):
        await poll(_adapter(server), Hub())
