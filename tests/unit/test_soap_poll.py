"""What a poll publishes: against a registry in this process, with a clock of ours."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters import soap
from adapters.soap.changes import key_of
from adapters.soap.example import CONFIG, MemberRegistered, Registry
from contracts.errors import LegacyFaultError, LegacyUnavailableError
from contracts.event import Event
from contracts.ports import Progress
from tests.members import NOON, Clock, Scripted, member, polling
from tests.polls import Hub, Published, poll


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
    adapter = polling(registry)
    await poll(adapter, hub)

    registry.put("7", "Ada King")
    registry.delete("8")

    assert _names(await poll(adapter, hub)) == [("7", "1.2", "Ada King"), ("8", "2.2", None)]
    assert await poll(adapter, hub) == []


async def test_an_item_that_comes_back_goes_on_with_its_versions() -> None:
    hub, registry = Hub(), Registry({"7": "Ada"})
    adapter = polling(registry, most_deleted=1)
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
        legacy = Scripted("".join(member(number, name) for number, name in listing.items()))
        await poll(polling(legacy, chunk_items=size, most_deleted=1), hub)

        held = {key: json.loads(value)["name"] for key, _, value in hub.events if value is not None}
        last = {key: value for key, _, value in hub.events}
        assert {key: name for key, name in held.items() if last[key] is not None} == listing
    positions = [position for _, position, _ in hub.events]
    assert len(set(positions)) == len(positions)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5), st.integers(1, 4))
async def test_a_crash_between_batches_loses_nothing_and_doubles_nothing(crash_after: int, size: int) -> None:
    hub, listing = Hub(), "".join(member(str(number)) for number in range(9))
    batches = polling(Scripted(listing), chunk_items=size).read(hub.progress)
    async for batch in batches:
        if len(hub.batches) == crash_after:
            break
        hub.publish(batch)
    await batches.aclose()

    await poll(polling(Scripted(listing), chunk_items=size), hub)

    assert sorted(key for key, _, _ in hub.events) == [str(number) for number in range(9)]
    assert len({position for _, position, _ in hub.events}) == 9


async def test_only_the_last_batch_ends_the_unit_and_moves_the_watermark() -> None:
    hub = Hub()
    await poll(polling(Scripted(member("1") + member("2")), chunk_items=1), hub)

    watermarks = [json.loads(batch.checkpoint)["watermark"] for batch in hub.batches]
    assert [batch.more for batch in hub.batches] == [True, True, False]
    assert watermarks == [None, None, "2026-01-02T11:00:00+00:00"]


async def test_a_poll_looks_back_behind_the_newest_change_by_the_overlap() -> None:
    hub = Hub()
    legacy = Scripted(
        member("1", changed="2026-01-02T10:00:00.1234567+01:00") + member("2", changed="2026-01-01T00:00:00Z"), ""
    )
    adapter = polling(legacy, full_every=3600)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since() == [None, "2026-01-02T08:55:00Z"]


async def test_a_date_in_the_future_does_not_move_the_watermark_beyond_now() -> None:
    hub = Hub()
    legacy = Scripted(member("1", changed="2999-01-01T00:00:00Z"), "")
    adapter = polling(legacy, full_every=3600)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since() == [None, "2026-01-02T11:55:00Z"]


async def test_timestamps_without_a_zone_are_read_and_asked_for_in_the_declared_one() -> None:
    hub = Hub()
    legacy = Scripted(member("1", changed="2026-01-02T12:00:00"), "")
    watermark = soap.Watermark(parameter="changedSince", field=("changed",), zone="Europe/Vienna")
    adapter = polling(legacy, full_every=3600, watermark=watermark)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since()[1] == "2026-01-02T11:55:00"
    assert [columns.time for batch in hub.batches for columns in batch.events] == [[NOON - timedelta(hours=1)]]


async def test_everything_is_listed_again_when_it_is_time() -> None:
    hub, clock = Hub(), Clock()
    legacy = Scripted(*[member("1")] * 4)
    adapter = polling(legacy, clock, full_every=3600)
    for minutes in (0, 59, 1, 1):
        clock.now += timedelta(minutes=minutes)
        await poll(adapter, hub)

    assert [since is None for since in legacy.asked_since()] == [True, False, True, False]


async def test_a_poll_that_changes_nothing_publishes_nothing() -> None:
    hub = Hub()
    adapter = polling(Scripted(member("1"), member("1")), full_every=3600)
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert len(hub.batches) == 1


async def test_without_a_watermark_every_poll_lists_everything() -> None:
    hub, legacy = Hub(), Scripted(member("1") + member("2"), member("1"))
    adapter = polling(legacy, watermark=None)
    await poll(adapter, hub)

    assert _names(await poll(adapter, hub)) == [("2", "2.2", None)]
    assert legacy.asked_since() == [None, None]


async def test_deletes_may_have_a_type_of_their_own() -> None:
    hub, legacy = Hub(), Scripted(member("1") + member("2"), member("1"))
    adapter = polling(legacy, deleted_type="org.banyan.example.member.removed.v1")
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert hub.batches[-1].events[0].type == "org.banyan.example.member.removed.v1"


async def test_a_listing_that_lacks_too_much_deletes_nothing() -> None:
    hub, legacy = Hub(), Scripted(member("1") + member("2") + member("3"), member("1"))
    adapter = polling(legacy)
    await poll(adapter, hub)

    with pytest.raises(LegacyUnavailableError, match="a full listing lacks 2 of 3 known items"):
        await poll(adapter, hub)
    assert len(hub.events) == 3


async def test_an_item_without_its_key_is_dead_lettered_once_with_its_bytes() -> None:
    hub = Hub()
    keyless = "<member><name>Nobody</name><changed>2026-01-02T11:00:00Z</changed></member>"
    adapter = polling(Scripted(member("1") + keyless, member("1") + keyless, member("1")))
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
    await poll(polling(Scripted(member("1", changed=changed))), hub)

    assert hub.events == []
    assert [dead.reason.startswith(told) for dead in hub.dead] == [True]
    assert hub.dead[0].key == b"1"


async def test_an_item_that_does_not_fit_its_event_is_dead_lettered_and_its_repair_is_the_next_version() -> None:
    hub = Hub()
    nameless = "<member><id>1</id><changed>2026-01-02T11:00:00Z</changed></member>"
    adapter = polling(Scripted(nameless + member("2"), member("1") + member("2"), member("2")))
    await poll(adapter, hub)
    await poll(adapter, hub)

    assert [dead.position for dead in hub.dead] == ["1.1"]
    assert [position for _, position, _ in hub.events] == ["2.1", "1.2"]
    assert _names(await poll(adapter, hub)) == [("1", "1.3", None)]


async def test_an_item_listed_twice_is_two_versions() -> None:
    hub = Hub()
    await poll(polling(Scripted(member("1", "Ada") + member("1", "Grace"))), hub)

    assert _names(hub.events) == [("1", "1.1", "Ada"), ("1", "1.2", "Grace")]
    assert json.loads(hub.progress.state[b"1"])["v"] == 2


async def test_a_function_maps_whole_items_and_may_leave_some_out() -> None:
    def mapped(record: Mapping[str, object]) -> Event | None:
        return None if record["id"] == "2" else MemberRegistered(member_id=str(record["id"]), name=str(record["name"]))

    hub = Hub()
    adapter = soap.Adapter(
        CONFIG, model=MemberRegistered, key="member_id", mapping=mapped, opener=Scripted(member("1") + member("2"))
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
        await poll(polling(legacy), Hub())
    assert legacy.closed == 1


@pytest.mark.parametrize(
    ("status", "told"), [(503, "HTTP 503 text/xml: expected a fault, found a reply"), (302, "HTTP 302")]
)
async def test_a_reply_with_the_wrong_status_is_unavailable(status: int, told: str) -> None:
    with pytest.raises(LegacyUnavailableError, match=told):
        await poll(polling(Scripted(member("1"), status=status)), Hub())


async def test_refused_credentials_are_a_fault_and_not_tried_again() -> None:
    legacy = Scripted(member("1"), member("1"), status=401)

    with pytest.raises(LegacyFaultError, match="fault HTTP 401"):
        await poll(polling(legacy, patience={"attempts": 5}), Hub())
    assert len(legacy.requests) == 1


async def test_polls_go_on_at_their_interval() -> None:
    clock, slept = Clock(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += timedelta(seconds=seconds)

    legacy = Scripted("", member("1"), member("2"))
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
    legacy = Scripted(member("1") + member("2"))
    batches = polling(legacy, chunk_items=1).read(Progress())
    await anext(batches)
    assert legacy.closed == 0

    await batches.aclose()

    assert legacy.closed == 1


async def test_typed_items_are_checked_and_what_deviates_is_told() -> None:
    hub, legacy = Hub(), Scripted(member("1", changed="yesterday") + member("2") + "<more/>")

    with capture_logs() as logs:
        published = await poll(polling(legacy, values="typed", watermark=None), hub)

    assert _names(published) == [("2", "2.1", "Ada")]
    [dead] = [letter for batch in hub.batches for letter in batch.dead]
    assert (dead.key, dead.reason) == (b"1", "member/changed: expected a dateTime such as 2020-12-31T23:59:59Z")
    assert b"yesterday" in (dead.value or b"")
    told = [log for log in logs if log["event"] == "reply deviates from its contract"]
    assert [(log["path"], log["kind"], log["times"]) for log in told] == [
        ("member", "namespace", 2),
        ("member/changed", "namespace", 2),
        ("member/id", "namespace", 2),
        ("member/name", "namespace", 2),
        ("Body/ListMembersResponse/more", "unknown", 1),
    ]


async def test_a_typed_watermark_moves() -> None:
    clock, legacy = Clock(), Scripted(member("1"), member("1"))
    adapter, hub = polling(legacy, clock, values="typed", full_every=timedelta(days=1)), Hub()

    await poll(adapter, hub)
    await poll(adapter, hub)

    assert legacy.asked_since() == [None, "2026-01-02T10:55:00Z"]


@pytest.mark.parametrize("values", ["text", "typed"])
@pytest.mark.parametrize("changed", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00"])
async def test_a_moment_that_is_none_in_utc_is_a_dead_letter(changed: str, values: str) -> None:
    hub = Hub()

    published = await poll(polling(Scripted(member("1", changed=changed) + member("2")), values=values), hub)

    assert [key for key, _, _ in published] == ["2"]
    assert [letter.reason for letter in hub.dead] == ["changed: expected a moment of the years 1 to 9999 in UTC"]


async def test_a_poll_looks_back_no_further_than_there_are_years() -> None:
    hub, early = Hub(), "0001-01-01T00:00:00Z"
    legacy = Scripted(member("1", changed=early), member("1", changed=early))
    adapter = polling(legacy, full_every=timedelta(days=1))

    for _ in range(2):
        await poll(adapter, hub)

    assert legacy.asked_since()[1] == "0001-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "key"),
    [("7", "7"), (7, "7"), (Decimal("4711.00"), "4711"), (Decimal("1.5"), None), (True, None), (" ", None), ([], None)],
)
def test_a_key_is_text_or_a_whole_number(value: object, key: str | None) -> None:
    assert key_of(value) == key
