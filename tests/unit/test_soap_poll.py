"""What a poll publishes: against a registry in this process, with a clock of ours."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters import soap
from adapters.soap.example import CONFIG, MemberRegistered, Registry
from adapters.soap.http import Answer, Request
from contracts.errors import ConfigError, LegacyFaultError, LegacyUnavailableError
from contracts.event import Event
from contracts.ports import Progress
from tests.polls import Hub, Published, poll

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HEAD = '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><ListMembersResponse xmlns="">'
TAIL = "</ListMembersResponse></Body></Envelope>"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Scripted:
    """Answers each request with the next document, and keeps the requests."""

    def __init__(self, *items: str, status: int = 200) -> None:
        self._replies = [(HEAD + item + TAIL).encode() for item in items]
        self._status = status
        self.requests: list[Request] = []
        self.closed = 0

    def __call__(self, request: Request, timeout: timedelta) -> "Scripted":
        del timeout
        self.requests.append(request)
        return self

    def send(self) -> Answer:
        return Answer(status=self._status, content_type="text/xml")

    def chunks(self) -> Iterator[bytes]:
        yield self._replies.pop(0)

    def close(self) -> None:
        self.closed += 1

    def asked_since(self) -> list[str | None]:
        parts = [(request.body or b"").decode().partition("changedSince>") for request in self.requests]
        return [after.partition("<")[0] or None for _, _, after in parts]


def _member(number: str, name: str = "Ada", changed: str = "2026-01-02T11:00:00Z") -> str:
    return f"<member><id>{number}</id><name>{name}</name><changed>{changed}</changed></member>"


def _adapter(legacy: soap.Opener, clock: Clock | None = None, **changes: object) -> soap.Adapter:
    adapter = soap.Adapter(
        CONFIG,
        model=MemberRegistered,
        key="member_id",
        mapping={"member_id": "id", "name": "name"},
        clock=clock or Clock(),
        opener=legacy,
    )
    return adapter.configured({"patience": {"attempts": 1}, **changes})


def _names(published: Sequence[Published]) -> list[tuple[str, str, str | None]]:
    return [(key, position, json.loads(value)["name"] if value else None) for key, position, value in published]


async def test_the_example_lists_two_members_and_is_well() -> None:
    hub = Hub()
    adapter = soap.Adapter.example()

    assert await adapter.check() == []
    assert _names(await poll(adapter, hub)) == [("1", "1.1", "Ada"), ("2", "2.1", "Grace")]
    assert await poll(adapter, hub) == []


async def test_each_change_is_one_event_and_a_delete_is_a_tombstone() -> None:
    hub, registry = Hub(), Registry({"7": "Ada", "8": "Grace"})
    adapter = _adapter(registry)
    await poll(adapter, hub)

    registry.put("7", "Ada King")
    registry.delete("8")

    assert _names(await poll(adapter, hub)) == [("7", "1.2", "Ada King"), ("8", "2.2", None)]
    assert await poll(adapter, hub) == []


async def test_an_item_that_comes_back_goes_on_with_its_versions() -> None:
    hub, registry = Hub(), Registry({"7": "Ada"})
    adapter = _adapter(registry, most_deleted=1)
    changes: list[Callable[[], None]] = [lambda: registry.delete("7"), lambda: registry.put("7", "Ada")]
    await poll(adapter, hub)
    for change in changes:
        change()
        await poll(adapter, hub)

    assert [position for _, position, _ in hub.events] == ["1.1", "1.2", "1.3"]
    assert [c.sequences[0] for b in hub.batches for c in b.events] == ["000000000001", "000000000002", "000000000003"]


Names = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["Ada", "Grace", "Mary"]))


@settings(deadline=None, max_examples=40)
@given(st.lists(Names, max_size=6), st.integers(1, 3))
async def test_whatever_happens_the_events_say_what_the_registry_holds(
    listings: list[dict[str, str]], size: int
) -> None:
    hub = Hub()
    for listing in listings:
        legacy = Scripted("".join(_member(number, name) for number, name in listing.items()))
        await poll(_adapter(legacy, chunk_items=size, most_deleted=1), hub)

        held = {key: json.loads(value)["name"] for key, _, value in hub.events if value is not None}
        last = {key: value for key, _, value in hub.events}
        assert {key: name for key, name in held.items() if last[key] is not None} == listing
    positions = [position for _, position, _ in hub.events]
    assert len(set(positions)) == len(positions)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5), st.integers(1, 4))
async def test_a_crash_between_batches_loses_nothing_and_doubles_nothing(crash_after: int, size: int) -> None:
    hub, listing = Hub(), "".join(_member(str(number)) for number in range(9))
    batches = _adapter(Scripted(listing), chunk_items=size).read(hub.progress)
    async for batch in batches:
        if len(hub.batches) == crash_after:
            break
        hub.publish(batch)
    await batches.aclose()

    await poll(_adapter(Scripted(listing), chunk_items=size), hub)

    assert sorted(key for key, _, _ in hub.events) == [str(number) for number in range(9)]
    assert len({position for _, position, _ in hub.events}) == 9


async def test_only_the_last_batch_ends_the_unit_and_moves_the_watermark() -> None:
    hub = Hub()
    await poll(_adapter(Scripted(_member("1") + _member("2")), chunk_items=1), hub)

    watermarks = [json.loads(batch.checkpoint)["watermark"] for batch in hub.batches]
    assert [batch.more for batch in hub.batches] == [True, True, False]
    assert watermarks == [None, None, "2026-01-02T11:00:00+00:00"]


async def test_a_poll_looks_back_behind_the_newest_change_by_the_overlap() -> None:
    hub = Hub()
    legacy = Scripted(
        _member("1", changed="2026-01-02T10:00:00.1234567+01:00") + _member("2", changed="2026-01-01T00:00:00Z"), ""
    )
    adapter = _adapter(legacy, full_every=3600)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since() == [None, "2026-01-02T08:55:00Z"]


async def test_a_date_in_the_future_does_not_move_the_watermark_beyond_now() -> None:
    hub = Hub()
    legacy = Scripted(_member("1", changed="2999-01-01T00:00:00Z"), "")
    adapter = _adapter(legacy, full_every=3600)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since() == [None, "2026-01-02T11:55:00Z"]


async def test_timestamps_without_a_zone_are_read_and_asked_for_in_the_declared_one() -> None:
    hub = Hub()
    legacy = Scripted(_member("1", changed="2026-01-02T12:00:00"), "")
    watermark = soap.Watermark(parameter="changedSince", field=("changed",), zone="Europe/Vienna")
    adapter = _adapter(legacy, full_every=3600, watermark=watermark)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since()[1] == "2026-01-02T11:55:00"
    assert [columns.time for batch in hub.batches for columns in batch.events] == [[NOON - timedelta(hours=1)]]


async def test_everything_is_listed_again_when_it_is_time() -> None:
    hub, clock = Hub(), Clock()
    legacy = Scripted(*[_member("1")] * 4)
    adapter = _adapter(legacy, clock, full_every=3600)
    for minutes in (0, 59, 1, 1):
        clock.now += timedelta(minutes=minutes)
        await poll(adapter, hub)

    assert [since is None for since in legacy.asked_since()] == [True, False, True, False]


async def test_a_poll_that_changes_nothing_publishes_nothing() -> None:
    hub = Hub()
    adapter = _adapter(Scripted(_member("1"), _member("1")), full_every=3600)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert len(hub.batches) == 1


async def test_without_a_watermark_every_poll_lists_everything() -> None:
    hub, legacy = Hub(), Scripted(_member("1") + _member("2"), _member("1"))
    adapter = _adapter(legacy, watermark=None)
    await poll(adapter, hub)

    assert _names(await poll(adapter, hub)) == [("2", "2.2", None)]
    assert legacy.asked_since() == [None, None]


async def test_deletes_may_have_a_type_of_their_own() -> None:
    hub, legacy = Hub(), Scripted(_member("1") + _member("2"), _member("1"))
    adapter = _adapter(legacy, deleted_type="org.banyan.example.member.removed.v1")
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert hub.batches[-1].events[0].type == "org.banyan.example.member.removed.v1"


async def test_a_listing_that_lacks_too_much_deletes_nothing() -> None:
    hub, legacy = Hub(), Scripted(_member("1") + _member("2") + _member("3"), _member("1"))
    adapter = _adapter(legacy)
    await poll(adapter, hub)

    with pytest.raises(LegacyUnavailableError, match="a full listing lacks 2 of 3 known items"):
        await poll(adapter, hub)
    assert len(hub.events) == 3


async def test_an_item_without_its_key_is_dead_lettered_once_with_its_bytes() -> None:
    hub = Hub()
    keyless = "<member><name>Nobody</name><changed>2026-01-02T11:00:00Z</changed></member>"
    adapter = _adapter(Scripted(_member("1") + keyless, _member("1") + keyless, _member("1")))
    await poll(adapter, hub)
    await poll(adapter, hub)
    (dead,) = hub.dead

    assert [key for key, _, _ in hub.events] == ["1"]
    assert (dead.position, dead.key, dead.error) == ("2.1", None, "RecordError")
    assert dead.reason == "id: expected the key of the item"
    assert dead.value == keyless.encode()
    assert await poll(adapter, hub) == []
    assert set(hub.progress.state) == {b"1"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [("yesterday", "changed: expected a date and time"), ("2026-01-02T11:00:00", "changed: expected a time zone")],
)
async def test_an_item_whose_timestamp_is_not_understood_is_dead_lettered(changed: str, told: str) -> None:
    hub = Hub()
    await poll(_adapter(Scripted(_member("1", changed=changed))), hub)

    assert hub.events == []
    assert [dead.reason.startswith(told) for dead in hub.dead] == [True]
    assert hub.dead[0].key == b"1"


async def test_an_item_that_does_not_fit_its_event_is_dead_lettered_and_its_repair_is_the_next_version() -> None:
    hub = Hub()
    nameless = "<member><id>1</id><changed>2026-01-02T11:00:00Z</changed></member>"
    adapter = _adapter(Scripted(nameless + _member("2"), _member("1") + _member("2"), _member("2")))
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert [dead.position for dead in hub.dead] == ["1.1"]
    assert [position for _, position, _ in hub.events] == ["2.1", "1.2"]
    assert _names(await poll(adapter, hub)) == [("1", "1.3", None)]


async def test_an_item_listed_twice_is_two_versions() -> None:
    hub = Hub()
    await poll(_adapter(Scripted(_member("1", "Ada") + _member("1", "Grace"))), hub)

    assert _names(hub.events) == [("1", "1.1", "Ada"), ("1", "1.2", "Grace")]
    assert json.loads(hub.progress.state[b"1"])["v"] == 2


async def test_a_function_maps_whole_items_and_may_leave_some_out() -> None:
    def member(record: Mapping[str, object]) -> Event | None:
        return None if record["id"] == "2" else MemberRegistered(member_id=str(record["id"]), name=str(record["name"]))

    hub = Hub()
    adapter = soap.Adapter(
        CONFIG, model=MemberRegistered, key="member_id", mapping=member, opener=Scripted(_member("1") + _member("2"))
    )
    await poll(adapter, hub)

    assert _names(hub.events) == [("1", "1.1", "Ada")]
    assert hub.dead == []


async def test_a_fault_of_the_server_is_unavailable_and_its_words_stay_out_of_the_message() -> None:
    fault = (
        "</ListMembersResponse><Fault><faultcode>Server</faultcode><faultstring>no row for Ada</faultstring></Fault><x>"
    )
    legacy = Scripted(fault.replace("<x>", "<ListMembersResponse>"), status=500)

    with pytest.raises(LegacyUnavailableError, match=r"members: not available: .*fault Server$"):
        await poll(_adapter(legacy), Hub())
    assert legacy.closed == 1


@pytest.mark.parametrize(
    ("status", "told"), [(503, "HTTP 503 text/xml: expected a fault, found a reply"), (302, "HTTP 302")]
)
async def test_a_reply_with_the_wrong_status_is_unavailable(status: int, told: str) -> None:
    with pytest.raises(LegacyUnavailableError, match=told):
        await poll(_adapter(Scripted(_member("1"), status=status)), Hub())


async def test_refused_credentials_are_a_fault_and_not_tried_again() -> None:
    legacy = Scripted(_member("1"), _member("1"), status=401)

    with pytest.raises(LegacyFaultError, match="fault HTTP 401"):
        await poll(_adapter(legacy, patience={"attempts": 5}), Hub())
    assert len(legacy.requests) == 1


async def test_polls_go_on_at_their_interval() -> None:
    clock, slept = Clock(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += timedelta(seconds=seconds)

    legacy = Scripted("", _member("1"), _member("2"))
    adapter = soap.Adapter(
        CONFIG,
        model=MemberRegistered,
        key="member_id",
        mapping={"member_id": "id", "name": "name"},
        clock=clock,
        sleep=sleep,
        opener=legacy,
    ).configured({"once": False, "interval": 30, "most_deleted": 1})
    batches = adapter.read(Progress())
    await anext(batches)
    await anext(batches)
    await batches.aclose()

    assert slept == [30, 30]


async def test_the_connection_is_closed_when_nobody_reads_on() -> None:
    legacy = Scripted(_member("1") + _member("2"))
    batches = _adapter(legacy, chunk_items=1).read(Progress())
    await anext(batches)
    assert legacy.closed == 0

    await batches.aclose()

    assert legacy.closed == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"operation": "Other"}, "no operation Other"),
        ({"key": "number"}, "key: an item has no such field; there are: .*changed, id, name"),
        ({"parameters": {"limit": 3}}, "do not fit the contract"),
        ({"wsdl": "nowhere.wsdl"}, "No such file"),
    ],
)
async def test_check_tells_what_is_wrong(changes: dict[str, Any], told: str) -> None:
    (problem,) = await _adapter(Scripted(""), **changes).check()

    assert told.partition(".*")[0] in problem


async def test_check_tells_that_the_legacy_system_does_not_answer() -> None:
    problems = await _adapter(Scripted("", status=503)).check()

    assert problems == ["members: not available: HTTP 503 text/xml: expected a fault, found a reply"]


async def test_check_tells_a_mapping_of_a_field_that_no_item_has() -> None:
    adapter = soap.Adapter(
        CONFIG,
        model=MemberRegistered,
        key="member_id",
        mapping={"member_id": "id", "name": "nmae"},
        opener=Scripted(""),
    )

    assert [problem.partition(";")[0] for problem in await adapter.check()] == [
        "mapping of nmae: an item has no such field"
    ]
    with pytest.raises(ConfigError):
        await poll(adapter, Hub())


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="intervall"):
        soap.Adapter.example().configured({"intervall": 3})


def test_no_password_is_shown() -> None:
    adapter = soap.Adapter.example().configured({"credentials": {"user": "hub", "password": "secret"}})

    assert "secret" not in repr(adapter.config)
    assert adapter.name == "members"
