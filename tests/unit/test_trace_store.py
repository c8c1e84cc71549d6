import gc
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from contracts.errors import ConfigError
from observability import fields
from observability import store as store_module
from observability.store import ALIKE, TraceStore
from observability.storedspan import StoredSpan
from observability.testing import recorded_spans
from observability.tracing import SpanKind, span, traceparent


def names(spans: Sequence[StoredSpan]) -> list[str]:
    return [stored.name for stored in spans]


def traceparent_of(ended: ReadableSpan) -> str:
    context = ended.get_span_context()
    assert context is not None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def trace_id(ended: ReadableSpan) -> str:
    return traceparent_of(ended).split("-")[1]


@pytest.fixture
def store(tmp_path: Path) -> TraceStore:
    return TraceStore(tmp_path / "traces.db")


def polled(name: str = "poll benefits") -> list[ReadableSpan]:
    with recorded_spans() as spans, span(name):
        pass
    return spans


def published(name: str = "benefits") -> tuple[list[ReadableSpan], str]:
    """A poll that published: its spans, and the traceparent that its events carry."""
    with recorded_spans() as spans, span(f"poll {name}"), span("send residents", kind=SpanKind.PRODUCER) as sent:
        carried = str(traceparent(sent))
    return spans, carried


def test_a_store_that_nobody_wrote_is_empty_and_stays_unmade(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "traces.db")

    assert [*store.last(), *store.trace("0" * 32)] == []
    assert list(tmp_path.iterdir()) == []


def test_a_span_is_read_back_as_it_was_written(store: TraceStore) -> None:
    attributes: dict[str, fields.Value] = {
        "banyan.records": 3,
        "banyan.source": "benefits",
        "ratio": 0.5,
        "list": ["a", "b"],
    }
    read = span("read benefits", kind=SpanKind.CLIENT, attributes=attributes, links=[published()[1]])
    with recorded_spans() as spans, pytest.raises(ValueError, match="hidden"), read:
        raise ValueError("hidden")

    assert store.export(spans) is SpanExportResult.SUCCESS
    [stored] = store.trace(trace_id(spans[0]))
    assert stored.kind == "CLIENT"
    assert stored.error == "ValueError"
    assert dict(stored.attributes) == attributes | {"error.type": "ValueError"}
    assert len(stored.links) == 1
    assert stored.duration_ms == pytest.approx(((spans[0].end_time or 0) - (spans[0].start_time or 0)) / 1e6)
    assert StoredSpan.from_json(stored.to_json()) == stored


def test_spans_of_one_trace_from_several_processes_come_together(store: TraceStore) -> None:
    poll, carried = published()
    store.export(poll)
    with recorded_spans() as processed, span("process residents", kind=SpanKind.CONSUMER, parent=carried):
        pass

    store.export(processed)

    assert names(store.trace(trace_id(poll[0]))) == ["poll benefits", "send residents", "process residents"]


def test_a_batch_that_only_links_is_found_with_all_below_it(store: TraceStore) -> None:
    (first, a), (second, b) = published("first"), published("second")
    with recorded_spans() as batch, span("unrelated"), span("process residents", links=[a, b]), span("store"):
        pass
    with recorded_spans() as further, span("notify", links=[traceparent_of(batch[0])]):
        pass
    for spans in (first, second, batch, further):
        store.export(spans)

    found = names(store.trace(trace_id(first[0])))
    assert found == ["poll first", "send residents", "process residents", "store", "notify"]


def test_last_is_the_newest_trace_that_reached_kafka(store: TraceStore) -> None:
    store.export(published("older")[0])
    store.export(published("newer")[0])
    store.export(polled("poll nothing"))

    assert names(store.last()) == ["poll newer", "send residents"]


def test_last_is_the_newest_of_all_when_none_reached_kafka(store: TraceStore) -> None:
    store.export(polled("poll older"))
    store.export(polled("poll newer"))

    assert names(store.last()) == ["poll newer"]


def test_last_shows_a_failure(store: TraceStore) -> None:
    store.export(published()[0])
    with recorded_spans() as failed, pytest.raises(ValueError, match="x"), span("poll broken"):
        raise ValueError("x")

    store.export(failed)

    assert names(store.last()) == ["poll broken"]


def test_last_goes_back_to_where_a_linked_trace_came_from(store: TraceStore) -> None:
    poll, carried = published()
    with recorded_spans() as batch, span("process residents", kind=SpanKind.CONSUMER, links=[carried]):
        pass
    store.export(poll)
    store.export(batch)

    assert names(store.last()) == ["poll benefits", "send residents", "process residents"]


