"""The command line as tests run it: in this process, on an embedded broker."""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.ports import LogRecord
from events.connection import Connection
from events.log import KafkaLog
from hub.cli import root

BANYAN = Path(sys.executable).with_name("banyan")
GUIDE = Path(__file__).parents[1] / "docs" / "guides" / "keys.md"
NAMESPACE = "cli"
FILE = "from adapters import {kind}\n\nadapter = {kind}.Adapter.example()\n"
FAILING = """
class Adapter:
    name = "failing"

    def configured(self, changes):
        return self

    async def check(self):
        return ["expected a registry, found none"]

    async def read(self, since):
        raise RuntimeError("Elfrun Igelkott is no number")
        yield


adapter = Adapter()
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the document that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return the JSON lines that it printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class World:
    """A settings file of two example adapters on an embedded broker."""

    folder: Path
    connection: Connection

    def run(self, *arguments: str, **environ: str) -> Ran:
        """Run a command with the settings of this world."""
        return banyan("--config", str(self.folder / "banyan.yaml"), *arguments, **environ)


def banyan(*arguments: str, **environ: str) -> Ran:
    """Run a command as the console script does, but in this process, where it takes milliseconds."""
    octets, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(octets, encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in {"COLUMNS": "500", **environ}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["banyan", *arguments])
        patch.setattr(sys.modules["__main__"], "__package__", None)  # else `python -m pytest` is the program's name
        with pytest.raises(SystemExit) as ended:
            root.main()
    return Ran(int(ended.value.code or 0), octets.getvalue().decode(), err.getvalue())


def write(folder: Path, connection: Connection, **adapters: str) -> World:
    """Write adapter files and settings."""
    (folder / "adapters").mkdir()
    for name, text in adapters.items():
        (folder / "adapters" / f"{name}.py").write_text(text)
    settings = {
        "namespace": NAMESPACE,
        "kafka": {"bootstrap_servers": connection.bootstrap_servers, "embedded": True},
        "adapters": {"files": [str(folder / "adapters")]},
        "archive": {"url": str(folder / "archive")},
        "data": str(folder / "data"),
    }
    (folder / "banyan.yaml").write_text(yaml.safe_dump(settings))
    return World(folder, connection)


async def append(connection: Connection, topic: str, records: Sequence[LogRecord]) -> None:
    """Write records as somebody else might."""
    async with KafkaLog(connection) as log:
        await log.append(topic, records)
