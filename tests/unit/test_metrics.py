import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader

from contracts.errors import BrokerUnavailableError
from observability import fields, metrics
from observability.metrics import Metrics
from observability.testing import RecordedMetrics, recorded_metrics
from observability.tracing import Telemetry

TOOK = timedelta(milliseconds=12)
ERROR = BrokerUnavailableError("kafka", reason="no answer")
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
CRM: dict[str, fields.Value] = {"banyan.system": "crm"}
POLL: dict[str, fields.Value] = {"banyan.purpose": "poll"}

CALLS: list[tuple[str, float, dict[str, fields.Value], Callable[[Metrics], None]]] = [
    (
        fields.BANYAN_FILES,
        1,
        {"banyan.source": "benefits", "banyan.outcome": "held"},
        lambda m: m.file("benefits", "held"),
    ),
    (
        fields.MESSAGING_CLIENT_SENT_MESSAGES,
        998,
        fields.messaging("send", "residents"),
        lambda m: m.sent("residents", 998, took=TOOK),
    ),
    (
        fields.MESSAGING_CLIENT_OPERATION_DURATION,
        1,
        fields.messaging("send", "residents") | {"error.type": "BrokerUnavailableError"},
        lambda m: m.sent("residents", 998, took=TOOK, error=ERROR),
    ),
    (
        fields.MESSAGING_CLIENT_CONSUMED_MESSAGES,
        5,
        fields.messaging("process", "residents") | {"messaging.consumer.group.name": "payments"},
        lambda m: m.consumed("residents", 5, group="payments"),
    ),
    (
        fields.MESSAGING_PROCESS_DURATION,
        1,
        fields.messaging("process", "residents") | {"messaging.consumer.group.name": "payments"},
        lambda m: m.processed("residents", group="payments", took=TOOK),
    ),
    (fields.BANYAN_RECORDS_READ, 1000, {"banyan.source": "benefits"}, lambda m: m.records_read("benefits", 1000)),
    (
        fields.BANYAN_FILES_EXPECTED,
        2,
        {"banyan.source": "benefits", "banyan.outcome": "late"},
        lambda m: m.expected("benefits", "late", files=2),
    ),
    (
        fields.BANYAN_DEVIATIONS,
        2,
        {"banyan.source": "members", "banyan.deviation.kind": "unknown"},
        lambda m: m.deviated("members", "unknown", times=2),
    ),
    (
        fields.BANYAN_DECISIONS,
        1,
        {"banyan.route": "a/b", "feature_flag.result.variant": "modern", "banyan.reason": "share"},
        lambda m: m.decided("a/b", "modern", "share"),
    ),
    (
        fields.BANYAN_CALLBACKS,
        1,
        {"banyan.source": "shop", "banyan.outcome": "replayed"},
        lambda m: m.callback("shop", "replayed"),
    ),
    (
        fields.BANYAN_SNAPSHOTS,
        1,
        {"banyan.source": "members", "banyan.outcome": "complete"},
        lambda m: m.snapshot("members", "complete"),
    ),
    (
        fields.BANYAN_SNAPSHOT_CHUNKS,
        1,
        {"banyan.source": "members"},
        lambda m: m.snapshot_chunk("members", 500, share=None),
    ),
    (
        fields.BANYAN_SNAPSHOT_ITEMS,
        500,
        {"banyan.source": "members"},
        lambda m: m.snapshot_chunk("members", 500, share=None),
    ),
    (
        fields.BANYAN_SNAPSHOT_SHARE,
        0.5,
        {"banyan.source": "members"},
        lambda m: m.snapshot_chunk("members", 500, share=0.5),
    ),
    (
        fields.BANYAN_CONTRACT_DRIFTED,
        1,
        {"banyan.source": "members"},
        lambda m: m.contract_drifted("members", drifted=True),
    ),
    (fields.BANYAN_FILES_MISSING, 3, {"banyan.source": "benefits"}, lambda m: m.missing("benefits", 3)),
    (fields.BANYAN_OUTBOUND_FILES, 1, {"banyan.source": "bank"}, lambda m: m.outbound_delivered("bank", 40)),
    (fields.BANYAN_OUTBOUND_RECORDS, 40, {"banyan.source": "bank"}, lambda m: m.outbound_delivered("bank", 40)),
    (
        fields.BANYAN_OUTBOUND_FILES,
        1,
        {"banyan.source": "bank", "error.type": "BrokerUnavailableError"},
        lambda m: m.outbound_held("bank", ERROR),
    ),
    (
        fields.BANYAN_OUTBOUND_ANSWERS,
        1,
        {"banyan.source": "bank", "banyan.outcome": "rejected"},
        lambda m: m.outbound_answered("bank", "rejected"),
    ),
    (fields.BANYAN_OUTBOUND_OVERDUE, 2, {"banyan.source": "bank"}, lambda m: m.outbound_overdue("bank", 2)),
    (fields.BANYAN_BUDGET_GRANTED, 1, CRM | POLL, lambda m: m.budget_granted("crm", "poll", waited=TOOK)),
    (fields.BANYAN_BUDGET_WAITED, 1, CRM | POLL, lambda m: m.budget_granted("crm", "poll", waited=TOOK)),
    (fields.BANYAN_BUDGET_CLOSED, 1, CRM | POLL, lambda m: m.budget_closed("crm", "poll")),
    (fields.BANYAN_BUDGET_LIVE, 30, CRM, lambda m: m.budget_live("crm", 30)),
    (fields.BANYAN_BUDGET_RATE, 2.5, CRM, lambda m: m.budget_rate("crm", 2.5)),
    (fields.BANYAN_BUDGET_CUTS, 1, CRM, lambda m: m.budget_cut("crm")),
    (fields.BANYAN_BUDGET_LEADING, 1, CRM, lambda m: m.budget_leading("crm", leads=True)),
    (fields.BANYAN_BUDGET_ALONE, 1, CRM, lambda m: m.budget_alone("crm")),
    (fields.BANYAN_OUTBOUND_WAITING, 7, {"banyan.source": "bank"}, lambda m: m.outbound_waiting("bank", 7)),
    (
        fields.BANYAN_EVENTS_PUBLISHED,
        998,
        {"banyan.source": "benefits", "messaging.destination.name": "residents"},
        lambda m: m.published("benefits", 998, topic="residents"),
    ),
    (
        fields.BANYAN_DEAD_LETTERED,
        2,
        {"banyan.source": "benefits", "error.type": "RecordError"},
        lambda m: m.dead_lettered(2, error="RecordError", source="benefits"),
    ),
    (
        fields.BANYAN_DEAD_LETTERED,
        1,
        {"messaging.consumer.group.name": "payments", "error.type": "ValueError"},
        lambda m: m.dead_lettered(1, error="ValueError", group="payments"),
    ),
    (
        fields.BANYAN_TRANSACTIONS,
        1,
        {"banyan.source": "benefits", "banyan.outcome": "fenced"},
        lambda m: m.transaction("benefits", "fenced"),
    ),
    (
        fields.BANYAN_DUPLICATES_SUPPRESSED,
        3,
        {"messaging.consumer.group.name": "payments"},
        lambda m: m.duplicates(3, group="payments"),
    ),
    (
        fields.BANYAN_RETRIES,
        1,
        {"banyan.operation": "getResidents", "error.type": "BrokerUnavailableError"},
        lambda m: m.retried("getResidents", ERROR),
    ),
    (
        fields.BANYAN_CIRCUIT_OPEN,
        1,
        {"banyan.system": "registry", "banyan.operation": "List"},
        lambda m: m.circuit("registry", "List", is_open=True),
    ),
    (
        fields.BANYAN_CHECKPOINT_TIME,
        AT.timestamp(),
        {"banyan.source": "benefits"},
        lambda m: m.checkpoint("benefits", at=AT),
    ),
    (
        fields.BANYAN_CHECKPOINT_LAG,
        90,
        {"banyan.source": "benefits"},
        lambda m: m.checkpoint("benefits", at=AT, changed=AT - timedelta(seconds=90)),
    ),
]


