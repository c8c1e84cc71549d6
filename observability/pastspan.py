"""A span that is told when it is over: all of it is known, so it need not be started and ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from observability import fields

__all__ = ["PastSpan"]

_SCOPE: Final = InstrumentationScope("banyan", schema_url=fields.SCHEMA_URL)
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PastSpan:
    """A span; ids are lower-case hex, as in a traceparent. It is kept, whatever the sampler."""

    name: str
    kind: SpanKind
    trace_id: str
    span_id: str
    parent_id: str | None
    remote_parent: bool = False
    """The parent is in another process."""
    start_ns: int
    end_ns: int
    attributes: Mapping[str, fields.Value]
    events: Mapping[str, Mapping[str, fields.Value]] = field(default_factory=dict[str, Mapping[str, fields.Value]])
    """Name -> attributes; all of them happened at the start."""
    error: str | None = None
    """Why it failed, in words that are safe to show; None when it did not."""

    def readable(self, resource: Resource) -> ReadableSpan:
        """Return it as the SDK's processors take it; `resource` is who speaks."""
        trace_id = int(self.trace_id, 16)

        def context(span_id: str, *, remote: bool) -> SpanContext:
            return SpanContext(trace_id, int(span_id, 16), remote, _SAMPLED)

        return ReadableSpan(
            self.name,
            context(self.span_id, remote=False),
            None if self.parent_id is None else context(self.parent_id, remote=self.remote_parent),
            resource,
            self.attributes,
            [Event(name, attributes, timestamp=self.start_ns) for name, attributes in self.events.items()],
            kind=self.kind,
            status=Status(StatusCode.UNSET) if self.error is None else Status(StatusCode.ERROR, self.error),
            start_time=self.start_ns,
            end_time=self.end_ns,
            instrumentation_scope=_SCOPE,
        )
