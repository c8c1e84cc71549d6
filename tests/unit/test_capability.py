"""Capabilities and routes take what makes sense, and say what does not."""

from typing import Any

import pytest
from pydantic import ValidationError

from routers.rulesets.capability import Capability, KeyExpression, Route
from routers.stage import OperationClass

SIDES: dict[str, Any] = {"legacy": "old", "modern": "new"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "expected one of soap, rest, record; found none"),
        ({"soap": "{urn:x}A", "rest": "GET /", **SIDES}, "found soap, rest"),
        ({"soap": "A", **SIDES}, "soap"),
        ({"rest": "GET /a?b", **SIDES}, "rest"),
        ({"rest": "GET /", "action": "a", **SIDES}, "action: only a soap route has one"),
        ({"rest": "GET /", "legacy": "old"}, "modern: is missing"),
        ({"rest": "GET /", "modern": "new"}, "legacy: is missing"),
        ({"rest": "GET /{id}", "key": {"path": "ID"}, **SIDES}, "'ID' is no parameter of the path; there are: id"),
        ({"rest": "GET /", "key": {"path": "id"}, **SIDES}, "there are: none"),
        ({"rest": "GET /", "key": {"xpath": "Body/a"}, **SIDES}, "key.xpath: only a soap route"),
        ({"record": "a", "held": ""}, "held"),
        ({"record": "a", "unknown": 1}, "unknown"),
    ],
)
def test_a_route_that_makes_no_sense_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Route.model_validate(given)


def test_a_route_of_a_record_needs_no_backends() -> None:
    assert Route(record="pay").operation is OperationClass.UNSAFE


def test_a_path_template_has_its_parameters() -> None:
    route = Route(rest="GET /a/{first}/b/{second_2}", key=KeyExpression(path="first"), legacy="old", modern="new")

    assert route.parameters == ("first", "second_2")


@pytest.mark.parametrize("given", [{}, {"header": "A", "path": "b"}, {"header": "A b"}])
def test_a_key_is_in_exactly_one_place(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        KeyExpression.model_validate(given)


@pytest.mark.parametrize("xpath", ["Body", "body/a", "Body/@a/b", "a", "", "Body/p:a"])
def test_an_xpath_that_is_none_of_ours_is_refused(xpath: str) -> None:
    with pytest.raises(ValidationError, match="xpath"):
        KeyExpression(xpath=xpath)


@pytest.mark.parametrize(
    ("xpath", "steps"),
    [
        ("Body/{urn:a/b}c/d", ("Body", "{urn:a/b}c", "d")),
        ("Header/{urn:a}Session/@id", ("Header", "{urn:a}Session", "@id")),
    ],
)
def test_an_xpath_has_its_steps(xpath: str, steps: tuple[str, ...]) -> None:
    assert KeyExpression(xpath=xpath).steps == steps


def test_the_canonical_text_of_a_capability_reads_back_as_the_same() -> None:
    capability = Capability(salt="a", share=1, routes={"r": Route.model_validate({"record": "pay", "class": "safe"})})

    assert Capability.model_validate_json(capability.canonical_json()) == capability
    assert '"class":"safe"' in capability.canonical_json()


def test_equal_capabilities_have_equal_digests_and_others_do_not() -> None:
    assert Capability(salt="a").digest() == Capability(salt="a", share=0).digest()
    assert Capability(salt="a").digest() != Capability(salt="a", share=1).digest()


@pytest.mark.parametrize(
    "given", [{"salt": ""}, {"salt": "a b"}, {"salt": "a", "share": -1}, {"salt": "a", "share": 10001}]
)
def test_a_capability_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Capability.model_validate(given)
