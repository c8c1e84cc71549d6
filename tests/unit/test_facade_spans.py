"""A call's spans tell who was asked, what was decided and what failed, and nothing personal."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from observability import tracing
from observability.render import render
from observability.store import TraceStore
from observability.testing import recorded_spans
from observability.tracing import Telemetry
from routers.decision import decide
from routers.facade.accounting.spans import Spans
from routers.facade.ended import Ended, Outcome, TraceContext
from routers.facade.settings import FacadeSettings
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY, Ruleset
from routers.stage import Side

TRACE, SPAN, CALLER = "5a1e0d6c9f3b48278c6f0d1e2b3a4958", "7d3c5b1a9e8f6042", "00f1e2d3c4b5a697"
MS = 1_000_000
STARTED = 1_790_000_000_000_000_000
SETTINGS = FacadeSettings.model_validate(
    {
        "listeners": {
            "soap": {"address": "127.0.0.1:8080", "legacy": "old"},
            "safe": {"address": "[::1]:8443", "legacy": "old", "tls": {"certificate": "c.pem", "key": "k.pem"}},
        },
        "backends": {"old": {"url": "http://legacy.example:81"}, "new": {"url": "https://modern.example"}},
    }
)


def ruleset(share: int = 10_000) -> Ruleset:
    addresses = {
        "salt": "addresses-2026",
        "key": {"type": "digits"},
        "share": share,
        "routes": {
            "change": {
                "soap": "{urn:example}ChangeAddress",
                "key": {"header": "x-key"},
                "legacy": "old",
                "modern": "new",
            },
            "show": {"rest": "GET /residents/{id}", "key": {"path": "id"}, "legacy": "old", "modern": "new"},
            "late": {"rest": "GET /late", "legacy": "old", "modern": "new", "held": "next year"},
        },
    }
    return EMPTY.changed({"addresses": Capability.model_validate(addresses)}, version=7, hash_="0")


RULES = ruleset()
ANSWERED = Ended(
    request_id="r-1",
    listener="soap",
    method="POST",
    path="/registry",
    route="addresses/change",
    operation=RULES.rules["addresses/change"].route.operation,
    decision=decide(RULES, "addresses/change", "12345"),
    key="12345",
    backend="new",
    side=Side.MODERN,
    status=200,
    outcome=Outcome.ANSWERED,
    error=None,
    attempts=1,
    started_ns=STARTED,
    duration_ns=30 * MS,
    modern_ns=28 * MS,
    trace=TraceContext(TRACE, SPAN, CALLER, 1, "", sampled=True),
)
FELL_BACK = ANSWERED._replace(
    outcome=Outcome.FELL_BACK, backend="old", side=Side.LEGACY, error="status_503", attempts=2, modern_ns=20 * MS
)


def told(ended: Ended, *, key_hash: str | None = None, rules: Ruleset = RULES) -> Sequence[ReadableSpan]:
    with recorded_spans() as spans:
        tracing.tell(Spans(SETTINGS, lambda: rules.rules).of(ended, key_hash=key_hash))
    return spans


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_a_call_has_a_span_and_one_for_the_side_that_answered() -> None:
    server, client = told(ANSWERED, key_hash="k1:8c55b48269f7c7d2")

    assert (server.name, server.kind) == ("POST addresses/change", SpanKind.SERVER)
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/registry",
        "server.address": "127.0.0.1",
        "server.port": 8080,
        "rpc.system.name": "soap",
        "rpc.method": "{urn:example}ChangeAddress",
        "feature_flag.version": "7",
        "banyan.route": "addresses/change",
        "banyan.side": "modern",
        "banyan.stage": "complete",
        "banyan.bucket": ANSWERED.decision.bucket if ANSWERED.decision else None,
        "banyan.reason": "share",
        "banyan.outcome": "answered",
        "banyan.key.hash": "k1:8c55b48269f7c7d2",
    }
    assert (client.name, client.kind) == ("POST new", SpanKind.CLIENT)
    assert attributes(client) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "modern.example",
        "server.port": 443,
        "banyan.side": "modern",
    }
    assert {span.status.status_code for span in (server, client)} == {StatusCode.UNSET}


def test_the_span_that_backends_were_told_of_is_the_calls_own() -> None:
    server, client = told(ANSWERED)
    context, below = server.get_span_context(), client.get_span_context()
    assert context is not None
    assert below is not None
    assert server.parent is not None
    assert client.parent is not None

    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (TRACE, SPAN)
    assert (f"{server.parent.span_id:016x}", server.parent.is_remote) == (CALLER, True)
    assert (client.parent.span_id, client.parent.is_remote) == (context.span_id, False)
    assert below.span_id not in {context.span_id, server.parent.span_id}
    assert context.trace_flags.sampled


def test_the_decision_is_an_event_of_the_span() -> None:
    [event] = told(ANSWERED)[0].events

    assert event.name == "feature_flag.evaluation"
    assert event.timestamp == STARTED
    assert dict(event.attributes or {}) == {
        "feature_flag.key": "addresses/change",
        "feature_flag.set.id": "addresses",
        "feature_flag.version": "7",
        "feature_flag.provider.name": "banyan",
        "feature_flag.result.variant": "modern",
        "feature_flag.result.reason": "split",
        "banyan.reason": "share",
        "banyan.stage": "complete",
        "banyan.bucket": ANSWERED.decision.bucket if ANSWERED.decision else None,
    }


@pytest.mark.parametrize(
    ("route", "key", "reason"), [("addresses/late", "1", "static"), ("addresses/change", None, "default")]
)
def test_a_decision_without_the_share_says_so(route: str, key: str | None, reason: str) -> None:
    ended = ANSWERED._replace(route=route, decision=decide(RULES, route, key))
    [event] = told(ended)[0].events

    assert (event.attributes or {})["feature_flag.result.reason"] == reason
    assert "banyan.bucket" not in (event.attributes or {})


def test_a_rejected_call_has_a_decision_and_no_attempt() -> None:
    decision = decide(RULES, "addresses/change", "1")._replace(side=None)
    rejected = ANSWERED._replace(
        decision=decision, side=None, backend=None, status=400, outcome=Outcome.REJECTED, attempts=0, modern_ns=0
    )

    [server] = told(rejected)
    assert (server.events[0].attributes or {})["feature_flag.result.variant"] == "reject"
    assert server.status.status_code is StatusCode.UNSET


def test_a_fallback_shows_both_attempts_one_after_the_other() -> None:
    server, modern, legacy = told(FELL_BACK)

    assert [span.name for span in (modern, legacy)] == ["POST new", "POST old"]
    assert [(span.start_time, span.end_time) for span in (server, modern, legacy)] == [
        (STARTED, STARTED + 30 * MS),
        (STARTED, STARTED + 20 * MS),
        (STARTED + 20 * MS, STARTED + 30 * MS),
    ]
    assert [span.status.status_code.name for span in (server, modern, legacy)] == ["UNSET", "ERROR", "UNSET"]
    assert (attributes(modern)["http.response.status_code"], attributes(modern)["error.type"]) == (503, "status_503")
    assert (attributes(legacy)["http.response.status_code"], "error.type" in attributes(legacy)) == (200, False)
    assert attributes(server)["banyan.outcome"] == "fell_back"


def test_a_fallback_from_a_side_that_was_left_alone_has_one_attempt() -> None:
    _, legacy = told(FELL_BACK._replace(modern_ns=0, error="breaker_open", attempts=1))

    assert legacy.name == "POST old"


def test_a_fallback_whose_rule_is_gone_has_an_attempt_without_a_backend() -> None:
    server, modern, _ = told(FELL_BACK._replace(error=None), rules=EMPTY)

    assert (modern.name, modern.status.description) == ("POST backend", "failed")
    assert attributes(server)["url.path"] == "/registry"


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.IN_DOUBT, Outcome.CUT])
def test_a_call_that_failed_is_marked_with_its_attempt(outcome: Outcome) -> None:
    server, client = told(ANSWERED._replace(outcome=outcome, error="timeout", status=504))

    assert (server.status.status_code, server.status.description) == (StatusCode.ERROR, f"{outcome}: timeout")
    assert (client.status.status_code, client.status.description) == (StatusCode.ERROR, "timeout")
    assert attributes(server)["error.type"] == attributes(client)["error.type"] == "timeout"
    assert "http.response.status_code" not in attributes(client)


def test_an_answer_that_tells_of_an_error_is_one() -> None:
    server, client = told(ANSWERED._replace(status=500))

    assert (server.status.description, client.status.description) == ("answered: status_500", "status_500")
    assert attributes(client)["http.response.status_code"] == 500


def test_a_refused_request_is_no_error_of_ours_and_was_sent_to_nobody() -> None:
    refused = ANSWERED._replace(
        route=None, decision=None, key=None, side=None, backend=None, method="ÜBER" * 99, status=400,
        outcome=Outcome.REFUSED, error="bad_method", attempts=0, modern_ns=0, listener="safe",
        trace=ANSWERED.trace._replace(parent_id=None),
    )  # fmt: skip

    [server] = told(refused)
    assert (server.name, server.parent, server.status.status_code) == ("HTTP safe", None, StatusCode.UNSET)
    assert attributes(server)["http.request.method"] == "_OTHER"
    assert attributes(server)["http.request.method_original"] == "ÜBER" * 10
    assert (attributes(server)["url.scheme"], attributes(server)["server.address"]) == ("https", "::1")
    assert server.events == ()


def test_a_rest_path_is_shown_as_its_template() -> None:
    ended = ANSWERED._replace(route="addresses/show", path="/residents/12345", method="GET")

    for span in told(ended):
        assert "12345" not in span.to_json()
    assert attributes(told(ended)[0])["url.path"] == "/residents/{id}"
    assert attributes(told(ended)[0])["http.route"] == "/residents/{id}"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/registry/ResidentService", "/registry/ResidentService"),
        ("/residents/12345", "/residents/*"),
        ("/residents/a%20b/x", "/residents/*/x"),
        ("/v1/" + "long" * 20, "/*/*"),
        ("/", "/"),
    ],
)
def test_a_path_that_no_route_took_shows_what_can_hardly_be_personal(path: str, shown: str) -> None:
    unrouted = ANSWERED._replace(route=None, decision=None, key=None, path=path, side=Side.LEGACY, backend="old")
    [server, *_] = told(unrouted._replace(modern_ns=0))

    assert server.name == "POST soap"
    assert attributes(server)["url.path"] == shown


def test_the_key_is_in_no_span() -> None:
    for ended in (ANSWERED, FELL_BACK, ANSWERED._replace(outcome=Outcome.FAILED, error="timeout")):
        for span in told(ended._replace(key="777666555"), key_hash="k1:8c55b48269f7c7d2"):
            assert "777666555" not in span.to_json()


def test_without_set_up_spans_go_nowhere() -> None:
    tracing.tell(Spans(SETTINGS, lambda: RULES.rules).of(ANSWERED, key_hash=None))


def test_a_call_is_found_in_the_trace_store_and_reads_well(tmp_path: Path) -> None:
    """Kept though the caller's trace is not sampled, by a provider that would sample nothing."""
    file = tmp_path / "traces.sqlite"
    with tracing.configure(Telemetry(service_name="facade", trace_store=file, sample_ratio=0)):
        tracing.tell(Spans(SETTINGS, lambda: RULES.rules).of(FELL_BACK, key_hash="k1:8c55b48269f7c7d2"))

    lines = render(TraceStore(file).trace(TRACE)).plain.splitlines()
    assert "3 spans in 1 service, 1 failed" in lines[0]
    assert [line.split("  ", 3)[-1].lstrip().split("  ")[0] for line in lines[3:6]] != []
    assert "POST addresses/change" in lines[3]
    assert "outcome fell_back" in lines[3]
    assert "  POST new" in lines[4]
    assert "FAILED status_503" in lines[4]
    assert "  POST old" in lines[5]
