"""Breakers and bulkheads that all callers of an operation share."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters._gate import Breaker, Bulkhead, Gate, Gates
from contracts.errors import CircuitOpenError, LegacyUnavailableError, TooManyCallsError
from observability import fields
from observability.testing import recorded_metrics

AWAY = LegacyUnavailableError("crm", reason="away")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gates(clock: Clock) -> Gates:
    return Gates(clock=clock)


def gate(
    gates: Gates, operation: str = "List", *, system: str | None = None, at: str = "http://crm/a", **of: Any
) -> Gate:
    limits = {"calls": 2, "waiting": 0, **{name: of[name] for name in of if name in Bulkhead.model_fields}}
    breaker = {"failures": 2, "pause": 60, **{name: of[name] for name in of if name in Breaker.model_fields}}
    return gates.gate(
        operation,
        system=system,
        endpoint=at,
        breaker=Breaker.model_validate(breaker),
        bulkhead=Bulkhead.model_validate(limits),
    )


async def fail(through: Gate, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(LegacyUnavailableError, match="away"):
            async with through.admitted("crm"):
                raise AWAY


async def succeed(through: Gate) -> None:
    async with through.admitted("crm"):
        pass


async def test_failures_of_all_who_call_an_operation_open_its_breaker(gates: Gates, clock: Clock) -> None:
    await fail(gate(gates))
    await fail(gate(gates))

    with pytest.raises(CircuitOpenError) as told:
        await succeed(gate(gates))
    assert (told.value.operation, told.value.failures, told.value.last) == ("List", 2, "away")
    assert told.value.retry_after == timedelta(seconds=60)
    clock.now += 45
    with pytest.raises(CircuitOpenError) as told:
        await succeed(gate(gates))
    assert told.value.retry_after == timedelta(seconds=15)


async def test_another_operation_and_another_endpoint_go_on(gates: Gates) -> None:
    await fail(gate(gates, system="crm"), 2)

    await succeed(gate(gates, "Get", system="crm"))
    await succeed(gate(gates, system="crm", at="http://crm/b"))
    with pytest.raises(CircuitOpenError):
        await succeed(gate(gates))


async def test_an_endpoint_is_one_whoever_asks_it(gates: Gates) -> None:
    await fail(gate(gates, at="http://user:secret@crm/a?wsdl"), 2)

    with pytest.raises(CircuitOpenError):
        await succeed(gate(gates, at="http://crm/a"))


async def test_after_the_pause_one_call_tries(gates: Gates, clock: Clock) -> None:
    await fail(gate(gates), 2)
    clock.now += 60

    async with gate(gates).admitted("crm"):
        with pytest.raises(CircuitOpenError) as told:
            await succeed(gate(gates))
    assert told.value.retry_after == timedelta(seconds=60)
    await succeed(gate(gates))


async def test_a_trial_without_a_word_leaves_it_to_the_next(gates: Gates, clock: Clock) -> None:
    await fail(gate(gates), 2)
    clock.now += 60
    with pytest.raises(ValueError, match="ours"):
        async with gate(gates).admitted("crm"):
            raise ValueError("ours")
    async with gate(gates, system="crm", at="http://other/", calls=1, waiting=0).admitted("crm"):
        with pytest.raises(TooManyCallsError):  # no place: its trial is free again, too
            await succeed(gate(gates, system="crm"))

    await succeed(gate(gates))


async def test_a_change_is_told_once(gates: Gates, clock: Clock) -> None:
    with capture_logs() as logs, recorded_metrics() as recorded:
        await fail(gate(gates, system="crm"), 2)
        attributes: dict[str, fields.Value] = {"banyan.system": "crm", "banyan.operation": "List"}
        assert recorded.value(fields.BANYAN_CIRCUIT_OPEN, attributes) == 1
        clock.now += 60
        await succeed(gate(gates, system="crm"))
        assert recorded.value(fields.BANYAN_CIRCUIT_OPEN, attributes) == 0

    assert [(log["log_level"], log["state"], log["reason"]) for log in logs] == [
        ("warning", "open", "away"),
        ("info", "closed", "away"),
    ]


async def test_who_names_the_system_shares_its_places_at_all_endpoints(gates: Gates) -> None:
    async with gate(gates, system="crm").admitted("crm"), gate(gates, system="crm", at="http://crm/b").admitted("crm"):
        with pytest.raises(TooManyCallsError, match=r"bulkhead of List is full \(calls: 2\)"):
            await succeed(gate(gates, system="crm"))
        await succeed(gate(gates, system="crm", operation="Get"))
        await succeed(gate(gates, at="http://crm/b"))


async def test_the_strictest_bound_of_all_callers_holds(gates: Gates) -> None:
    await fail(gate(gates, failures=9, calls=9))
    gate(gates, failures=1, pause=5, calls=1)
    await fail(gate(gates, failures=9, calls=9))

    with pytest.raises(CircuitOpenError) as told:
        await succeed(gate(gates, failures=9))
    assert told.value.retry_after == timedelta(seconds=60)
    async with gate(gates, "Get", calls=9).admitted("crm"):
        gate(gates, "Get", calls=1)
        with pytest.raises(TooManyCallsError):
            await succeed(gate(gates, "Get", calls=9))


async def test_who_waits_is_served_in_turn(gates: Gates) -> None:
    served: list[int] = []
    through = gate(gates, calls=1, waiting=3)

    async def one(number: int) -> None:
        async with through.admitted("crm"):
            served.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(4)))

    assert served == [0, 1, 2, 3]


async def test_one_more_than_may_wait_is_refused_at_once(gates: Gates) -> None:
    through = gate(gates, calls=1, waiting=1)
    async with through.admitted("crm"):
        waiting = asyncio.create_task(succeed(through))
        await asyncio.sleep(0)
        with pytest.raises(TooManyCallsError, match="no place came free within 0 s"):
            await succeed(through)
    await waiting


async def test_who_waits_too_long_is_refused_and_takes_no_place(gates: Gates) -> None:
    through = gate(gates, calls=1, waiting=1, longest_wait=timedelta(milliseconds=20))
    async with through.admitted("crm"):
        with pytest.raises(TooManyCallsError, match=r"no place came free within 0\.02 s"):
            await succeed(through)
    await succeed(through)


async def test_who_gives_up_waiting_leaves_the_place_to_the_next(gates: Gates) -> None:
    through = gate(gates, calls=1, waiting=2)
    async with through.admitted("crm"):
        first, second = (asyncio.create_task(succeed(through)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
    await second  # the place was first's already, or came to it at once

    with pytest.raises(asyncio.CancelledError):
        await first
    await succeed(through)


async def test_who_is_cancelled_as_the_place_comes_hands_it_on(gates: Gates) -> None:
    through = gate(gates, calls=1, waiting=2)
    held = through.admitted("crm")
    await held.__aenter__()
    first, second = (asyncio.create_task(succeed(through)) for _ in range(2))
    await asyncio.sleep(0)
    await held.__aexit__(None, None, None)
    first.cancel()

    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    await succeed(through)


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        (
            {"waiting": 0, "longest_wait": 5},
            "longest_wait: expected with calls that may wait: set waiting to 1 or more",
        ),
        (
            {"waiting": 3, "longest_wait": 0},
            "longest_wait: expected more than 0 where calls may wait: set waiting to 0",
        ),
        ({"calls": 0}, "greater than or equal to 1"),
    ],
)
def test_a_bulkhead_that_contradicts_itself_is_refused_with_the_fix(wrong: dict[str, int], fix: str) -> None:
    with pytest.raises(ValueError, match=fix):
        Bulkhead.model_validate(wrong)
