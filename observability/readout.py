"""Metrics that are counted beside the SDK, where one measurement may only cost a fraction of the SDK's price."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Protocol, Self, final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from observability import fields
from observability.metrics import BUCKETS_SECONDS, EXPORT_EVERY_MS
from observability.tracing import EXPORT_SECONDS

__all__ = ["FINE_BUCKETS_SECONDS", "Exporter", "Readout", "counted", "timed"]

FINE_BUCKETS_SECONDS: Final = (0.0005, 0.001, 0.002, *BUCKETS_SECONDS)
"""For calls that are passed on, which may take less than the conventions expect."""

_SCOPE: Final = InstrumentationScope("banyan", schema_url=fields.SCHEMA_URL)
_logger = logging.getLogger(__name__)


class Exporter(Protocol):
    """What a metric exporter of the SDK can do."""

    def export(self, metrics_data: MetricsData) -> object:
        """Send; not called by two threads at once."""
        ...

    def shutdown(self) -> None:
        """Send nothing more."""
        ...


@final
class Readout:
    """Exports what somebody counts.

    Whoever counts gives all that was counted since the start (cumulative) when asked; it is asked by a thread of
    this object's, every 15 seconds and once more at `shutdown`.

    Args:
        collect: Returns what was counted; see `counted` and `timed`.
        exporter: Where it goes.
        resource: Who speaks.
        every: How often.
    """

    def __init__(
        self,
        collect: Callable[[], Sequence[Metric]],
        exporter: Exporter,
        *,
        resource: Resource,
        every: timedelta = timedelta(milliseconds=EXPORT_EVERY_MS),
    ) -> None:
        self._collect, self._exporter, self._resource = collect, exporter, resource
        self._every_s = every.total_seconds()
        self._stop, self._exporting = Event(), Lock()
        self._thread = Thread(name="BanyanReadout", target=self._run, daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Export now; waits for it. A failure is logged."""
        scope = ScopeMetrics(scope=_SCOPE, metrics=self._collect(), schema_url=fields.SCHEMA_URL)
        whose = ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url=self._resource.schema_url)
        with self._exporting:
            try:
                self._exporter.export(MetricsData(resource_metrics=[whose]))
            except Exception:
                _logger.exception("metrics are not exported")

    def shutdown(self) -> None:
        """Export what is left, at most for a few seconds, and stop; a second call does nothing."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join(EXPORT_SECONDS)
        self._exporter.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.shutdown()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.flush()
        self.flush()


def counted(name: str, points: Iterable[tuple[Mapping[str, fields.Value], int]], *, since_ns: int) -> Metric:
    """Return a counter of `fields.METRICS`, from attributes and sum of each point."""
    now_ns = time.time_ns()
    data = [NumberDataPoint(attributes, since_ns, now_ns, value) for attributes, value in points]
    of = fields.METRICS[name]
    total = Sum(data_points=data, aggregation_temporality=AggregationTemporality.CUMULATIVE, is_monotonic=True)
    return Metric(name=name, description=of.description, unit=of.unit, data=total)


def timed(
    name: str,
    points: Iterable[tuple[Mapping[str, fields.Value], Sequence[int], tuple[float, float, float]]],
    *,
    since_ns: int,
) -> Metric:
    """Return a histogram of `fields.METRICS` over `FINE_BUCKETS_SECONDS`.

    Each point is attributes, the count of each bucket, and sum, least and most in seconds.
    """
    now_ns = time.time_ns()
    data = [
        HistogramDataPoint(
            attributes, since_ns, now_ns, sum(counts), total, list(counts), FINE_BUCKETS_SECONDS, least, most
        )
        for attributes, counts, (total, least, most) in points
    ]
    of = fields.METRICS[name]
    spread = Histogram(data_points=data, aggregation_temporality=AggregationTemporality.CUMULATIVE)
    return Metric(name=name, description=of.description, unit=of.unit, data=spread)
