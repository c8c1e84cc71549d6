"""Fixtures of the command line's tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from events.embedded import EmbeddedKafka
from tests.command_line import FILE, World, write


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands set up the logging of their process, which is this one."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with EmbeddedKafka() as connection:
        yield write(tmp_path, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose adapters have published what they have."""
    with EmbeddedKafka() as connection:
        folder = tmp_path_factory.mktemp("published")
        there = write(folder, connection, batch=FILE.format(kind="batch"), soap=FILE.format(kind="soap"))
        for name in ("residents-file", "members"):
            assert there.run("adapter", "run", name, "--once").code == 0
        yield there
