"""The demo's modern registry: the same SOAP service, on a store of its own, in a process of its own.

Until it has taken over, it keeps up with the legacy registry by the events that everybody reads. What its callers
change, it publishes itself: change and event are one transaction of its store, and what was not sent when it was
killed is sent when it is back (an outbox), with the id that it has had from the beginning. Its address stays, too.

`python -m hub.demo.modern BOOTSTRAP DATABASE TRACES` prints its address and serves until its input ends.
"""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from contracts.identifiers import event_source, ordinal
from contracts.ports import Columns, LogRecord
from contracts.resident import RESIDENT_KEY, ResidentRecorded
from events.connection import Connection
from events.envelope import Envelope, decode, encode_columns
from events.log import KafkaLog
from hub.demo.part import leave_soon
from hub.demo.service import NAMESPACE, Resident, serve
from observability import fields, logging, tracing

__all__ = ["NAME", "SOURCE", "Modern"]

NAME: Final = "modern"
SOURCE: Final = event_source("demo", NAME)
_TOPIC: Final = f"demo.{ResidentRecorded.topic}"
_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS resident (id TEXT PRIMARY KEY, name TEXT, street TEXT, city TEXT, born TEXT, status TEXT,
                                     modified TEXT);
CREATE TABLE IF NOT EXISTS taken (event TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY, key TEXT, value BLOB, at TEXT, traceparent TEXT,
                                   sent INTEGER DEFAULT 0);
