import asyncio
from datetime import timedelta
from http.client import BadStatusLine
from time import monotonic

import pytest
from pydantic import ValidationError

from adapters._edge import Patience, call, impatient
from contracts.errors import ConfigError, LegacyUnavailableError

PATIENT = Patience(attempts=3, longest_wait=timedelta(hours=1))


class Attempts:
    """Fails with these errors, one a call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(104, "reset"), BadStatusLine("x"), TimeoutError(), LegacyUnavailableError("crm", reason="x")],
)
async def test_what_may_succeed_later_is_tried_again(error: Exception) -> None:
    attempts = Attempts(error, error)

    with impatient():
        assert await call("crm", attempts, PATIENT) == "answer"
    assert attempts.count == 3


async def test_after_the_last_attempt_the_reason_is_told() -> None:
    attempts = Attempts(*[ConnectionRefusedError(111, "Connection refused")] * 9)

    with impatient(), pytest.raises(LegacyUnavailableError, match="crm: not available: ConnectionRefusedError: Conn"):
        await call("crm", attempts, PATIENT)
    assert attempts.count == 3


async def test_what_will_not_succeed_is_not_tried_again() -> None:
    attempts = Attempts(ConfigError(["wrong"]))

    with pytest.raises(ConfigError):
        await call("crm", attempts, PATIENT)
    assert attempts.count == 1


async def test_an_attempt_that_takes_too_long_is_ended_and_counts_as_unavailable() -> None:
    started = monotonic()

    with impatient(), pytest.raises(LegacyUnavailableError, match="TimeoutError"):
        await call("crm", asyncio.Event().wait, Patience(timeout=timedelta(milliseconds=10), attempts=2))
    assert monotonic() - started < 5


async def test_waits_are_bounded() -> None:
    attempts = Attempts(TimeoutError(), TimeoutError())

    patience = Patience(attempts=3, longest_wait=timedelta(milliseconds=1))

    assert await call("crm", attempts, patience) == "answer"


def test_a_call_that_must_not_be_made_twice_keeps_its_timeout() -> None:
    assert Patience(timeout=timedelta(seconds=7), attempts=5).once() == Patience(
        timeout=timedelta(seconds=7), attempts=1
    )


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"attempts": 0}, {"longest_wait": -1}, {"timout": 3}])
def test_patience_without_bounds_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Patience.model_validate(wrong)
