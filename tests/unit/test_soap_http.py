"""What the head of an answer says, before its body is looked at."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.soap.http import Answer, retry_after

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", None),
        ("0", 0),
        (" 30 ", 30),
        ("9" * 400, 3600),
        ("-1", None),
        ("1.5", None),
        ("\u0663", None),
        ("Fri, 02 Jan 2026 12:00:30 GMT", 30),
        ("Fri, 02 Jan 2026 12:00:30", 30),
        ("Fri, 02 Jan 2026 13:00:30 +0100", 30),
        ("Fri, 02 Jan 2026 11:00:00 GMT", 0),
        ("Fri, 02 Jan 2099 11:00:00 GMT", 3600),
        ("Fri, 99 Jan 2026 11:00:00 GMT", None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(said: str, seconds: int | None) -> None:
    assert retry_after(said, NOON) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("status", "soon"),
    [(200, True), (302, False), (400, False), (403, False), (404, False), (408, False), (429, True), (500, True)],
)
def test_a_status_says_whether_it_may_be_better_at_once(status: int, *, soon: bool) -> None:
    answer = Answer(status=status, content_type="", retry_after=timedelta(seconds=3))

    error = answer.unavailable("crm", "no")
    assert (error.soon, error.sent, error.retry_after) == (soon, True, timedelta(seconds=3))
    assert not answer.unavailable("crm", "no", soon=False).soon
