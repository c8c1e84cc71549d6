"""The circuit breaker: closed, open, half open."""

from datetime import timedelta

import pytest

from routers.facade.serving.breaker import CircuitBreaker
from routers.facade.settings import Breaker


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker(Breaker(failures=3, pause=timedelta(seconds=2)))


def opened(breaker: CircuitBreaker, at: float) -> CircuitBreaker:
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    for _ in range(2):
        breaker.failed(10)
    assert (breaker.state, breaker.lets_through(10)) == ("closed", True)

    breaker.failed(10)
    assert (breaker.state, breaker.lets_through(10), breaker.lets_through(11.9)) == ("open", False, False)


def test_a_success_between_failures_begins_the_count_anew(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.failed(10)
        breaker.failed(10)
        breaker.succeeded()

    assert breaker.state == "closed"


def test_after_the_pause_one_call_tries(breaker: CircuitBreaker) -> None:
    opened(breaker, 10)

    assert [breaker.lets_through(12) for _ in range(3)] == [True, False, False]
    assert breaker.state == "open"


def test_a_trial_that_succeeds_closes_it(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).lets_through(12)
    breaker.succeeded()

    assert [breaker.lets_through(12) for _ in range(3)] == [True] * 3
    assert breaker.state == "closed"


def test_a_trial_that_fails_opens_it_for_another_pause(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).lets_through(12)
    breaker.failed(13)

    assert [breaker.lets_through(at) for at in (13, 14.9, 15, 15)] == [False, False, True, False]


def test_a_trial_whose_end_nobody_tells_is_followed_by_another(breaker: CircuitBreaker) -> None:
    assert opened(breaker, 10).lets_through(12)

    assert [breaker.lets_through(at) for at in (31.9, 32, 32)] == [False, True, False]
