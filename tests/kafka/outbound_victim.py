"""An outbound file in a process of its own, which gets killed: bootstrap servers, namespace, folder."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from events import batch_subscriber
from events.connection import Connection
from hub import sending
from hub.settings import Settings
from tests.outbound_world import built, described

CUT = {"cut": {"records": 37}}


async def main(bootstrap_servers: str, namespace: str, folder: str) -> None:
    sending.__dict__["TEND_SECONDS"] = 0.01
    batch_subscriber.__dict__["MOST_EVENTS"] = 20
    place = Path(folder)
    settings = Settings(namespace=namespace, kafka=Connection(bootstrap_servers=bootstrap_servers), data=place)
    made = built(place, described(place, CUT), now=datetime.now(UTC))
    await sending.run([sending.Sender(settings, made)])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
