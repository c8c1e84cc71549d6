"""Who subscribes, on which terms, and how that shows in traces."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.delivery import Delivered
from events.retry import Retry
from observability import fields
from observability.masking import KeyHash
from observability.tracing import Span, SpanKind, span

__all__ = ["Subscription"]

MOST_LINKS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who subscribes, and on which terms."""

    namespace: str
    group: str
    """Without the namespace."""
    retry: Retry = field(default_factory=Retry)
    since: datetime | None = None
    """Where a group without committed offsets begins; None is the beginning of each topic."""
    key_hash: KeyHash | None = None
    """How keys are shown in spans; not at all without it."""
    batches: bool = False
    """Whether handlers take many events at once: their spans link to the publishers' instead of following one."""

    def __post_init__(self) -> None:
        """Refuse a time without a zone."""
        if self.since is not None and self.since.tzinfo is None:
            raise ValueError("since: expected a time with a zone")

    @property
    def group_id(self) -> str:
        """Return the consumer group as Kafka knows it."""
        return f"{self.namespace}.{self.group}"

    def span(self, events: Sequence[Delivered[Any]], *, attempt: int) -> AbstractContextManager[Span]:
        """Cover the handling of events of one partition with a span."""
        first = events[0]
        name = fields.span_name(fields.PROCESS, first.record.topic)
        attributes: dict[str, fields.Value | None] = {
            **fields.messaging(fields.PROCESS, first.record.topic),
            fields.MESSAGING_CONSUMER_GROUP_NAME: self.group_id,
            fields.MESSAGING_DESTINATION_PARTITION_ID: str(first.record.partition),
            fields.MESSAGING_KAFKA_OFFSET: first.record.offset,
            fields.BANYAN_ATTEMPT: attempt,
        }
        if not self.batches:
            attributes |= self._of(first)
            return span(name, kind=SpanKind.CONSUMER, attributes=attributes, parent=first.traceparent)
        attributes[fields.MESSAGING_BATCH_MESSAGE_COUNT] = len(events)
        links = dict.fromkeys(event.traceparent for event in events)
        known = [link for link in links if link is not None]
        return span(name, kind=SpanKind.CONSUMER, attributes=attributes, links=known[:MOST_LINKS])

    def _of(self, event: Delivered[Any]) -> dict[str, fields.Value | None]:
        source, id_ = event.identity
        key = event.record.key
        return {
            fields.CLOUDEVENTS_EVENT_ID: id_,
            fields.CLOUDEVENTS_EVENT_SOURCE: source,
            fields.CLOUDEVENTS_EVENT_TYPE: event.model.type,
            fields.BANYAN_KEY_HASH: None if key is None or self.key_hash is None else self.key_hash(key),
        }
