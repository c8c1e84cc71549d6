"""A dead letter says where it came from and why, and can be put back as it was."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from contracts.ports import DeadLetter, LogRecord
from events.dead_letter import PREFIX, context_of, dead_headers, original_headers

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
NAMES = st.text() | st.sampled_from([PREFIX + name for name in ("owner", "reason", "other")])
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary()), max_size=6)


def letter(headers: list[tuple[str, bytes | None]] | None = None, **attributes: str) -> DeadLetter:
    """Return a dead letter."""
    return DeadLetter(
        position="7",
        value=b"raw",
        reason="expected digits",
        error="RecordError",
        headers=headers or [],
        attributes=attributes,
    )


def context(dead: DeadLetter) -> dict[str, str]:
    """Return its context as a reader finds it."""
    headers = dead_headers(dead, owner="benefits", stream="file:1", at=AT)
    return dict(context_of(LogRecord(key=dead.key, value=dead.value, headers=headers)))


def test_the_context_says_where_it_came_from_and_why() -> None:
    assert context(letter(file="A.D1", ordinal="7")) == {
        "owner": "benefits",
        "stream": "file:1",
        "position": "7",
        "error": "RecordError",
        "reason": "expected digits",
        "at": "2026-11-22T01:02:03+00:00",
        "file": "A.D1",
        "ordinal": "7",
    }


@given(HEADERS)
def test_the_original_headers_come_back_in_order_with_doubles_and_nulls(
    headers: list[tuple[str, bytes | None]],
) -> None:
    marked = dead_headers(letter(headers), owner="g", stream="t", at=AT)

    assert original_headers(marked) == headers
    assert context_of(LogRecord(key=None, value=None, headers=marked)) == context(letter()) | {
        "owner": "g",
        "stream": "t",
    }


@given(HEADERS)
def test_what_was_dead_lettered_twice_comes_back_one_letter_at_a_time(headers: list[tuple[str, bytes | None]]) -> None:
    once = dead_headers(letter(headers), owner="first", stream="t", at=AT)
    twice = dead_headers(letter(once), owner="second", stream="t", at=AT)

    assert context_of(LogRecord(key=None, value=None, headers=twice))["owner"] == "second"
    assert original_headers(original_headers(twice)) == headers


def test_attributes_never_hide_the_context() -> None:
    assert context(letter(owner="x", reason="x", at="x", extra="e")) == context(letter(extra="e"))


def test_what_is_no_dead_letter_has_no_context() -> None:
    record = LogRecord(key=b"1", value=b"2", headers=[("ce_id", b"3")])

    assert context_of(record) == {}
    assert original_headers(record.headers) == [("ce_id", b"3")]
