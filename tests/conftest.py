"""Fixtures that many tests share. Nobody imports from here: shared code is in plain modules."""

import logging
import os
import uuid
from collections.abc import Iterator

import pytest
from aiokafka.errors import KafkaError

from events.connection import Connection
from events.embedded import EmbeddedKafka
from tests.brokers import NONE, ThreeBrokers, local_kafka, real_kafka


def pytest_configure() -> None:
    """Drop asyncio's complaint about a future of aiokafka's own, which nobody can retrieve, of a batch that failed.

    It is made while garbage is collected, and formats a traceback: CPython 3.11 raises a SystemError where that
    happens within `ast.parse`, as when pytest rewrites a module, even after the last test.
    """
    logging.getLogger("asyncio").addFilter(_is_no_failed_batch)


def _is_no_failed_batch(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], KafkaError))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A real Kafka, with all that the embedded broker can't do; skips where there is none."""
    with real_kafka(tmp_path_factory.mktemp("kafka"), os.environ) as connection:
        if connection is None:
            pytest.skip(NONE)
        yield connection


@pytest.fixture(scope="module")
def kafka3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeBrokers]:
    """Three real brokers that may be killed; skips where Java or Maven is missing."""
    with local_kafka(tmp_path_factory.mktemp("kafka3"), brokers=3) as local:
        if local is None:
            pytest.skip("three brokers need Java 17 and Maven")
        yield ThreeBrokers(connection=Connection(bootstrap_servers=local.bootstrap), local=local)


@pytest.fixture(scope="session")
def embedded() -> Iterator[Connection]:
    """The embedded broker."""
    with EmbeddedKafka() as connection:
        yield connection


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test has, so that tests share a broker."""
    return f"t{uuid.uuid4().hex[:12]}"
