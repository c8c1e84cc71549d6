"""Every call is counted once, in the worker and in the parent, and exported as OpenTelemetry's own data."""

import json
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, Metric, MetricsData, NumberDataPoint, Sum
from opentelemetry.sdk.resources import Resource

from observability import fields
from observability.metrics import otlp_exporter
from observability.readout import FINE_BUCKETS_SECONDS, Readout
from observability.tracing import Telemetry
from routers.facade.accounting.tally import OTHER, Tally
from routers.facade.ended import Ended, Outcome, TraceContext
from routers.stage import OperationClass, Side

TRACE = TraceContext("5a1e0d6c9f3b48278c6f0d1e2b3a4958", "7d3c5b1a9e8f6042", None, 2, "", sampled=False)
MS = 1_000_000


def ended(
    route: str | None = "addresses/change",
    side: Side | None = Side.LEGACY,
    outcome: Outcome = Outcome.ANSWERED,
    *,
    duration_ns: int = 3 * MS,
    modern_ns: int = 0,
) -> Ended:
    return Ended(
        request_id="r-1",
        listener="soap",
        method="POST",
        path="/",
        route=route,
        operation=OperationClass.UNSAFE,
        decision=None,
        key=None,
        backend="old",
        side=side,
        status=200,
        outcome=outcome,
        error=None,
        attempts=1,
        started_ns=0,
        duration_ns=duration_ns,
        modern_ns=modern_ns,
        trace=TRACE,
    )


def points(tally: Tally, name: str) -> Sequence[HistogramDataPoint | NumberDataPoint]:
    found = [metric.data.data_points for metric in tally.metrics() if metric.name == name]
    return [point for each in found for point in each if isinstance(point, HistogramDataPoint | NumberDataPoint)]


def test_calls_are_counted_by_route_side_and_outcome() -> None:
    tally = Tally()
    for outcome in (Outcome.ANSWERED, Outcome.ANSWERED, Outcome.FAILED):
        tally.add(ended(outcome=outcome))
    tally.add(ended(None, None, Outcome.REFUSED))

    assert [tuple(observed.model_dump().values()) for observed in tally.observed()] == [
        ("addresses/change", "legacy", "answered", 2),
        ("addresses/change", "legacy", "failed", 1),
        ("", "", "refused", 1),
    ]
    decided = {"banyan.route": "addresses/change", "banyan.side": "legacy"}
    assert [dict(point.attributes or {}) for point in points(tally, "banyan.call.duration")] == [
        decided | {"banyan.outcome": "answered"},
        decided | {"banyan.outcome": "failed"},
        {"banyan.outcome": "refused"},
    ]


