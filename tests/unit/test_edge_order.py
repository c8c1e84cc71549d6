"""Retry > breaker > bulkhead > budget > translate > timeout > call: each of these steps is where it says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from datetime import timedelta
from typing import Any

import pytest

from adapters._attempt import kept
from adapters._edge import Operation, Patience, call, impatient, part
from adapters._gate import Breaker, Bulkhead, Gate, Gates, Held
from contracts.errors import (
    CircuitOpenError,
    ConfigError,
    LegacyFaultError,
    LegacyInDoubtError,
    LegacyTimeoutError,
    LegacyUnavailableError,
    TooManyCallsError,
)
from observability import fields
from observability.testing import recorded_metrics
from tests.budgets import Draws

PATIENT = Patience(attempts=3, longest_wait=timedelta(hours=1))
HASTY = Patience(attempts=1, timeout=timedelta(seconds=0.3))
AWAY = LegacyUnavailableError("crm", reason="away")


def gate(
    gates: Gates | None = None, *, failures: int = 5, calls: int = 4, waiting: int = 0, endpoint: str = "one"
) -> Gate:
    return (gates or Gates()).gate(
        "List",
        system="crm",
        endpoint=f"http://{endpoint}.example/",
        breaker=Breaker(failures=failures, pause=timedelta(seconds=60)),
        bulkhead=Bulkhead(calls=calls, waiting=waiting),
    )


def full(gates: Gates) -> AbstractAsyncContextManager[Held]:
    """Take the one place that the system's List has, at another endpoint."""
    return gate(gates, calls=1, endpoint="other").admitted("crm")


async def free(gates: Gates) -> int:
    """Return how many places of List are free."""
    async with AsyncExitStack() as stack:
        for taken in range(10):
            try:
                await stack.enter_async_context(gate(gates, endpoint="other").admitted("crm"))
            except TooManyCallsError:
                return taken
    raise AssertionError("there are more than ten")


class Attempts:
    """Raises these, one a call, then answers; after a wait, where one is given."""

    def __init__(self, *errors: BaseException, wait: float = 0) -> None:
        self._errors, self._wait = list(errors), wait
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        await asyncio.sleep(self._wait)
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


async def called(attempts: Callable[[], Awaitable[str]], patience: Patience = PATIENT, **of: Any) -> str:
    with impatient():
        return await call("crm", attempts, patience, operation=Operation(name="List", **of))


async def test_retry_is_outside_of_the_breaker_which_ends_it() -> None:
    attempts = Attempts(*[AWAY] * 9)

    with pytest.raises(CircuitOpenError, match="after 2 failures in a row, the last: away"):
        await called(attempts, gate=gate(failures=2))
    assert attempts.count == 2


async def test_the_breaker_comes_before_the_bulkhead() -> None:
    gates = Gates()
    with pytest.raises(LegacyUnavailableError):
        await called(Attempts(AWAY), HASTY, gate=gate(gates, failures=1))
    async with full(gates):
        with pytest.raises(CircuitOpenError):
            await called(Attempts(), gate=gate(gates, calls=1))


async def test_the_bulkhead_comes_before_the_budget() -> None:
    budget, gates = Draws(), Gates()
    async with full(gates):
        with pytest.raises(TooManyCallsError, match=r"bulkhead of List is full \(calls: 1\)"):
            await called(Attempts(), gate=gate(gates), budget=budget)

    assert budget.drawn == []


async def test_the_place_is_held_while_the_budget_is_drawn() -> None:
    budget, gates = Draws(wait=0.05), Gates()
    first = asyncio.create_task(called(Attempts(), gate=gate(gates, calls=1), budget=budget))
    await asyncio.sleep(0.01)
    with pytest.raises(TooManyCallsError):
        await called(Attempts(), gate=gate(gates, calls=1), budget=budget)

    assert await first == "answer"
    assert budget.drawn == ["poll"]


async def test_the_budget_is_outside_of_the_timeout_and_of_what_it_is_told() -> None:
    budget = Draws(wait=0.5)

    assert await called(Attempts(), HASTY, budget=budget) == "answer"
    assert budget.failed == [False]
    assert budget.answers[0][0] < timedelta(seconds=0.3)


async def test_each_attempt_draws() -> None:
    budget = Draws()

    assert await called(Attempts(AWAY, AWAY), budget=budget, purpose="snapshot") == "answer"
    assert budget.drawn == ["snapshot", "retry", "retry"]
    assert budget.failed == [True, True, False]


async def test_a_timeout_is_translated_inside_of_retry() -> None:
    attempts = Attempts(wait=10)
    budget = Draws()

    with pytest.raises(LegacyTimeoutError, match=r"total timeout after 0\.05 s, waiting for the answer"):
        await called(attempts, Patience(attempts=2, timeout=timedelta(seconds=0.05)), budget=budget)
    assert attempts.count == 2
    assert budget.failed == [True, True]


