"""Dead letters: original bytes, key and headers, with headers that say where they came from and why.

The context stands in headers of its own (`banyan.dead.*`), after the original ones, so what arrived can be
put back as it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.ports import DeadLetter, LogRecord
from events.envelope import Header

__all__ = ["PREFIX", "context_of", "dead_headers", "original_headers"]

PREFIX = "banyan.dead."
_FIRST = f"{PREFIX}owner"


def dead_headers(letter: DeadLetter, *, owner: str, stream: str, at: datetime) -> list[Header]:
    """Return the original headers followed by the context: owner, stream, position, error, reason and more."""
    context = {
        "owner": owner,
        "stream": stream,
        "position": letter.position,
        "error": letter.error,
        "reason": letter.reason,
        "at": at.isoformat(),
    }
    context |= {name: text for name, text in letter.attributes.items() if name not in context}
    # A file's name need not be UTF-8; what can't be written is shown by its code.
    shown = [(PREFIX + name, text.encode("utf-8", "backslashreplace")) for name, text in context.items()]
    return [*letter.headers, *shown]


def context_of(record: LogRecord) -> Mapping[str, str]:
    """Return the context of a dead-lettered record, without the prefix."""
    return {
        name.removeprefix(PREFIX): value.decode(errors="replace")
        for name, value in record.headers[_begin(record.headers) :]
        if value is not None
    }


def original_headers(headers: Sequence[Header]) -> list[Header]:
    """Return the headers as they arrived, before it was dead-lettered."""
    return list(headers[: _begin(headers)])


def _begin(headers: Sequence[Header]) -> int:
    """Return where the context begins; what was dead-lettered twice has two, and the last is ours."""
    begins = [index for index, (name, _) in enumerate(headers) if name == _FIRST]
    return begins[-1] if begins else len(headers)
