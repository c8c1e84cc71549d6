"""Dead letters: original bytes, key and headers, with headers that say where they came from and why.

The context stands in headers of its own (`banyan.dead.*`), after the original ones, so what arrived can be
put back as it was.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from contracts.ports import DeadLetter, LogRecord
from events.envelope import Header

__all__ = ["PREFIX", "context_of", "dead_headers", "original_headers"]

PREFIX = "banyan.dead."


def dead_headers(letter: DeadLetter, *, owner: str, stream: str, at: datetime) -> list[Header]:
    """Return the original headers followed by the context: owner, stream, position, error, reason and more."""
    context = {
        "owner": owner,
        "stream": stream,
        "position": letter.position,
        "error": letter.error,
        "reason": letter.reason,
        "at": at.isoformat(),
        **letter.attributes,
    }
    return [*letter.headers, *((PREFIX + name, text.encode()) for name, text in context.items())]


def context_of(record: LogRecord) -> Mapping[str, str]:
    """Return the context of a dead-lettered record, without the prefix."""
    return {
        name.removeprefix(PREFIX): value.decode(errors="replace")
        for name, value in record.headers
        if name.startswith(PREFIX) and value is not None
    }


def original_headers(headers: Iterable[Header]) -> list[Header]:
    """Return the headers as they arrived, before it was dead-lettered."""
    return [header for header in headers if not header[0].startswith(PREFIX)]
