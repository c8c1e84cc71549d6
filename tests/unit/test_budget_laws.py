"""Laws of the arithmetic: what is granted is never above the budget, and whose turn it is."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.budget.bucket import Bucket
from contracts.budget.fixed_slice import FixedSlice
from contracts.budget.ledger import Ledger
from contracts.budget.pace import Answers
from contracts.budget.settings import LegacySystem, Priorities
from contracts.budget.turns import Turns
from contracts.ports import Purpose
from tests.budget_bound import excess

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
PURPOSES: tuple[Purpose, ...] = ("retry", "poll", "shadow", "snapshot")
LEASE_SECONDS = 2.0
ROUNDING = 1e-6

rates = st.sampled_from([0.5, 2.0, 10.0, 100.0])
bursts = st.integers(1, 12)
steps = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from(["ask", "use", "return", "lose", "late"]), st.integers(1, 5)),
    max_size=150,
)


@dataclass
class World:
    """A ledger, and two members that do with what they are granted as they like."""

    ledger: Ledger
    now: float = 1_000.0
    at: datetime = AT
    held: list[tuple[int, int, int, float]] = field(default_factory=list[tuple[int, int, int, float]])
    calls: list[float] = field(default_factory=list[float])

    def pass_(self, seconds: float) -> None:
        """Let time pass, and grant what is there then."""
        self.now += seconds
        self.at += timedelta(seconds=seconds)
        self.ledger.advance(self.now, self.at)
        until = self.now + LEASE_SECONDS
        self.held += [(each.member, each.lease, each.calls, until) for each in self.ledger.grant(until=until)]

    def do(self, what: str, number: int) -> None:
        """Ask for some calls, or do something with what was granted longest ago."""
        if what == "ask":
            self.ledger.ask(PURPOSES[number % 4], number % 2, number)
        elif self.held:
            member, lease, calls, until = self.held.pop(0)
            if what == "return":
                self.ledger.returned(member, lease, calls)
            elif what != "lose" and self.now < until:
                self.calls += [self.now] * calls
                if what == "use":
                    self.ledger.used(member, lease, calls)


@given(rates, bursts, steps)
def test_what_is_called_is_within_the_budget_whatever_becomes_of_leases(
    rate: float, burst: int, done: list[tuple[float, str, int]]
) -> None:
    """Used and told, used and not told, used at the last moment, returned, or lost with a client."""
    world = World(Ledger(LegacySystem(rate=rate, burst=burst), now=1_000.0))

    for seconds, what, number in done:
        world.pass_(seconds)
        world.do(what, number)

    assert excess(world.calls, rate=rate, burst=burst) <= ROUNDING


@given(rates, bursts, steps, st.floats(-4e6, 4e6))
def test_a_step_of_the_wall_clock_grants_nothing(
    rate: float, burst: int, done: list[tuple[float, str, int]], step: float
) -> None:
    world = World(Ledger(LegacySystem(rate=rate, burst=burst), now=1_000.0))

    for place, (seconds, what, number) in enumerate(done):
        world.at += timedelta(seconds=step if place == len(done) // 2 else 0)
        world.pass_(seconds)
        world.do(what, number)

    assert excess(world.calls, rate=rate, burst=burst) <= ROUNDING


@given(rates, st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 40)), max_size=60))
def test_live_calls_leave_less_for_others(rate: float, done: list[tuple[float, int]]) -> None:
    """Those that poll and live traffic together stay within the budget, as long as that alone does."""
    world = World(Ledger(LegacySystem(rate=rate, burst=4), now=1_000.0))
    world.ledger.ask("poll", 0, 100_000)
    live, allowed = 0, 0.0

    for seconds, calls in done:
        allowed += rate * seconds
        counted = min(calls, max(0, int(allowed - live)))
        world.pass_(seconds)
        while world.held:
            world.do("use", 0)
        world.ledger.counted(counted)
        live += counted

    # The last live calls were told when others had gone already: that is a second's worth at most.
    assert len(world.calls) + live <= allowed + 4 + max([calls for _, calls in done], default=0)


def test_all_that_live_traffic_takes_is_taken() -> None:
    world = World(Ledger(LegacySystem(rate=10, burst=1), now=1_000.0))
    world.ledger.ask("poll", 0, 1_000)
    for _ in range(100):
        world.pass_(0.1)
        world.do("use", 0)
    free = len(world.calls)

    for tenth in range(200):
        world.pass_(0.1)
        world.do("use", 0)
        if tenth % 10 == 9:
            world.ledger.counted(30)

    assert free > 40
    assert len(world.calls) - free <= 10
    assert world.ledger.there <= -10


def test_live_traffic_uses_what_is_kept_free_first() -> None:
    system = LegacySystem(rate=10, reserve=5, burst=1)
    polled = list[int]()
    for live in (0, 5, 9):
        world = World(Ledger(system, now=1_000.0))
        world.ledger.ask("poll", 0, 10_000)
        for tick in range(10_000):
            world.pass_(0.01)
            world.do("use", 0)
            if tick % 100 == 99:
                world.ledger.counted(live)
        polled.append(len(world.calls))

    without, within, beyond = polled
    assert 450 <= without <= 500
    assert without - 20 <= within <= without
    assert beyond <= 130


def test_a_window_of_nobody_grants_nothing_whatever_is_there() -> None:
    system = LegacySystem.model_validate(
        {"rate": 10, "windows": [{"opens": "12:00:05", "closes": "12:00:10", "rate": 0}]}
    )
    world = World(Ledger(system, now=1_000.0))
    for _ in range(50):
        world.pass_(0.1)
    world.ledger.ask("retry", 0, 100)

    for _ in range(49):
        world.pass_(0.1)
    assert not world.held
    assert world.ledger.wait() is None

    world.pass_(0.3)
    assert world.held


def test_a_cut_system_is_called_less_at_once() -> None:
    world = World(Ledger(LegacySystem(rate=10, burst=10), now=1_000.0))
    world.ledger.answered(Answers(calls=30, failed=30), 1_000.0)
    world.ledger.advance(1_000.1, AT)
    assert world.ledger.rate == pytest.approx(5, rel=0.01)

    world.now += 60
    world.ledger.answered(Answers(calls=30, failed=30), world.now)
    world.ledger.answered(Answers(calls=30, failed=30), world.now + 5)
    world.ledger.ask("poll", 0, 100)
    world.pass_(0.001)

    assert sum(calls for _, _, calls, _ in world.held) <= 8


@given(st.sampled_from(PURPOSES), st.integers(1, 200))
def test_while_all_wait_each_has_its_weight(late: Purpose, calls: int) -> None:
    weights = Priorities().weights
    turns = Turns(weights)
    for purpose in PURPOSES:
        turns.add(purpose, 1, 10_000)

    taken = Counter(turn[0] for _ in range(calls) if (turn := turns.take()))

    for purpose, weight in weights.items():
        assert abs(taken[purpose] - calls * weight / sum(weights.values())) <= len(weights)
    assert taken[late] or calls < 2 * sum(weights.values())


def test_who_comes_back_has_no_claim_on_what_was_given_meanwhile() -> None:
    turns = Turns(Priorities().weights)
    turns.add("snapshot", 1, 1)
    turns.take()
    turns.add("poll", 1, 1_000)
    for _ in range(400):
        turns.take()

    turns.add("snapshot", 1, 100)
    taken = Counter(turn[0] for _ in range(50) if (turn := turns.take()))

    assert taken == {"poll": 40, "snapshot": 10}


def test_one_with_nothing_goes_while_nobody_else_waits() -> None:
    turns = Turns(Priorities(snapshot=0, shadow=0).weights)
    for purpose in PURPOSES:
        turns.add(purpose, 1, 2)

    order = [turn[0] for _ in range(8) if (turn := turns.take())]

    assert set(order[:4]) == {"retry", "poll"}
    assert order[4:] == ["shadow", "shadow", "snapshot", "snapshot"]
    assert turns.take() is None


def test_members_take_turns_however_many_calls_they_wait_for() -> None:
    turns = Turns(Priorities().weights)
    turns.add("poll", 1, 1_000)
    turns.add("poll", 2, 3)
    turns.add("poll", 3, 3)
    turns.remove("poll", 3, 1)

    taken = [turn[1] for _ in range(9) if (turn := turns.take())]

    assert taken == [1, 2, 3, 1, 2, 3, 1, 2, 1]


@given(
    rates,
    bursts,
    st.integers(1, 6),
    st.lists(st.tuples(st.floats(0.0001, 2), st.integers(0, 5)), max_size=200),
    st.floats(0, 1e6),
)
def test_processes_without_a_leader_are_within_the_budget_together(
    rate: float, burst: int, processes: int, tries: list[tuple[float, int]], now: float
) -> None:
    slices = [FixedSlice(place, processes=processes, burst=burst) for place in range(processes)]
    calls = list[float]()

    for pause, which in tries:
        now += pause / rate
        slice_ = slices[which % processes]
        begins = slice_.begins(now, rate=rate)
        if begins <= now:
            assert now <= slice_.ends(now, rate=rate) * (1 + 1e-9)
            assert slice_.take(now, rate=rate)
            calls.append(now)

    assert excess(calls, rate=rate, burst=burst) <= 1e-3


@given(rates, st.integers(1, 6), bursts, st.floats(0, 1e6))
def test_a_process_without_a_leader_has_its_part_of_the_rate(
    rate: float, processes: int, burst: int, now: float
) -> None:
    fixed, begin, calls = FixedSlice(0, processes=processes, burst=burst), now, 20
    for _ in range(calls):
        now = max(fixed.begins(now, rate=rate), now)
        assert fixed.take(now, rate=rate)

    part = rate / processes / (1 if burst > 1 else 2)
    assert (calls - 1) / part * 0.999 <= now - begin + 1 / part
    assert now - begin <= calls / part * 1.001


def test_a_bucket_is_empty_when_it_begins_and_full_at_its_burst() -> None:
    bucket = Bucket(3, debt=3, now=10.0)
    assert bucket.there == 0

    bucket.advance(9.0, rate=1, most=3)
    bucket.advance(11.5, rate=1, most=3)
    assert bucket.there == 1.5

    bucket.advance(99.0, rate=1, most=3)
    assert bucket.there == 3
    bucket.lend(2, until=100.0)
    bucket.advance(99.9, rate=9, most=3)
    assert (bucket.there, bucket.out) == (1, 2)
    assert bucket.advance(100.0, rate=9, most=3) == [1]
    assert bucket.out == 0


def test_only_who_was_granted_calls_tells_of_them_and_what_is_left_stays_out() -> None:
    world = World(Ledger(LegacySystem(rate=10, burst=3), now=1_000.0))
    world.pass_(1)
    world.ledger.ask("poll", 1, 3)
    world.pass_(0.001)
    [(member, lease, calls, _)] = world.held
    assert (member, calls, world.ledger.leased(1)) == (1, 3, 3)

    world.ledger.used(2, lease, 3)
    world.ledger.returned(2, lease, 3)
    assert world.ledger.leased(1) == 3

    world.ledger.used(1, lease, 1)
    world.ledger.returned(1, lease, 1)
    assert (world.ledger.leased(1), round(world.ledger.there)) == (1, 1)

    assert world.ledger.advance(world.now + LEASE_SECONDS, AT) == {1}
    assert world.ledger.leased(1) == 0
    world.ledger.used(1, lease, 1)
