"""The embedded broker: librdkafka's mock cluster in this process, for the demo and for tests near the unit."""

from collections.abc import Callable
from types import TracebackType
from typing import Final

from confluent_kafka import KafkaException, Producer

from contracts.errors import BrokerUnavailableError
from events.connection import Connection

__all__ = ["NOTICE", "EmbeddedKafka"]

NOTICE: Final = (
    "Embedded broker: in memory only, about 4 MB in each of 4 partitions of a topic; no topic settings; "
    "consumer groups of one member; older instances are not fenced; aborted data stay visible. "
    "`banyan kafka up` starts a real one."
)
"""What it can't do, in one paragraph for people."""

_START_SECONDS: Final = 10


class EmbeddedKafka:
    """A broker that speaks Kafka's protocol on a free port of 127.0.0.1 while the block is open.

    Promises nothing about data: all is gone with the block. What it can't do stands in `NOTICE`; what code
    must do differently is asked of the `Connection`.

    >>> with EmbeddedKafka() as connection:
    ...     connection.embedded
    True

    Args:
        tell: Takes `NOTICE` when it starts.
    """

    def __init__(self, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self._tell = tell
        self._owner: Producer | None = None

    def __enter__(self) -> Connection:
        """Start it, say what it can't do, and return the connection to it.

        Raises:
            BrokerUnavailableError: It did not start.
        """
        # The cluster lives as long as the producer that it was configured on, which sends nothing.
        self._owner = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        try:
            [broker] = self._owner.list_topics(timeout=_START_SECONDS).brokers.values()
        except KafkaException as error:
            self._owner = None
            raise BrokerUnavailableError("embedded Kafka", reason=str(error)) from error
        self._tell(NOTICE)
        return Connection(bootstrap_servers=f"{broker.host}:{broker.port}", embedded=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; its memory is freed."""
        self._owner = None
