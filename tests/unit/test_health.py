from datetime import timedelta

from events.health import Health, State


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_waiting_for_the_source_is_healthy_however_long() -> None:
    clock = Clock()
    health = Health(clock)
    health.waits()
    clock.now = 1e6

    assert health.ok()


def test_work_without_progress_is_not_healthy() -> None:
    clock = Clock()
    health = Health(clock)
    health.state = State.PUBLISHING

    clock.now = 60
    assert health.ok(timedelta(minutes=1))
    clock.now = 61
    assert not health.ok(timedelta(minutes=1))


def test_failed_attempts_are_not_progress() -> None:
    clock = Clock()
    health = Health(clock)
    health.failed(OSError("gone"))
    clock.now = 61

    assert not health.ok()
    assert (health.state, health.error, health.failures) == (State.BACKING_OFF, "OSError: gone", 1)


def test_a_source_that_fails_again_and_again_is_not_healthy_in_between() -> None:
    clock = Clock()
    health = Health(clock)
    for second in range(0, 120, 5):
        clock.now = second
        health.failed(OSError("gone"))
        health.waits()

    assert health.failures == 24
    assert not health.ok()


def test_a_source_that_waits_quietly_after_a_failure_is_healthy_and_its_next_failure_is_the_first() -> None:
    clock = Clock()
    health = Health(clock)
    for _ in range(5):
        health.failed(OSError("gone"))
    health.waits()
    clock.now = 3600

    assert health.ok()
    health.failed(OSError("gone again"))
    assert health.failures == 1


def test_a_failure_for_good_is_not_healthy() -> None:
    health = Health(Clock())
    health.failed(OSError("gone"), for_good=True)

    assert health.state is State.FAILED
    assert not health.ok()


def test_progress_forgets_the_failures() -> None:
    health = Health(Clock())
    health.failed(OSError())
    health.progress()

    assert (health.failures, health.error) == (0, None)
    assert health.ok()
