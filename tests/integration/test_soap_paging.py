"""Listings in pages, against a sandbox and by a script: every item once, and an end in every case."""

from typing import Any

import pytest
from pydantic import ValidationError

from adapters import soap
from adapters.soap import Paging
from adapters.soap.paging import Pages
from adapters.soap.sandbox import Sandbox, SandboxOptions, Scenario
from contracts.errors import ConfigError, LegacyUnavailableError
from contracts.event import Event, Personal
from contracts.legacy.soap import reply
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.message.reader import Rest
from tests.members import HEAD, TAIL, Scripted, member, polling
from tests.polls import Hub, poll
from tests.wsdls import OWN, contract_of

PAGED = OWN / "paged.wsdl"
TOTAL = 23


class ThingListed(Event):
    type = "org.banyan.testing.thing.listed.v1"
    topic = "things"
    thing_id: Personal[str]


async def listed(paging: dict[str, Any], **changes: Any) -> list[str]:
    """Poll a sandbox of 23 items in pages of 5, and return the keys that were published."""
    pages = {
        "items": "thing",
        "total": TOTAL,
        "size": 5,
        "key": "id",
        "offset": "offset",
        "limit": "limit",
        "token": "token",
        "next": "next",
    }
    scenario = Scenario.model_validate({"operations": {"List": {"paging": pages}}})
    contract = contract_of(PAGED)
    async with Sandbox(contract, build(contract.bundle), SandboxOptions(scenario=scenario)) as sandbox:
        config = soap.Config.model_validate(
            {
                "name": "things",
                "wsdl": str(PAGED),
                "endpoint": sandbox.url,
                "operation": "List",
                "items": "ListResponse/thing",
                "key": "id",
                "values": "typed",
                "paging": paging,
                "once": True,
                **changes,
            }
        )
        adapter = soap.Adapter(config, model=ThingListed, key="thing_id", mapping={"thing_id": "id"})
        return [key for key, _, _ in await poll(adapter, Hub())]


@pytest.mark.parametrize(
    "paging",
    [
        {"by": "offset", "parameter": "offset", "size": 5, "size_parameter": "limit"},
        {"by": "offset", "parameter": "offset", "size": 5},
        {"by": "token", "parameter": "token", "token": "ListResponse/next", "size": 5},
    ],
)
@pytest.mark.parametrize("chunk", [2, 5, 1000])
async def test_every_item_of_all_pages_is_published_once(paging: dict[str, Any], chunk: int) -> None:
    keys = await listed(paging, chunk_items=chunk)

    assert len(keys) == len(set(keys)) == TOTAL


async def test_a_page_that_is_just_full_is_followed_by_one_that_ends_it() -> None:
    keys = await listed({"by": "offset", "parameter": "offset", "size": 23, "size_parameter": "limit"})

    assert len(set(keys)) == TOTAL


BY_OFFSET = {"by": "offset", "parameter": "changedSince", "size": 2}


def paged(legacy: Scripted, **changes: Any) -> soap.Adapter:
    """Return an adapter by whose contract a page is no valid date, and a date is all that can be asked for."""
    return polling(legacy, watermark=None, check_request=False, **changes)


async def test_a_listing_that_changes_between_two_pages_fails_and_deletes_nothing() -> None:
    hub = Hub()
    first, moved = member("1") + member("2"), member("3") + member("4")
    adapter = paged(Scripted(first, moved), paging=BY_OFFSET)

    with pytest.raises(LegacyUnavailableError, match="changed while its pages were read"):
        await poll(adapter, hub)
    assert not any(letter for batch in hub.batches for letter in batch.dead)


async def test_a_service_whose_own_pages_are_shorter_is_asked_to_the_end() -> None:
    hub = Hub()
    pages = [member("1") + member("2") + member("3"), member("3") + member("4") + member("5"), member("5")]
    legacy = Scripted(*pages, *pages)
    adapter = paged(legacy, paging={**BY_OFFSET, "size": 5}, most_deleted=1)

    assert [key for key, _, _ in await poll(adapter, hub)] == ["1", "2", "3", "4", "5"]
    assert await poll(adapter, hub) == []
    assert legacy.asked_since() == ["0", "2", "4"] * 2


async def test_an_empty_listing_is_asked_for_once() -> None:
    legacy = Scripted("")

    assert await poll(paged(legacy, paging=BY_OFFSET), Hub()) == []
    assert len(legacy.requests) == 1


async def test_a_service_that_does_not_heed_the_offset_is_refused_and_nothing_is_deleted() -> None:
    hub = Hub()
    everything = member("1") + member("2") + member("3")
    adapter = paged(Scripted(*[everything] * 4), paging={**BY_OFFSET, "size": 9}, most_deleted=1)

    with pytest.raises(LegacyUnavailableError, match="does not heed where it should begin"):
        await poll(adapter, hub)
    assert [value for _, _, value in hub.events if value is None] == []


