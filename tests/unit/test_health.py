from datetime import timedelta

from events.pipeline import Health, State


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_waiting_for_the_source_is_healthy_however_long() -> None:
    clock = Clock()
    health = Health(clock)
    health.progress(State.WAITING)
    clock.now = 1e6

    assert health.ok()


def test_work_without_progress_is_not_healthy() -> None:
    clock = Clock()
    health = Health(clock)
    health.progress(State.PUBLISHING)

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


def test_progress_forgets_the_failures() -> None:
    health = Health(Clock())
    health.failed(OSError())
    health.progress(State.PUBLISHING)

    assert (health.failures, health.error) == (0, None)
    assert health.ok()
