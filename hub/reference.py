"""Writes the reference pages from the code: `python -m hub.reference`, and `--check` that they are current."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel
from typer.core import TyperGroup
from typer.main import get_group
from typer.testing import CliRunner

import adapters
from adapters.outbound import OutboundSpec
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.soap.divergence.rules import Rules
from hub.cli.lazy import Lazy
from hub.cli.root import app
from hub.settings import ENV_PREFIX, Settings
from observability import fields

__all__ = ["command_groups", "main", "pages"]

_FOLDER: Final = Path(__file__).parent.parent / "docs" / "reference"
_NOTE: Final = "<!-- Written by `make docs`; do not edit. -->\n\n"


def pages() -> dict[str, str]:
    """Return the text of each page, by file name."""
    written: dict[str, Callable[[], Iterator[str]]] = {
        "configuration.md": _configuration,
        "adapters.md": _adapters,
        "cli.md": _cli,
        "divergence.md": _divergence,
        "files.md": _files,
        "outbound.md": _outbound,
        "telemetry.md": _telemetry,
    }
    return {name: _NOTE + "\n".join(page()).rstrip() + "\n" for name, page in written.items()}


def main(arguments: list[str]) -> int:
    """Write the pages, or tell which are not current."""
    check = "--check" in arguments
    stale = [name for name, text in pages().items() if not _is(_FOLDER / name, text)]
    for name in stale:
        if check:
            print(f"docs/reference/{name} is not current: run `make docs`", file=sys.stderr)  # noqa: T201
        else:
            _FOLDER.mkdir(parents=True, exist_ok=True)
            (_FOLDER / name).write_text(pages()[name], encoding="utf-8")
    return 1 if check and stale else 0


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _configuration() -> Iterator[str]:
    yield "# Settings\n"
    yield "One YAML file (`--config`, else `BANYAN_CONFIG`, else `./banyan.yaml`), and the environment, which wins:"
    yield f"`kafka.bootstrap_servers` is `{ENV_PREFIX}KAFKA__BOOTSTRAP_SERVERS`. A mistake ends the process with exit"
    yield "code 2 and tells file, line and fix.\n"
    yield from _model_table(Settings)


def _adapters() -> Iterator[str]:
    yield "# Adapter settings\n"
    yield "What `Config` takes, for each kind of adapter. Settings under `adapters.config.NAME` replace them."
    names = {m.name for m in pkgutil.iter_modules(adapters.__path__) if not m.name.startswith("_")}
    for module in sorted(names - {"outbound"}):  # goes the other way, and is described by a file
        kind = importlib.import_module(f"adapters.{module}")
        yield f"\n## {module}\n"
        yield (kind.__doc__ or "").strip() + "\n"
        yield from _model_table(kind.Config)


def _files() -> Iterator[str]:
    yield "# Descriptions of files\n"
    yield "What `banyan copybook decode --spec` and `encode --spec` take as YAML; their options are among these."
    yield "Guide: [files of records](../guides/framing.md).\n"
    yield from _model_table(FileSpec)


def _outbound() -> Iterator[str]:
    yield "# Descriptions of outbound files\n"
    yield "What the YAML files take that the setting `outbound` names. What `file` takes is that of"
    yield "[descriptions of files](files.md). Guide: [outbound files](../guides/outbound.md).\n"
    yield from _model_table(OutboundSpec)


def _divergence() -> Iterator[str]:
    yield "# Rules of a comparison\n"
    yield "What `banyan wsdl compare --rules` takes as YAML. A path begins at the element in the SOAP Body, by local"
    yield "names: `/ListResponse/resident/born`, an attribute as `/ListResponse/@total`. `*` stands for any name, and"
    yield "`//born` for that name at any depth. Faults are at `/Fault/code`, `/Fault/text`, `/Fault/actor` and"
    yield "`/Fault/detail/…`, headers at `/Header/…`. A path that the contract has not is refused.\n"
    yield from _model_table(Rules)


def _model_table(model: type[BaseModel]) -> Iterator[str]:
    yield "| setting | type | default | meaning |"
    yield "|---|---|---|---|"
    schema = model.model_json_schema()
    yield from _rows(schema, schema.get("$defs", {}), prefix="")


def _rows(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, prefix: str) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        inner = _object(field, definitions)
        default = "required" if name in required else f"`{_shown(field.get('default'))}`"
        meaning = " ".join(str(field.get("description", "")).split()).replace("|", "\\|")
        each = next(iter(field.get("patternProperties", {}).values()), field.get("additionalProperties"))
        named = _object(cast("Mapping[str, Any]", each), definitions) if isinstance(each, Mapping) else None
        if named is not None and "properties" in named:
            yield f"| `{prefix}{name}` | by name | {default} | {meaning} |"
            yield from _rows(named, definitions, prefix=f"{prefix}{name}.NAME.")
        elif kinds := field.get("items", {}).get("oneOf"):
            yield f"| `{prefix}{name}` | list | {default} | {meaning} |"
            for kind in filter(None, (_object(each, definitions) for each in kinds)):
                yield from _kind(kind, definitions, prefix=f"{prefix}{name}[]", by=field["items"]["discriminator"])
        elif (entry := _object(field.get("items", {}), definitions)) is not None and "properties" in entry:
            yield f"| `{prefix}{name}` | list | {default} | {meaning} |"
            yield from _rows(entry, definitions, prefix=f"{prefix}{name}[].")
        elif inner is None or "properties" not in inner:
            yield f"| `{prefix}{name}` | {_type(field)} | {default} | {meaning} |"
        else:
            yield from _rows(inner, definitions, prefix=f"{prefix}{name}.")


def _kind(
    kind: Mapping[str, Any], definitions: Mapping[str, Any], *, prefix: str, by: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the rows of one kind of a list's entries; a property tells which kind an entry is."""
    told = str(by["propertyName"])
    meaning = " ".join(str(kind.get("description", "")).split())
    yield f"| `{prefix}.{told}` | `{kind['properties'][told]['const']}` | required | {meaning} |"
    rest = {name: field for name, field in kind["properties"].items() if name != told}
    yield from _rows({**kind, "properties": rest}, definitions, prefix=f"{prefix}.")