@pytest.mark.parametrize(("name", "value", "attributes", "call"), CALLS)
def test_each_method_measures_with_its_attributes(
    *, name: str, value: float, attributes: dict[str, fields.Value], call: Callable[[Metrics], None]
) -> None:
    with recorded_metrics() as recorded:
        call(Metrics())

        assert recorded.value(name, attributes) == value


def test_every_metric_of_the_reference_has_a_method() -> None:
    assert {name for name, *_ in CALLS} == {name for name, of in fields.METRICS.items() if not of.tallied}


def test_counts_of_others_are_told_apart() -> None:
    with recorded_metrics() as recorded:
        Metrics().records_read("benefits", 2)
        Metrics().records_read("addresses", 3)

        assert recorded.value(fields.BANYAN_RECORDS_READ, {"banyan.source": "addresses"}) == 3
        assert recorded.value(fields.BANYAN_RECORDS_READ) == 5
        assert recorded.value(fields.BANYAN_RETRIES) == 0


def test_metrics_made_before_set_up_follow_it() -> None:
    made_before = Metrics()
    made_before.records_read("benefits", 100)
    with recorded_metrics() as outer:
        with recorded_metrics() as inner:
            made_before.records_read("benefits", 1)
            assert inner.value(fields.BANYAN_RECORDS_READ) == 1
        made_before.records_read("benefits", 10)

        assert outer.value(fields.BANYAN_RECORDS_READ) == 10


