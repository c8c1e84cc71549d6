"""The options that describe a file of records, shared by the commands that read or write one."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from contracts.errors import ConfigError
from contracts.file_description import read_spec
from contracts.legacy.copybook import Unnamed
from contracts.legacy.copybook.dialect import DIALECTS
from contracts.legacy.copybook.source import Form
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Compression, LineEnd, Recfm

__all__ = ["described", "described_if_named"]

_FRAMING = (
    *("recfm", "lrecl", "rdw", "rdw_includes_header", "rdw_adjust", "header_bytes", "footer_bytes"),
    *("header_records", "trailer_records", "line_end", "final_line_end", "compression"),
)


def _options(
    spec: Annotated[Path | None, typer.Option(help="YAML file with all of this; options here go before it.")] = None,
    copybook: Annotated[Path | None, typer.Option(help="The copybook that describes a record.")] = None,
    copies: Annotated[list[Path] | None, typer.Option("--copies", "-I", help="Folder of what is copied.")] = None,
    record: Annotated[str | None, typer.Option(help="The record, where there are several of level 01.")] = None,
    copybook_format: Annotated[Form | None, typer.Option("--format", help="Reference format of the copybook.")] = None,
    copybook_encoding: Annotated[str | None, typer.Option(help="Encoding of the copybook's text.")] = None,
    decimal_comma: Annotated[
        bool | None, typer.Option("--decimal-comma/--decimal-point", help="Whether DECIMAL-POINT IS COMMA.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(metavar="D", help="Compiler: " + ", ".join(DIALECTS) + ".")] = None,
    encoding: Annotated[str | None, typer.Option(help="Code page of the data: cp037, cp1141, ascii …")] = None,
    float_: Annotated[Literal["ibm", "ieee"] | None, typer.Option("--float", help="Format of COMP-1, COMP-2.")] = None,
    odo: Annotated[Literal["shift", "max"] | None, typer.Option(help="Room of tables with a counter.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="FIELD", help="Field that tells a record's group.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="VALUE=GROUP", help="A value of it, and the group.")
    ] = None,
    parent: Annotated[
        list[str] | None, typer.Option(metavar="CHILD=PARENT", help="A group, and the one that it stands below.")
    ] = None,
    record_ids: Annotated[
        bool | None, typer.Option("--record-ids/--no-record-ids", help="Each record gets ids, ordinal and offset.")
    ] = None,
    id_prefix: Annotated[str | None, typer.Option(metavar="TEXT", help="What the ids begin with.")] = None,
    conditions: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD[=UNNAMED]", help="Tell its condition name (88); all; error, null or value."),
    ] = None,
    recfm: Annotated[Recfm | None, typer.Option(help="Record format; none: the record tells its length.")] = None,
    lrecl: Annotated[int | None, typer.Option(help="Bytes of a record (F, FB), or of the longest one.")] = None,
    rdw: Annotated[Literal["big", "little"] | None, typer.Option(help="Byte order of descriptor words.")] = None,
    rdw_includes_header: Annotated[
        bool | None,
        typer.Option("--rdw-includes-header/--rdw-excludes-header", help="Whether lengths count the word."),
    ] = None,
    rdw_adjust: Annotated[int | None, typer.Option(help="Added to each record's length.")] = None,
    header_bytes: Annotated[int | None, typer.Option(help="Bytes before the first record.")] = None,
    footer_bytes: Annotated[int | None, typer.Option(help="Bytes after the last record.")] = None,
    header_records: Annotated[int | None, typer.Option(help="Records at the beginning that are headers.")] = None,
    trailer_records: Annotated[int | None, typer.Option(help="Records at the end that are trailers.")] = None,
    line_end: Annotated[LineEnd | None, typer.Option(help="LS: what ends a line.")] = None,
    final_line_end: Annotated[
        Literal["required", "optional"] | None,
        typer.Option(help="LS: whether the last line needs its end; optional without --spec."),
    ] = None,
    compression: Annotated[Compression | None, typer.Option(help="How the file is compressed; auto looks.")] = None,
) -> None:
    """Declare what `described` adds to a command."""


def described(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, and call it with the description that they make as `spec`."""
    return _given(command, is_needed=True)


def described_if_named(command: Callable[..., None]) -> Callable[..., None]:
    """Do the same for a command that goes without: `spec` is None where no option is given."""
    return _given(command, is_needed=False)


def _given(command: Callable[..., None], *, is_needed: bool) -> Callable[..., None]:
    shared = inspect.signature(_options).parameters
    own = {name: each for name, each in inspect.signature(command).parameters.items() if name != "spec"}

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - what typer has read
        options = {name: given.pop(name) for name in shared}
        is_told = any(value not in (None, []) for value in options.values())
        command(spec=_spec(options, looks=is_needed) if is_needed or is_told else None, **given)

    needed = [each for each in own.values() if each.default is inspect.Parameter.empty]
    others = [each for each in own.values() if each.default is not inspect.Parameter.empty]
    # What typer reads instead of the wrapper's own.
    vars(run)["__signature__"] = inspect.Signature([*needed, *shared.values(), *others])
    return run


def _spec(options: Mapping[str, Any], *, looks: bool) -> FileSpec:
    given = {name.rstrip("_"): value for name, value in options.items() if value not in (None, [])}
    path, segment = given.pop("spec", None), given.pop("segment", None)
    pairs, parents = given.pop("map", []), given.pop("parent", [])
    if "conditions" in given:
        pairs_of = (each.partition("=") for each in given["conditions"])
        given["conditions"] = {field: unnamed or Unnamed.ERROR.value for field, _, unnamed in pairs_of}
    framing = {name: given.pop(name) for name in _FRAMING if name in given}
    if path is None and looks and framing.get("recfm") is Recfm.LS:
        framing.setdefault("final_line_end", "optional")  # somebody looks; an adapter asks for the proof
    if framing:
        given["framing"] = framing
    if segment is not None or pairs or parents:
        given["segments"] = [_segment(segment, pairs, parents)]
    if path is None and "copybook" not in given:
        raise ConfigError(["expected --copybook FILE, or --spec FILE that names it"])
    return read_spec(path, given)


def _segment(field: str | None, pairs: list[str], parents: list[str]) -> dict[str, Any]:
    if field is None or not pairs:
        also = " and --parent CHILD=PARENT" if parents else ""
        raise ConfigError([f"--segment FIELD goes together with --map VALUE=GROUP, once for each value{also}"])
    groups = {value: group.upper() for value, group in _named(pairs, "--map", "VALUE=GROUP", key="value").items()}
    named = _named([each.upper() for each in parents], "--parent", "CHILD=PARENT", key="child")
    return {"field": field, "map": groups, "parents": named}


def _named(pairs: list[str], option: str, shape: str, *, key: str) -> dict[str, str]:
    named = [pair.partition("=") for pair in pairs]
    if wrong := [pair for pair, (_, equals, _) in zip(pairs, named, strict=True) if not equals]:
        raise ConfigError(f"{option} {pair}: expected {shape}" for pair in wrong)
    keys = [each for each, _, _ in named]
    if twice := sorted({each for each in keys if keys.count(each) > 1}):
        raise ConfigError(f"{option} {each}: expected each {key} once" for each in twice)
    return {each: value for each, _, value in named}