@pytest.mark.parametrize(
    ("size_parameter", "first", "following"), [("limit", 5, None), ("limit", 4, "6"), (None, 5, "7")]
)
def test_a_page_that_is_not_full_is_the_last_where_the_first_was_as_long_as_it_was_asked_to_be(
    size_parameter: str | None, first: int, following: str | None
) -> None:
    paging = Paging(by="offset", parameter="offset", size=5, size_parameter=size_parameter)
    pages = Pages(paging, system="s")
    body = f"{HEAD}{member('1')}{TAIL}".encode()
    [item] = reply.read([body], ("ListMembersResponse", "member"), system="s")

    pages.begun([item])
    assert (pages.following(first, item, None) or {})["offset"] == str(first - 1)
    assert pages.begun([item]) == []
    asked = pages.following(4, item, None)

    assert (None if asked is None else asked["offset"]) == following


async def test_pages_by_number_are_read_to_the_last_and_find_no_deletes() -> None:
    hub = Hub()
    paging = {"by": "page", "parameter": "changedSince", "size": 2, "first": 1}
    legacy = Scripted(member("1") + member("2"), member("3"), member("1"))
    adapter = paged(legacy, paging=paging, most_deleted=1)

    assert [key for key, _, _ in await poll(adapter, hub)] == ["1", "2", "3"]
    assert await poll(adapter, hub) == []
    assert legacy.asked_since() == ["1", "2", "1"]


async def test_pages_that_do_not_end_fail() -> None:
    pages = [member(str(number)) + member(str(number + 1)) for number in (1, 3, 5)]
    adapter = paged(Scripted(*pages), paging={"by": "page", "parameter": "changedSince", "size": 2, "most_pages": 3})

    with pytest.raises(LegacyUnavailableError, match="at most 3 pages"):
        await poll(adapter, Hub())


async def test_a_service_that_does_not_heed_the_page_is_told_at_once() -> None:
    legacy = Scripted(*[member("1") + member("2")] * 9)
    adapter = paged(legacy, paging={"by": "page", "parameter": "changedSince", "size": 2})

    with pytest.raises(LegacyUnavailableError, match="begins with the same item as the one before"):
        await poll(adapter, Hub())
    assert len(legacy.requests) == 2


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("ListResponse/nextt", "paging.token: the reply has no nextt; there are: next, thing"),
        ("Nonsense/next", "paging.token: expected a path from ListResponse"),
        ("ListResponse/thing", "paging.token: expected one text or integer"),
        ("ListResponse/thing/made", "paging.token: expected one text or integer"),
    ],
)
async def test_a_token_that_the_reply_does_not_have_is_refused_before_anything_is_read(token: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        await listed({"by": "token", "parameter": "token", "token": token})


async def test_a_token_beside_items_that_are_the_reply_itself_is_refused() -> None:
    paging = {"by": "token", "parameter": "token", "token": "ListResponse/next"}

    with pytest.raises(ConfigError, match=r"paging\.token: expected a path from ListResponse, beside the items"):
        await listed(paging, items="ListResponse", key="next")


def test_tokens_that_go_round_in_circles_are_seen() -> None:
    pages = Pages(Paging(by="token", parameter="t", token=("a", "next")), system="s")

    for token in ("A", "B"):
        assert pages.following(1, None, Rest(record={"next": token}, deviations=())) == {"t": token}
    with pytest.raises(LegacyUnavailableError, match="each with another token"):
        pages.following(1, None, Rest(record={"next": "A"}, deviations=()))


def test_a_token_of_zero_is_one_and_an_empty_one_is_none() -> None:
    pages = Pages(Paging(by="token", parameter="t", token=("a", "next")), system="s")

    assert pages.following(1, None, Rest(record={"next": 0}, deviations=())) == {"t": "0"}
    assert pages.following(1, None, Rest(record={"next": ""}, deviations=())) is None


async def test_a_reply_of_as_many_items_as_the_service_ever_returns_is_not_taken_for_whole() -> None:
    hub = Hub()
    adapter = polling(Scripted(member("1") + member("2"), member("1")), watermark=None, cap=2, most_deleted=1)

    with pytest.raises(LegacyUnavailableError, match="has 2 items and cap is 2: it was cut off"):
        await poll(adapter, hub)
    assert [key for key, _, _ in await poll(adapter, hub)] == ["1"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"paging": {"by": "token", "parameter": "t"}}, "token: expected with"),
        ({"paging": {"by": "page", "parameter": "p", "token": "a/b"}}, "token: expected with"),
        ({"paging": {"by": "token", "parameter": "t", "token": "a/b"}}, "set values to typed"),
        ({"paging": BY_OFFSET, "cap": 5}, "cap: expected without paging"),
    ],
)
def test_what_does_not_go_together_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        polling(Scripted(), **changes)
