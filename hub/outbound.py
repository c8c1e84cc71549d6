"""Outbound files: their descriptions from the disk, and each put together."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from adapters.outbound import Answers, Ledger, LocalFolder, Outbound, OutboundSpec, RemoteFolder
from contracts.document import fulfilled, read, refusal
from contracts.errors import ConfigError
from contracts.file_description import ends_of, layout_of
from hub.discovery import loaded
from hub.settings import Settings

__all__ = ["answers_to", "made", "outbounds", "read_outbound"]


_KINDS: Final = {".py", ".yaml", ".yml"}


def outbounds(settings: Settings) -> dict[str, OutboundSpec]:
    """Return the descriptions by name, with this environment's settings applied.

    Raises:
        ConfigError: Files that are not there or not right, names that stand twice, settings that don't fit: all at
            once.
    """
    problems: list[str] = []
    found: dict[str, OutboundSpec] = {}
    for path in _files(settings.outbound.files, problems):
        spec = _described(path, problems)
        if spec is None:
            continue
        if spec.name in found:
            problems.append(f"{path}: there is another outbound file of the name {spec.name!r}")
        found[spec.name] = spec
    problems += [
        f"outbound.config.{name}: no outbound file of that name; there are: {', '.join(sorted(found)) or 'none'}"
        for name in sorted(settings.outbound.config.keys() - found.keys())
    ]
    changed = {
        name: _changed(spec, settings.outbound.config.get(name, {}), problems) for name, spec in sorted(found.items())
    }
    if problems:
        raise ConfigError(problems)
    return changed


def _described(path: Path, problems: list[str]) -> OutboundSpec | None:
    if path.suffix != ".py":
        try:
            return read_outbound(path)
        except ConfigError as error:
            problems += error.problems
            return None
    module = loaded(path, problems, kind="outbound")
    if module is None:
        return None
    spec: object = getattr(module, "outbound", None)
    if isinstance(spec, OutboundSpec):
        return spec
    problems.append(f"{path}: expected a variable `outbound` that is an OutboundSpec")
    return None


def _changed(spec: OutboundSpec, changes: Mapping[str, Any], problems: list[str]) -> OutboundSpec:
    try:
        return OutboundSpec.model_validate(_merged(spec, changes)) if changes else spec
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = ".".join(map(str, ("outbound.config", spec.name, *detail["loc"])))
            problems.append(f"{where}: {refusal(detail, OutboundSpec, noun='setting')}")
        return spec


def _merged(model: BaseModel, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a model, changed; below a setting that has settings of its own, only what is named."""
    values: dict[str, Any] = {name: getattr(model, name) for name in model.model_fields_set}
    for name, value in changes.items():
        there: object = getattr(model, name, None)
        if isinstance(there, BaseModel) and isinstance(value, Mapping):
            values[name] = _merged(there, cast("Mapping[str, Any]", value))
        else:
            values[name] = value
    return values


def _files(paths: Sequence[Path], problems: list[str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.iterdir() if each.suffix in _KINDS and each.name != "__init__.py")
        elif path.is_file():
            yield path
        else:
            problems.append(f"outbound.files: {path}: there is no such file or folder")


def read_outbound(path: Path) -> OutboundSpec:
    """Return the description of a file that is sent; its folders count from the folder of the YAML file on.

    Raises:
        ConfigError: All that is wrong with it, each mistake with its line where it has one.
    """
    document = read(path, what="a description of an outbound file")
    values = document.values
    _place(values, ("folder",), path.parent)
    for file in (("file",), ("acknowledgement", "file")):
        _place(values, (*file, "copybook"), path.parent)
        _place(values, (*file, "copies"), path.parent)
    _place(values, ("acknowledgement", "path"), path.parent)
    for name in ("key_file", "known_hosts", "spool"):
        _place(values, ("remote", name), path.parent)
    return fulfilled(document, OutboundSpec, values, noun="setting", where=str(path))


def _place(values: dict[str, Any], path: Sequence[str], folder: Path) -> None:
    """Let a place on the disk count from a folder on."""
    *outer, name = path
    for each in outer:
        inner: object = values.get(each)
        if not isinstance(inner, dict):
            return
        values = cast("dict[str, Any]", inner)
    given: object = values.get(name)
    if isinstance(given, str) and "://" not in given:
        values[name] = folder / given
    elif isinstance(given, list):
        values[name] = [folder / str(each) for each in cast("list[object]", given)]


def made(settings: Settings, spec: OutboundSpec) -> Outbound:
    """Put an outbound file together, with its ledger in the data folder.

    Raises:
        ConfigError: The description does not fit the copybook or the events; holds every problem.
        ContractError: The copybook is not understood.
    """
    ledger = Ledger(_ledger_file(settings, spec), now=datetime.now(UTC))
    layout, ends = layout_of(spec.file), ends_of(spec.file)
    if isinstance(spec.folder, Path):
        return Outbound(spec, layout, ends, ledger=ledger, folder=LocalFolder(spec.folder))
    remote = RemoteFolder(spec.folder, spec.remote, system=spec.name)
    return Outbound(spec, layout, ends, ledger=ledger, folder=remote)


def answers_to(outbound: Outbound) -> Answers | None:
    """Return what reads the receiver's answers; None where it gives none.

    Raises:
        ConfigError: The description does not fit the copybook; holds every problem.
        ContractError: The copybook is not understood.
    """
    spec = outbound.spec.acknowledgement
    if spec is None:
        return None
    layout, ends = layout_of(spec.file), ends_of(spec.file)
    return Answers(spec, layout, ends, ledger=outbound.ledger, totalled=outbound.total)


def _ledger_file(settings: Settings, spec: OutboundSpec) -> Path:
    return settings.data / "outbound" / f"{spec.name}.sqlite"
