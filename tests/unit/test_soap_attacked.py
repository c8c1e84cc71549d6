"""What an attack on polls and snapshots found: each was a wrong delete, an older state, or an item that was lost."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from adapters import soap
from adapters.soap.http import Request
from contracts.errors import LegacyUnavailableError
from contracts.mapping import EventMapping
from tests.members import member
from tests.polls import Hub, poll
from tests.register import Entry, EntryListed, Register, Ticking, register_adapter
from tests.unit.test_soap_snapshot import filled
from tests.unit.test_soap_unchanged import polled

OFFSET = {"by": "offset", "parameter": "offset", "size": 100}


class Own(Register):
    """A register whose own pages are shorter than what is asked for."""

    pages = 5

    def _chunk(self, asked: Mapping[str, str]) -> tuple[list[tuple[str, Entry]], str]:
        return super()._chunk({**asked, "limit": str(self.pages)})


@pytest.mark.parametrize("size_parameter", [None, "limit"])
async def test_a_snapshot_by_offset_goes_on_where_pages_are_shorter_than_asked(
    size_parameter: str | None,
) -> None:
    clock, hub = Ticking(), Hub()
    register = Own(clock)
    for number in range(1, 10):
        register.put(f"{number:02d}", "Ada")
    paging = {**OFFSET, "size_parameter": size_parameter}
    snapshot = {"operation": "List", "items": "ListResponse/entry", "paging": paging}
    adapter = register_adapter(register, clock, "offset", snapshot=snapshot, most_deleted=0.5)

    assert len(await poll(adapter, hub)) == 9
    clock.now += timedelta(hours=2)
    register.put("04", "Eve")
    assert [key for key, _, _ in await poll(adapter, hub)] == ["04"]
    assert len({key for key, _, _ in hub.events}) == 9


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 6, 10])
async def test_any_number_of_items_is_listed_whole_and_the_listing_ends(count: int) -> None:
    clock, hub = Ticking(), Hub()
    register = Own(clock)
    for number in range(1, count + 1):
        register.put(f"{number:02d}", "Ada")
    clock.now += timedelta(hours=2)  # too long ago for the polls between the chunks
    snapshot = {"operation": "List", "items": "ListResponse/entry", "paging": OFFSET}

    await poll(register_adapter(register, clock, "offset", snapshot=snapshot), hub)

    assert sorted({key for key, _, _ in hub.events}) == sorted(register.entries)
    assert register.lists <= count + 2


def listing(register: Register, clock: Ticking, mapping: EventMapping, *, key: str = "entry_id") -> soap.Adapter:
    """Return an adapter that lists everything at each poll."""
    config = register_adapter(register, clock, "offset").config
    whole = {"operation": "List", "items": "ListResponse/entry", "snapshot": None, "watermark": None}
    changed = soap.Config.model_validate({**dict(config), **whole})
    return soap.Adapter(
        changed, model=EntryListed, key=key, mapping=mapping, clock=clock, sleep=clock.sleep, opener=register
    )


def by_table(table: dict[str, str]) -> EventMapping:
    return {"entry_id": "id", "name": ("name", table)}


async def test_what_was_refused_is_published_once_its_mapping_is_mended_with_the_id_that_it_would_have_had() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock, 1)

    assert await poll(listing(register, clock, by_table({"Bob": "B"})), hub) == []
    register.put("02", "Bob")  # something new in the same batch
    assert len(await poll(listing(register, clock, by_table({"Bob": "B"})), hub)) == 1
    assert [letter.position for letter in hub.dead] == ["1.1"]
    register.delete("02")

    mended = [await poll(listing(register, clock, by_table({"Ada": "A"})), hub) for _ in range(2)]
    assert [[position for key, position, _ in each if key == "01"] for each in mended] == [["1.1"], []]
    assert len(hub.dead) == 1


async def test_a_tombstone_is_not_for_a_key_that_another_item_has_now() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock, 1)
    await poll(listing(register, clock, {"entry_id": "id", "name": "name"}, key="name"), hub)
    register.delete("01")
    register.put("02", "Ada")

    published = await poll(listing(register, clock, {"entry_id": "id", "name": "name"}, key="name"), hub)
    assert [(key, value is None) for key, _, value in published] == [("Ada", False)]

    register.delete("02")
    gone = await poll(listing(register, clock, {"entry_id": "id", "name": "name"}, key="name"), hub)
    assert [(key, value is None) for key, _, value in gone] == [("Ada", True)]


@pytest.mark.parametrize("ignore", [[], ["changed"]])
async def test_what_is_ignored_still_tells_which_of_two_states_is_older(ignore: list[str]) -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock, 9)
    adapter = register_adapter(register, clock, "token", ignore=ignore)
    await poll(adapter, hub)
    clock.now += timedelta(hours=2)
    lists, asked = register.lists, len(register.asked)

    done = set[str]()

    def change(register: Register) -> None:
        if register.lists == lists and len(register.asked) >= asked + 1 and "opened" not in done:
            done.add("opened")
            clock.now += timedelta(seconds=20)
            register.put("09", "Eve")  # the cursor of the listing is opened now
        elif register.lists == lists + 1 and "back" not in done:
            done.add("back")
            clock.now += timedelta(seconds=20)
            register.put("09", "Ada")
            clock.now += timedelta(seconds=20)
            register.put("01", "Bob")

    register.meanwhile = change
    await poll(adapter, hub)

    newest = {key: json.loads(value)["name"] for key, _, value in hub.events if value is not None}
    assert newest["09"] == register.names["09"] == "Ada"


class Restless(Register):
    """Says another time for each item at each call."""

    def answer(self, request: Request) -> tuple[int, bytes]:
        for entry in self.entries.values():
            entry.changed += timedelta(seconds=1)
        return super().answer(request)


async def test_what_is_ignored_breaks_no_page() -> None:
    clock, hub = Ticking(), Hub()
    register = Restless(clock)
    for number in range(1, 8):
        register.put(f"{number:02d}", "Ada")
    paging = {**OFFSET, "size": 3, "size_parameter": "limit"}
    changes: dict[str, Any] = {"ignore": ["changed"], "paging": paging}
    adapter = listing(register, clock, {"entry_id": "id", "name": "name"}).configured(changes)

    assert len(await poll(adapter, hub)) == 7
    assert await poll(adapter, hub) == []
    with pytest.raises(LegacyUnavailableError, match="changed while its pages were read"):
        await poll(adapter.configured({"ignore": ()}), hub)


def test_a_template_and_a_snapshot_do_not_go_together() -> None:
    with pytest.raises(ValidationError, match="request: expected none with a snapshot"):
        register_adapter(None, None, "after", request="list.xml")


async def test_an_ignored_change_without_a_snapshot_is_not_written() -> None:
    hub = Hub()

    await polled(hub, member("7"), member("7", changed="2026-01-02T11:30:00Z"), ignore=["changed"])

    assert [len(batch.state) for batch in hub.batches] == [1, 0]