@pytest.mark.parametrize(
    ("duration_ns", "bucket"),
    [(0, 0), (MS // 2, 0), (MS // 2 + 1, 1), (MS, 1), (5 * MS, 3), (6 * MS, 4), (10_000 * MS, 16), (10_001 * MS, 17)],
)
def test_a_duration_is_in_the_bucket_whose_upper_bound_it_does_not_pass(duration_ns: int, bucket: int) -> None:
    tally = Tally()
    tally.add(ended(duration_ns=duration_ns))

    [point] = points(tally, "banyan.call.duration")
    assert isinstance(point, HistogramDataPoint)
    assert [place for place, count in enumerate(point.bucket_counts) if count] == [bucket]
    assert tuple(point.explicit_bounds) == FINE_BUCKETS_SECONDS
    assert (point.count, point.sum) == (1, duration_ns / 1e9)
    assert point.min == point.max == point.sum


def test_a_fallback_counts_what_either_side_took() -> None:
    tally = Tally()
    tally.add(ended(outcome=Outcome.FELL_BACK, duration_ns=30 * MS, modern_ns=20 * MS))
    tally.add(ended(outcome=Outcome.ANSWERED, side=Side.MODERN, duration_ns=8 * MS, modern_ns=7 * MS))

    [fallback] = points(tally, "banyan.fallback.duration")
    modern = points(tally, "banyan.modern.duration")
    assert isinstance(fallback, HistogramDataPoint)
    assert fallback.sum == pytest.approx(0.01)
    assert [(point.attributes or {})["banyan.outcome"] for point in modern] == ["fell_back", "answered"]


def content(tally: Tally) -> dict[str, list[str]]:
    return {name: sorted(map(str, rows)) for name, rows in json.loads(tally.take() or b"{}").items()}


calls = st.lists(
    st.builds(
        ended,
        st.sampled_from(["a/b", "a/c", None]),
        st.sampled_from([*Side, None]),
        st.sampled_from(Outcome),
        duration_ns=st.integers(0, 20_000 * MS),
        modern_ns=st.integers(0, 20_000 * MS),
    ),
    max_size=30,
)


@given(calls, st.integers(1, 7))
def test_what_workers_give_in_parts_adds_up_to_what_one_would_have_counted(
    given_calls: list[Ended], every: int
) -> None:
    workers, parent, alone = [Tally(), Tally()], Tally(), Tally()
    for place, call in enumerate(given_calls):
        workers[place % 2].add(call)
        workers[place % 2].count(fields.BANYAN_KEYS_UNUSABLE, call.route, "missing_key")
        alone.add(call)
        alone.count(fields.BANYAN_KEYS_UNUSABLE, call.route, "missing_key")
        if place % every == 0:
            parent.merge(workers[0].take())
    for worker in workers:
        parent.merge(worker.take())
        assert worker.take() == b""

    parent.merge(b"")
    assert content(parent) == content(alone)


def test_named_counters_have_their_own_labels() -> None:
    tally = Tally()
    tally.count(fields.BANYAN_KEYS_UNUSABLE, "addresses/change", "unfit_key")
    tally.count(fields.BANYAN_KEYS_UNUSABLE, "addresses/change", "unfit_key")
    tally.count(fields.BANYAN_CALLS_REFUSED, None, "target_too_long")
    tally.count(fields.BANYAN_DECISIONS_DROPPED, by=7)

    found = {
        metric.name: [(dict(point.attributes or {}), point.value) for point in metric.data.data_points]
        for metric in tally.metrics()
        if isinstance(metric.data, Sum)
    }
    assert found == {
        "banyan.keys.unusable": [({"banyan.route": "addresses/change", "banyan.reason": "unfit_key"}, 2)],
        "banyan.calls.refused": [({"error.type": "target_too_long"}, 1)],
        "banyan.decisions.dropped": [({}, 7)],
    }
    assert [each.model_dump() for each in tally.unusable_keys()] == [
        {"route": "addresses/change", "reason": "unfit_key", "calls": 2}
    ]


def test_routes_beyond_the_bound_are_one_and_that_is_told_once() -> None:
    worker, parent = Tally(routes=5), Tally(routes=3)
    with structlog.testing.capture_logs() as logs:
        for number in range(20):
            worker.add(ended(f"a/{number}"))
            worker.count(fields.BANYAN_KEYS_UNUSABLE, f"a/{number}", "missing_key")
        parent.merge(worker.take())

    observed = {each.route: each.calls for each in parent.observed()}
    assert observed == {"a/0": 1, "a/1": 1, "a/2": 1, OTHER: 17}
    assert [entry["event"] for entry in logs] == ["further routes are counted as one"] * 2


def test_nothing_that_was_never_met_is_exported() -> None:
    assert list(Tally().metrics()) == []


class Kept:
    """Keeps what was exported."""

    def __init__(self, *, broken: bool = False) -> None:
        self.exported: list[MetricsData] = []
        self.shut = 0
        self.broken = broken

    def export(self, metrics_data: MetricsData) -> None:
        self.exported.append(metrics_data)
        if self.broken:
            raise OSError("no space")

    def shutdown(self) -> None:
        self.shut += 1

    def metrics(self) -> Sequence[Metric]:
        return self.exported[-1].resource_metrics[0].scope_metrics[0].metrics


def test_the_readout_exports_every_so_often_and_once_more_at_its_end() -> None:
    tally, kept = Tally(), Kept()
    tally.add(ended())
    with Readout(tally.metrics, kept, resource=Resource({"service.name": "facade"}), every=timedelta(seconds=0.01)):
        until = time.monotonic() + 10
        while len(kept.exported) < 3 and time.monotonic() < until:
            time.sleep(0.005)
        tally.add(ended())

    [metric] = kept.metrics()
    assert isinstance(metric.data, Histogram)
    assert (metric.name, metric.unit, metric.data.data_points[0].count) == ("banyan.call.duration", "s", 2)
    assert kept.shut == 1


def test_what_is_exported_is_what_the_otlp_encoder_takes() -> None:
    tally, kept = Tally(), Kept()
    tally.add(ended())
    tally.count(fields.BANYAN_DECISIONS_DROPPED)
    readout = Readout(tally.metrics, kept, resource=Resource({"service.name": "facade"}))
    readout.flush()
    readout.shutdown()
    readout.shutdown()

    encoded = encode_metrics(kept.exported[0])
    histogram, counter = encoded.resource_metrics[0].scope_metrics[0].metrics
    assert histogram.histogram.data_points[0].count == 1
    assert sum(histogram.histogram.data_points[0].bucket_counts) == 1
    assert (counter.sum.is_monotonic, counter.sum.data_points[0].as_int) == (True, 1)
    assert kept.shut == 1


def test_an_exporter_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(broken=True)
    with Readout(Tally().metrics, kept, resource=Resource({}), every=timedelta(hours=1)) as readout:
        readout.flush()

    assert len(kept.exported) == 2
    assert "metrics are not exported" in caplog.text


def test_there_is_an_exporter_only_where_a_collector_is_configured() -> None:
    assert otlp_exporter(Telemetry()) is None
    assert otlp_exporter(Telemetry(otlp_endpoint="http://127.0.0.1:9")) is not None
