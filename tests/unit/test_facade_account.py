"""The account of a worker: nothing is forgotten but what is counted as dropped, and nothing personal is in it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.masking import KeyHash
from observability.testing import recorded_spans
from routers.decision import Decision, Reason, decide
from routers.decision_record import DecisionRecord, decode
from routers.facade.accounting.account import PACK_BYTES, Account, Flushed, encode, left_in_doubt
from routers.facade.accounting.inflight import Inflight, create, read
from routers.facade.accounting.tally import Tally
from routers.facade.ended import Ended, Hashes, Outcome, TraceContext
from routers.facade.settings import FacadeSettings
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY, Ruleset
from routers.stage import OperationClass, Side, Stage

KEYS = KeyHash(b"only-for-these-tests")
TRACE = TraceContext("5a1e0d6c9f3b48278c6f0d1e2b3a4958", "7d3c5b1a9e8f6042", None, 2, "", sampled=False)
SECOND, MS = 1_000_000_000, 1_000_000
STARTED = 1_790_000_000 * SECOND


def settings(ratio: float = 0.01) -> FacadeSettings:
    return FacadeSettings.model_validate(
        {
            "listeners": {"soap": {"address": "127.0.0.1:0", "legacy": "old"}},
            "backends": {name: {"url": "http://127.0.0.1:9"} for name in ("old", "new")},
            "limits": {"connections": 4},
            "sample_ratio": ratio,
        }
    )


def ruleset() -> Ruleset:
    routes = {"change": {"soap": "{urn:example}Change", "legacy": "old", "modern": "new"}}
    routes["late"] = {"soap": "{urn:example}Late", "legacy": "old", "modern": "new", "held": "next year"}
    key = {"type": "digits", "strip_zeros": True, "max_length": 10}
    capability = Capability.model_validate({"salt": "s-1", "key": key, "share": 5000, "routes": routes})
    return EMPTY.changed({"addresses": capability}, version=7, hash_="0")


RULES = ruleset()


@pytest.fixture
def inflight(tmp_path: Path) -> Iterator[Inflight]:
    create(tmp_path / "0-1.inflight", settings())
    opened = Inflight(tmp_path / "0-1.inflight")
    yield opened
    opened.close()


@pytest.fixture
def account(inflight: Inflight) -> Account:
    return Account(settings(), keys=KEYS, inflight=inflight, rules=lambda: RULES.rules)


def ended(key: str | None = "12345", *, outcome: Outcome = Outcome.ANSWERED, sampled: bool = False) -> Ended:
    return Ended(
        request_id="r-1",
        listener="soap",
        method="POST",
        path="/",
        route="addresses/change",
        operation=OperationClass.UNSAFE,
        decision=decide(RULES, "addresses/change", key),
        key=key,
        backend="old",
        side=Side.LEGACY,
        status=200,
        outcome=outcome,
        error=None if outcome is Outcome.ANSWERED else "timeout",
        attempts=1,
        started_ns=STARTED,
        duration_ns=1_500_000,
        modern_ns=0,
        trace=TRACE._replace(sampled=sampled),
    )


def decision_of(call: Ended) -> Decision:
    assert call.decision is not None
    return call.decision


def counters(flushed: Flushed) -> dict[str, int]:
    counts = json.loads(flushed.tally or b'{"counts":[]}')["counts"]
    return {f"{name}|{route}|{label}".rstrip("|"): by for name, route, label, by in counts}


def test_a_decision_record_tells_who_answered_and_why(account: Account) -> None:
    call = ended()
    account.ended(call)

    [pack] = account.flush().decisions
    assert json.loads(pack) == [
        [
            *("r-1", (STARTED + 1_500_000) // MS, "addresses/change", KEYS("12345"), decision_of(call).bucket),
            *(str(decision_of(call).stage), str(decision_of(call).side), "share", 7),
            *("answered", 200, "old", 1, TRACE.trace_id),
        ]
    ]


def test_a_call_that_no_route_took_has_a_record_too(account: Account) -> None:
    account.ended(ended(None)._replace(route=None, decision=None, backend=None, side=None))

    [[record]] = [json.loads(pack) for pack in account.flush().decisions]
    assert record[2:9] == [None, None, None, None, None, None, 0]
    assert record[11] is None


def decided(call: Ended, decision: Decision | None) -> Ended:
    return call._replace(decision=decision, route=None if decision is None else decision.route)


calls = st.builds(
    decided,
    st.builds(
        Ended,
        request_id=st.text(),
        listener=st.just("soap"),
        method=st.just("POST"),
        path=st.just("/"),
        route=st.none(),
        operation=st.sampled_from(OperationClass),
        decision=st.none(),
        key=st.none(),
        backend=st.sampled_from(["old", "new", None]),
        side=st.sampled_from([*Side, None]),
        status=st.integers(0, 599),
        outcome=st.sampled_from(Outcome),
        error=st.none(),
        attempts=st.integers(0, 2),
        started_ns=st.integers(0, 1 << 61),
        duration_ns=st.integers(0, 1 << 40),
        modern_ns=st.just(0),
        trace=st.just(TRACE),
        hashes=st.none() | st.builds(Hashes, *[st.none() | st.just("b" * 64)] * 2),
    ),
    st.none()
    | st.builds(
        Decision,
        route=st.sampled_from(["addresses/change", "addresses/late"]),
        side=st.sampled_from([*Side, None]),
        also=st.none(),
        stage=st.sampled_from(Stage),
        bucket=st.none() | st.integers(0, 9999),
        reason=st.sampled_from(Reason),
        version=st.integers(0, 1 << 31),
    ),
)


@given(calls, st.none() | st.just("k1:8c55b48269f7c7d2"))
def test_the_reader_of_decision_records_reads_what_is_written(call: Ended, key_hash: str | None) -> None:
    key_hash = None if call.decision is None else key_hash
    version = 3 if call.decision is None else call.decision.version
    text = encode(call, key_hash=key_hash, version=version)

    decided = call.decision
    expected = DecisionRecord(
        call.request_id,
        (call.started_ns + call.duration_ns) // 1_000_000,
        None if decided is None else decided.route,
        key_hash,
        None if decided is None else decided.bucket,
        None if decided is None else decided.stage,
        None if decided is None else decided.side,
        None if decided is None else decided.reason,
        version,
        call.outcome,
        call.status,
        call.backend,
        call.attempts,
        call.trace.trace_id,
        *(call.hashes or (None, None)),
    )
    assert decode(f"[{text},\n{text}]".encode()) == [expected] * 2
    assert "\n" not in text


def test_a_call_that_no_route_took_names_the_ruleset_in_force(inflight: Inflight) -> None:
    account = Account(settings(), keys=KEYS, inflight=inflight, rules=lambda: RULES.rules, version=lambda: 9)
    account.ended(ended(None)._replace(route=None, decision=None))

    assert json.loads(account.flush().decisions[0])[0][8] == 9


def test_a_head_that_can_not_be_read_is_counted(account: Account) -> None:
    account.refused("bad_version")

    assert counters(account.flush()) == {"banyan.calls.refused||bad_version": 1}


@pytest.mark.parametrize("raw", ["12345", "0000012345", " 12345 "])
def test_the_hash_is_that_of_the_canonical_key(account: Account, raw: str) -> None:
    account.ended(ended(raw))

    [[record]] = [json.loads(pack) for pack in account.flush().decisions]
    assert record[3] == KEYS("12345")


@pytest.mark.parametrize(("key", "reason"), [(None, "missing_key"), ("", "missing_key"), ("12x45", "unfit_key")])
def test_a_key_that_is_missing_or_unfit_has_no_hash_and_is_counted(
    account: Account, key: str | None, reason: str
) -> None:
    account.ended(ended(key))
    account.ended(ended(key))
    flushed = account.flush()

    assert [record[3] for record in json.loads(flushed.decisions[0])] == [None, None]
    assert counters(flushed) == {f"banyan.keys.unusable|addresses/change|{reason}": 2}


def test_a_held_route_has_not_missed_a_key(account: Account) -> None:
    account.ended(ended()._replace(route="addresses/late", decision=decide(RULES, "addresses/late", None)))

    assert counters(account.flush()) == {}


@pytest.mark.parametrize(("keys", "rules"), [(None, RULES), (KEYS, EMPTY)])
def test_without_a_secret_or_a_rule_there_is_no_hash(inflight: Inflight, keys: KeyHash | None, rules: Ruleset) -> None:
    account = Account(settings(), keys=keys, inflight=inflight, rules=lambda: rules.rules)
    account.ended(ended())

    assert json.loads(account.flush().decisions[0])[0][3] is None


def test_records_beyond_the_bound_are_dropped_and_counted(inflight: Inflight) -> None:
    account = Account(settings(), keys=KEYS, inflight=inflight, rules=lambda: RULES.rules, records=3)
    for _ in range(5):
        account.ended(ended())
    first = account.flush()
    account.ended(ended())

    assert len(json.loads(first.decisions[0])) == 3
    assert counters(first) == {"banyan.decisions.dropped": 2}
    assert len(json.loads(account.flush().decisions[0])) == 1
    assert account.flush() == (b"", [], [], [])


def test_packs_are_bounded_and_lose_nothing(account: Account) -> None:
    long = "x" * 5000
    for number in range(300):
        account.ended(ended()._replace(request_id=f"{number}-{long}"))
    account.ended(ended()._replace(request_id="x" * (PACK_BYTES + 1)))
    account.ended(ended())

    *packs, alone, last = account.flush().decisions
    names = [record[0].partition("-")[0] for pack in packs for record in json.loads(pack)]
    assert names == [str(number) for number in range(300)]
    assert len(packs) > 4
    assert max(map(len, packs)) <= PACK_BYTES
    assert len(json.loads(alone)) == len(json.loads(last)) == 1
    assert all(pack.count(b"\n") + 1 == len(json.loads(pack)) for pack in packs)


def test_a_call_in_doubt_is_recorded_each_time_and_never_dropped(inflight: Inflight) -> None:
    account = Account(settings(), keys=KEYS, inflight=inflight, rules=lambda: RULES.rules, records=0)
    for number in range(500):
        account.ended(ended(outcome=Outcome.IN_DOUBT)._replace(request_id=f"r-{number}"))

    in_doubt = account.flush().in_doubt
    assert [record.key for record in in_doubt] == [f"r-{number}".encode() for number in range(500)]
    assert json.loads(in_doubt[0].value or b"") == {
        "request_id": "r-0",
        "route": "addresses/change",
        "class": "unsafe",
        "key_hash": KEYS("12345"),
        "side": "legacy",
        "backend": "old",
        "at": "2026-09-21T14:13:20.001+00:00",
        "why": "timeout",
        "trace_id": TRACE.trace_id,
    }


def test_what_a_dead_worker_had_sent_is_in_doubt_with_what_is_known(account: Account, tmp_path: Path) -> None:
    slot = account.begun("r-9", decide(RULES, "addresses/change", "0012345"), OperationClass.UNSAFE, "0012345")
    account.sent(slot, Side.MODERN, "new")
    kept = account.begun("r-10", decide(RULES, "addresses/change", "1"), OperationClass.UNSAFE, "1")
    account.sent(kept, Side.LEGACY, "old")
    account.closed(kept)
    for decision, operation in (
        (None, OperationClass.UNSAFE),
        (decide(RULES, "addresses/change", "1"), OperationClass.SAFE),
    ):
        account.begun("r-11", decision, operation, "1")

    [call] = [call for call in read(tmp_path / "0-1.inflight") if call.in_doubt]
    record = left_in_doubt(call, datetime(2026, 11, 22, 2, 0, tzinfo=UTC))
    assert record.key == b"r-9"
    assert json.loads(record.value or b"") == {
        "request_id": "r-9",
        "route": "addresses/change",
        "class": "unsafe",
        "key_hash": KEYS("12345"),
        "side": "modern",
        "backend": "new",
        "at": "2026-11-22T02:00:00.000+00:00",
        "why": "worker_died",
        "trace_id": None,
    }


def test_every_call_is_in_the_tally(account: Account) -> None:
    parent = Tally()
    for outcome in Outcome:
        account.ended(ended(outcome=outcome))
    parent.merge(account.flush().tally)

    assert {(each.outcome, each.calls) for each in parent.observed()} == {(str(outcome), 1) for outcome in Outcome}


def test_refused_requests_are_counted_by_reason(account: Account) -> None:
    refused = ended(outcome=Outcome.REFUSED)._replace(route=None, decision=None)
    account.ended(refused._replace(error="target_too_long"))
    account.ended(refused._replace(error=None))

    assert counters(account.flush()) == {
        "banyan.calls.refused||target_too_long": 1,
        "banyan.calls.refused||unknown": 1,
    }


@pytest.mark.parametrize(
    ("outcome", "sampled", "spans"),
    [
        (Outcome.ANSWERED, False, 0),
        (Outcome.ANSWERED, True, 2),
        (Outcome.ABANDONED, False, 0),
        (Outcome.FAILED, False, 2),
        (Outcome.FAILED, True, 2),
        (Outcome.IN_DOUBT, False, 2),
        (Outcome.CUT, False, 2),
        (Outcome.FELL_BACK, False, 2),
        (Outcome.REFUSED, False, 2),
        (Outcome.REJECTED, True, 2),
    ],
)
def test_spans_are_kept_of_sampled_and_of_failed_calls_once(
    account: Account, outcome: Outcome, *, sampled: bool, spans: int
) -> None:
    with recorded_spans() as recorded:
        account.ended(ended(outcome=outcome, sampled=sampled))

    assert len(recorded) == spans


@pytest.mark.parametrize(("outcome", "bound"), [(Outcome.REFUSED, 10), (Outcome.FELL_BACK, 200)])
def test_a_flood_of_failures_has_spans_up_to_a_bound_each_second(
    account: Account, outcome: Outcome, bound: int
) -> None:
    with recorded_spans() as recorded:
        for number in range(500):
            account.ended(ended(outcome=outcome)._replace(started_ns=STARTED + number))
        first = len(recorded)
        account.ended(ended(outcome=outcome, sampled=True))
        sampled = len(recorded) - first
        account.ended(ended(outcome=outcome)._replace(started_ns=STARTED + SECOND))

    assert (first, sampled, len(recorded) - first - sampled) == (2 * bound, 2, 2)
    assert counters(account.flush())["banyan.spans.dropped"] == 500 - bound


@pytest.mark.parametrize(("ratio", "kept"), [(0, False), (1, True)])
def test_the_settings_say_how_many_traces_are_kept(inflight: Inflight, ratio: float, *, kept: bool) -> None:
    account = Account(settings(ratio), keys=None, inflight=inflight, rules=lambda: RULES.rules)

    assert account.trace(None, None).sampled is kept
    assert account.trace(b"00-5a1e0d6c9f3b48278c6f0d1e2b3a4958-7d3c5b1a9e8f6042-01", b"a=1").tracestate == "a=1"


def test_no_key_leaves_the_account(account: Account) -> None:
    with recorded_spans() as recorded:
        for outcome in Outcome:
            account.ended(ended("777666555", outcome=outcome, sampled=True))
    flushed = account.flush()
    told = b"".join([flushed.tally, *flushed.decisions, *(record.value or b"" for record in flushed.in_doubt)])

    assert b"777666555" not in told + "".join(span.to_json() for span in recorded).encode()
