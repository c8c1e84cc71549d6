"""A JAX-WS service polled by `banyan run` into real Kafka, through changes, deletes and the hub's own restarts."""

import asyncio
import json
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from events.connection import Connection
from tests.jaxws_server import JaxwsServer, running, unavailable
from tests.runs import hub, published, until

ADAPTER = '''
from datetime import timedelta
from adapters import soap
from contracts.event import Event, Personal

class ResidentRecorded(Event):
    """A resident was registered or changed."""
    type = "org.example.resident.recorded.v1"
    topic = "residents"
    resident_id: Personal[str]
    name: Personal[str]
    city: Personal[str]

adapter = soap.Adapter(
    soap.Config(
        name="residents",
        wsdl={wsdl!r},
        operation="ListResidents",
        items="ListResidentsResponse/resident",
        key="id",
        watermark=soap.Watermark(parameter="modifiedSince", field="lastModified"),
        full_every=timedelta(0),
        interval=timedelta(milliseconds=200),
        most_deleted=1,
    ),
    model=ResidentRecorded,
    key="resident_id",
    mapping={{"resident_id": "id", "name": "name", "city": "city"}},
)
'''


@pytest.fixture
def server(tmp_path: Path) -> Generator[JaxwsServer, None, None]:
    if (reason := unavailable()) is not None:
        pytest.skip(reason)
    with running(tmp_path / "residents.xml") as started:
        yield started


@pytest.mark.timeout(240)
async def test_changes_and_deletes_are_published_once_across_kills_of_the_hub(
    kafka: Connection, namespace: str, server: JaxwsServer, tmp_path: Path
) -> None:
    (tmp_path / "residents.py").write_text(ADAPTER.format(wsdl=server.wsdl))
    settings = tmp_path / "banyan.yaml"
    settings.write_text(
        f"namespace: {namespace}\nkafka: {{bootstrap_servers: '{kafka.bootstrap_servers}'}}\n"
        f"adapters: {{files: ['{tmp_path / 'residents.py'}']}}\ndata: {tmp_path / 'data'}\n"
    )
    topic = f"{namespace}.residents"
    for number in range(20):
        server.put(f"{number}", f"Resident {number}")

    with hub(settings, end=signal.SIGKILL):
        await until(kafka, topic, 20)
        server.put("3", "Resident 3", city="Luftwurz")
        server.delete("4")
        await until(kafka, topic, 22)
    server.put("5", "Resident 5", city="Luftwurz")
    server.delete("6")
    with hub(settings, end=signal.SIGKILL):
        await until(kafka, topic, 24)
        server.put("4", "Resident 4 is back")
    with hub(settings, end=signal.SIGTERM):
        await until(kafka, topic, 25)
        await asyncio.sleep(1)  # five more polls, which find nothing new

    events = await published(kafka, topic)
    assert len({event.id for event in events}) == len(events) == 25, "nothing is published twice"
    newest = {event.subject: event for event in events}
    assert {subject for subject, event in newest.items() if event.data is None} == {"6"}
    assert json.loads(newest["5"].data or b"")["city"] == "Luftwurz"
    assert json.loads(newest["4"].data or b"")["name"] == "Resident 4 is back"
    assert [event.id.rpartition(".")[2] for event in events if event.subject == "4"] == ["1", "2", "3"]
