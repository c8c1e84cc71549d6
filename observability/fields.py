"""The names of spans, attributes, metrics and log fields, each with what it means.

Names that OpenTelemetry defines follow its semantic conventions v1.44 (messaging, CloudEvents, HTTP,
RPC, feature flags, error); the rest begins with `banyan.`. A constant is spelled as its name: `messaging.system` is
`MESSAGING_SYSTEM`. No attribute holds a partition key, a CloudEvents subject or a payload: those may be
personal. What identifies a person is shown as `banyan.key.hash` alone.

The tables `SPANS`, `ATTRIBUTES`, `METRICS` and `LOG_FIELDS` are the reference that the documentation is
written from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from opentelemetry.semconv.schemas import Schemas

SCHEMA_URL: Final = Schemas.V1_44_0.value

Value = str | bool | int | float | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What one metric counts, and how."""

    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    """UCUM: `s`, or what is counted, in braces."""
    description: str
    tallied: bool = False
    """Counted beside the SDK, for its price, and exported as it is; see `observability.metrics.Readout`."""


_spans: dict[str, str] = {}
_attributes: dict[str, str] = {}
_metrics: dict[str, Metric] = {}
_log_fields: dict[str, str] = {}

SPANS: Final[Mapping[str, str]] = _spans
"""Operation, the first word of a span's name -> what the span covers; see `span_name`."""
ATTRIBUTES: Final[Mapping[str, str]] = _attributes
"""Attribute of spans and metrics -> meaning."""
METRICS: Final[Mapping[str, Metric]] = _metrics
"""Metric -> kind, unit and meaning."""
LOG_FIELDS: Final[Mapping[str, str]] = _log_fields
"""Field of a log line -> meaning."""


def span_name(operation: str, destination: str) -> str:
    """Return the name of a span: operation, then the topic or source it works on.

    >>> span_name(SEND, "residents")
    'send residents'
    """
    return f"{operation} {destination}"


def messaging(operation: str, topic: str) -> dict[str, Value]:
    """Return the attributes that every span of a messaging operation has.

    >>> messaging(PROCESS, "residents")["messaging.destination.name"]
    'residents'
    """
    return {
        MESSAGING_SYSTEM: "kafka",
        MESSAGING_OPERATION_NAME: operation,
        MESSAGING_OPERATION_TYPE: operation,
        MESSAGING_DESTINATION_NAME: topic,
    }


def _span(operation: str, meaning: str) -> str:
    _spans[operation] = meaning
    return operation


def _attribute(name: str, meaning: str) -> str:
    _attributes[name] = meaning
    return name


def _counter(name: str, unit: str, description: str, *, tallied: bool = False) -> str:
    _metrics[name] = Metric(kind="counter", unit=unit, description=description, tallied=tallied)
    return name


def _gauge(name: str, unit: str, description: str) -> str:
    _metrics[name] = Metric(kind="gauge", unit=unit, description=description)
    return name


def _histogram(name: str, description: str, *, tallied: bool = False) -> str:
    _metrics[name] = Metric(kind="histogram", unit="s", description=description, tallied=tallied)
    return name


def _log_field(name: str, meaning: str) -> str:
    _log_fields[name] = meaning
    return name


READ: Final = _span("read", "A source reads one delivery of the legacy system, such as a file: `read {source}`.")
POLL: Final = _span("poll", "A source asks the legacy system once what has changed: `poll {source}`.")
SNAPSHOT: Final = _span("snapshot", "A source reads one chunk of all that the legacy system has: `snapshot {source}`.")
EXPECT: Final = _span("expect", "An expected delivery is told missing or late: `expect {source}`.")
CALL: Final = _span("call", "One call of a legacy system: `call {operation}`; its kind is CLIENT.")
SEND: Final = _span("send", "Events are written to a topic in one transaction: `send {topic}`; its kind is PRODUCER.")
PROCESS: Final = _span("process", "A subscriber handles one event or a batch: `process {topic}`; its kind is CONSUMER.")
DELIVER: Final = _span("deliver", "An outbound file is written, reconciled and given its name: `deliver {name}`.")
REPLAY: Final = _span("replay", "Dead letters or earlier events are sent again: `replay {topic}`.")
METHOD: Final = _span(
    "method",
    "The request's own, such as `POST`: a call through the façade, `POST {route}`, its kind is SERVER; and each side "
    "that it was sent to, `POST {backend}`, its kind is CLIENT.",
)
FEATURE_FLAG_EVALUATION: Final = _span(
    "feature_flag.evaluation", "No span, but an event of the call's SERVER span: who answers, and why."
)