def test_a_provider_of_ones_own_is_used_alone() -> None:
    reader = InMemoryMetricReader()
    with recorded_metrics() as recorded:
        Metrics(MeterProvider(metric_readers=[reader], shutdown_on_exit=False)).records_read("benefits", 1)

        assert recorded.value(fields.BANYAN_RECORDS_READ) == 0
    assert RecordedMetrics(reader).value(fields.BANYAN_RECORDS_READ) == 1


def test_durations_have_the_buckets_of_the_conventions() -> None:
    reader = InMemoryMetricReader()
    Metrics(MeterProvider(metric_readers=[reader], shutdown_on_exit=False)).sent("residents", 1, took=TOOK)

    data = reader.get_metrics_data()
    assert data is not None
    kept = {metric.name: metric.data for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    histogram = kept[fields.MESSAGING_CLIENT_OPERATION_DURATION]
    assert isinstance(histogram, Histogram)
    assert tuple(histogram.data_points[0].explicit_bounds) == metrics.BUCKETS_SECONDS


def test_metrics_reach_a_collector_at_shutdown() -> None:
    requests = list[tuple[str, bytes]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class's name

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        telemetry = Telemetry(service_name="pipeline", otlp_endpoint=f"http://127.0.0.1:{server.server_port}")
        with metrics.configure(telemetry) as session:
            Metrics().records_read("benefits", 7)
        session.shutdown()
        server.shutdown()
        thread.join()

    [(path, body)] = requests
    [resource] = ExportMetricsServiceRequest.FromString(body).resource_metrics
    [metric] = resource.scope_metrics[0].metrics
    assert path == "/v1/metrics"
    assert (metric.name, metric.unit, metric.sum.data_points[0].as_int) == ("banyan.records.read", "{record}", 7)


def test_without_a_collector_nothing_is_sent_but_readers_see_it() -> None:
    reader = InMemoryMetricReader()
    with metrics.configure(Telemetry(), readers=[reader]):
        Metrics().records_read("benefits", 7)

        assert RecordedMetrics(reader).value(fields.BANYAN_RECORDS_READ) == 7
