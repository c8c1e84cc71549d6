"""What of an item makes a change: what is not ignored, and what its event is made of."""

import json
from typing import Any

import pytest

from adapters import soap
from adapters.soap.content import digest_without
from adapters.soap.example import MemberRegistered
from contracts.legacy import xml
from tests.members import Scripted, member, polling
from tests.polls import Hub, poll

SEEN, LATER = "2026-01-02T11:00:00Z", "2026-01-02T11:30:00Z"


def names(hub: Hub) -> list[tuple[str, str | None]]:
    return [(position, json.loads(value)["name"] if value else None) for _, position, value in hub.events]


async def polled(hub: Hub, *listings: str, **changes: Any) -> soap.Adapter:
    adapter = polling(Scripted(*listings), most_deleted=1, **changes)
    for _ in listings:
        await poll(adapter, hub)
    return adapter


async def test_an_ignored_field_makes_no_change_and_nothing_is_written() -> None:
    hub = Hub()
    bad = member("8", "").replace("<name></name>", "")

    await polled(hub, member("7", changed=SEEN) + bad, ignore=["changed"])
    await polled(hub, member("7", changed=LATER) + bad.replace(SEEN, LATER), ignore=["changed"])

    assert names(hub) == [("1.1", "Ada")]
    assert len(hub.dead) == 1
    assert [len(batch.state) for batch in hub.batches] == [2, 0]  # the watermark moves


async def test_the_same_event_is_not_published_again() -> None:
    hub = Hub()

    await polled(hub, member("7"), member("7", changed=LATER), member("7", "Ada King", changed=LATER), member("7"))

    assert names(hub) == [("1.1", "Ada"), ("1.3", "Ada King"), ("1.4", "Ada")]


async def test_after_a_dead_letter_the_same_event_is_published_again() -> None:
    hub = Hub()
    bad = member("7").replace("<name>Ada</name>", "")

    await polled(hub, member("7"), bad, member("7"))

    assert names(hub) == [("1.1", "Ada"), ("1.3", "Ada")]
    assert [letter.position for letter in hub.dead] == ["1.2"]


async def test_after_a_tombstone_the_same_event_is_published_again() -> None:
    hub = Hub()

    await polled(hub, member("7"), "", member("7"))

    assert names(hub) == [("1.1", "Ada"), ("1.2", None), ("1.3", "Ada")]


async def test_an_item_that_stands_twice_in_a_listing_is_compared_with_the_one_before_it() -> None:
    hub = Hub()
    bad = member("7").replace("<name>Ada</name>", "")
    first, second = member("7"), member("7", changed=LATER)

    await polled(hub, first + second + member("7", "Ada King") + first)
    await polled(hub, first + bad + second)

    assert names(hub) == [("1.1", "Ada"), ("1.3", "Ada King"), ("1.4", "Ada"), ("1.6", "Ada")]
    [mark] = hub.progress.state.values()
    assert json.loads(mark)["v"] == 6


async def test_a_new_type_of_the_event_is_another_event() -> None:
    class MemberRecorded(MemberRegistered):
        type = "org.banyan.example.member.registered.v2"

    hub = Hub()
    await polled(hub, member("7"))
    other = soap.Adapter(
        polling(Scripted()).config,
        model=MemberRecorded,
        key="member_id",
        mapping={"member_id": "id", "name": "name"},
        opener=Scripted(member("7", changed=LATER)),
    )

    await poll(other, hub)

    assert names(hub) == [("1.1", "Ada"), ("1.2", "Ada")]


async def test_a_state_of_an_earlier_version_is_read() -> None:
    hub = Hub()
    await polled(hub, member("7"))
    [(key, mark)] = hub.progress.state.items()
    old = {name: value for name, value in json.loads(mark).items() if name != "e"}
    vars(hub)["progress"] = type(hub.progress)(
        checkpoints=hub.progress.checkpoints, state={key: json.dumps(old).encode()}
    )

    await polled(hub, member("7"), member("7", changed=LATER), member("7", changed=SEEN))

    # What was published then is not known, so it is once published again.
    assert names(hub) == [("1.1", "Ada"), ("1.2", "Ada")]


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ("<a><b>1</b><seen>2</seen></a>", "<a><b>1</b><seen>3</seen></a>", ["seen"]),
        ("<a>\n <b>1</b>\n <seen>2</seen>\n</a>", "<a>\n <b>1</b>\n</a>", ["seen"]),
        ("<a v='1' w='1'/>", "<a v='2' w='1'/>", ["@v"]),
        ("<a xmlns:n='urn:n' n:v='1'><n:b/></a>", "<a/>", ["@v", "b"]),
        ("<a><l><b>1</b><s>1</s></l><l><s>1</s></l></a>", "<a><l><b>1</b><s>2</s></l><l/></a>", ["l/s"]),
        ("<a>x<s>1</s>y</a>", "<a>x<s/>y</a>", ["s"]),
        ("<a><?p i?><s/><?p i?></a>", "<a><?p i?><?p i?></a>", ["s"]),
    ],
)
def test_what_is_ignored_does_not_count(one: str, other: str, paths: list[str]) -> None:
    steps = [path.split("/") for path in paths]
    digests = {digest_without(xml.canonical(xml.parse(each.encode())), steps) for each in (one, other)}

    assert len(digests) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<a><b>1</b><s/></a>", "<a><b>2</b><s/></a>"),
        ("<a><b><s>1</s></b></a>", "<a><b><s>2</s></b></a>"),
        ("<a>x<s/>y</a>", "<a>x<s/>z</a>"),
        ("<a><b> </b></a>", "<a><b></b></a>"),
        ("<a s='1'/>", "<a s='2'/>"),
    ],
)
def test_what_is_not_ignored_counts(one: str, other: str) -> None:
    digests = {digest_without(xml.canonical(xml.parse(each.encode())), [["s"]]) for each in (one, other)}

    assert len(digests) == 2
