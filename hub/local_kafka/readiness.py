"""Whether a local cluster serves: asked of Kafka itself, not of a port or a log."""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from contracts.errors import BrokerUnavailableError

__all__ = ["await_ready"]

_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.5


def await_ready(alive: Mapping[int, str], *, timeout: timedelta, check: Callable[[], None]) -> None:
    """Wait until every broker serves, knows the others, and holds only copies that are in sync.

    Args:
        alive: The addresses of the brokers whose processes run, by id.
        timeout: How long to wait.
        check: Called before each look; raises when waiting is in vain.

    Raises:
        BrokerUnavailableError: They did not serve in time.
    """
    # Each broker is asked itself: for seconds after a kill the others tell that the dead one is in sync.
    waiting: dict[str, AdminClient] = {address: _admin(address) for address in alive.values()}
    deadline = time.monotonic() + timeout.total_seconds()
    while waiting:
        check()
        if time.monotonic() > deadline:
            addresses = ", ".join(waiting)
            raise BrokerUnavailableError(addresses, reason=f"no answer after {timeout.total_seconds():g} s")
        waiting = {address: admin for address, admin in waiting.items() if not _serves(admin, alive)}


def _admin(address: str) -> AdminClient:
    # Refused connections are what is waited for: not worth its log lines, nor a growing pause.
    quiet = {"log_level": 0, "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 200}
    return AdminClient({"bootstrap.servers": address, **quiet})


def _serves(admin: AdminClient, alive: Collection[int]) -> bool:
    try:
        seen = admin.list_topics(timeout=_LOOK_SECONDS)
    except KafkaException:
        return False
    copies = [partition for topic in seen.topics.values() for partition in topic.partitions.values()]
    in_sync = all(p.leader >= 0 and set(p.replicas) & set(alive) <= set(p.isrs) for p in copies)
    if in_sync and set(alive) <= set(seen.brokers):
        return True
    time.sleep(_POLL_SECONDS)
    return False