def _object(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for option in (field, *field.get("anyOf", ())):
        if "$ref" in option:
            return cast("Mapping[str, Any]", definitions[option["$ref"].rpartition("/")[2]])
    return None


def _shown(value: object) -> str:
    text = "none" if value is None else str(value)
    return text.replace("|", "\\|")


def _type(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"] if option.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    return str(field.get("format") or field.get("type") or field.get("const") or "any")


def _cli() -> Iterator[str]:
    yield "# Command line\n"
    yield "Exit codes: 0 done; 1 failed; 2 wrong settings or usage; 3 done, but not all of it is right: there were dead"
    yield "letters (`copybook decode`, `encode`), or what else the command says of 3; 4 fenced by a newer instance (do"
    yield "not restart)."
    yield from _help([])
    groups = command_groups()
    for group, commands in sorted(groups.items()):
        yield from _help([group])
        for name in commands:
            yield from _help([group, name])
    for name in get_group(app).commands:
        if name not in groups:
            yield from _help([name])


def command_groups() -> dict[str, list[str]]:
    """Return the groups of commands, with the names of their commands."""
    stands = {name: each for name, each in get_group(app).commands.items() if isinstance(each, Lazy)}
    loaded = {name: each.load() for name, each in stands.items()}
    return {name: list(each.commands) for name, each in loaded.items() if isinstance(each, TyperGroup)}


def _help(path: list[str]) -> Iterator[str]:
    shown = CliRunner().invoke(app, [*path, "--help"], prog_name="banyan", env={"COLUMNS": "100", "TERM": "dumb"})
    yield f"\n## `{' '.join(['banyan', *path])}`\n"
    yield "```text"
    yield "\n".join(line.rstrip() for line in shown.output.splitlines()).strip()
    yield "```"


def _telemetry() -> Iterator[str]:
    yield "# Telemetry\n"
    yield "Names follow OpenTelemetry's semantic conventions; ours start with `banyan.`. No personal data is in any of"
    yield "them: a key appears as a keyed hash (HMAC, `key_secret` of the settings).\n"
    yield "## Spans\n\n| operation | covers |\n|---|---|"
    for name, meaning in fields.SPANS.items():
        yield f"| `{name}` | {meaning} |"
    yield "\n## Attributes\n\n| attribute | meaning |\n|---|---|"
    for name, meaning in fields.ATTRIBUTES.items():
        yield f"| `{name}` | {meaning} |"
    yield "\n## Metrics\n\n| metric | kind | unit | meaning |\n|---|---|---|---|"
    for name, metric in fields.METRICS.items():
        yield f"| `{name}` | {metric.kind} | `{metric.unit}` | {metric.description} |"
    yield "\n## Log fields\n\n| field | meaning |\n|---|---|"
    for name, meaning in fields.LOG_FIELDS.items():
        yield f"| `{name}` | {meaning} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
