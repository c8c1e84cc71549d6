"""The tree of errors: each writes its own message and says what to do next."""

import inspect
import re
from datetime import UTC, datetime, timedelta

import pytest

from contracts import errors
from contracts.errors import (
    BanyanError,
    BrokerRefusedError,
    BrokerUnavailableError,
    CircuitOpenError,
    ConfigError,
    ContractError,
    EnvelopeError,
    FencedError,
    FileChangedError,
    FileHeldError,
    FileIncompleteError,
    FramingError,
    LegacyFaultError,
    LegacyInDoubtError,
    LegacyTimeoutError,
    LegacyUnavailableError,
    ListingRefusedError,
    RecordError,
    TooManyCallsError,
    UnavailableError,
    is_retryable,
)

EACH = [
    (ConfigError(["a: is missing", "b: is unknown"]), "a: is missing\nb: is unknown", False),
    (
        ContractError("A.cpy:3", found="OCCURS", expected="a picture"),
        "A.cpy:3: expected a picture, found OCCURS",
        False,
    ),
    (RecordError("balance", expected="signed digits"), "balance: expected signed digits", False),
    (
        RecordError("balance", expected="signed digits", raw=b" 12,5", start=28),
        "balance: expected signed digits at byte 28, found b' 12,5'",
        False,
    ),
    (FileHeldError("A.D1", expected="records", found="none"), "A.D1: held: expected records, found none", False),
    (
        FramingError("length", offset=40, ordinal=2, expected="at least 5", found="00000000"),
        "length: expected at least 5 at byte 40 (record 2), found 00000000",
        False,
    ),
    (
        FramingError("bomb", offset=40, ordinal=None, expected="at most 30 bytes", found="more"),
        "bomb: expected at most 30 bytes at byte 40, found more",
        False,
    ),
    (
        FileChangedError("A.D1", found="12 bytes"),
        "A.D1: expected the file that was judged complete, found 12 bytes",
        False,
    ),
    (
        FileIncompleteError("A.D1", topic="prod.accounts", partition=3, expected=10, found=9),
        "A.D1: expected 10 events on partition 3 of prod.accounts, found 9",
        False,
    ),
    (EnvelopeError("ce_id", expected="a header"), "ce_id: expected a header", False),
    (
        FencedError("benefits", instance="a/1", newer="b/2"),
        "benefits: instance a/1 stopped: the newer instance b/2 publishes now; it does not come back by itself",
        False,
    ),
    (BrokerRefusedError("kafka", reason="MessageSizeTooLargeError"), "kafka: refused: MessageSizeTooLargeError", False),
    (LegacyFaultError("registry", code="Client", text="no such day"), "registry: fault Client: no such day", False),
    (UnavailableError("registry", reason="closed"), "registry: not available: closed", True),
    (LegacyUnavailableError("registry", reason="closed"), "registry: not available: closed", True),
    (
        LegacyTimeoutError("registry", kind="read", after=timedelta(seconds=2.5), phase="reading the answer"),
        "registry: not available: TimeoutError: read timeout after 2.5 s, reading the answer",
        True,
    ),
    (
        CircuitOpenError(
            "registry",
            operation="List",
            until=datetime(2026, 1, 2, 12, tzinfo=UTC),
            retry_after=timedelta(seconds=3),
            failures=5,
            last="HTTP 503",
        ),
        (
            "registry: not available: List is left alone until 2026-01-02T12:00:00.000+00:00 after 5 failures in "
            "a row, the last: HTTP 503"
        ),
        True,
    ),
    (
        TooManyCallsError("registry", operation="List", calls=4, waited=timedelta(seconds=30)),
        (
            "registry: not available: the bulkhead of List is full (calls: 4), and no place came free within 30 s: "
            "raise bulkhead.calls, or poll less often"
        ),
        True,
    ),
    (
        LegacyInDoubtError("registry", operation="Take", reason="TimeoutError"),
        (
            "registry: Take may have been done and is not called again: TimeoutError; "
            "find out whether it was, then start again"
        ),
        False,
    ),
    (ListingRefusedError("registry", reason="half"), "registry: the listing is not taken: half", True),
    (BrokerUnavailableError("Kafka", reason="closed"), "Kafka: not available: closed", True),
]


@pytest.mark.parametrize(("error", "message", "retryable"), EACH, ids=lambda value: type(value).__name__)
def test_each_error_says_what_where_and_what_next(error: BanyanError, message: str, retryable: bool) -> None:  # noqa: FBT001 - a case of the table
    assert (str(error), error.retryable, is_retryable(error)) == (message, retryable, retryable)


def test_every_error_is_in_the_tree_and_in_this_table() -> None:
    tree = set(re.findall(r"\w+Error", errors.__doc__ or ""))
    defined = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}

    assert defined == tree == {name for name in errors.__all__ if name.endswith("Error")}
    assert {type(error).__name__ for error, _, _ in EACH} == defined - {"BanyanError"}


def test_what_has_no_subclass_is_final() -> None:
    classes = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]

    assert [c.__name__ for c in classes if not c.__subclasses__() and not getattr(c, "__final__", False)] == []


def test_errors_keep_the_facts() -> None:
    error = RecordError("amount", expected="digits", raw=b"x", start=3)

    assert (error.field, error.expected, error.raw, error.start) == ("amount", "digits", b"x", 3)
    assert ConfigError(iter(["a", "b"])).problems == ("a", "b")


def test_an_error_from_outside_says_itself_whether_it_is_retryable() -> None:
    class TheirError(Exception):
        retryable = True

    assert is_retryable(TheirError())
    assert not is_retryable(ValueError())
