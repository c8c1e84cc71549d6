"""Spans: set-up, and the few functions by which every part opens, links and fails them.

Nothing is installed when this is imported. Until `configure` is called, spans go to OpenTelemetry's global
provider, which does nothing unless somebody set one.

`span` follows `await`: what is opened inside is its child, in the same task and in tasks started from it.
Where a block is left and entered again - an async generator between two `yield`s - pass `current=False`,
so that the span does not leak to whoever iterates, and hand `traceparent(span)` on. Where the end is in
another function, use `start_span`, `use_span` and the span's own `end()`.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Self, final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from contracts.errors import safe_message
from observability import fields
from observability.pastspan import PastSpan
from observability.store import TraceStore

__all__ = [
    "Span",
    "SpanKind",
    "Telemetry",
    "Tracing",
    "configure",
    "install",
    "record_error",
    "span",
    "start_span",
    "tell",
    "traceparent",
    "use_span",
]

EXPORT_SECONDS = 5
QUEUE_SPANS = 16_384
STORE_DELAY_MS = 500

_NAME = "banyan"
_PROPAGATOR = TraceContextTextMapPropagator()
_installed: list[Tracer] = []


class Telemetry(BaseModel):
    """Where traces and metrics of one process go."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    service_name: str = "banyan"
    """Name of this process in traces and metrics: `pipeline`, `subscriber`, `facade`."""
    service_instance: str | None = None
    """Tells replicas of one service apart; a random one by default."""
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://")
    """Base address of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`; nothing is sent without it."""
    otlp_headers: Mapping[str, SecretStr] = {}
    """Headers of every export, such as an authorization."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of traces that are recorded, decided where a trace begins and kept by whoever continues it."""
    trace_store: Path | None = None
    """SQLite file that keeps the newest traces for `banyan trace`; several processes may share it."""
    trace_store_keep: int = Field(default=10_000, ge=1)
    """How many traces that file keeps."""

    def resource(self) -> Resource:
        """Return who speaks, for every span and metric."""
        named = {"service.name": self.service_name, "service.namespace": _NAME}
        instance = {"service.instance.id": self.service_instance} if self.service_instance else {}
        return Resource.create(named | instance)

    def otlp(self, signal: str) -> tuple[str, dict[str, str]] | None:
        """Return address and headers for `traces` or `metrics`, or None without a collector."""
        if self.otlp_endpoint is None:
            return None
        headers = {name: value.get_secret_value() for name, value in self.otlp_headers.items()}
        return f"{self.otlp_endpoint.rstrip('/')}/v1/{signal}", headers


@final
class Tracing:
    """Spans go to this provider until `shutdown`, then to where they went before.

    A context manager: the end of the block shuts it down.
    """

    def __init__(self, provider: TracerProvider, *, remote: SpanExporter | None = None) -> None:
        self.provider = provider
        self._remote = remote
        self._tracer = provider.get_tracer(_NAME, schema_url=fields.SCHEMA_URL)
        _installed.append(self._tracer)

    def flush(self) -> None:
        """Export what has ended so far; waits for it."""
        self.provider.force_flush()

    def shutdown(self) -> None:
        """Export what is left, at most for a few seconds, and stop; a second call does nothing."""
        if self._tracer not in _installed:
            return
        _installed.remove(self._tracer)
        # The SDK would wait for each batch in turn, 30 seconds in all, when the collector is gone.
        deadline = Timer(EXPORT_SECONDS, self._give_up)
        deadline.daemon = True
        deadline.start()
        self.provider.shutdown()
        deadline.cancel()

    def _give_up(self) -> None:
        if self._remote is not None:
            self._remote.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.shutdown()


def configure(telemetry: Telemetry) -> Tracing:
    """Send the spans of this process to the collector and the local store, where they are configured.

    With neither, spans still have ids: events carry a trace context and log lines a trace id. Exporting
    happens in threads; when a target is slow or gone, spans are dropped and a warning is logged, and the
    work goes on. What is returned has to be shut down, or the last spans are lost.
    """
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(telemetry.sample_ratio), resource=telemetry.resource(), shutdown_on_exit=False
    )
    remote = None
    if telemetry.trace_store is not None:
        store = TraceStore(telemetry.trace_store, keep=telemetry.trace_store_keep)
        provider.add_span_processor(_batched(store, delay_ms=STORE_DELAY_MS))
    if (otlp := telemetry.otlp("traces")) is not None:
        endpoint, headers = otlp
        remote = OTLPSpanExporter(endpoint=endpoint, headers=headers, timeout=EXPORT_SECONDS)
        provider.add_span_processor(_batched(remote, delay_ms=EXPORT_SECONDS * 1000))
    return Tracing(provider, remote=remote)


