import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import StatusCode
from pydantic import SecretStr, ValidationError

from contracts.errors import LegacyFaultError, RecordError
from observability import fields, tracing
from observability.store import TraceStore
from observability.testing import recorded_spans
from observability.tracing import SpanKind, Telemetry, span, start_span, traceparent, use_span

OUTSIDE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = OUTSIDE[:-1] + "0"


def test_without_set_up_a_span_has_no_context_and_does_no_harm() -> None:
    with span("read benefits") as opened:
        assert traceparent(opened) is None
        assert traceparent() is None


def test_a_span_opened_inside_another_is_its_child() -> None:
    with recorded_spans() as spans, span("poll benefits") as outer, span("call getResidents"):
        inside = traceparent()

    [inner, ended] = spans
    assert inner.parent == outer.get_span_context() == ended.get_span_context()
    assert inside is not None
    assert inside.split("-")[1] == f"{outer.get_span_context().trace_id:032x}"


def test_a_parent_from_outside_wins_over_the_current_span() -> None:
    with recorded_spans() as spans, span("poll benefits"), span("process residents", parent=OUTSIDE):
        pass

    assert spans[0].parent is not None
    assert f"{spans[0].parent.span_id:016x}" == "00f067aa0ba902b7"
    assert traceparent(trace.NonRecordingSpan(spans[0].parent)) == OUTSIDE


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}x"))
def test_what_is_no_traceparent_is_ignored(text: str) -> None:
    with recorded_spans() as spans, span("process residents", parent=text, links=[text]):
        pass

    assert spans[0].parent is None
    assert spans[0].links == ()


