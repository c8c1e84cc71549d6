"""Snapshots in chunks: when they begin, go on, begin anew and end."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from adapters import soap
from adapters.soap.cursor import Chunk, walk
from adapters.soap.example import CONFIG
from adapters.soap.seen import Numbers, packed, unpacked
from contracts.errors import ConfigError, LegacyFaultError, LegacyUnavailableError, ListingRefusedError
from contracts.legacy.soap.message.reader import Rest
from tests.polls import Hub, poll
from tests.register import LISTED, Register, Ticking, register_adapter

CHANGES = "poll:Changes"


def filled(clock: Ticking, size: int = 10, *, by_key: bool = False) -> Register:
    register = Register(clock, by_key=by_key)
    for number in range(1, size + 1):
        register.put(f"{number:02d}", "Ada")
    return register


@pytest.mark.parametrize("how", LISTED)
async def test_every_way_of_asking_is_checked_and_lists_everything_once(how: str) -> None:
    clock, hub = Ticking(), Hub()
    adapter = register_adapter(filled(clock, by_key=how == "after"), clock, how)

    assert await adapter.check() == []
    assert sorted(key for key, _, _ in await poll(adapter, hub)) == [f"{number:02d}" for number in range(1, 11)]
    assert await poll(adapter, hub) == []


async def test_polls_go_on_between_chunks() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    await poll(register_adapter(register, clock, "offset", interval=0.01), hub)

    kinds = [asked.split()[0] for asked in register.asked]
    assert kinds[:6] == ["Changes", "List", "Changes", "List", "Changes", "List"]
    assert kinds[-1] == "Changes", "the last poll comes before what is gone is told"


async def test_an_unchanged_register_writes_a_record_for_a_chunk_and_not_for_an_item() -> None:
    clock, hub = Ticking(), Hub()
    adapter = register_adapter(filled(clock, 12), clock, "offset")
    await poll(adapter, hub)
    clock.now += timedelta(hours=2)
    before = len(hub.batches)
    await poll(adapter, hub)

    written = [value for batch in hub.batches[before:] for value in batch.state.values() if value is not None]
    assert len(written) <= 6
    assert all(len(value) < 8 for value in written)
    assert not any(batch.events for batch in hub.batches[before:])


async def test_one_that_was_asked_for_begins_once(tmp_path: Path) -> None:
    clock, hub, request = Ticking(), Hub(), tmp_path / "snapshot"
    register = filled(clock)
    adapter = register_adapter(register, clock, "after")
    asking = adapter.configured({"snapshot": {**_snapshot(adapter), "request": request}})
    await poll(asking, hub)
    lists = register.lists
    assert asking.ask_for_snapshot() == request
    await poll(asking, hub)
    again = register.lists
    await poll(asking, hub)

    assert lists < again == register.lists
    with pytest.raises(ConfigError, match=r"snapshot\.request: expected a file"):
        adapter.ask_for_snapshot()


def _snapshot(adapter: soap.Adapter) -> dict[str, Any]:
    assert adapter.config.snapshot is not None
    return dict(adapter.config.snapshot)


async def test_a_refused_token_begins_it_anew_and_a_second_refusal_is_an_error() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    register.tokens_refused_at = 3
    with capture_logs() as logs:
        published = await poll(register_adapter(register, clock, "token"), hub)

    assert len(published) == 10
    begun = [log["reason"] for log in logs if log["event"] == "snapshot begun"]
    assert begun == ["there was none", "its token was refused"]

    clock.now += timedelta(hours=2)
    register.lists, register.tokens_refused_at = 0, 2
    register.meanwhile = lambda register: setattr(register, "tokens_refused_at", 2)
    with pytest.raises(LegacyFaultError):
        await poll(register_adapter(register, clock, "token"), hub)


async def test_a_token_that_is_too_old_is_not_tried() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    adapter = register_adapter(register, clock, "token")
    adapter = adapter.configured({"snapshot": {**_snapshot(adapter), "token_lives": 60}})
    batches = adapter.read(hub.progress)
    for _ in range(3):
        hub.publish(await anext(batches))
    await batches.aclose()
    clock.now += timedelta(minutes=2)
    with capture_logs() as logs:
        await poll(adapter, hub)

    assert [log["reason"] for log in logs if log["event"] == "snapshot begun"] == ["its token is too old"]


async def test_one_whose_settings_change_begins_anew_or_is_given_up() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    batches = register_adapter(register, clock, "offset").read(hub.progress)
    for _ in range(3):
        hub.publish(await anext(batches))
    await batches.aclose()
    other, without = Hub(), register_adapter(register, clock, "offset", snapshot=None, most_deleted=0)
    other.progress = hub.progress
    with capture_logs() as logs:
        await poll(register_adapter(register, clock, "range"), hub)
    await poll(without, other)

    assert [log["reason"] for log in logs if log["event"] == "snapshot begun"] == ["its settings have changed"]
    assert len({key for key, _, _ in hub.events}) == 10
    for each in (hub, other):
        assert not [key for key in each.progress.state if key.startswith(b"\0")]
        assert "snapshot" not in json.loads(each.progress.checkpoints[CHANGES])


async def test_one_that_lacks_too_much_deletes_nothing_is_told_and_not_tried_at_once() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    adapter = register_adapter(register, clock, "after", most_deleted=0.3)
    register.by_key = True
    await poll(adapter, hub)
    clock.now += timedelta(hours=2)
    for number in range(1, 6):
        register.delete(f"{number:02d}")

    with pytest.raises(ListingRefusedError, match="lacks 5 of 10 known items"):
        await poll(adapter, hub)
    lists = register.lists
    await poll(adapter, hub)

    assert register.lists == lists
    assert len(hub.events) == 10


async def test_keys_outside_of_the_declared_range_are_not_taken_for_gone() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    adapter = register_adapter(register, clock, "range")
    keys = {"at_least": "least", "at_most": "most", "first": 1, "last": 8, "size": 4}
    adapter = adapter.configured({"snapshot": {**_snapshot(adapter), "by_key": keys}})
    await poll(adapter, hub)  # what was put a moment ago is polled: all ten are known
    clock.now += timedelta(hours=2)
    register.delete("03")

    assert [key for key, _, value in await poll(adapter, hub) if value is None] == ["03"]


async def test_what_comes_back_as_it_was_long_ago_is_published() -> None:
    """An entry put back from a backup has an older last-modified, and is true."""
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    adapter = register_adapter(register, clock, "offset")
    old = register.entries["05"]
    clock.now += timedelta(minutes=10)
    register.put("05", "Grace")
    await poll(adapter, hub)
    clock.now += timedelta(hours=2)
    register.entries["05"] = old

    assert [json.loads(value or b"")["name"] for _, _, value in await poll(adapter, hub)] == ["Ada"]


def _walk(how: str) -> Any:
    config = register_adapter(None, None, how).config
    assert config.snapshot is not None
    return walk(config.listing(), config.snapshot.by_key, greatest=lambda: -1)


def test_services_that_go_round_in_circles_are_told() -> None:
    full = Chunk(("id",), count=3, last_key="07", hashes=["a", "b", "c"])
    for how in ("offset", "page"):
        way = _walk(how)
        cursor = way.first()
        for _ in range(3):
            cursor = way.following(cursor, full, None)
        with pytest.raises(LegacyUnavailableError, match="begin with the same item"):
            way.following(cursor, full, None)
    with pytest.raises(LegacyUnavailableError, match="ends with the key after which"):
        _walk("after").following({"after": "07"}, full, None)
    with pytest.raises(LegacyUnavailableError, match="followed by itself"):
        _walk("token").following({"token": "x"}, full, Rest(record={"next": "x"}, deviations=()))


def test_a_page_that_does_not_join_the_one_before_is_looked_for_further_back() -> None:
    way = _walk("offset")
    lost = Chunk(("id",), count=3, hashes=["x", "y", "z"])
    cursor: Any = {"at": 40, "anchors": ["a", "b"]}
    places = list[int]()
    for _ in range(7):
        cursor = way.following(cursor, lost, None)
        places.append(cursor["at"])
    assert places == [39, 37, 33, 25, 9, 0, 2]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"watermark": None, "snapshot": {"by_key": {"after": "a"}}}, "expected with a watermark"),
        ({"snapshot": {}}, "expected paging or by_key"),
        ({"snapshot": {"by_key": {"after": "a", "at_least": "b", "at_most": "c"}}}, "either after, or"),
        ({"snapshot": {"by_key": {"at_least": "b"}}}, "either after, or"),
        ({"snapshot": {"operation": "All", "by_key": {"after": "a"}}}, "items: expected with another operation"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        soap.Config.model_validate({**dict(CONFIG), **changes})


@given(st.lists(st.integers(0, 100_000)))
def test_numbers_come_back_as_they_were(numbers: list[int]) -> None:
    some = Numbers()
    new = [number for number in numbers if some.add(number)]

    assert sorted(new) == list(unpacked(packed(numbers))) == sorted(set(numbers))
    assert all(number in some for number in numbers)
    assert 100_001 not in some


def _between(register: Register, call: int, change: Callable[[Register], None]) -> None:
    """Change the register before one call of its listing."""
    done = list[int]()

    def meanwhile(register: Register) -> None:
        if register.lists == call and not done:
            done.append(call)
            change(register)

    register.meanwhile = meanwhile


async def test_what_a_poll_has_published_is_not_overwritten_by_an_older_item_of_a_chunk() -> None:
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    clock.now += timedelta(hours=1)
    _between(register, 1, lambda register: register.put("09", "Grace"))  # its page was cut when the cursor was opened
    await poll(register_adapter(register, clock, "token", interval=0.01), hub)

    assert [json.loads(value or b"")["name"] for key, _, value in hub.events if key == "09"] == ["Grace"]


@pytest.mark.parametrize("crash", [False, True])
async def test_an_item_that_was_passed_over_is_not_taken_for_gone(crash: bool) -> None:  # noqa: FBT001 - a case
    clock, hub = Ticking(), Hub()
    register = filled(clock)
    adapter = register_adapter(register, clock, "offset", interval=0.01)
    await poll(adapter, hub)
    clock.now += timedelta(hours=2)
    register.lists = 0

    def change(register: Register) -> None:
        register.delete("01")  # after its page was read: all others move up by one
        register.put("09", "Grace", place=0)  # and one moves to where the listing has been
        register.put("02", "Grace")

    _between(register, 1, change)
    batches = adapter.read(hub.progress)
    for _ in range(4 if crash else 0):
        hub.publish(await anext(batches))
    await batches.aclose()
    clock.now += timedelta(minutes=1)  # what the polls saw is older than they look back now
    await poll(adapter, hub)

    assert [key for key, _, value in hub.events if value is None] == [], "01 is for the next snapshot to find"
