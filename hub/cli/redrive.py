"""`banyan adapter run --redrive`: finds the dead letters that are to be tried again."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from contracts.errors import ConfigError
from contracts.ports import LogRecord, Rejected
from events.dead_letter import context_of
from hub.cli.dlq import letter_id, letters
from hub.discovery import Adapter
from hub.settings import Settings

__all__ = ["redriving"]

_ALL: Final = "all"


def redriving(settings: Settings, adapter: Adapter, ids: Sequence[str], reason: str) -> Adapter:
    """Return the adapter, which first tries these dead letters of its own again.

    Args:
        settings: Where they are.
        adapter: Whose they are.
        ids: As `banyan dlq list` shows them, `STREAM:POSITION` as the event id would be, or `all`.
        reason: Why they will be right now.

    Raises:
        ConfigError: It has no such dead letter, or takes none.
    """
    make = getattr(adapter, "redriving", None)
    if make is None:
        raise ConfigError(
            [f"{adapter.name}: --redrive: it reads no files; what its source gives again, mended, is published then"]
        )
    found = [record for _, record in asyncio.run(letters(settings.kafka, settings.namespace, adapter.name))]
    named = {name: record for record in found for name in _names(record, context_of(record))}
    unknown = [each for each in ids if each != _ALL and each not in named]
    if unknown:
        see = f"see `banyan dlq list {adapter.name}`"
        raise ConfigError(f"--redrive: {adapter.name} has no dead letter {each!r}; {see}" for each in unknown)
    chosen = [r for r in found if "stream" in context_of(r)] if _ALL in ids else [named[each] for each in ids]
    made: Adapter = make([_rejected(record, context_of(record)) for record in chosen], reason)
    return made


def _names(record: LogRecord, context: Mapping[str, str]) -> tuple[str, str]:
    return letter_id(record), f"{context.get('stream')}:{context.get('position')}"


def _rejected(record: LogRecord, context: Mapping[str, str]) -> Rejected:
    offset = context.get("offset", "")
    return Rejected(
        stream=context["stream"],
        position=context["position"],
        value=record.value or b"",
        offset=int(offset) if offset.isdecimal() else None,
        attributes=context,
    )
