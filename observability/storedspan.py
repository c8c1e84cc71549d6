"""One span as the local trace store keeps it and `banyan trace` shows it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN_CONTEXT, StatusCode

__all__ = ["StoredSpan"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpan:
    """One span that has ended; ids are lower-case hex, as in a traceparent."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    """`INTERNAL`, `PRODUCER`, `CONSUMER`, `CLIENT` or `SERVER`."""
    service: str
    start_ns: int
    """Unix time in nanoseconds."""
    end_ns: int
    error: str | None
    """Why it failed: error class, and message where that is safe to show; None when it did not."""
    attributes: Mapping[str, Any]
    links: tuple[tuple[str, str], ...] = ()
    """Trace and span ids of what caused this without being its parent."""
    alike: int = 1
    """How many spans of the trace had this one's name, service and outcome; only the first are kept."""

    @classmethod
    def of(cls, span: ReadableSpan) -> Self:
        """Take over what is shown of an ended span of the SDK."""
        context = span.get_span_context() or INVALID_SPAN_CONTEXT
        failed = span.status.status_code is StatusCode.ERROR
        return cls(
            trace_id=f"{context.trace_id:032x}",
            span_id=f"{context.span_id:016x}",
            parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
            name=span.name,
            kind=span.kind.name,
            service=str((span.resource.attributes or {}).get("service.name", "")),
            start_ns=span.start_time or 0,
            end_ns=span.end_time or span.start_time or 0,
            error=(span.status.description or "failed") if failed else None,
            attributes=dict(span.attributes or {}),
            links=tuple((f"{k.context.trace_id:032x}", f"{k.context.span_id:016x}") for k in span.links),
        )

    @property
    def duration_ms(self) -> float:
        """Return how long it took."""
        return (self.end_ns - self.start_ns) / 1e6

    @property
    def likeness(self) -> str:
        """Return what the spans of a trace share that are alike."""
        return f"{self.name}\n{self.service}\n{self.error is not None}"

    @property
    def notable(self) -> bool:
        """Tell whether this span touched Kafka or failed, unlike a poll that found nothing."""
        return self.kind in {"PRODUCER", "CONSUMER"} or self.error is not None

    def to_json(self) -> str:
        """Return everything but `alike` as one JSON object."""
        content = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "alike"}
        return json.dumps(content, default=str)

    @classmethod
    def from_json(cls, text: str, *, alike: int = 1) -> Self:
        """Return the span that `to_json` wrote."""
        content = json.loads(text)
        links = tuple((trace_id, span_id) for trace_id, span_id in content.pop("links"))
        return cls(**content, links=links, alike=alike)