ERROR_TYPE: Final = _attribute(
    "error.type", "Name of the error class, where the operation failed; of a call, what went wrong, in one word."
)
EXCEPTION_TYPE: Final = _attribute("exception.type", "Name of the error class, in the `exception` event of a span.")
EXCEPTION_MESSAGE: Final = _attribute(
    "exception.message", "What was expected, where, and what was found; of our own errors only."
)

MESSAGING_SYSTEM: Final = _attribute("messaging.system", "Always `kafka`.")
MESSAGING_OPERATION_NAME: Final = _attribute("messaging.operation.name", "`send` or `process`.")
MESSAGING_OPERATION_TYPE: Final = _attribute("messaging.operation.type", "`send` or `process`.")
MESSAGING_DESTINATION_NAME: Final = _attribute("messaging.destination.name", "The topic, with its namespace.")
MESSAGING_DESTINATION_PARTITION_ID: Final = _attribute(
    "messaging.destination.partition.id", "The partition, as a string."
)
MESSAGING_KAFKA_OFFSET: Final = _attribute("messaging.kafka.offset", "The record's offset in its partition.")
MESSAGING_BATCH_MESSAGE_COUNT: Final = _attribute(
    "messaging.batch.message_count", "Messages in this batch; absent where the operation takes one message."
)
MESSAGING_CLIENT_ID: Final = _attribute("messaging.client.id", "The Kafka client's id.")
MESSAGING_CONSUMER_GROUP_NAME: Final = _attribute("messaging.consumer.group.name", "The consumer group.")

CLOUDEVENTS_EVENT_ID: Final = _attribute("cloudevents.event_id", "The event's id: stream and position.")
CLOUDEVENTS_EVENT_SOURCE: Final = _attribute("cloudevents.event_source", "The event's source: `/banyan/ns/adapter`.")
CLOUDEVENTS_EVENT_TYPE: Final = _attribute("cloudevents.event_type", "The event's type, with its version.")
CLOUDEVENTS_EVENT_SPEC_VERSION: Final = _attribute("cloudevents.event_spec_version", "Version of CloudEvents: `1.0`.")

HTTP_REQUEST_METHOD: Final = _attribute("http.request.method", "The request's method; `_OTHER` for an unknown one.")
HTTP_REQUEST_METHOD_ORIGINAL: Final = _attribute("http.request.method_original", "The unknown method, shortened.")
HTTP_RESPONSE_STATUS_CODE: Final = _attribute("http.response.status_code", "Status of the answer; absent without one.")
HTTP_ROUTE: Final = _attribute("http.route", "Path template of the REST route.")
URL_PATH: Final = _attribute(
    "url.path",
    "Path of the request, as far as it can't be personal: the template where a REST route took it; segments with a "
    "digit or an escape, and long ones, are `*` where no route did.",
)
URL_SCHEME: Final = _attribute("url.scheme", "`http` or `https`.")
SERVER_ADDRESS: Final = _attribute("server.address", "Host of the listener (SERVER) or of the backend (CLIENT).")
SERVER_PORT: Final = _attribute("server.port", "Port of the listener (SERVER) or of the backend (CLIENT).")
RPC_SYSTEM_NAME: Final = _attribute("rpc.system.name", "`soap`, where a SOAP route took the call.")
RPC_METHOD: Final = _attribute("rpc.method", "The SOAP operation: name of the Body's child, with its namespace.")

FEATURE_FLAG_KEY: Final = _attribute("feature_flag.key", "The route, `capability/route`.")
FEATURE_FLAG_SET_ID: Final = _attribute("feature_flag.set.id", "The capability.")
FEATURE_FLAG_VERSION: Final = _attribute("feature_flag.version", "Version of the ruleset that decided.")
FEATURE_FLAG_PROVIDER_NAME: Final = _attribute("feature_flag.provider.name", "Always `banyan`.")
FEATURE_FLAG_RESULT_VARIANT: Final = _attribute(
    "feature_flag.result.variant", "The side that answers: `legacy`, `modern`, or `reject`."
)
FEATURE_FLAG_RESULT_REASON: Final = _attribute(
    "feature_flag.result.reason", "`split` by the key, `static` for a held route, `default` without a fit key."
)