async def test_a_timeout_of_the_attempt_s_own_is_not_told_as_ours() -> None:
    with pytest.raises(LegacyUnavailableError, match=r"crm: not available: TimeoutError$") as told:
        await called(Attempts(TimeoutError()), HASTY)
    assert not isinstance(told.value, LegacyTimeoutError)


async def test_the_breaker_that_opens_while_a_call_waits_for_its_place_ends_it() -> None:
    gates = Gates()
    slow = asyncio.create_task(
        called(Attempts(AWAY, wait=0.05), HASTY, gate=gate(gates, failures=1, calls=1, waiting=1))
    )
    await asyncio.sleep(0)
    waiting = Attempts()
    with pytest.raises(CircuitOpenError):
        await called(waiting, gate=gate(gates, failures=1, calls=1, waiting=1))

    with pytest.raises(LegacyUnavailableError):
        await slow
    assert waiting.count == 0


async def test_the_breaker_that_opens_while_a_call_draws_ends_it() -> None:
    gates = Gates()
    drawing, attempts = Draws(wait=0.05), Attempts()
    slow = asyncio.create_task(called(attempts, gate=gate(gates, failures=1), budget=drawing))
    await asyncio.sleep(0)
    with pytest.raises(LegacyUnavailableError):
        await called(Attempts(AWAY), HASTY, gate=gate(gates, failures=1))

    with pytest.raises(CircuitOpenError):
        await slow
    with pytest.raises(CircuitOpenError) as told:
        await called(attempts, gate=gate(gates, failures=1))
    assert (told.value.failures, told.value.last, attempts.count) == (1, "away", 0)
    assert await free(gates) == 4


async def test_what_is_no_word_on_the_system_leaves_breaker_and_budget_alone() -> None:
    gates, budget = Gates(), Draws()
    for _ in range(3):
        with pytest.raises(ConfigError):
            await called(Attempts(ConfigError(["wrong"])), gate=gate(gates, failures=1), budget=budget)

    assert budget.answers == []


async def test_a_fault_of_the_client_is_an_answer() -> None:
    gates, budget = Gates(), Draws()
    said = LegacyFaultError("crm", code="Client", text="no")
    for error in (AWAY, said, AWAY):
        with pytest.raises((LegacyUnavailableError, LegacyFaultError)):
            await called(Attempts(error), HASTY, gate=gate(gates, failures=2), budget=budget)

    assert await called(Attempts(), gate=gate(gates, failures=2)) == "answer"
    assert budget.failed == [True, False, True]


