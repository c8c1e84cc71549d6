"""What the demo plays on: an embedded broker, a legacy registry and a new service, each ended with the block."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from events.connection import Connection
from events.embedded import EmbeddedKafka
from hub.settings import AdapterSettings, Settings

__all__ = ["Stage", "staged"]

_ADAPTERS = Path(__file__).with_name("adapters")
_LEAVE_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running parts and where they keep things."""

    folder: Path
    settings: Settings
    registry: str
    """Address of the legacy SOAP service."""
    database: Path
    """What the new service keeps."""

    @property
    def inbox(self) -> Path:
        """Return the folder where the mainframe's files arrive."""
        return self.folder / "in"

    def change_registry(self, **changes: int) -> int:
        """Let the legacy system change, and return how many residents that concerned."""
        address = self.registry.rpartition("/")[0] + "/control"
        request = urllib.request.Request(address, data=json.dumps(changes).encode(), method="POST")  # noqa: S310 - our own, on loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return sum(len(numbers) for numbers in json.loads(answer.read()).values())

    def received(self, topic: str) -> list[str]:
        """Return the ids of the events that the new service has handled, in the order of their handling."""
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as database:
                return [row[0] for row in database.execute("SELECT event FROM received WHERE topic = ?", (topic,))]
        except sqlite3.OperationalError:  # it has not made its tables yet
            return []

    def view(self) -> tuple[int, int, int]:
        """Return how many residents and payments the new service shows, and how many residents have any."""
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as database:
                [residents] = database.execute("SELECT count(*) FROM resident").fetchone()
                [payments] = database.execute("SELECT count(*) FROM payment").fetchone()
                query = (
                    "SELECT count(DISTINCT resident.id) FROM resident JOIN payment ON payment.resident = resident.id"
                )
                [joined] = database.execute(query).fetchone()
        except sqlite3.OperationalError:  # it never made its tables
            return 0, 0, 0
        return residents, payments, joined


@contextmanager
def staged() -> Generator[Stage, None, None]:
    """Start the parts, and end them with the block."""
    with tempfile.TemporaryDirectory(prefix="banyan-demo-") as name, EmbeddedKafka() as connection:
        folder = Path(name)
        (folder / "in").mkdir()
        settings = _settings(folder, connection)
        database = folder / "view.sqlite"
        view = [connection.bootstrap_servers, str(database), str(settings.trace_store)]
        with _process("hub.demo.registry") as registry, _process("hub.demo.view", *view):
            address = (registry.stdout.readline() if registry.stdout else "").strip()
            yield Stage(folder=folder, settings=settings, registry=address, database=database)


def _settings(folder: Path, connection: Connection) -> Settings:
    return Settings(
        namespace="demo",
        kafka=connection,
        data=folder,
        log_level="ERROR",
        adapters=AdapterSettings(files=(_ADAPTERS,)),
    )


@contextmanager
def _process(module: str, *arguments: str) -> Generator[subprocess.Popen[str], None, None]:
    """Run a module in a process of its own that ends when its input does."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        yield process
    finally:
        try:
            process.communicate(timeout=_LEAVE_SECONDS)  # closes its input
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
