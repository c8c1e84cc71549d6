"""What the demo plays on: a broker, a legacy and a modern registry, a façade, a new service; all end with the block."""

import json
import sqlite3
import tempfile
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from events.connection import Connection
from events.embedded import EmbeddedKafka
from hub.demo.part import Part
from hub.settings import Settings, load

__all__ = ["KEY_SECRET", "NAMESPACE", "WORKERS", "Stage", "staged"]

NAMESPACE = "demo"
KEY_SECRET = "of-the-demo-alone"  # noqa: S105 - everybody in the demo is invented
WORKERS = 2
_ADAPTERS = Path(__file__).with_name("adapters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running parts and where they keep things."""

    folder: Path
    settings: Settings
    registry: str
    """Address of the legacy SOAP service."""
    modern: Part
    """The modern SOAP service."""
    database: Path
    """What the new service keeps."""
    modern_database: Path
    """What the modern SOAP service keeps."""

    @property
    def inbox(self) -> Path:
        """Return the folder where the mainframe's files arrive."""
        return self.folder / "in"

    def change_registry(self, **changes: int) -> int:
        """Let the legacy system change, and return how many residents that concerned."""
        return sum(len(numbers) for numbers in _post(self.registry, "control", changes).values())

    def served(self) -> tuple[list[str], list[str]]:
        """Return whom the legacy and the modern side were asked for since the last time, a number for each call."""
        return _post(self.registry, "served", {}), _post(self.modern.said, "served", {})

    def received(self, source: str) -> list[str]:
        """Return the ids of a source's events that the new service has handled, in the order of their handling."""
        rows = _rows(self.database, "SELECT event FROM received WHERE source = ?", f"/banyan/{NAMESPACE}/{source}")
        return [event for [event] in rows]

    def view(self) -> tuple[int, int, int]:
        """Return how many residents and payments the new service shows, and how many residents have any."""
        joined = "SELECT count(DISTINCT resident.id) FROM resident JOIN payment ON payment.resident = resident.id"
        [[residents]] = _rows(self.database, "SELECT count(*) FROM resident") or [[0]]
        [[payments]] = _rows(self.database, "SELECT count(*) FROM payment") or [[0]]
        [[both]] = _rows(self.database, joined) or [[0]]
        return residents, payments, both

    def taken(self) -> int:
        """Return how many events the modern side has taken over."""
        [[events]] = _rows(self.modern_database, "SELECT count(*) FROM taken") or [[0]]
        return int(events)

    def changed(self) -> int:
        """Return how many changes the modern side has made itself."""
        [[changes]] = _rows(self.modern_database, "SELECT count(*) FROM outbox") or [[0]]
        return int(changes)

    def residents(self) -> list[str]:
        """Return the numbers of the residents that the modern side knows."""
        return [number for [number] in _rows(self.modern_database, "SELECT id FROM resident ORDER BY id")]


def _rows(database: Path, query: str, *values: str) -> list[Any]:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as opened:
            return opened.execute(query, values).fetchall()
    except sqlite3.OperationalError:  # its owner has not made its tables yet
        return []


def _post(address: str, path: str, content: object) -> Any:  # noqa: ANN401 - any JSON
    target, data = address.rpartition("/")[0] + f"/{path}", json.dumps(content).encode()
    request = urllib.request.Request(target, data=data, method="POST")  # noqa: S310 - our own, on loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())


@contextmanager
def staged() -> Generator[Stage, None, None]:
    """Start the parts, and end them with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="banyan-demo-")))
        connection = stack.enter_context(EmbeddedKafka())
        (folder / "in").mkdir()
        log, traces = folder / "log", str(folder / "traces.sqlite")
        view, own = folder / "view.sqlite", folder / "modern.sqlite"
        broker = connection.bootstrap_servers
        stack.enter_context(Part("hub.demo.view", broker, str(view), traces, log=log))
        registry = stack.enter_context(Part("hub.demo.registry", log=log))
        modern = stack.enter_context(Part("hub.demo.modern", broker, str(own), traces, log=log))
        settings = _settings(folder, connection, registry=registry.wait(), modern=modern.wait())
        stack.enter_context(Part("hub.demo.facade", str(folder / "banyan.yaml"), log=log))
        yield Stage(
            folder=folder,
            settings=settings,
            registry=registry.said,
            modern=modern,
            database=view,
            modern_database=own,
        )


def _settings(folder: Path, connection: Connection, *, registry: str, modern: str) -> Settings:
    """Write the settings that a user would write, and read them."""
    file = folder / "banyan.yaml"
    backends = {
        name: f"http://{urlsplit(address).netloc}" for name, address in (("registry", registry), ("modern", modern))
    }
    values = {
        "namespace": NAMESPACE,
        "kafka": {"bootstrap_servers": connection.bootstrap_servers, "embedded": True},
        "data": str(folder),
        "key_secret": KEY_SECRET,
        "log_level": "ERROR",
        "adapters": {"files": [str(_ADAPTERS)]},
        "facade": {
            "listeners": {"residents": {"address": "127.0.0.1:0", "legacy": "registry"}},
            "backends": {name: {"url": url, "timeout": 5} for name, url in backends.items()},
            "workers": WORKERS,
            "sample_ratio": 1.0,
            "times": {"drain": 2},
        },
    }
    file.write_text(json.dumps(values, indent=2), "utf-8")
    return load(file, environ={})
