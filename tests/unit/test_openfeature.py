"""The OpenFeature provider, asked by OpenFeature's own client: the decision of every channel, in its words."""

from collections.abc import Callable, Iterator

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs] - typed, but by a marker above
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason as FlagReason

from contracts.errors import ConfigError
from contracts.keys import bucket
from routers.decision import Decision, decide
from routers.openfeature import Provider
from routers.rulesets.capability import Capability, Route
from routers.rulesets.ruleset import EMPTY, Ruleset
from tests.rulesets import capability

PAY, LAGS, STRICT = "benefits/pay", "benefits/lags", "strict/pay"
CAPABILITIES = {
    "benefits": capability(
        share=5000, routes={"pay": Route(record="pay"), "lags": Route(record="lags", held="its program is not ready")}
    ),
    "strict": capability(unfit_key="reject"),
}


class Rules:
    """Decides by a ruleset at hand."""

    def __init__(self, capabilities: dict[str, Capability]) -> None:
        self.ruleset: Ruleset = EMPTY.changed(capabilities, version=7, hash_="h")
        self.watchers: list[Callable[[], None]] = []

    def decide(self, route: str, *keys: str | None) -> Decision:
        if route not in self.ruleset.rules:
            raise ConfigError([f"no route {route!r}"])
        return decide(self.ruleset, route, keys[0])

    def watch(self, changed: Callable[[], None]) -> None:
        self.watchers.append(changed)


@pytest.fixture
def rules() -> Rules:
    return Rules(CAPABILITIES)


@pytest.fixture
def client(rules: Rules) -> Iterator[OpenFeatureClient]:
    api.set_provider(Provider(rules))
    yield api.get_client()
    api.shutdown()
    api.clear_providers()


def of(key: str | None) -> EvaluationContext:
    return EvaluationContext(targeting_key=key)


def test_a_route_is_a_flag_that_says_who_answers(client: OpenFeatureClient) -> None:
    for number in range(200):
        key = f"{number:010d}"
        side = "modern" if bucket(str(number), "benefits-2026") < 5000 else "legacy"
        assert client.get_string_value(PAY, "neither", of(key)) == side
        assert client.get_boolean_value(PAY, side != "modern", of(key)) is (side == "modern")


def test_what_was_decided_is_told(client: OpenFeatureClient) -> None:
    falls = bucket("42", "benefits-2026")
    stage, side = ("complete", "modern") if falls < 5000 else ("off", "legacy")

    found = client.get_string_details(PAY, "neither", of("0042"))

    assert (found.value, found.variant, found.reason, found.error_code) == (side, side, FlagReason.SPLIT, None)
    told = {"route": PAY, "stage": stage, "bucket": falls, "reason": "share", "version": 7}
    assert found.flag_metadata == told
    assert client.get_object_value(PAY, {}, of("0042")) == {**told, "side": side, "also": None}


@pytest.mark.parametrize(
    ("route", "key", "reason", "ours"),
    [
        (LAGS, "42", FlagReason.STATIC, "held"),
        (PAY, None, FlagReason.DEFAULT, "missing_key"),
        (PAY, "forty-two", FlagReason.DEFAULT, "unfit_key"),
    ],
)
def test_what_no_share_decides_is_legacy(
    client: OpenFeatureClient, route: str, key: str | None, reason: FlagReason, ours: str
) -> None:
    found = client.get_string_details(route, "neither", of(key))

    assert (found.value, found.reason, found.flag_metadata["reason"]) == ("legacy", reason, ours)


@pytest.mark.parametrize(
    ("route", "key", "code", "said"),
    [
        ("benefits/pya", "42", ErrorCode.FLAG_NOT_FOUND, "no route 'benefits/pya'"),
        (STRICT, None, ErrorCode.TARGETING_KEY_MISSING, "rejects a call with this key: missing_key"),
        (STRICT, "forty-two", ErrorCode.INVALID_CONTEXT, "rejects a call with this key: unfit_key"),
    ],
)
def test_what_can_not_be_decided_is_an_error_and_the_callers_own_default(
    client: OpenFeatureClient, route: str, key: str | None, code: ErrorCode, said: str
) -> None:
    found = client.get_string_details(route, "legacy", of(key))

    assert (found.value, found.error_code, found.reason) == ("legacy", code, FlagReason.ERROR)
    assert said in (found.error_message or "")
    assert "forty-two" not in (found.error_message or "")
    assert client.get_boolean_value(route, True, of(key)) is True  # noqa: FBT003 - the interface's
    assert client.get_object_value(route, {"side": "legacy"}, of(key)) == {"side": "legacy"}


def test_a_route_is_no_number(client: OpenFeatureClient) -> None:
    assert client.get_integer_details(PAY, 3, of("42")).error_code is ErrorCode.TYPE_MISMATCH
    assert client.get_float_value(PAY, 0.5, of("42")) == 0.5


async def test_asked_without_waiting_it_says_the_same(client: OpenFeatureClient) -> None:
    assert await client.get_string_value_async(PAY, "n", of("42")) == client.get_string_value(PAY, "n", of("42"))


def test_a_change_of_the_rules_is_an_event(rules: Rules, client: OpenFeatureClient) -> None:
    heard: list[EventDetails] = []
    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, heard.append)

    for changed in rules.watchers:
        changed()

    assert [each.message for each in heard] == ["another ruleset is in force"]


def test_a_change_before_anybody_asks_is_no_error(rules: Rules) -> None:
    Provider(rules)

    for changed in rules.watchers:
        changed()
