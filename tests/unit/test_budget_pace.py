"""How the rate follows what a legacy system bears."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.budget.pace import ENOUGH, PATIENCE_SECONDS, Answers, Pace
from contracts.budget.settings import Adaptation

TARGET = Adaptation(latency=timedelta(seconds=1))


def paced(answers: Answers, *, settings: Adaptation | None = TARGET, now: float = 1.0) -> Pace:
    """Return the pace after these answers."""
    pace = Pace(settings, now=0.0)
    pace.answered(answers, now)
    return pace


def test_a_slow_system_is_called_less() -> None:
    pace = paced(Answers(calls=40, slow=3))

    assert pace.share == 0.5
    assert pace.last_cut is not None
    assert pace.last_cut.why == "3 of 40 calls took longer than 1 s"


def test_a_failing_system_is_called_less() -> None:
    pace = paced(Answers(calls=20, failed=5), settings=Adaptation(cut=0.25))

    assert pace.share == 0.25
    assert pace.last_cut is not None
    assert pace.last_cut.why == "5 of 20 calls failed"


@pytest.mark.parametrize(
    "answers",
    [Answers(calls=40, slow=2), Answers(calls=20, failed=4), Answers(calls=19, slow=19), Answers(calls=20, slow=1)],
)
def test_what_is_within_bounds_or_chance_cuts_nothing(answers: Answers) -> None:
    assert paced(answers).share == 1.0


def test_few_answers_are_judged_after_a_while() -> None:
    pace = Pace(TARGET, now=0.0)
    pace.answered(Answers(calls=1, slow=1), 1.0)
    pace.answered(Answers(calls=1, slow=1), PATIENCE_SECONDS)
    assert pace.share == 1.0

    pace.answered(Answers(calls=1, slow=1), PATIENCE_SECONDS + 1.5)

    assert pace.share == 0.5


def test_answers_to_calls_before_a_cut_do_not_cut_again() -> None:
    pace = paced(Answers(calls=ENOUGH, failed=ENOUGH))

    pace.answered(Answers(calls=ENOUGH, failed=ENOUGH), 2.0)
    assert pace.share == 0.5

    pace.answered(Answers(calls=ENOUGH, failed=ENOUGH), 3.5)
    assert pace.share == 0.25


def test_the_rate_comes_back_little_by_little() -> None:
    pace = paced(Answers(calls=ENOUGH, failed=ENOUGH), settings=Adaptation(recovery=timedelta(seconds=100)), now=0.0)

    shares = list[float]()
    for now in (10.0, 25.0, 49.0, 51.0, 1000.0):
        pace.advance(now)
        shares.append(round(pace.share, 6))

    assert shares == [0.6, 0.75, 0.99, 1.0, 1.0]


def test_without_adaptation_the_rate_is_what_it_is() -> None:
    assert paced(Answers(calls=99, slow=99, failed=99), settings=None).share == 1.0


def test_without_a_target_only_failures_count() -> None:
    assert paced(Answers(calls=99, slow=99), settings=Adaptation()).share == 1.0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0, 100))), st.floats(0.01, 1))
def test_the_rate_is_never_cut_below_the_floor_nor_above_what_it_is(
    answers: list[tuple[int, int, float]], floor: float
) -> None:
    pace, now = Pace(Adaptation(floor=floor), now=0.0), 0.0
    for calls, failed, passed in answers:
        now += passed
        pace.advance(now)
        pace.answered(Answers(calls=calls, failed=min(calls, failed)), now)

        assert floor <= pace.share <= 1