@pytest.mark.parametrize(
    "text",
    ["", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ff" + OUTSIDE[2:], OUTSIDE.upper(), OUTSIDE + "-more", "x" * 600],
)
def test_a_traceparent_that_the_specification_forbids_is_ignored(text: str) -> None:
    with recorded_spans() as spans, span("process residents", parent=text):
        pass

    assert spans[0].parent is None


def test_a_span_links_each_cause_once_and_leaves_out_what_is_none() -> None:
    with recorded_spans() as spans, span("process residents", links=[OUTSIDE, "nonsense", OUTSIDE]):
        pass

    assert [f"{link.context.trace_id:032x}" for link in spans[0].links] == [OUTSIDE.split("-")[1]]


def test_kind_and_attributes_are_kept_and_nothings_left_out() -> None:
    attributes = fields.messaging(fields.SEND, "residents") | {fields.MESSAGING_BATCH_MESSAGE_COUNT: 2}
    given = attributes | {fields.BANYAN_STREAM: None}
    with recorded_spans() as spans, span("send residents", kind=SpanKind.PRODUCER, attributes=given):
        pass

    assert spans[0].kind is SpanKind.PRODUCER
    assert dict(spans[0].attributes or {}) == attributes


def test_our_own_error_is_recorded_with_its_message() -> None:
    with recorded_spans() as spans, pytest.raises(RecordError), span("read benefits"):
        raise RecordError("balance", expected="signed digits", start=28)

    assert spans[0].status.status_code is StatusCode.ERROR
    assert spans[0].status.description == "RecordError: balance: expected signed digits at byte 28"
    [event] = spans[0].events
    assert dict(event.attributes or {}) == {
        "exception.type": "RecordError",
        "exception.message": "balance: expected signed digits at byte 28",
    }


@pytest.mark.parametrize(
    ("error", "description"),
    [
        (ValueError("invalid literal: 'LOVELACE'"), "ValueError"),
        (LegacyFaultError("crm", code="E17", text="no such person: LOVELACE"), "LegacyFaultError: crm: fault E17"),
    ],
)
def test_what_others_say_in_an_error_is_not_recorded(error: Exception, description: str) -> None:
    with recorded_spans() as spans, pytest.raises(type(error)), span("read benefits"):
        raise error

    assert spans[0].status.description == description
    assert (spans[0].attributes or {})["error.type"] == type(error).__name__
    assert "LOVELACE" not in spans[0].to_json()


def test_an_error_marks_every_span_that_it_leaves() -> None:
    with (
        recorded_spans() as spans,
        pytest.raises(ValueError, match="inner"),
        span("poll benefits"),
        span("call getResidents"),
    ):
        raise ValueError("inner")

    assert [ended.status.status_code for ended in spans] == [StatusCode.ERROR] * 2


async def test_a_cancelled_span_ends_without_an_error() -> None:
    async def wait() -> None:
        with span("poll benefits"):
            await asyncio.Event().wait()

    with recorded_spans() as spans:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert [ended.status.status_code for ended in spans] == [StatusCode.UNSET]


async def test_tasks_side_by_side_keep_their_own_spans() -> None:
    async def work(name: str) -> None:
        with span(f"poll {name}"):
            await asyncio.sleep(0)
            with span(f"call {name}"):
                await asyncio.sleep(0)

    with recorded_spans() as spans, span("read all") as root:
        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(work(name))

    ids = {ended.name: ended.get_span_context() for ended in spans}
    assert {ended.name: ended.parent for ended in spans if ended.name != "read all"} == {
        **{f"poll {name}": root.get_span_context() for name in "abc"},
        **{f"call {name}": ids[f"poll {name}"] for name in "abc"},
    }


async def test_a_span_of_an_async_generator_does_not_leak_to_its_reader() -> None:
    async def batches() -> AsyncIterator[str | None]:
        with span("read benefits", current=False) as opened:
            for _ in range(2):
                with use_span(opened), span("call getResidents"):
                    await asyncio.sleep(0)
                yield traceparent(opened)

    of = None
    with recorded_spans() as spans:
        async for of in batches():
            assert traceparent() is None
            with span("send residents", parent=of):
                await asyncio.sleep(0)

    names = [ended.name for ended in spans]
    assert names == ["call getResidents", "send residents", "call getResidents", "send residents", "read benefits"]
    assert [f"{ended.parent.span_id:016x}" for ended in spans[:4] if ended.parent] == [str(of).split("-")[2]] * 4


def test_a_started_span_is_not_current_and_ends_when_told() -> None:
    with recorded_spans() as spans:
        started = start_span("poll benefits")
        assert traceparent() is None
        with use_span(started):
            assert traceparent() == traceparent(started)
        assert spans == []
        started.end()

    assert [ended.name for ended in spans] == ["poll benefits"]


def test_an_error_passes_through_use_span_without_a_mark() -> None:
    with recorded_spans() as spans:
        started = start_span("poll benefits")
        with pytest.raises(ValueError, match="later"), use_span(started):
            raise ValueError("later")
        started.end()

    assert spans[0].status.status_code is StatusCode.UNSET


def test_recordings_nest_and_the_outer_one_goes_on() -> None:
    with recorded_spans() as outer:
        with recorded_spans() as inner, span("read inner"):
            pass
        with span("read outer"):
            pass

    assert [[ended.name for ended in spans] for spans in (outer, inner)] == [["read outer"], ["read inner"]]


def test_spans_have_ids_without_any_exporter() -> None:
    with tracing.configure(Telemetry()), span("read benefits"):
        assert traceparent() is not None


@pytest.mark.parametrize(("parent", "recorded"), [(None, False), (UNSAMPLED, False), (OUTSIDE, True)])
def test_who_begins_a_trace_decides_whether_it_is_recorded(parent: str | None, recorded: bool) -> None:  # noqa: FBT001
    with tracing.configure(Telemetry(sample_ratio=0)), span("process residents", parent=parent) as opened:
        assert opened.is_recording() == opened.get_span_context().trace_flags.sampled == recorded


def test_ended_spans_are_in_the_store_after_a_flush_and_after_shutdown(tmp_path: Path) -> None:
    store = tmp_path / "made" / "traces.db"
    with tracing.configure(Telemetry(service_name="pipeline", trace_store=store)) as session:
        with span("read benefits"):
            pass
        session.flush()
        flushed = [stored.name for stored in TraceStore(store).last()]
        with span("read later"):
            pass
    session.shutdown()

    assert flushed == ["read benefits"]
    assert [(stored.name, stored.service) for stored in TraceStore(store).last()] == [("read later", "pipeline")]


@contextmanager
def collector() -> Generator[tuple[str, list[tuple[str, str | None, bytes]]], None, None]:
    """An OTLP/HTTP collector that keeps the requests: path, authorization, body."""
    requests = list[tuple[str, str | None, bytes]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class's name

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", requests
        finally:
            server.shutdown()
            thread.join()


def test_spans_reach_a_collector_with_who_sent_them() -> None:
    with collector() as (address, requests):
        headers = {"Authorization": SecretStr("Bearer secret")}
        telemetry = Telemetry(
            service_name="pipeline", service_instance="a1", otlp_endpoint=address, otlp_headers=headers
        )
        with tracing.configure(telemetry), span("read benefits"):
            pass

    [(path, authorization, body)] = requests
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    who = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert (path, authorization) == ("/v1/traces", "Bearer secret")
    assert (who["service.name"], who["service.namespace"], who["service.instance.id"]) == ("pipeline", "banyan", "a1")
    assert [sent.name for sent in resource.scope_spans[0].spans] == ["read benefits"]
    assert resource.scope_spans[0].schema_url == "https://opentelemetry.io/schemas/1.44.0"


def test_a_collector_that_never_answers_delays_the_end_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "EXPORT_SECONDS", 0.5)
    monkeypatch.setattr(tracing, "QUEUE_SPANS", 160)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session = tracing.configure(Telemetry(otlp_endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        for _ in range(160):  # eight batches, half a second each
            with span("read benefits"):
                pass
        began = time.monotonic()
        session.shutdown()

    assert time.monotonic() - began < 2.5


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValidationError, match="otlp_endpoint"):
        Telemetry(otlp_endpoint="collector:4318")
    assert "secret" not in repr(Telemetry(otlp_headers={"Authorization": SecretStr("secret")}))
