"""The newest traces in one SQLite file, so that `banyan trace` needs no tracing server.

Several processes write to it at once. It is bounded: the newest traces are kept, with a bound on the
spans of all of them together; and of a trace's spans that are alike (same name, service and outcome, such
as the million handled events of one file) the first hundred are kept and the others counted. It is a
convenience and promises nothing: the spans of the last half second are lost when a process is killed.
"""

import logging
import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random
from typing_extensions import override

from contracts.errors import ConfigError
from observability.storedspan import StoredSpan

__all__ = ["ALIKE", "TraceStore"]

ALIKE = 100
"""How many spans of a trace that are alike are kept."""
SPANS_PER_TRACE = 20
"""The bound on all spans is this times the traces kept."""
BUSY_SECONDS = 5.0

_logger = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS traces (
    trace_id TEXT PRIMARY KEY, start_ns INTEGER NOT NULL, written_ns INTEGER NOT NULL,
    spans INTEGER NOT NULL, notable INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spans (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL, likeness TEXT NOT NULL,
    start_ns INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spans_by_parent ON spans (trace_id, parent_id);
CREATE TABLE IF NOT EXISTS links (
    to_trace_id TEXT NOT NULL, to_span_id TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL,
    PRIMARY KEY (to_trace_id, to_span_id, trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_by_trace ON links (trace_id);
CREATE TABLE IF NOT EXISTS alike (
    trace_id TEXT NOT NULL, likeness TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (trace_id, likeness)
) WITHOUT ROWID;
"""
_SEE = "INSERT INTO alike VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET seen = seen + 1 RETURNING seen"
_TOUCH = (
    "INSERT INTO traces VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "start_ns = min(start_ns, excluded.start_ns), written_ns = excluded.written_ns, "
    "spans = spans + excluded.spans, notable = max(notable, excluded.notable)"
)
_SURPLUS = (
    "SELECT trace_id FROM (SELECT trace_id, row_number() OVER newest AS place, sum(spans) OVER newest AS total "
    "FROM traces WINDOW newest AS (ORDER BY written_ns DESC, start_ns DESC, trace_id)) "
    "WHERE place > 1 AND (place > ? OR total > ?)"
)
_FOUND = """
WITH RECURSIVE found (trace_id, span_id) AS (
    SELECT trace_id, span_id FROM spans WHERE trace_id = :id
    UNION SELECT trace_id, span_id FROM links WHERE to_trace_id = :id
    UNION SELECT s.trace_id, s.span_id FROM found f
        JOIN spans s ON s.trace_id = f.trace_id AND s.parent_id = f.span_id
    UNION SELECT l.trace_id, l.span_id FROM found f
        JOIN links l ON l.to_trace_id = f.trace_id AND l.to_span_id = f.span_id
)
SELECT s.body, a.seen FROM found f
JOIN spans s ON s.trace_id = f.trace_id AND s.span_id = f.span_id
JOIN alike a ON a.trace_id = s.trace_id AND a.likeness = s.likeness
ORDER BY s.start_ns, s.span_id
"""
_NEWEST = "SELECT trace_id FROM traces ORDER BY notable DESC, start_ns DESC LIMIT 1"
_ORIGINS = (
    "SELECT t.trace_id FROM links l JOIN traces t ON t.trace_id = l.to_trace_id "
    "WHERE l.trace_id = ? ORDER BY t.start_ns"
)


@final
class TraceStore(SpanExporter):
    """Writes spans to the file, and finds them again.

    Safe between threads, processes and forks: each batch and each question opens the file for itself.
    """

    def __init__(self, path: Path, *, keep: int = 10_000) -> None:
        self._path = path
        self._keep = keep
        self._failing = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch in one transaction; a failure is logged once, until it works again."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._transaction() as database:
                _write(database, [StoredSpan.of(span) for span in spans])
                _prune(database, keep=self._keep)
        except (OSError, sqlite3.Error) as error:
            if not self._failing:
                _logger.warning("%s: spans are not stored: %s", self._path, error)
            self._failing = True
            return SpanExportResult.FAILURE
        self._failing = False
        return SpanExportResult.SUCCESS

    @override
    def shutdown(self) -> None:
        """Do nothing: nothing is held open."""

    def trace(self, trace_id: str) -> Sequence[StoredSpan]:
        """Return a trace's spans by their start, with what other traces linked to it.

        Of another trace, the spans that link here and what is below them are returned. Empty when
        nothing is kept of the trace.

        Raises:
            ConfigError: The file is no trace store.
        """
        with self._reading() as database:
            rows = database.execute(_FOUND, {"id": trace_id}).fetchall()
        return [StoredSpan.from_json(body, alike=seen) for body, seen in rows]

    def last(self) -> Sequence[StoredSpan]:
        """Return the trace that began last, of those that reached Kafka or failed; of all, where none did.

        Where it only continues others by links, the one that it came from is returned, with it.

        Raises:
            ConfigError: The file is no trace store.
        """
        with self._reading() as database:
            newest = database.execute(_NEWEST).fetchone()
            trace_id = None if newest is None else _origin(database, newest[0])
        return () if trace_id is None else self.trace(trace_id)

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection, None, None]:
        path = self._path if self._path.exists() else Path(":memory:")
        try:
            with closing(_open(path)) as database:
                yield database
        except sqlite3.DatabaseError as error:
            raise ConfigError([f"{self._path}: not a readable trace store: {error}"]) from error

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        with closing(_open(self._path)) as database, database:
            database.execute("BEGIN IMMEDIATE")
            yield database


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


# SQLite does not wait by itself where two processes switch a new file to WAL at once. One for all: as a decorator,
# it would leave circles behind for each batch, which a process that seldom collects keeps for hours.
_patiently: Final = Retrying(
    retry=retry_if_exception(_is_busy),
    wait=wait_random(min=0.005, max=0.05),
    stop=stop_after_delay(BUSY_SECONDS),
    reraise=True,
)


def _open(path: Path) -> sqlite3.Connection:
    return _patiently(_connect, path)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _write(database: sqlite3.Connection, spans: Sequence[StoredSpan]) -> None:
    traces: dict[str, list[StoredSpan]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    written_ns = time.time_ns()
    for trace_id, own in traces.items():
        kept = sum(_keep(database, span) for span in own)
        start_ns, notable = min(span.start_ns for span in own), any(span.notable for span in own)
        database.execute(_TOUCH, (trace_id, start_ns, written_ns, kept, notable))


def _keep(database: sqlite3.Connection, span: StoredSpan) -> bool:
    [(seen,)] = database.execute(_SEE, (span.trace_id, span.likeness)).fetchall()
    if seen > ALIKE:
        return False
    row = (span.trace_id, span.span_id, span.parent_id or "", span.likeness, span.start_ns, span.to_json())
    database.execute("INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?)", row)
    database.executemany(
        "INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?)",
        [(*target, span.trace_id, span.span_id) for target in span.links],
    )
    return True


def _prune(database: sqlite3.Connection, *, keep: int) -> None:
    traces, spans = database.execute("SELECT count(*), sum(spans) FROM traces").fetchone()
    if traces <= keep and (spans or 0) <= keep * SPANS_PER_TRACE:
        return
    # A tenth more than needed goes, so that most batches have nothing to prune.
    room = max(1, keep - keep // 10)
    surplus = database.execute(_SURPLUS, (room, room * SPANS_PER_TRACE)).fetchall()
    for table in ("traces", "spans", "links", "alike"):
        database.executemany(f"DELETE FROM {table} WHERE trace_id = ?", surplus)  # noqa: S608 - names of our own


def _origin(database: sqlite3.Connection, trace_id: str) -> str:
    seen = [trace_id]
    while earlier := [row[0] for row in database.execute(_ORIGINS, (seen[-1],)) if row[0] not in seen]:
        seen.append(earlier[0])
    return seen[-1]
