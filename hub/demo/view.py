"""The demo's new service: keeps a view of residents and what was paid to them, in a process of its own.

It knows the contracts and the topics; that a SOAP service and a mainframe stand behind them, it does not.

`python -m hub.demo.view BOOTSTRAP DATABASE TRACES` runs until its input ends.
"""

import asyncio
import sqlite3
import sys
from pathlib import Path

from contracts.benefit import BenefitPaid
from contracts.resident import ResidentRecorded
from events.connection import Connection
from events.delivery import Delivered
from events.envelope import Envelope
from events.inbox import SqliteInbox, SqliteTransaction
from events.subscriber import Subscriber
from hub.demo.part import leave_soon
from observability import logging, tracing

__all__ = ["GROUP", "SCHEMA", "service"]

GROUP = "resident-view"
SCHEMA = """
CREATE TABLE IF NOT EXISTS resident (id TEXT PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE IF NOT EXISTS payment (id TEXT PRIMARY KEY, resident TEXT, amount TEXT);
CREATE TABLE IF NOT EXISTS received (source TEXT, event TEXT);
"""


def service(connection: Connection, inbox: SqliteInbox) -> Subscriber:
    """Return the subscriber; what it writes is in the same transaction as its inbox."""
    subscriber = Subscriber(connection, group=GROUP, namespace="demo", inbox=inbox)

    @subscriber.on(ResidentRecorded)
    async def _resident(event: Delivered[ResidentRecorded], tx: SqliteTransaction) -> None:
        _received(tx, event.envelope)
        key = event.envelope.subject
        if event.data is None:
            tx.connection.execute("DELETE FROM resident WHERE id = ?", (key,))
            return
        row = (key, event.data.name, event.data.city)
        tx.connection.execute("INSERT OR REPLACE INTO resident VALUES (?, ?, ?)", row)

    @subscriber.on(BenefitPaid)
    async def _payment(event: Delivered[BenefitPaid], tx: SqliteTransaction) -> None:
        _received(tx, event.envelope)
        if event.data is not None:
            row = (event.data.payment_id, event.envelope.subject, str(event.data.amount))
            tx.connection.execute("INSERT OR REPLACE INTO payment VALUES (?, ?, ?)", row)

    return subscriber


def _received(tx: SqliteTransaction, event: Envelope) -> None:
    tx.connection.execute("INSERT INTO received VALUES (?, ?)", (event.source, event.id))


async def _until_input_ends(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.read)
    leave_soon()
    stop.set()


async def _main(bootstrap: str, database: Path) -> None:
    with sqlite3.connect(database) as tables:
        tables.executescript(SCHEMA)
    tables.close()
    inbox = SqliteInbox(database, GROUP)
    stop = asyncio.Event()
    connection = Connection(bootstrap_servers=bootstrap, embedded=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(_until_input_ends(stop))
        group.create_task(service(connection, inbox).run(stop))
    inbox.close()


if __name__ == "__main__":
    logging.configure("ERROR")
    with tracing.configure(tracing.Telemetry(service_name=GROUP, trace_store=Path(sys.argv[3]))):
        asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