async def test_a_call_that_is_cancelled_gives_its_place_back() -> None:
    gates = Gates()
    task = asyncio.create_task(called(Attempts(wait=10), gate=gate(gates)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await free(gates) == 4


@pytest.mark.parametrize(("kind", "attempts"), [("safe", 3), ("idempotent", 3), ("unsafe", 1)])
async def test_the_class_says_whether_it_is_tried_again(kind: str, attempts: int) -> None:
    failing = Attempts(*[AWAY] * 9)

    with pytest.raises(LegacyInDoubtError if kind == "unsafe" else LegacyUnavailableError):
        await called(failing, kind=kind)
    assert failing.count == attempts


async def test_what_was_not_sent_is_tried_again_whatever_its_class() -> None:
    not_sent = LegacyUnavailableError("crm", reason="refused", sent=False)

    assert await called(Attempts(not_sent, not_sent), kind="unsafe") == "answer"


async def test_doubt_counts_as_a_failure_for_the_breaker() -> None:
    gates = Gates()
    with pytest.raises(LegacyInDoubtError):
        await called(Attempts(AWAY), gate=gate(gates, failures=1), kind="unsafe")
    with pytest.raises(CircuitOpenError):
        await called(Attempts(), gate=gate(gates, failures=1), kind="unsafe")


async def test_no_attempt_begins_when_all_our_patience_is_used_up() -> None:
    attempts = Attempts(*[AWAY] * 9, wait=0.2)
    patience = Patience(attempts=9, timeout=timedelta(seconds=0.5), overall=timedelta(seconds=0.5))

    with pytest.raises(LegacyUnavailableError):
        await called(attempts, patience)
    assert attempts.count in {2, 3}


async def test_waits_for_the_budget_use_no_patience_up() -> None:
    patience = Patience(attempts=3, timeout=timedelta(seconds=0.3), overall=timedelta(seconds=0.3))

    assert await called(Attempts(AWAY, AWAY), patience, budget=Draws(wait=0.35)) == "answer"


async def test_what_would_be_said_again_is_not_asked_again() -> None:
    attempts = Attempts(LegacyUnavailableError("crm", reason="HTTP 404", soon=False))

    with pytest.raises(LegacyUnavailableError, match="HTTP 404"):
        await called(attempts)
    assert attempts.count == 1


@pytest.mark.parametrize(("asked", "attempts"), [(0.2, 2), (0.4, 1)])
async def test_a_service_is_left_alone_for_as_long_as_it_asks_or_for_good(asked: float, attempts: int) -> None:
    busy = Attempts(LegacyUnavailableError("crm", reason="busy", retry_after=timedelta(seconds=asked)))
    started = time.monotonic()
    with ExitStack() as stack:
        if attempts == 1:
            stack.enter_context(pytest.raises(LegacyUnavailableError, match="busy"))
        await call("crm", busy, Patience(longest_wait=timedelta(seconds=0.3)))

    assert busy.count == attempts
    assert attempts == 1 or time.monotonic() - started >= asked


async def test_attempts_after_the_first_are_counted() -> None:
    with recorded_metrics() as recorded:
        await called(Attempts(AWAY, AWAY))

        assert recorded.value(fields.BANYAN_RETRIES, {"banyan.operation": "call List"}) == 2


async def test_a_call_that_is_kept_holds_its_place_until_it_ends() -> None:
    gates = Gates()

    async def begin() -> Held:
        return kept()

    held = await call("crm", begin, PATIENT, operation=Operation(name="List", gate=gate(gates, calls=1)))
    assert await free(gates) == 0
    held.ended()
    held.ended()

    assert await free(gates) == 1


async def test_a_part_that_fails_tells_breaker_and_budget_and_is_not_tried_again() -> None:
    gates, budget, attempts = Gates(), Draws(), Attempts(AWAY, AWAY)
    operation = Operation(name="List", gate=gate(gates, failures=1), budget=budget)

    async def begin() -> Held:
        return kept()

    held = await call("crm", begin, PATIENT, operation=operation)
    with pytest.raises(LegacyUnavailableError):
        await part("crm", attempts, PATIENT, operation=operation, held=held)

    assert (attempts.count, budget.drawn, budget.failed) == (1, ["poll"], [False, True])
    with pytest.raises(CircuitOpenError):
        await called(Attempts(), gate=gate(gates, failures=1))


async def test_a_part_of_an_unsafe_operation_that_fails_is_in_doubt_and_a_failure() -> None:
    gates = Gates()
    operation = Operation(name="Take", kind="unsafe", gate=gate(gates, failures=1))

    async def begin() -> Held:
        return kept()

    held = await call("crm", begin, PATIENT, operation=operation)
    with pytest.raises(LegacyInDoubtError, match="Take may have been done and is not called again: away"):
        await part("crm", Attempts(AWAY), PATIENT, operation=operation, held=held)
    with pytest.raises(CircuitOpenError):
        await called(Attempts(), gate=gate(gates, failures=1))


async def test_parts_have_the_timeout_each_and_a_bound_together() -> None:
    patience = Patience(timeout=timedelta(seconds=0.3), reply=timedelta(seconds=10))
    operation, held, slow = Operation(name="List"), Held(), Attempts(wait=5)
    assert await part("crm", Attempts(wait=0.05), patience, operation=operation, held=held) == "answer"
    assert held.seconds >= 0.05

    with pytest.raises(LegacyTimeoutError) as alone:
        await part("crm", slow, patience, operation=operation, held=held)
    held.seconds = 9.9
    with pytest.raises(LegacyTimeoutError) as together:
        await part("crm", slow, patience, operation=operation, held=held)

    assert (alone.value.after, together.value.after) == (patience.timeout, patience.reply)
    assert held.seconds < 10.2


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        ({"connect": 31}, "connect: expected at most timeout, 30 s, which bounds all; found 31 s: lower it, or raise"),
        ({"read": 9, "timeout": 8}, "read: expected at most timeout, 8 s, which bounds all; found 9 s: lower it"),
        ({"reply": 9}, "reply: expected at least timeout, 30 s, found 9 s: raise it, or lower timeout"),
        ({"overall": 9}, "overall: expected at least timeout, 30 s, found 9 s: raise it, or lower timeout"),
        ({"connect": 0}, "connect"),
    ],
)
def test_bounds_that_contradict_each_other_are_refused_with_the_fix(wrong: dict[str, int], fix: str) -> None:
    with pytest.raises(ValueError, match=fix):
        Patience.model_validate(wrong)


def test_what_is_left_out_follows_the_timeout() -> None:
    assert (Patience().connecting, Patience().silence) == (timedelta(seconds=10), timedelta(seconds=30))
    assert Patience(timeout=timedelta(seconds=2)).connecting == timedelta(seconds=2)