"""
_AT_ONCE = 100


class Modern:
    """What the modern registry holds, and what it has to tell; safe for several threads."""

    controls: Mapping[str, Callable[[int], list[str]]] = {}

    def __init__(self, database: Path, *, changed: Callable[[], None] = lambda: None) -> None:
        self._database = sqlite3.connect(database, check_same_thread=False)
        self._database.executescript(_SCHEMA)
        self._lock, self._changed = threading.Lock(), changed

    @property
    def port(self) -> int:
        """Return the port that it had, or 0 at its first start."""
        [[port]] = self._database.execute("PRAGMA user_version").fetchall()
        return int(port)

    @port.setter
    def port(self, port: int) -> None:
        self._database.execute(f"PRAGMA user_version = {port:d}")

    def close(self) -> None:
        """Let go of the store."""
        self._database.close()

    def listed(self, since: datetime | None = None) -> list[Resident]:
        """Return who was modified at or after a point in time, or all."""
        with self._lock:
            rows = map(_resident, self._database.execute("SELECT * FROM resident"))
            return [resident for resident in rows if since is None or resident.modified >= since]

    def get(self, number: str) -> Resident | None:
        """Return one resident, or None where there is none with that number."""
        with self._lock:
            return self._get(number)

    def settle(self, number: str, street: str, city: str) -> Resident | None:
        """Give one resident this address, however often it is asked for; the first time, an event tells it."""
        with self._lock, self._database:
            found = self._get(number)
            if found is None or (found.street, found.city) == (street, city):
                return found
            moved = replace(found, street=street, city=city, modified=datetime.now(UTC))
            self._put(moved)
            row = (RESIDENT_KEY.of(number), _event(moved), moved.modified.isoformat(), tracing.traceparent())
            self._database.execute("INSERT INTO outbox (key, value, at, traceparent) VALUES (?, ?, ?, ?)", row)
        self._changed()
        return moved

    def take(self, event: Envelope) -> None:
        """Take over what an event of somebody else tells, once, unless what is here is newer."""
        with self._lock, self._database:
            fresh = self._database.execute("INSERT OR IGNORE INTO taken VALUES (?)", (event.id,)).rowcount
            if not fresh:
                return
            if event.data is None:
                self._database.execute("DELETE FROM resident WHERE id = ?", (_number(event.subject or ""),))
                return
            told = ResidentRecorded.model_validate_json(event.data)
            values, number = told.model_dump(exclude={"resident_id"}), _number(told.resident_id)
            own, modified = self._get(number), event.time or datetime.now(UTC)
            if own is None or own.modified <= modified:  # the newest change wins, on whichever side it was made
                self._put(Resident(id=number, modified=modified, **values))

    def unsent(self) -> Sequence[tuple[int, str, bytes, str, str | None]]:
        """Return the oldest rows that have not been sent: number, key, value, time and trace context."""
        query = "SELECT number, key, value, at, traceparent FROM outbox WHERE NOT sent ORDER BY number LIMIT ?"
        with self._lock:
            return self._database.execute(query, (_AT_ONCE,)).fetchall()

    def sent(self, numbers: Sequence[int]) -> None:
        """Remember that rows were sent."""
        with self._lock, self._database:
            self._database.executemany("UPDATE outbox SET sent = 1 WHERE number = ?", [(number,) for number in numbers])

    def _get(self, number: str) -> Resident | None:
        row = self._database.execute("SELECT * FROM resident WHERE id = ?", (number,)).fetchone()
        return None if row is None else _resident(row)

    def _put(self, resident: Resident) -> None:
        born = None if resident.born is None else resident.born.isoformat()
        row = (resident.id, resident.name, resident.street, resident.city, born, resident.status)
        values = (*row, resident.modified.isoformat())
        self._database.execute("INSERT OR REPLACE INTO resident VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def _resident(row: Sequence[Any]) -> Resident:
    number, name, street, city, born, status, modified = row
    return Resident(
        id=number,
        name=name,
        street=street,
        city=city,
        born=None if born is None else date.fromisoformat(born),
        status=status,
        modified=datetime.fromisoformat(modified),
    )


def _number(key: str) -> str:
    """Return the canonical number as the contract of the SOAP service writes it."""
    return f"{int(key):08d}"


def _event(resident: Resident) -> bytes:
    values = {name: getattr(resident, name) for name in ("name", "street", "city", "born", "status")}
    key = RESIDENT_KEY.of(resident.id)
    return ResidentRecorded.model_validate({"resident_id": key} | values).model_dump_json().encode()


async def _keep_up(modern: Modern, log: KafkaLog) -> None:
    """Follow the events of others; those that were taken before a restart are not taken again."""
    async for record in log.read(_TOPIC, follow=True):
        event = decode(record.headers, record.value)
        if event.source != SOURCE:
            await asyncio.to_thread(modern.take, event)


async def _publish(modern: Modern, log: KafkaLog, changed: asyncio.Event) -> None:
    """Send what stands in the outbox; at least once, with the same id."""
    while True:
        changed.clear()
        while rows := modern.unsent():
            spans = [_sending(traceparent) for *_, traceparent in rows]
            await log.append(_TOPIC, [_record(row, span) for row, span in zip(rows, spans, strict=True)])
            for span in spans:
                span.end()
            modern.sent([number for number, *_ in rows])
        await changed.wait()


def _sending(traceparent: str | None) -> tracing.Span:
    name, kind = fields.span_name(fields.SEND, ResidentRecorded.topic), tracing.SpanKind.PRODUCER
    attributes = {**fields.messaging(fields.SEND, _TOPIC), fields.MESSAGING_BATCH_MESSAGE_COUNT: 1}
    return tracing.start_span(name, kind=kind, parent=traceparent, attributes=attributes)


def _record(row: tuple[int, str, bytes, str, str | None], span: tracing.Span) -> LogRecord:
    number, key, value, at, _ = row
    columns = Columns(
        topic=ResidentRecorded.topic,
        type=ResidentRecorded.type,
        dataschema=ResidentRecorded.dataschema(),
        time=datetime.fromisoformat(at),
        keys=[key.encode()],
        positions=[str(number)],
        sequences=[ordinal(number)],
        values=[value],
    )
    rows = encode_columns(columns, source=SOURCE, stream="change", traceparent=tracing.traceparent(span))
    encoded_key, encoded, headers = next(rows)
    return LogRecord(key=encoded_key, value=encoded, headers=headers)


@contextmanager
def _call(operation: str, traceparent: str | None) -> Generator[None, None, None]:
    """Cover a call with a span below that of the façade."""
    attributes = {fields.HTTP_REQUEST_METHOD: "POST", fields.RPC_METHOD: f"{{{NAMESPACE}}}{operation}"}
    name = fields.span_name("POST", operation)
    with tracing.span(name, kind=tracing.SpanKind.SERVER, attributes=attributes, parent=traceparent):
        yield


async def _main(bootstrap: str, database: Path) -> None:
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    with closing(Modern(database, changed=lambda: _set(loop, changed))) as modern:
        async with KafkaLog(Connection(bootstrap_servers=bootstrap, embedded=True)) as log:
            with serve(modern, port=modern.port, around=_call) as address:
                modern.port = int(address.split(":")[2].split("/")[0])
                tasks = [asyncio.create_task(work) for work in (_keep_up(modern, log), _publish(modern, log, changed))]
                sys.stdout.write(f"{address}\n")
                sys.stdout.flush()
                ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
                await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
                leave_soon()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def _set(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    loop.call_soon_threadsafe(changed.set)


if __name__ == "__main__":
    logging.configure("ERROR")
    with tracing.configure(tracing.Telemetry(service_name=NAME, trace_store=Path(sys.argv[3]))):
        asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