def install(provider: TracerProvider) -> Tracing:
    """Send spans to a provider made elsewhere."""
    return Tracing(provider)


def _batched(exporter: SpanExporter, *, delay_ms: float) -> BatchSpanProcessor:
    return BatchSpanProcessor(
        exporter, max_queue_size=QUEUE_SPANS, schedule_delay_millis=delay_ms, max_export_batch_size=QUEUE_SPANS // 8
    )


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, fields.Value | None] | None = None,
    parent: str | None = None,
    links: Iterable[str] = (),
    current: bool = True,
) -> Generator[Span, None, None]:
    """Cover the block with a span, and mark it failed when the block raises.

    Args:
        name: See `fields.span_name`.
        kind: PRODUCER for sends, CONSUMER for processing, CLIENT for calls.
        attributes: Names from `fields`; one whose value is None is left out.
        parent: W3C traceparent from outside; the current span otherwise.
        links: W3C traceparents of what caused this without being its parent, such as a batch's messages.
            What is no traceparent is ignored here and in `parent`, never raised.
        current: Whether spans opened inside become its children; False in async generators.
    """
    opened = start_span(name, kind=kind, attributes=attributes, parent=parent, links=links)
    try:
        if current:
            with use_span(opened):
                yield opened
        else:
            yield opened
    except Exception as error:
        record_error(opened, error)
        raise
    finally:
        opened.end()


def start_span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, fields.Value | None] | None = None,
    parent: str | None = None,
    links: Iterable[str] = (),
) -> Span:
    """Start a span without making it current; whoever starts it calls its `end()`. Arguments as for `span`."""
    tracer = _installed[-1] if _installed else _fallback()
    linked = [Link(context) for text in dict.fromkeys(links) if (context := _parse(text)) is not None]
    return tracer.start_span(
        name,
        context=_context(parent),
        kind=kind,
        attributes={key: value for key, value in (attributes or {}).items() if value is not None},
        links=linked,
    )


@contextmanager
def use_span(started: Span) -> Generator[Span, None, None]:
    """Make a started span current for the block, without ending it."""
    with trace.use_span(started, record_exception=False, set_status_on_exception=False):
        yield started


def tell(spans: Iterable[PastSpan]) -> None:
    """Export spans whose sampling is decided already, without the price of a started one; each is kept.

    They go where `configure` says, and nowhere without it.
    """
    tracer = _installed[-1] if _installed else None
    if isinstance(tracer, SdkTracer):
        for past in spans:
            tracer.span_processor.on_end(past.readable(tracer.resource))


def record_error(failed: Span, error: BaseException) -> None:
    """Mark a span as failed by this error: its class, and the message where it is known to be safe."""
    name, message = type(error).__qualname__, safe_message(error)
    failed.set_attribute(fields.ERROR_TYPE, name)
    failed.add_event(
        "exception",
        {fields.EXCEPTION_TYPE: name} | ({} if message is None else {fields.EXCEPTION_MESSAGE: message}),
    )
    failed.set_status(Status(StatusCode.ERROR, name if message is None else f"{name}: {message}"))


def traceparent(of: Span | None = None) -> str | None:
    """Return the W3C traceparent of a span, or of the current one; None outside any."""
    context = (of or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@cache
def _fallback() -> Tracer:
    return trace.get_tracer(_NAME, schema_url=fields.SCHEMA_URL)


def _context(parent: str | None) -> Context | None:
    if parent is None or (found := _parse(parent)) is None:
        return None
    return trace.set_span_in_context(trace.NonRecordingSpan(found))


def _parse(text: str) -> SpanContext | None:
    found = trace.get_current_span(_PROPAGATOR.extract({"traceparent": text}, Context())).get_span_context()
    return found if found.is_valid else None
