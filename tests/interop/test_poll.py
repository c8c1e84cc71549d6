"""Live servers of six stacks, each polled by `banyan run` into real Kafka: exactly what changed, and tombstones."""

import asyncio
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from events.connection import Connection
from events.envelope import Envelope
from tests.interop.peers import ENCODED, Pair
from tests.runs import hub, published, until
from tests.soap_clients.world import KEYS

Held = Callable[[Pair, str, str], None]
ADAPTER = '''
from datetime import date, timedelta
from adapters import soap
from contracts.event import Event, Personal

class ResidentRecorded(Event):
    """A resident was registered or changed."""
    type = "org.example.resident.recorded.v1"
    topic = "residents"
    resident_id: Personal[str]
    name: Personal[str]
    city: Personal[str]
    {fields}

adapter = soap.Adapter(
    soap.Config(
        name="residents",
        wsdl={wsdl!r},
        endpoint={endpoint!r},
        operation={operation!r},
        items={items!r},
        key="id",
        watermark=soap.Watermark(parameter="modifiedSince", field="lastModified"),
        full_every=timedelta(0),
        interval=timedelta(milliseconds=200),
        values="typed",
    ),
    model=ResidentRecorded,
    key="resident_id",
    mapping={{"resident_id": "id", "name": "name", {mapping}}},
)
'''
LITERAL_ITEMS = {"operation": "ListResidents", "items": "ListResidentsResponse/resident"}
CODE_FIRST = {"fields": "born: Personal[str | None]", "mapping": '"city": "city", "born": "born"', **LITERAL_ITEMS}
CONTRACT_FIRST = {
    "fields": "points: Personal[int]\n    registered: Personal[date]",
    "mapping": '"city": "city", "points": "points", "registered": "registered"',
    **LITERAL_ITEMS,
}
AXIS = {
    "fields": "marks: Personal[list[int]]",
    "mapping": '"city": "household/city", "marks": "marks"',
    "operation": "listResidents",
    "items": "listResidentsResponse/listReturn",
}


def adapter(pair: Pair) -> str:
    said = AXIS if pair.stack == ENCODED else CODE_FIRST if pair.stack.name in {"jaxws-ri", "cxf"} else CONTRACT_FIRST
    return ADAPTER.format(wsdl=str(pair.contract), endpoint=pair.legacy.address, **said)


def data_of(event: Envelope) -> dict[str, object]:
    found: dict[str, object] = json.loads(event.data or b"null")
    return found


def fresh(events: Sequence[Envelope], known: Sequence[Envelope]) -> list[Envelope]:
    """Return what is new; partitions are read one after the other."""
    ids = {each.id for each in known}
    return [each for each in events if each.id not in ids]


def typed(pair: Pair, number: str, name: str, registered: str) -> dict[str, object]:
    """Return what of a resident only this contract has, typed."""
    if pair.stack == ENCODED:
        return {"marks": [len(name), 2]}
    if pair.stack.name in {"jaxws-ri", "cxf"}:
        return {"born": None}
    return {"points": len(number), "registered": registered}


@pytest.mark.timeout(600)
async def test_what_changed_and_what_is_gone_is_published_once(
    pair: Pair, held: Held, kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "residents.py").write_text(adapter(pair))
    settings = tmp_path / "banyan.yaml"
    settings.write_text(
        f"namespace: {namespace}\nkafka: {{bootstrap_servers: '{kafka.bootstrap_servers}'}}\n"
        f"adapters: {{files: ['{tmp_path / 'residents.py'}']}}\ndata: {tmp_path / 'data'}\n"
    )
    topic, people = f"{namespace}.residents", pair.legacy.residents
    for number in ("501", "502", "503"):
        people.put(number, f"Åse & {number}")

    with hub(settings, end=signal.SIGKILL):
        first = await until(kafka, topic, len(KEYS) + 10, seconds=180)
        people.put("502", "Åse & 502", city="Luftwurz")
        people.delete("503")
        second = fresh(await until(kafka, topic, len(first) + 2, seconds=180), first)
    people.delete("501")
    with hub(settings, end=signal.SIGTERM):
        third = fresh(await until(kafka, topic, len(first) + 3, seconds=180), [*first, *second])
        await asyncio.sleep(1)  # more polls, which find nothing new
    people.delete("502")

    assert {each.subject: each.data is None for each in second} == {"502": False, "503": True}
    assert [(each.subject, each.data) for each in third] == [("501", None)]
    assert len(await published(kafka, topic)) == len(first) + 3, "what was published is not published again"
    assert len({each.subject for each in first}) == len(first)
    today = data_of(second[0] if second[0].data else second[1]).get("registered", "")
    moved = {"resident_id": "502", "name": "Åse & 502", "city": "Luftwurz"}
    assert data_of(next(each for each in second if each.data)) == moved | typed(pair, "502", "Åse & 502", str(today))
    known = next(data_of(each) for each in first if each.subject == "3")
    assert known["name"] == "Åse & <3>"
    held(pair, "banyan", "polled into Kafka: a change, a tombstone, a restart")
