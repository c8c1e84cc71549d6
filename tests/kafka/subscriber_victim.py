"""A service in a process of its own, which gets killed: bootstrap servers, namespace, way, database."""

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from events.connection import Connection
from events.delivery import Delivered
from events.inbox import SqliteInbox, SqliteTransaction
from tests.subscriber_world import Granted, World, number


async def write(delivered: Delivered[Any], tx: SqliteTransaction) -> None:
    await asyncio.sleep(0.001)
    tx.connection.execute("INSERT INTO benefit VALUES (?)", (number(delivered),))


async def main(bootstrap_servers: str, namespace: str, way: Any, database: str) -> None:
    inbox = SqliteInbox(database, World.group)
    async with inbox.transaction() as tx:
        tx.connection.execute("CREATE TABLE IF NOT EXISTS benefit (number INTEGER)")
    world = World(Connection(bootstrap_servers=bootstrap_servers), namespace, way, inbox)
    await world.subscriber({Granted: write}).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
