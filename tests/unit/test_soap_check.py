"""What the adapter says of its configuration before it polls."""

from typing import Any

import pytest
from pydantic import ValidationError

from adapters import soap
from adapters.soap.example import CONFIG, MemberRegistered
from contracts.errors import ConfigError
from tests.members import Scripted, polling
from tests.polls import Hub, poll


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
    (problem,) = await polling(Scripted(""), **changes).check()

    assert told.partition(".*")[0] in problem


async def test_check_tells_that_the_legacy_system_does_not_answer() -> None:
    problems = await polling(Scripted("", status=503)).check()

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
