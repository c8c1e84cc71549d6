"""Decision records hold what was decided, and are explained in sentences."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordError
from routers.decision import Reason, decide
from routers.decision_record import DecisionRecord, decode
from routers.explanation import explain
from routers.facade.accounting.recorder import encode
from routers.facade.ended import Ended, Hashes, Outcome, TraceContext
from routers.rulesets.ruleset import EMPTY
from routers.stage import OperationClass, Side, Stage
from tests.rulesets import capability, change

RECORD = DecisionRecord(
    "7f3a", 1_700_000_000_123, "benefits/pay", "k1:8c55b48269f7c7d2", 3598, Stage.COMPLETE, Side.MODERN,
    Reason.SHARE, 12, Outcome.ANSWERED, 200, "registry", 1, "a" * 32,
)  # fmt: skip
DRAWN = st.builds(
    DecisionRecord,
    *(st.text(max_size=9), st.integers(0, 2**50), *[st.none() | st.text(max_size=9)] * 2),
    *(st.none() | st.integers(0, 9999), st.none() | st.sampled_from(Stage), st.none() | st.sampled_from(Side)),
    *(st.none() | st.sampled_from(Reason), st.integers(0, 99), st.sampled_from(Outcome), st.integers(0, 599)),
    *(st.none() | st.text(max_size=9), st.integers(0, 3), st.text(max_size=32)),
)


@given(st.lists(DRAWN, max_size=5))
def test_records_come_back_as_they_were(records: list[DecisionRecord]) -> None:
    assert decode(json.dumps(records).encode()) == records


def test_a_record_is_a_json_array_of_its_fields() -> None:
    assert [json.loads(encode(ended(), key_hash="k1:8c55b48269f7c7d2", version=12))] == [
        ["7f3a", 1700000000123, "benefits/pay", "k1:8c55b48269f7c7d2", 3598, "complete", "modern", "share", 12,
         "answered", 200, "registry", 1, "a" * 32]
    ]  # fmt: skip


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b"[[]]", json.dumps([RECORD])[:-5].encode()])
def test_what_is_no_record_is_refused(value: bytes) -> None:
    with pytest.raises(RecordError, match="decision records"):
        decode(value)


def ended(**fields: Any) -> Ended:
    rules = EMPTY.changed({"benefits": capability(share=4000)}, version=12, hash_="x")
    given: dict[str, Any] = {
        "request_id": "7f3a", "listener": "main", "method": "POST", "path": "/", "route": "benefits/pay",
        "operation": OperationClass.UNSAFE, "decision": decide(rules, "benefits/pay", "12345"), "key": "12345",
        "backend": "registry", "side": Side.MODERN, "status": 200, "outcome": Outcome.ANSWERED, "error": None,
        "attempts": 1, "started_ns": 1_700_000_000_000_000_000, "duration_ns": 123_000_000, "modern_ns": 0,
        "trace": TraceContext("a" * 32, "b" * 16, None, 0, "", sampled=False),
    }  # fmt: skip
    return Ended(**{**given, **fields})


def _decoded(call: Ended, *, key_hash: str | None, version: int) -> DecisionRecord:
    [record] = decode(f"[{encode(call, key_hash=key_hash, version=version)}]".encode())
    return record


def test_a_call_that_has_ended_is_recorded_without_its_key() -> None:
    assert _decoded(ended(), key_hash="k1:8c55b48269f7c7d2", version=99) == RECORD
    assert "12345" not in encode(ended(), key_hash=None, version=12)


def test_hashes_of_bodies_stand_at_the_end_of_a_record_that_has_them() -> None:
    some = ended(hashes=Hashes("b" * 64, None))

    assert json.loads(encode(some, key_hash=None, version=12))[-3:] == ["a" * 32, "b" * 64, None]
    record = _decoded(some, key_hash=None, version=12)
    assert (record.request_sha256, record.answer_sha256) == ("b" * 64, None)


def test_a_call_without_a_route_is_recorded_with_the_version_in_force() -> None:
    record = _decoded(ended(decision=None, route=None), key_hash=None, version=5)

    assert (record.version, record.bucket, record.stage, record.side, record.reason) == (5, None, None, None, None)


FIRST = change(EMPTY, {"benefits": capability(share=4000)})
RULE = FIRST.after(EMPTY).rules["benefits/pay"]


def told(**fields: Any) -> str:
    record = RECORD._replace(**fields)
    return "\n".join(explain(record, rule=RULE, manifests={1: FIRST.manifest}))


def test_a_share_is_explained_with_bucket_share_author_time_and_reason() -> None:
    assert told() == (
        "Request 7f3a took route benefits/pay, and ended at 2023-11-14T22:13:20.123+00:00.\n"
        "The modern side was chosen: its key falls in bucket 3598, below the share 4000 (40 %) of benefits, so its "
        "stage was complete.\n"
        "Ruleset 12 decided; its rule stands since ruleset 1, applied by ada at 2026-11-21T12:00:00+00:00, because: "
        "because\n"
        "That side answered. Backend registry was the last one asked; the call was sent once, and the caller got "
        "status 200.\n"
        f"Its trace is {'a' * 32}; `banyan trace {'a' * 32}` shows it where it was sampled."
    )
    assert "bucket 4000, not below the share" in told(bucket=4000, side=Side.LEGACY)
    assert "Ruleset 1 decided, applied by ada" in told(version=1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcome": Outcome.FELL_BACK, "attempts": 2}, "legacy answered instead. Backend registry was the last"),
        ({"outcome": Outcome.IN_DOUBT, "status": 0, "backend": None}, "not sent again. No backend was the last one"),
        ({"outcome": Outcome.REFUSED, "attempts": 0}, "nobody was asked. It was not sent"),
        ({"reason": Reason.HELD}, "its route is held back"),
        ({"reason": Reason.MISSING_KEY, "side": None}, "No side was chosen: the call had no key"),
        ({"reason": Reason.UNFIT_KEY}, "not of the capability's form"),
        ({"reason": Reason.SEVERAL_KEYS}, "several keys"),
        ({"reason": None, "route": None, "side": None}, "The legacy side was chosen: no route takes the call"),
        (
            {"reason": None, "route": None, "side": None, "backend": None, "attempts": 0},
            "the façade serves there itself.\nRuleset 12 decided; its rule stands since ruleset 1",
        ),
        (
            {"route": None, "side": None, "backend": None, "attempts": 0},
            "The façade answered, and the caller got status 200.",
        ),
        (
            {"request_sha256": "b" * 64, "answer_sha256": "c" * 64},
            f"request's body has the sha256 {'b' * 64}.\nThe answer",
        ),
        ({"request_sha256": "b" * 64}, "No sha256 of an answer: no side gave one"),
    ],
)
def test_every_reason_and_outcome_has_its_sentence(fields: dict[str, Any], said: str) -> None:
    assert said in told(**fields)


@pytest.mark.parametrize("outcome", Outcome)
def test_no_outcome_is_forgotten(outcome: Outcome) -> None:
    assert told(outcome=outcome)


def test_what_can_not_be_had_any_more_is_said() -> None:
    without = "\n".join(explain(RECORD, rule=None, manifests={}))
    none = "\n".join(explain(RECORD._replace(version=0, reason=None, route=None), rule=None, manifests={}))

    assert "which ruleset 12 gives to that side" in without
    assert "it is not on the topic" in without
    assert "There was no ruleset." in none


def test_a_call_in_doubt_is_explained_from_its_record() -> None:
    doubt = {"at": "2026-11-21T12:00:00Z", "why": "timeout", "side": "modern", "backend": "addresses"}

    assert "It is in doubt since 2026-11-21T12:00:00Z: timeout (modern side, backend addresses)." in explain(
        RECORD, rule=None, manifests={}, in_doubt=doubt
    )
