"""Reads the copybook, and fits the mapping to it."""

from dataclasses import dataclass

from adapters.batch.chunk import Shape
from adapters.batch.config import Config
from adapters.batch.snapshot.changes import Changes, compile_changes
from adapters.batch.snapshot.comparison import Comparison
from adapters.batch.snapshot.cut import Cut
from contracts.errors import ConfigError, ContractError
from contracts.event import Event
from contracts.keys import CanonicalKey
from contracts.legacy.copybook import Codec, parse
from contracts.mapping import EventMapping, Mapper, compile_mapping

__all__ = ["Mapped", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What an integration engineer says about the events."""

    model: type[Event]
    key: str
    mapping: EventMapping
    canonical: CanonicalKey | None
    changes: Changes | None


def fit(config: Config, mapped: Mapped) -> Shape:
    """Return how records become events; blocks.

    Raises:
        ConfigError: The copybook is not understood, or the mapping does not fit; holds every problem.
    """
    codec = _codec(config)
    problems: list[str] = []
    if config.record_length not in (None, codec.layout.length):
        found = f"{config.copybook} describes {codec.layout.length} bytes"
        problems.append(f"{config.name}: record_length is {config.record_length}, but {found}")
    try:
        mapper, comparison = _compiled(config, mapped, codec)
    except ConfigError as error:
        raise ConfigError([*problems, *(f"{config.name}: {problem}" for problem in error.problems)]) from error
    if problems:
        raise ConfigError(problems)
    return Shape(
        model=mapped.model,
        codec=codec if comparison else codec.only(mapper.fields),
        mapper=mapper,
        event_time=config.event_time,
        comparison=comparison,
    )


def _codec(config: Config) -> Codec:
    try:
        # Old copybooks may hold anything in comments; what counts is ASCII.
        layout = parse(config.copybook.read_text(encoding="ascii", errors="replace"))
        return Codec(layout, config.code_page)
    except OSError as error:
        raise ConfigError([f"{config.name}: {config.copybook}: {error.strerror}"]) from error
    except ContractError as error:
        raise ConfigError([f"{config.name}: {config.copybook}: {error}"]) from error


def _compiled(config: Config, mapped: Mapped, codec: Codec) -> tuple[Mapper, Comparison | None]:
    model, mapping, key, canonical = mapped.model, mapped.mapping, mapped.key, mapped.canonical
    snapshot = config.snapshot
    if snapshot is None:
        if mapped.changes is not None:
            raise ConfigError(["changes: only full extracts have them; set `snapshot`"])
        return compile_mapping(model, mapping, key=key, legacy=codec.layout.by_name, canonical=canonical), None
    cut = Cut.of(codec.layout, snapshot)
    changes = compile_changes(model, mapping, changes=mapped.changes, key=key, codec=codec, canonical=canonical)
    return changes.mapper, Comparison(snapshot=snapshot, cut=cut, events=changes)
