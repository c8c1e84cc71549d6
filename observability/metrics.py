"""Metrics: set-up, and one method for each thing that is counted.

Nothing is installed when this is imported. Until `configure` is called, measurements go to
OpenTelemetry's global provider, which drops them unless somebody set one. Attributes are few and of low
cardinality: a topic, a source, a group; never a stream, a file or a key.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from types import TracebackType
from typing import Final, Literal, Self, final

from opentelemetry import metrics as otel
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader

from observability import fields
from observability.tracing import EXPORT_SECONDS, Telemetry

__all__ = ["Metering", "Metrics", "Outcome", "configure", "install", "otlp_exporter"]

Outcome = Literal["committed", "aborted", "fenced"]

EXPORT_EVERY_MS = 15_000
# The conventions' own, for both histograms.
BUCKETS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

_NAME = "banyan"
_installed: list[MeterProvider] = []


@final
class Metering:
    """Measurements go to this provider until `shutdown`, then to where they went before.

    A context manager: the end of the block shuts it down.
    """

    def __init__(self, provider: MeterProvider) -> None:
        self.provider = provider
        _installed.append(provider)

    def shutdown(self) -> None:
        """Export what is left, at most for a few seconds, and stop; a second call does nothing."""
        if self.provider in _installed:
            _installed.remove(self.provider)
            self.provider.shutdown(EXPORT_SECONDS * 1000)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.shutdown()


def configure(telemetry: Telemetry, *, readers: Iterable[MetricReader] = ()) -> Metering:
    """Send the metrics of this process to the collector, where one is configured, and to further readers."""
    every = list(readers)
    if (exporter := otlp_exporter(telemetry)) is not None:
        every.append(PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_EVERY_MS))
    return install(MeterProvider(metric_readers=every, resource=telemetry.resource()))


def otlp_exporter(telemetry: Telemetry) -> MetricExporter | None:
    """Return what sends metrics to the collector, where one is configured."""
    if (otlp := telemetry.otlp("metrics")) is None:
        return None
    endpoint, headers = otlp
    return OTLPMetricExporter(endpoint=endpoint, headers=headers, timeout=EXPORT_SECONDS)


def install(provider: MeterProvider) -> Metering:
    """Send measurements to a provider made elsewhere."""
    return Metering(provider)


@final
class Metrics:
    """What is counted, one method each; the metrics are described in `fields.METRICS`.

    Without a provider of its own, measurements go where `configure` says at that moment, so it may be made
    before.
    """

    def __init__(self, provider: MeterProvider | None = None) -> None:
        self._provider = provider

    def sent(self, topic: str, messages: int, *, took: timedelta, error: BaseException | None = None) -> None:
        """Count messages handed to the broker, and how long that took; `error` where it failed."""
        attributes = fields.messaging(fields.SEND, topic) | _failure(error)
        self._count(fields.MESSAGING_CLIENT_SENT_MESSAGES, messages, attributes)
        self._time(fields.MESSAGING_CLIENT_OPERATION_DURATION, took, attributes)

    def consumed(self, topic: str, messages: int, *, group: str) -> None:
        """Count messages delivered to a subscriber, before it handles them."""
        attributes = fields.messaging(fields.PROCESS, topic) | {fields.MESSAGING_CONSUMER_GROUP_NAME: group}
        self._count(fields.MESSAGING_CLIENT_CONSUMED_MESSAGES, messages, attributes)

    def processed(self, topic: str, *, group: str, took: timedelta, error: BaseException | None = None) -> None:
        """Measure how long a subscriber took for one message or batch; `error` where it failed."""
        attributes = fields.messaging(fields.PROCESS, topic) | {fields.MESSAGING_CONSUMER_GROUP_NAME: group}
        self._time(fields.MESSAGING_PROCESS_DURATION, took, attributes | _failure(error))

    def records_read(self, source: str, records: int) -> None:
        """Count records or items read from a legacy system, whatever becomes of them."""
        self._count(fields.BANYAN_RECORDS_READ, records, {fields.BANYAN_SOURCE: source})

    def file(self, source: str, outcome: str) -> None:
        """Count a file that was published to its end, skipped as a duplicate, held or quarantined."""
        self._count(fields.BANYAN_FILES, 1, {fields.BANYAN_SOURCE: source, fields.BANYAN_OUTCOME: outcome})

    def expected(self, source: str, outcome: str, *, files: int = 1) -> None:
        """Count files that were expected, by what became of them: on_time, early, late, missing."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: source, fields.BANYAN_OUTCOME: outcome}
        self._count(fields.BANYAN_FILES_EXPECTED, files, attributes)

    def missing(self, source: str, days: int) -> None:
        """Show on how many days files are missing."""
        self._instruments().gauges[fields.BANYAN_FILES_MISSING].set(days, {fields.BANYAN_SOURCE: source})

    def published(self, source: str, events: int, *, topic: str) -> None:
        """Count events of a transaction that was committed."""
        attributes: dict[str, fields.Value] = {
            fields.BANYAN_SOURCE: source,
            fields.MESSAGING_DESTINATION_NAME: topic,
        }
        self._count(fields.BANYAN_EVENTS_PUBLISHED, events, attributes)

    def dead_lettered(self, records: int, *, error: str, source: str | None = None, group: str | None = None) -> None:
        """Count dead letters by the name of the error class, of a source or of a subscriber's group."""
        attributes: dict[str, fields.Value] = {fields.ERROR_TYPE: error}
        attributes |= {} if source is None else {fields.BANYAN_SOURCE: source}
        attributes |= {} if group is None else {fields.MESSAGING_CONSUMER_GROUP_NAME: group}
        self._count(fields.BANYAN_DEAD_LETTERED, records, attributes)

    def deviated(self, source: str, kind: str, *, times: int) -> None:
        """Count differences of a source's messages from their contract."""
        self._count(fields.BANYAN_DEVIATIONS, times, {fields.BANYAN_SOURCE: source, fields.BANYAN_DEVIATION_KIND: kind})

    def decided(self, route: str, side: str, reason: str) -> None:
        """Count a decision that other code asked for."""
        self._count(
            fields.BANYAN_DECISIONS,
            1,
            {fields.BANYAN_ROUTE: route, fields.FEATURE_FLAG_RESULT_VARIANT: side, fields.BANYAN_REASON: reason},
        )

    def callback(self, source: str, outcome: str) -> None:
        """Count a call of a legacy system that was answered."""
        self._count(fields.BANYAN_CALLBACKS, 1, {fields.BANYAN_SOURCE: source, fields.BANYAN_OUTCOME: outcome})

    def snapshot(self, source: str, outcome: str) -> None:
        """Count a snapshot in chunks that began or ended."""
        self._count(fields.BANYAN_SNAPSHOTS, 1, {fields.BANYAN_SOURCE: source, fields.BANYAN_OUTCOME: outcome})

    def snapshot_chunk(self, source: str, items: int, *, share: float | None) -> None:
        """Count a chunk of a snapshot and its items; `share` is how much of all is read, where that is known."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: source}
        self._count(fields.BANYAN_SNAPSHOT_CHUNKS, 1, attributes)
        self._count(fields.BANYAN_SNAPSHOT_ITEMS, items, attributes)
        if share is not None:
            self._instruments().gauges[fields.BANYAN_SNAPSHOT_SHARE].set(share, attributes)

    def contract_drifted(self, source: str, *, drifted: bool) -> None:
        """Show whether a source's live contract says something else than the imported one."""
        self._instruments().gauges[fields.BANYAN_CONTRACT_DRIFTED].set(int(drifted), {fields.BANYAN_SOURCE: source})

    def transaction(self, source: str, outcome: Outcome) -> None:
        """Count a Kafka transaction."""
        self._count(fields.BANYAN_TRANSACTIONS, 1, {fields.BANYAN_SOURCE: source, fields.BANYAN_OUTCOME: outcome})

    def duplicates(self, events: int, *, group: str) -> None:
        """Count events that a subscriber's inbox had seen before."""
        self._count(fields.BANYAN_DUPLICATES_SUPPRESSED, events, {fields.MESSAGING_CONSUMER_GROUP_NAME: group})

    def retried(self, operation: str, error: BaseException) -> None:
        """Count an attempt after the first; `error` is what the attempt before met."""
        self._count(fields.BANYAN_RETRIES, 1, {fields.BANYAN_OPERATION: operation} | _failure(error))

    def circuit(self, system: str, operation: str, *, is_open: bool) -> None:
        """Show whether an operation of a legacy system is left alone after failures."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SYSTEM: system, fields.BANYAN_OPERATION: operation}
        self._instruments().gauges[fields.BANYAN_CIRCUIT_OPEN].set(int(is_open), attributes)

    def checkpoint(self, source: str, *, at: datetime, changed: datetime | None = None) -> None:
        """Show progress: a checkpoint was committed at `at`; `changed` is when its newest legacy change happened.

        Both have a zone. A source without anything to publish says so too, by its last poll.
        """
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: source}
        gauges = self._instruments().gauges
        gauges[fields.BANYAN_CHECKPOINT_TIME].set(at.timestamp(), attributes)
        if changed is not None:
            gauges[fields.BANYAN_CHECKPOINT_LAG].set((at - changed).total_seconds(), attributes)

    def outbound_delivered(self, source: str, records: int) -> None:
        """Count an outbound file that was handed over, and its data records."""
        self._count(fields.BANYAN_OUTBOUND_FILES, 1, {fields.BANYAN_SOURCE: source})
        self._count(fields.BANYAN_OUTBOUND_RECORDS, records, {fields.BANYAN_SOURCE: source})

    def outbound_held(self, source: str, error: BaseException) -> None:
        """Count an outbound file that could not be handed over."""
        self._count(fields.BANYAN_OUTBOUND_FILES, 1, {fields.BANYAN_SOURCE: source} | _failure(error))

    def outbound_waiting(self, source: str, records: int) -> None:
        """Show how many records wait for the next outbound file."""
        self._instruments().gauges[fields.BANYAN_OUTBOUND_WAITING].set(records, {fields.BANYAN_SOURCE: source})

    def outbound_answered(self, source: str, outcome: str) -> None:
        """Count an answer to an outbound file."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SOURCE: source, fields.BANYAN_OUTCOME: outcome}
        self._count(fields.BANYAN_OUTBOUND_ANSWERS, 1, attributes)

    def outbound_overdue(self, source: str, files: int) -> None:
        """Show how many outbound files are not answered in time."""
        self._instruments().gauges[fields.BANYAN_OUTBOUND_OVERDUE].set(files, {fields.BANYAN_SOURCE: source})

    def budget_granted(self, system: str, purpose: str, *, waited: timedelta) -> None:
        """Count a call that a budget let through, and how long it waited."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SYSTEM: system, fields.BANYAN_PURPOSE: purpose}
        self._count(fields.BANYAN_BUDGET_GRANTED, 1, attributes)
        self._time(fields.BANYAN_BUDGET_WAITED, waited, attributes)

    def budget_closed(self, system: str, purpose: str) -> None:
        """Count a call that came while the calendar lets nobody call."""
        attributes: dict[str, fields.Value] = {fields.BANYAN_SYSTEM: system, fields.BANYAN_PURPOSE: purpose}
        self._count(fields.BANYAN_BUDGET_CLOSED, 1, attributes)

    def budget_live(self, system: str, calls: int) -> None:
        """Count live calls."""
        self._count(fields.BANYAN_BUDGET_LIVE, calls, {fields.BANYAN_SYSTEM: system})

    def budget_rate(self, system: str, rate: float) -> None:
        """Show the calls per second that a budget lets through."""
        self._instruments().gauges[fields.BANYAN_BUDGET_RATE].set(rate, {fields.BANYAN_SYSTEM: system})

    def budget_cut(self, system: str) -> None:
        """Count a cut of the rate."""
        self._count(fields.BANYAN_BUDGET_CUTS, 1, {fields.BANYAN_SYSTEM: system})

    def budget_leading(self, system: str, *, leads: bool) -> None:
        """Show whether this process leads a budget."""
        self._instruments().gauges[fields.BANYAN_BUDGET_LEADING].set(int(leads), {fields.BANYAN_SYSTEM: system})

    def budget_alone(self, system: str) -> None:
        """Count that a process has nobody to ask."""
        self._count(fields.BANYAN_BUDGET_ALONE, 1, {fields.BANYAN_SYSTEM: system})

    def _instruments(self) -> "_Instruments":
        provider = self._provider or (_installed[-1] if _installed else None)
        return _instruments(provider)

    def _count(self, name: str, number: int, attributes: dict[str, fields.Value]) -> None:
        self._instruments().counters[name].add(number, attributes)

    def _time(self, name: str, took: timedelta, attributes: dict[str, fields.Value]) -> None:
        self._instruments().histograms[name].record(took.total_seconds(), attributes)


@final
class _Instruments:
    def __init__(self, meter: Meter) -> None:
        described = [(name, of) for name, of in fields.METRICS.items() if not of.tallied]
        self.counters = {
            name: meter.create_counter(name, of.unit, of.description) for name, of in described if of.kind == "counter"
        }
        self.gauges = {
            name: meter.create_gauge(name, of.unit, of.description) for name, of in described if of.kind == "gauge"
        }
        self.histograms = {
            name: meter.create_histogram(
                name, of.unit, of.description, explicit_bucket_boundaries_advisory=BUCKETS_SECONDS
            )
            for name, of in described
            if of.kind == "histogram"
        }


@lru_cache(maxsize=8)
def _instruments(provider: MeterProvider | None) -> _Instruments:
    if provider is None:
        return _Instruments(otel.get_meter(_NAME, schema_url=fields.SCHEMA_URL))
    return _Instruments(provider.get_meter(_NAME, schema_url=fields.SCHEMA_URL))


def _failure(error: BaseException | None) -> dict[str, fields.Value]:
    return {} if error is None else {fields.ERROR_TYPE: type(error).__qualname__}
