"""Reads the copybook, and fits the mapping to it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BeforeValidator, PlainValidator, WrapValidator

from adapters.batch.chunk import Shape
from adapters.batch.config import Config
from adapters.batch.record_format import RecordFormat
from adapters.batch.snapshot.changes import Changes, compile_changes
from adapters.batch.snapshot.comparison import Comparison
from adapters.batch.snapshot.cut import Cut
from contracts.errors import ConfigError, ContractError
from contracts.event import Event
from contracts.file_description import ends_of, layout_of, read_spec
from contracts.keys import CanonicalKey
from contracts.legacy.copybook import Layout, parse
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Recfm
from contracts.mapping import EventMapping, Mapper, compile_mapping

__all__ = ["Mapped", "fit"]

_VALIDATORS: Final = (BeforeValidator, PlainValidator, WrapValidator)


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
    found = _format(config)
    problems: list[str] = []
    if config.record_length not in (None, found.layout.length):
        length = f"{config.copybook} describes {found.layout.length} bytes"
        problems.append(f"{config.name}: record_length is {config.record_length}, but {length}")
    try:
        found = found.selecting(config.where)
        mapper, comparison = _compiled(config, mapped, found)
        problems += (f"{config.name}: {problem}" for problem in _numbers_as_text(mapped, found.layout))
    except ConfigError as error:
        raise ConfigError([*problems, *(f"{config.name}: {problem}" for problem in error.problems)]) from error
    if problems:
        raise ConfigError(problems)
    return Shape(model=mapped.model, format=found, mapper=mapper, event_time=config.event_time, comparison=comparison)


def _format(config: Config) -> RecordFormat:
    """Return the format that a copybook alone gives, or a whole description."""
    try:
        if config.copybook is not None:
            # Old copybooks may hold anything in comments; what counts is ASCII.
            layout = parse(config.copybook.read_text(encoding="ascii", errors="replace"))
            return RecordFormat.fixed(layout, config.code_page, copybook=_version(config.copybook))
        spec = config.file if isinstance(config.file, FileSpec) else read_spec(config.file, {})
        return RecordFormat.described(spec, layout_of(spec), ends_of(spec), copybook=_version(spec.copybook))
    except OSError as error:
        raise ConfigError([f"{config.name}: {config.copybook}: {error.strerror}"]) from error
    except ConfigError as error:
        raise ConfigError([f"{config.name}: {problem}" for problem in error.problems]) from error
    except ContractError as error:
        raise ConfigError([f"{config.name}: {_copybook(config)}: {error}"]) from error


def _version(copybook: Path) -> str:
    return hashlib.sha256(copybook.read_bytes()).hexdigest()


def _copybook(config: Config) -> Path | None:
    if config.file is None:
        return config.copybook
    return config.file.copybook if isinstance(config.file, FileSpec) else config.file


def _numbers_as_text(mapped: Mapped, layout: Layout) -> Iterator[str]:
    """Yield which event fields are text but would get numbers: no record of the file would fit."""
    model, said = mapped.model, mapped.model.__pydantic_decorators__
    if callable(mapped.mapping) or model.model_config.get("coerce_numbers_to_str") or said.model_validators:
        return
    told = {name for each in said.field_validators.values() for name in each.info.fields}
    numbers = {name for name, field in layout.by_name.items() if field.kind.is_number and not field.dimensions}
    for name, source in mapped.mapping.items():
        info = model.model_fields[name]
        plain = info.annotation is str and not any(isinstance(each, _VALIDATORS) for each in info.metadata)
        if plain and isinstance(source, str) and source in numbers and not told & {name, "*"}:
            yield f"mapping: {name}: {source} is a number; text is made of it by a converter: ({source!r}, str)"


def _compiled(config: Config, mapped: Mapped, found: RecordFormat) -> tuple[Mapper, Comparison | None]:
    model, mapping, key, canonical = mapped.model, mapped.mapping, mapped.key, mapped.canonical
    snapshot = config.snapshot
    if snapshot is None:
        if mapped.changes is not None:
            raise ConfigError(["changes: only full extracts have them; set `snapshot`"])
        return compile_mapping(model, mapping, key=key, legacy=found.names, canonical=canonical), None
    codec, framing = found.codec, found.framing
    if codec is None:
        raise ConfigError(
            ["snapshot: expected a copybook without counters and segments: records are compared as they are"]
        )
    of_another = framing.recfm in {Recfm.F, Recfm.FB} and framing.lrecl != codec.layout.length
    if of_another or framing.recfm is Recfm.LS:
        raise ConfigError(["snapshot: expected records that all have the copybook's length"])
    if config.where:
        raise ConfigError(["where: an extract is compared as a whole"])
    cut = Cut.of(codec.layout, snapshot)
    changes = compile_changes(model, mapping, changes=mapped.changes, key=key, codec=codec, canonical=canonical)
    return changes.mapper, Comparison(snapshot=snapshot, cut=cut, events=changes)
