"""The names follow the conventions that the installed OpenTelemetry package knows, and their own spelling."""

import inspect
import re
from importlib import import_module

import pytest

from observability import fields

CONSTANTS = {name: value for name, value in vars(fields).items() if name.isupper() and isinstance(value, str)}
FOREIGN = {
    str(value): inspect.getsource(module)
    for module in (
        import_module("opentelemetry.semconv._incubating.attributes.messaging_attributes"),
        import_module("opentelemetry.semconv._incubating.attributes.cloudevents_attributes"),
        import_module("opentelemetry.semconv._incubating.metrics.messaging_metrics"),
        import_module("opentelemetry.semconv.attributes.error_attributes"),
        import_module("opentelemetry.semconv.attributes.exception_attributes"),
        import_module("opentelemetry.semconv.attributes.http_attributes"),
        import_module("opentelemetry.semconv.attributes.server_attributes"),
        import_module("opentelemetry.semconv.attributes.url_attributes"),
        import_module("opentelemetry.semconv._incubating.attributes.feature_flag_attributes"),
        import_module("opentelemetry.semconv._incubating.attributes.rpc_attributes"),
    )
    for name, value in vars(module).items()
    if name.isupper()
}
NAMES = {**fields.ATTRIBUTES, **{name: metric.description for name, metric in fields.METRICS.items()}}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_ours_or_one_of_the_conventions(name: str) -> None:
    assert name.startswith("banyan.") or name in FOREIGN


@pytest.mark.parametrize("name", [name for name in NAMES if name in FOREIGN])
def test_a_name_of_the_conventions_is_not_deprecated(name: str) -> None:
    after = FOREIGN[name].split(f'Final = "{name}"', 1)[1]

    assert not after.lstrip().removeprefix('"""').lstrip().startswith("Deprecated")


@pytest.mark.parametrize(("constant", "name"), CONSTANTS.items())
def test_a_constant_is_spelled_as_its_name(constant: str, name: str) -> None:
    assert constant in {name.upper().replace(".", "_"), "SCHEMA_URL"}


def test_every_constant_is_described() -> None:
    described = {*fields.SPANS, *NAMES, *fields.LOG_FIELDS}

    assert set(CONSTANTS.values()) - described == {fields.SCHEMA_URL}
    assert described == set(CONSTANTS.values()) - {fields.SCHEMA_URL}


def test_no_attribute_can_hold_a_key_a_subject_or_a_payload() -> None:
    forbidden = re.compile(r"message\.key|event_subject|body|payload")

    assert [name for name in fields.ATTRIBUTES if forbidden.search(name)] == []


def test_a_messaging_span_has_what_the_conventions_require() -> None:
    assert fields.messaging(fields.SEND, "residents") == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "residents",
    }