def test_traces_that_link_in_a_circle_are_found_once(store: TraceStore) -> None:
    with recorded_spans() as spans, span("a") as first:
        pass
    with recorded_spans() as others, span("b", links=[str(traceparent(first))]) as second:
        pass
    with recorded_spans() as more, span("c", parent=str(traceparent(first)), links=[str(traceparent(second))]):
        pass
    for each in (spans, others, more):
        store.export(each)

    assert names(store.last()) == ["a", "b", "c"]


def test_only_the_newest_traces_are_kept(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "traces.db", keep=10)
    polls = [polled(f"poll {number}") for number in range(25)]
    for poll in polls:
        store.export(poll)

    kept = [number for number, poll in enumerate(polls) if store.trace(trace_id(poll[0]))]
    assert kept == list(range(25 - len(kept), 25))
    assert 9 <= len(kept) <= 10
    with sqlite3.connect(tmp_path / "traces.db") as database:
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("spans", "alike")]  # noqa: S608 - names of our own
    database.close()
    assert counts == [len(kept)] * 2


def test_few_traces_of_many_spans_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SPANS_PER_TRACE", 1)
    store = TraceStore(tmp_path / "traces.db", keep=4)
    older, newer = published("older")[0], published("newer")[0]
    for spans in (older, newer, polled()):
        store.export(spans)

    assert [len(store.trace(trace_id(spans[0]))) for spans in (older, newer)] == [0, 2]


def test_one_trace_is_kept_however_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SPANS_PER_TRACE", 1)
    store = TraceStore(tmp_path / "traces.db", keep=1)

    store.export(published()[0])

    assert len(store.last()) == 2


def test_of_many_spans_alike_the_first_are_kept_and_all_are_counted(store: TraceStore) -> None:
    poll, carried = published()
    store.export(poll)
    with recorded_spans() as processed:
        for _ in range(ALIKE + 50):
            with span("process residents", parent=carried):
                pass
        with pytest.raises(ValueError, match="x"), span("process residents", parent=carried):
            raise ValueError("x")

    store.export(processed[:70])
    store.export(processed[70:])

    found = [stored for stored in store.trace(trace_id(poll[0])) if stored.name == "process residents"]
    assert len(found) == ALIKE + 1
    assert {(stored.error, stored.alike) for stored in found} == {(None, ALIKE + 50), ("ValueError", 1)}


def test_a_failing_store_says_so_once_and_the_work_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    store = TraceStore(tmp_path / "file" / "traces.db")

    assert [store.export(polled()), store.export(polled())] == [SpanExportResult.FAILURE] * 2
    assert len([record for record in caplog.records if "spans are not stored" in record.message]) == 1


def test_a_batch_leaves_nothing_that_only_the_collector_finds(store: TraceStore) -> None:
    """A worker of the façade writes two a second and seldom collects: a circle each is megabytes an hour."""
    batches = [polled() for _ in range(100)]
    store.export(batches.pop())
    gc.collect()
    gc.disable()
    try:
        for batch in batches:
            store.export(batch)

        assert gc.collect() < len(batches)
    finally:
        gc.enable()


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database at all, but long enough to look like one " * 20)

    with pytest.raises(ConfigError, match=r"notes\.txt: not a readable trace store"):
        TraceStore(path).last()
    assert TraceStore(path).export(polled()) is SpanExportResult.FAILURE


WRITER = """
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from observability import tracing
from observability.tracing import Telemetry
with tracing.configure(Telemetry(service_name=sys.argv[2], trace_store=Path(sys.argv[1]))) as session:
    for _ in range(20):
        with tracing.span("process residents", kind=tracing.SpanKind.CONSUMER, parent=sys.argv[3]):
            pass
        session.flush()
"""


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    spans, carried = published()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"subscriber-{n}", carried], stderr=subprocess.PIPE)
        for n in range(4)
    ]
    store = TraceStore(path)
    store.export(spans)

    assert [writer.communicate(timeout=60)[1] for writer in writers] == [b""] * 4
    found = store.trace(trace_id(spans[0]))
    assert {stored.service for stored in found} > {f"subscriber-{n}" for n in range(4)}
    assert len(found) == len(spans) + 4 * 20


def test_a_new_file_is_made_by_many_at_once(tmp_path: Path) -> None:
    together, spans = threading.Barrier(8), published()[0]

    def write(path: Path) -> SpanExportResult:
        together.wait()
        return TraceStore(path).export(spans)

    for turn in range(10):
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(write, [tmp_path / f"{turn}.db"] * 8))
        assert set(results) == {SpanExportResult.SUCCESS}


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=10**15))
def test_a_duration_is_what_lies_between_start_and_end(start_ns: int, took_ns: int) -> None:
    stored = StoredSpan(
        trace_id="a", span_id="b", parent_id=None, name="n", kind="INTERNAL", service="s", start_ns=start_ns,
        end_ns=start_ns + took_ns, error=None, attributes={},
    )  # fmt: skip

    assert stored.duration_ms == took_ns / 1e6