BANYAN_ROUTE: Final = _attribute("banyan.route", "The route, `capability/route`; absent where no route took the call.")
BANYAN_STAGE: Final = _attribute("banyan.stage", "The stage of the call's key.")
BANYAN_BUCKET: Final = _attribute("banyan.bucket", "Where the key falls, 0 to 9999; compared with the share.")
BANYAN_SIDE: Final = _attribute("banyan.side", "`legacy` or `modern`: whose answer the caller got, or who was asked.")
BANYAN_REASON: Final = _attribute("banyan.reason", "Why this side: `share`, `held`, `missing_key`, `unfit_key` …")
BANYAN_SOURCE: Final = _attribute("banyan.source", "Name of the adapter's source.")
BANYAN_STREAM: Final = _attribute("banyan.stream", "Stream of the source: a delivered file, a polled operation.")
BANYAN_INSTANCE: Final = _attribute("banyan.instance", "The running instance of a source; the newest one publishes.")
BANYAN_POSITION: Final = _attribute("banyan.position", "Position in the stream: a record's ordinal, an item's version.")
BANYAN_CHUNK: Final = _attribute("banyan.chunk", "Number of the chunk of a file, from 0.")
BANYAN_FILE_NAME: Final = _attribute("banyan.file.name", "Name of the delivered file, without its folder.")
BANYAN_FILE_SHA256: Final = _attribute("banyan.file.sha256", "SHA-256 of the file's bytes, in hex.")
BANYAN_FILE_SIZE: Final = _attribute("banyan.file.size", "Bytes of the file.")
BANYAN_FILE_PROOF: Final = _attribute("banyan.file.proof", "How the file was proved complete.")
BANYAN_FILE_POLICY: Final = _attribute(
    "banyan.file.policy", "Policy that was applied to the file, such as `correction: publish`; empty where none was."
)
BANYAN_RECORDS: Final = _attribute("banyan.records", "Records or items read.")
BANYAN_EVENTS: Final = _attribute("banyan.events", "Events published or to be published.")
BANYAN_DEAD_LETTERS: Final = _attribute("banyan.dead_letters", "Records that were dead-lettered.")
BANYAN_DUPLICATES: Final = _attribute("banyan.duplicates", "Events that had been handled before.")
BANYAN_ATTEMPT: Final = _attribute("banyan.attempt", "Which attempt this is, from 1.")
BANYAN_OUTCOME: Final = _attribute(
    "banyan.outcome",
    "How it ended: `committed`, `aborted`, `fenced` for a transaction; `answered`, `fell_back`, `refused`, `rejected`, "
    "`failed`, `in_doubt`, `cut`, `abandoned` for a call; `published`, `duplicate`, `held`, `quarantined` for a file; "
    "`on_time`, `early`, `late`, `missing` for an expected one; `accepted`, `partly rejected`, `rejected`, `mismatch`, "
    "`unknown file`, `unreadable` for the answer to an outbound file; `kept`, `too_long`, `dropped`, `lost` for an "
    "intercepted call.",
)
BANYAN_OPERATION: Final = _attribute("banyan.operation", "Operation of the legacy system, or the step retried.")
BANYAN_SYSTEM: Final = _attribute(
    "banyan.system", "Name of the legacy system in the settings, or its host where it has none."
)
BANYAN_DEVIATION_KIND: Final = _attribute(
    "banyan.deviation.kind",
    "How a message differs from its contract: `namespace`, `unknown`, `missing`, `too-many`, `content`, "
    "`value`, `facet`, `nil`, `type`, `text`.",
)
BANYAN_PURPOSE: Final = _attribute(
    "banyan.purpose", "Why a legacy system is called besides its live traffic: `poll`, `retry`, `shadow`, `snapshot`."
)
BANYAN_KEY_HASH: Final = _attribute("banyan.key.hash", "Keyed hash of the canonical key; equal keys have equal hashes.")

