"""The circuit breaker: closed, open, half open."""

from datetime import timedelta

import pytest

from contracts.breaker import CircuitBreaker


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker(failures=3, pause=timedelta(seconds=2))


def opened(breaker: CircuitBreaker, at: float) -> CircuitBreaker:
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    for _ in range(2):
        breaker.failed(10)
    assert (breaker.state(10), breaker.lets_through(10)) == ("closed", True)

    breaker.failed(10)
    assert (breaker.state(10), breaker.lets_through(10), breaker.lets_through(11.9)) == ("open", False, False)


def test_a_success_between_failures_begins_the_count_anew(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.failed(10)
        breaker.failed(10)
        breaker.succeeded()

    assert breaker.state(10) == "closed"
    assert breaker.failures == 10


def test_after_the_pause_one_call_tries(breaker: CircuitBreaker) -> None:
    opened(breaker, 10)

    assert [breaker.lets_through(12) for _ in range(3)] == [True, False, False]
    assert (breaker.state(11.9), breaker.state(12)) == ("open", "half_open")


def test_a_trial_that_succeeds_closes_it(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).lets_through(12)
    breaker.succeeded()

    assert [breaker.lets_through(12) for _ in range(3)] == [True] * 3
    assert breaker.state(12) == "closed"


def test_a_trial_that_fails_opens_it_for_another_pause(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).lets_through(12)
    breaker.failed(13)

    assert [breaker.lets_through(at) for at in (13, 14.9, 15, 15)] == [False, False, True, False]


def test_a_trial_whose_end_nobody_tells_is_followed_by_another(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).lets_through(12)

    assert [breaker.lets_through(at) for at in (31.9, 32, 32)] == [False, True, False]


def test_a_trial_that_is_given_up_is_followed_by_another_at_once(breaker: CircuitBreaker) -> None:
    trial, other = object(), object()
    assert opened(breaker, 10).lets_through(12, trial)

    breaker.given_up(other)
    assert not breaker.lets_through(12, other)
    breaker.given_up(trial)
    assert [breaker.lets_through(12, other) for _ in range(2)] == [True, False]


def test_who_was_once_the_trial_can_not_give_up_another_ones(breaker: CircuitBreaker) -> None:
    first, second = object(), object()
    assert opened(breaker, 10).lets_through(12, first)
    breaker.failed(12)
    assert breaker.lets_through(14, second)

    breaker.given_up(first)

    assert not breaker.lets_through(14, first)


def test_who_was_let_through_and_waited_is_asked_again(breaker: CircuitBreaker) -> None:
    trial, other = object(), object()
    assert breaker.still_lets_through(10, other)
    assert opened(breaker, 10).lets_through(12, trial)

    assert [breaker.still_lets_through(at, trial) for at in (12, 13, 40)] == [True] * 3
    assert not breaker.still_lets_through(13, other)


def test_it_tells_when_it_is_worth_asking_again(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).in_a_row == 3
    assert (breaker.again_at(10), breaker.again_at(11.5)) == (12, 12)

    breaker.lets_through(12)

    assert (breaker.again_at(12.5), breaker.again_at(31)) == (14.5, 32)
    assert [breaker.lets_through(at) for at in (31.9, 32)] == [False, True]
