"""Copybooks and file descriptions from the disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from contracts.document import Document, fulfilled, read
from contracts.errors import ConfigError
from contracts.legacy.copybook import Layout, parse_all
from contracts.legacy.copybook.dialect import dialect_named
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Role

__all__ = ["ends_of", "layout_of", "layouts_of", "read_spec"]

_MOST_BYTES = 1 << 24
_SUFFIXES = ("", ".cpy", ".CPY", ".cbl", ".CBL", ".cob", ".COB")


def read_spec(path: Path | None, given: Mapping[str, Any]) -> FileSpec:
    """Return the description of a file: what stands in a YAML file, and what is given over it.

    The copybook and the folders of its copies count from the folder of the YAML file on.

    Raises:
        ConfigError: All that is wrong with it, each mistake with its line where it has one.
    """
    document = Document(values={}, places={}, problems=()) if path is None else read(path, what="a file description")
    folder, values = Path() if path is None else path.parent, document.values
    if isinstance(values.get("copybook"), str):
        values["copybook"] = folder / values["copybook"]
    copies: object = values.get("copies")
    if isinstance(copies, list):
        values["copies"] = [folder / str(each) for each in cast("list[object]", copies)]
    return fulfilled(document, FileSpec, _merged(values, given), noun="setting")


def _merged(values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, value in given.items():
        below = merged.get(name)
        merged[name] = {**below, **value} if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def layouts_of(spec: FileSpec) -> Sequence[Layout]:
    """Return the layouts of a copybook: all of them, or the one that the description names.

    Raises:
        ConfigError: A file can't be read, or there is no such record.
        ContractError: The copybook is not understood.
    """
    folders = spec.copies or (spec.copybook.parent,)

    def resolver(name: str, library: str | None, /) -> str | None:
        if any(part in ("..", "/") or "\0" in part for each in (name, library or "") for part in Path(each).parts):
            return None  # a copybook says which text, and not from where on the disk
        places = (
            folder / (library or "") / f"{each}{suffix}"
            for folder in folders
            for each in (name, name.lower())
            for suffix in _SUFFIXES
        )
        found = next((place for place in places if place.is_file()), None)
        return None if found is None else _text(found, spec.copybook_encoding)

    text = _text(spec.copybook, spec.copybook_encoding)
    found = parse_all(
        text,
        dialect=dialect_named(spec.dialect),
        form=spec.copybook_format,
        resolver=resolver,
        decimal_comma=spec.decimal_comma,
    )
    chosen = [layout for layout in found if spec.record is None or layout.name == spec.record.upper()]
    if not chosen:
        names = ", ".join(layout.name or "(no name)" for layout in found)
        raise ConfigError([f"{spec.copybook}: no record {spec.record}; there are: {names}"])
    return chosen


def ends_of(spec: FileSpec) -> Mapping[Role, Layout]:
    """Return the layouts of header and trailer records, as far as the description names them.

    Raises:
        ConfigError: A file can't be read, or there is no such record.
        ContractError: The copybook is not understood.
    """
    named = {Role.HEADER: spec.header, Role.TRAILER: spec.trailer}
    return {
        role: layout_of(spec.model_copy(update={"record": name})) for role, name in named.items() if name is not None
    }


def layout_of(spec: FileSpec) -> Layout:
    """Return the one layout of a copybook.

    Raises:
        ConfigError: A file can't be read, or there are several records and none is named.
        ContractError: The copybook is not understood.
    """
    found = layouts_of(spec)
    if len(found) > 1:
        names = ", ".join(layout.name or "(no name)" for layout in found)
        raise ConfigError([f"{spec.copybook}: expected one record, or the name of one of: {names}"])
    return found[0]


def _text(path: Path, encoding: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode(encoding, errors="replace")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    except (LookupError, ValueError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    if len(data) > _MOST_BYTES:
        raise ConfigError([f"{path}: expected the text of a copybook, of at most {_MOST_BYTES:,} bytes"])
    return text
