"""The adapter polls a service in SOAP encoding over HTTP: numbering its values anew is no change."""

from pathlib import Path
from typing import Any

import pytest

from adapters import soap
from adapters._edge import impatient
from contracts.errors import ConfigError, LegacyUnavailableError
from contracts.event import Event, Personal, Public
from tests.encoded_registry import WSDL, reply, resident
from tests.polls import Hub, poll
from tests.soap_server import Reply, serving


class ResidentRegistered(Event):
    type = "org.banyan.testing.resident.registered.v1"
    topic = "residents"
    resident_id: Public[str]
    name: Personal[str]
    city: Personal[str | None]
    marks: Personal[list[int]]


def _adapter(folder: Path, address: str, **changes: Any) -> soap.Adapter:
    file = folder / "registry.wsdl"
    file.write_text(WSDL)
    config = soap.Config(
        name="residents",
        wsdl=str(file),
        operation="list",
        endpoint=address,
        items=("listResponse", "listReturn"),
        key=("id",),
        values="typed",
        most_deleted=1,
        once=True,
    )
    mapping = {"resident_id": "id", "name": "name", "city": "household/city", "marks": "marks"}
    adapter = soap.Adapter(config, model=ResidentRegistered, key="resident_id", mapping=mapping)
    return adapter.configured(changes)


def _listing(*numbers: int, first: int = 0, city: str = "Altfeigen") -> Reply:
    """Return a listing of residents who share a household, with ids from a number on."""
    inner = '<household href="#h"/><marks e:arrayType="xsd:int[2]"><i>1</i><i>2</i></marks>'
    apart = "".join(resident(f"{number}", inner, at=f"id{at}") for at, number in enumerate(numbers, first))
    home = f'<multiRef id="h"><city xsi:type="e:string">{city}</city><head href="#id{first}"/></multiRef>'
    return Reply(body=reply([f"id{at}" for at, _ in enumerate(numbers, first)], apart + home))


async def _polls(folder: Path, *replies: Reply, **changes: Any) -> tuple[list[list[str]], Hub]:
    hub = Hub()
    with serving(*replies) as script, impatient():
        adapter = _adapter(folder, script.address, **changes)
        found = [[f"{key} {position}" for key, position, _ in await poll(adapter, hub)] for _ in replies]
    return found, hub


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, b'nil="true"'),
        ({"since": None}, b'nil="true"'),
        ({"since": "2026-01-02T03:04:05Z"}, b">2026-01-02T03:04:05"),
    ],
)
async def test_every_parameter_is_sent(tmp_path: Path, given: dict[str, Any], sent: bytes) -> None:
    with serving(_listing(7)) as script, impatient():
        await poll(_adapter(tmp_path, script.address, parameters=given), Hub())

    assert sent in script.asked[0][1]


async def test_only_what_changed_is_published_whatever_the_ids_are(tmp_path: Path) -> None:
    listings = [
        _listing(7, 8, 9),
        _listing(7, 8, 9, first=40),
        _listing(7, 9, first=3),
        _listing(7, 9, city="Luftwurz"),
    ]
    found, hub = await _polls(tmp_path, *listings)

    assert found == [["7 1.1", "8 2.1", "9 3.1"], [], ["8 2.2"], ["7 1.2", "9 3.2"]]
    assert hub.events[0][2] == b'{"resident_id":"7","name":"N7","city":"Altfeigen","marks":[1,2]}'
    assert (hub.events[3][2], hub.dead) == (None, [])


async def test_a_bad_item_is_dead_lettered_with_what_it_refers_to(tmp_path: Path) -> None:
    good = _listing(7, 8)
    before, after = good.body.rsplit(b"<i>1</i>", 1)
    bad = before + b"<i>one</i>" + after
    found, hub = await _polls(tmp_path, Reply(body=bad), Reply(body=bad), good)

    assert found == [["7 1.1"], [], ["8 2.2"]]
    [letter] = hub.dead
    assert letter.reason == "listReturn/marks/i: expected an integer"
    assert b"Altfeigen" in (letter.value or b"")
    assert b"<head" in (letter.value or b"")


async def test_a_reply_beyond_the_bound_fails_the_poll(tmp_path: Path) -> None:
    with pytest.raises(LegacyUnavailableError, match="at most 900 bytes in a document"):
        await _polls(tmp_path, *[_listing(7, 8, 9)] * 9, encoded_bytes=900)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"values": "text"}, "values: expected typed, since list speaks SOAP encoding"),
        ({"key": "nobody"}, "key: an item has no such field; there are: .*household/city"),
        ({"key": "@id"}, "key: an item has no such field"),
        ({"items": "listResponse/residents"}, "items: the reply has no residents; there are: listReturn"),
    ],
)
async def test_what_does_not_fit_the_contract_is_told_before_the_first_call(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with serving() as script, pytest.raises(ConfigError, match=told):
        await poll(_adapter(tmp_path, script.address, **changes), Hub())

    assert script.asked == []