MESSAGING_CLIENT_SENT_MESSAGES: Final = _counter(
    "messaging.client.sent.messages", "{message}", "Number of messages producer attempted to send to the broker."
)
MESSAGING_CLIENT_CONSUMED_MESSAGES: Final = _counter(
    "messaging.client.consumed.messages", "{message}", "Number of messages that were delivered to the application."
)
MESSAGING_CLIENT_OPERATION_DURATION: Final = _histogram(
    "messaging.client.operation.duration",
    "Duration of messaging operation initiated by a producer or consumer client.",
)
MESSAGING_PROCESS_DURATION: Final = _histogram("messaging.process.duration", "Duration of processing operation.")
BANYAN_RECORDS_READ: Final = _counter("banyan.records.read", "{record}", "Records or items read from legacy systems.")
BANYAN_FILES: Final = _counter("banyan.files", "{file}", "Files of a source that were dealt with, by outcome.")
BANYAN_FILES_EXPECTED: Final = _counter(
    "banyan.files.expected", "{file}", "Expected files of days that are over, and late ones, by outcome."
)
BANYAN_FILES_MISSING: Final = _gauge(
    "banyan.files.missing", "{day}", "Days of the last month whose expected files were told missing, and still are."
)
BANYAN_EVENTS_PUBLISHED: Final = _counter("banyan.events.published", "{event}", "Events in committed transactions.")
BANYAN_DEAD_LETTERED: Final = _counter("banyan.dead_lettered", "{record}", "Records that were dead-lettered.")
BANYAN_DEVIATIONS: Final = _counter(
    "banyan.deviations", "{deviation}", "Differences of legacy messages from their contract, by kind."
)
BANYAN_DECISIONS: Final = _counter(
    "banyan.decisions", "{decision}", "Decisions that other code asked for, by route, side and reason."
)
BANYAN_CALLBACKS: Final = _counter(
    "banyan.callbacks",
    "{call}",
    "Calls of a legacy system, by outcome: accepted, duplicate, invalid, unavailable, id-reused, or why it is not "
    "authenticated (missing, malformed, kind, user, password, stale, early, expired, replayed).",
)
BANYAN_SNAPSHOTS: Final = _counter(
    "banyan.snapshots",
    "{snapshot}",
    "Snapshots in chunks, by outcome: begun, complete, refused (it lacked too much). What began and did not end began "
    "anew, or is under way.",
)
BANYAN_SNAPSHOT_CHUNKS: Final = _counter("banyan.snapshot.chunks", "{chunk}", "Chunks read, a call each.")
BANYAN_SNAPSHOT_ITEMS: Final = _counter("banyan.snapshot.items", "{item}", "Items in chunks, changed or not.")
BANYAN_SNAPSHOT_SHARE: Final = _gauge(
    "banyan.snapshot.share",
    "1",
    "How much of the snapshot under way is read, from 0 to 1, by how many items were known before; none of the first.",
)
BANYAN_CONTRACT_DRIFTED: Final = _gauge(
    "banyan.contract.drifted",
    "{contract}",
    "1 where a live contract says something else than the imported one, or 0.",
)
BANYAN_TRANSACTIONS: Final = _counter("banyan.transactions", "{transaction}", "Kafka transactions, by outcome.")
BANYAN_DUPLICATES_SUPPRESSED: Final = _counter(
    "banyan.duplicates.suppressed", "{event}", "Events that the idempotent receiver had seen before."
)
BANYAN_RETRIES: Final = _counter("banyan.retries", "{attempt}", "Attempts after the first, by operation.")
BANYAN_CIRCUIT_OPEN: Final = _gauge(
    "banyan.circuit.open", "{circuit}", "1 while an operation of a legacy system is left alone after failures, or 0."
)
BANYAN_CHECKPOINT_TIME: Final = _gauge(
    "banyan.checkpoint.time", "s", "Unix time at which the newest checkpoint was committed: progress, or its absence."
)
BANYAN_CHECKPOINT_LAG: Final = _gauge(
    "banyan.checkpoint.lag", "s", "Age of the newest published legacy change when it was committed."
)
BANYAN_OUTBOUND_FILES: Final = _counter(
    "banyan.outbound.files", "{file}", "Outbound files handed over; with `error.type`, attempts at it that failed."
)
BANYAN_OUTBOUND_RECORDS: Final = _counter(
    "banyan.outbound.records", "{record}", "Data records of outbound files that were handed over."
)
BANYAN_OUTBOUND_WAITING: Final = _gauge(
    "banyan.outbound.waiting", "{record}", "Records that wait for the next outbound file."
)
BANYAN_OUTBOUND_ANSWERS: Final = _counter(
    "banyan.outbound.answers", "{answer}", "What receivers of outbound files answered, by outcome."
)
BANYAN_OUTBOUND_OVERDUE: Final = _gauge(
    "banyan.outbound.overdue", "{file}", "Outbound files whose answer has not come in time."
)
BANYAN_BUDGET_GRANTED: Final = _counter(
    "banyan.budget.granted", "{call}", "Calls that the budget of a legacy system let through, by purpose."
)
BANYAN_BUDGET_WAITED: Final = _histogram(
    "banyan.budget.waited", "How long calls waited for the budget of a legacy system, by purpose."
)
BANYAN_BUDGET_CLOSED: Final = _counter(
    "banyan.budget.closed", "{call}", "Calls that came while the calendar lets nobody call but live traffic, and wait."
)
BANYAN_BUDGET_LIVE: Final = _counter(
    "banyan.budget.live", "{call}", "Live calls that were counted against the budget of a legacy system."
)
BANYAN_BUDGET_RATE: Final = _gauge(
    "banyan.budget.rate",
    "{call}/s",
    "What all but live traffic may call now, by the calendar and after cuts; of the process that leads.",
)
BANYAN_BUDGET_CUTS: Final = _counter(
    "banyan.budget.cuts", "{cut}", "Cuts of the rate, since a legacy system answered slowly or failed."
)
BANYAN_BUDGET_LEADING: Final = _gauge(
    "banyan.budget.leading", "{process}", "1 where this process leads the budget of a legacy system, or 0."
)
BANYAN_BUDGET_ALONE: Final = _counter(
    "banyan.budget.alone", "{time}", "How often a process was without a leader, and drew on its fixed slice."
)
BANYAN_CALL_DURATION: Final = _histogram(
    "banyan.call.duration",
    "Calls through the façade until the last byte of the answer, by route, side and outcome.",
    tallied=True,
)
BANYAN_MODERN_DURATION: Final = _histogram(
    "banyan.modern.duration", "Attempts at the modern side, by route and outcome of the call.", tallied=True
)
BANYAN_FALLBACK_DURATION: Final = _histogram(
    "banyan.fallback.duration", "What the legacy side took after the modern side had failed, by route.", tallied=True
)
BANYAN_KEYS_UNUSABLE: Final = _counter(
    "banyan.keys.unusable", "{call}", "Calls without one fit key, by route and reason.", tallied=True
)
BANYAN_CALLS_REFUSED: Final = _counter(
    "banyan.calls.refused", "{call}", "Requests that broke a rule or a bound, by `error.type`.", tallied=True
)
BANYAN_DECISIONS_DROPPED: Final = _counter(
    "banyan.decisions.dropped", "{record}", "Decision records that were dropped rather than slow a call.", tallied=True
)
BANYAN_SPANS_DROPPED: Final = _counter(
    "banyan.spans.dropped", "{call}", "Failed calls beyond the bound on spans, which have none.", tallied=True
)

