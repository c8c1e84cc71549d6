"""See in a test what was traced and counted, without touching OpenTelemetry's global state."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final, final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from typing_extensions import override

from observability import fields, metrics, tracing

__all__ = ["RecordedMetrics", "recorded_metrics", "recorded_spans"]

_RESOURCE: Final = Resource({"service.name": "test"})


@contextmanager
def recorded_spans() -> Generator[list[ReadableSpan], None, None]:
    """Record every span that ends within the block, in the order of their ends.

    >>> with recorded_spans() as spans, tracing.span("read benefits"):
    ...     pass
    >>> [span.name for span in spans]
    ['read benefits']
    """
    ended: list[ReadableSpan] = []
    provider = TracerProvider(sampler=ALWAYS_ON, resource=_RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(_ListExporter(ended)))
    with tracing.install(provider):
        yield ended


@contextmanager
def recorded_metrics() -> Generator["RecordedMetrics", None, None]:
    """Record every measurement made within the block.

    >>> with recorded_metrics() as recorded:
    ...     metrics.Metrics().records_read("benefits", 3)
    ...     recorded.value("banyan.records.read", {"banyan.source": "benefits"})
    3
    """
    reader = InMemoryMetricReader()
    with metrics.install(MeterProvider(metric_readers=[reader], resource=_RESOURCE, shutdown_on_exit=False)):
        yield RecordedMetrics(reader)


@final
class RecordedMetrics:
    """What was measured so far."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def value(self, name: str, attributes: dict[str, fields.Value] | None = None) -> float:
        """Return a counter's sum, a gauge's value or a histogram's count, over all that have these attributes."""
        wanted = (attributes or {}).items()
        points = [point for point in self._points(name) if wanted <= dict(point.attributes or {}).items()]
        return sum(point.count if isinstance(point, HistogramDataPoint) else point.value for point in points)

    def _points(self, name: str) -> Sequence[NumberDataPoint | HistogramDataPoint]:
        data = self._reader.get_metrics_data()
        found = [
            metric.data.data_points
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return [
            point for points in found for point in points if isinstance(point, NumberDataPoint | HistogramDataPoint)
        ]


@final
class _ListExporter(SpanExporter):
    def __init__(self, ended: list[ReadableSpan]) -> None:
        self._ended = ended

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._ended.extend(spans)
        return SpanExportResult.SUCCESS

    @override
    def shutdown(self) -> None:
        """Do nothing."""
