"""Identifiers that are the same in every process: event ids, sources and deliveries.

An event's identity is (source, stream, position). CloudEvents calls the first `source`; the other two
make its `id`. No content of the mapped event is in it, so a re-drive after a mapping fix keeps the id.
"""

from collections.abc import Sequence

__all__ = ["event_ids", "event_source", "ordinal"]


def event_source(namespace: str, source: str) -> str:
    """Return the CloudEvents `source` of an adapter's events.

    >>> event_source("prod", "benefits")
    '/banyan/prod/benefits'
    """
    return f"/banyan/{namespace}/{source}"


def event_ids(stream: str, positions: Sequence[str]) -> list[str]:
    """Return the CloudEvents ids of the events at these positions of a stream.

    >>> event_ids("poll", ["17.1", "18.4"])
    ['poll:17.1', 'poll:18.4']
    """
    return [f"{stream}:{position}" for position in positions]


def ordinal(number: int) -> str:
    """Return a number so that lexicographic order is numeric order (CloudEvents `sequence`).

    >>> ordinal(42)
    '000000000042'
    """
    return f"{number:012d}"