BANYAN_CALLS_INTERCEPTED: Final = _counter(
    "banyan.calls.intercepted",
    "{call}",
    "Calls of intercepted routes, by route and outcome: `kept`; `too_long` without a body; `dropped`, `lost` at all.",
    tallied=True,
)

TIMESTAMP: Final = _log_field("timestamp", "When, in UTC, ISO 8601.")
LEVEL: Final = _log_field("level", "debug, info, warning, error or critical.")
LOGGER: Final = _log_field("logger", "The module that speaks.")
EVENT: Final = _log_field("event", "What happened, in words.")
TRACE_ID: Final = _log_field("trace_id", "The current trace, for `banyan trace`; absent outside a span.")
SPAN_ID: Final = _log_field("span_id", "The current span; absent outside a span.")
EXCEPTION: Final = _log_field(
    "exception", "Error classes from the first cause to the last, with places; messages of our own errors only."
)
SOURCE: Final = _log_field("source", "Name of the adapter's source.")
STREAM: Final = _log_field("stream", "Stream of the source.")
INSTANCE: Final = _log_field("instance", "The running instance of the source.")
FILE: Final = _log_field("file", "Name of the delivered file, without its folder.")
TOPIC: Final = _log_field("topic", "The topic, with its namespace.")
KIND: Final = _log_field("kind", "How a message differs from its contract; see `banyan.deviation.kind`.")
EXPECTED: Final = _log_field("expected", "What was expected at a place.")
TIMES: Final = _log_field("times", "How often.")
CHANGED: Final = _log_field("changed", "Documents of a contract that say something else.")
ADDED: Final = _log_field("added", "Documents of a contract that are new.")
GONE: Final = _log_field("gone", "Documents of a contract that are no more.")
PATH: Final = _log_field("path", "Place in a message, by names; never a value.")
KEY_HASH: Final = _log_field("key_hash", "Keyed hash of the canonical key; never the key.")
