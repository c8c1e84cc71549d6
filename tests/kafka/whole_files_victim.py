"""A service that wants whole files, and gets killed: bootstrap servers, namespace, database."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from contracts.file_end import FileDelivered
from events import whole_receiver
from events.batch_subscriber import BatchSubscriber
from events.connection import Connection
from events.delivery import Delivered
from events.inbox import SqliteInbox, SqliteTransaction
from tests.payments import BenefitPaid

GROUP = "whole"
SCHEMA = """
CREATE TABLE IF NOT EXISTS paid (delivery TEXT, part INTEGER, id TEXT);
CREATE TABLE IF NOT EXISTS whole (delivery TEXT, part INTEGER, events INTEGER);
"""


async def write(events: Sequence[Delivered[BenefitPaid]], tx: SqliteTransaction) -> None:
    await asyncio.sleep(0.02)
    rows = [(each.file.delivery, each.record.partition, each.identity[1]) for each in events if each.file]
    tx.connection.executemany("INSERT INTO paid VALUES (?, ?, ?)", rows)


async def close(ends: Sequence[Delivered[FileDelivered]], tx: SqliteTransaction) -> None:
    rows = [(each.data.delivery, each.data.partition, each.data.partition_events) for each in ends if each.data]
    tx.connection.executemany("INSERT INTO whole VALUES (?, ?, ?)", rows)


def subscriber(connection: Connection, namespace: str, database: Path) -> tuple[BatchSubscriber, SqliteInbox]:
    """Return the service; its handler gets ten events at a time."""
    whole_receiver.MOST_EVENTS = 10
    inbox = SqliteInbox(database, GROUP)
    made = BatchSubscriber(connection, group=GROUP, namespace=namespace, inbox=inbox, whole_files=True)
    made.on(BenefitPaid)(write)
    made.on(FileDelivered)(close)
    return made, inbox


async def main(bootstrap_servers: str, namespace: str, database: Any) -> None:
    made, inbox = subscriber(Connection(bootstrap_servers=bootstrap_servers), namespace, Path(database))
    async with inbox.transaction() as tx:
        for statement in SCHEMA.split(";"):
            tx.connection.execute(statement)
    await made.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
