"""Settings: one YAML file plus the environment, read once, with every mistake told at once.

The file is `--config`, else `BANYAN_CONFIG`, else `banyan.yaml` in the working folder if it is there. A
variable wins over the file: `BANYAN_NAMESPACE`, and `BANYAN_KAFKA__BOOTSTRAP_SERVERS` for a nested one.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

from contracts.budget.settings import LegacySystem
from contracts.document import FieldPath, fields_below, place, read, refusal
from contracts.errors import ConfigError
from events.archive import ArchiveSettings
from events.connection import Connection
from events.limits import Limits
from observability.tracing import Telemetry
from routers.facade.settings import FacadeSettings

__all__ = ["ENV_PREFIX", "AdapterSettings", "OutboundSettings", "Settings", "load"]

ENV_PREFIX = "BANYAN_"
DEFAULT_FILE = Path("banyan.yaml")
_FILE_VARIABLE = f"{ENV_PREFIX}CONFIG"
_NESTED = "__"

SystemName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]


class AdapterSettings(BaseModel):
    """Where the adapters are, and what differs in this environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    files: tuple[Path, ...] = ()
    """Adapter files, or folders of them."""
    config: Mapping[str, Mapping[str, Any]] = Field(default={}, repr=False)
    """Adapter name -> settings of its `Config` that replace those in its file."""


class OutboundSettings(BaseModel):
    """Which files are sent, and what differs in this environment. A list is short for `files`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    files: tuple[Path, ...] = ()
    """Descriptions of the files that this process sends, in YAML or Python, or folders of them."""
    config: Mapping[str, Mapping[str, Any]] = Field(default={}, repr=False)
    """Name of an outbound file -> what replaces its description here: `remote.password`, `folder`."""

    @model_validator(mode="before")
    @classmethod
    def _take_a_list(cls, given: object) -> object:
        return {"files": cast("object", given)} if isinstance(given, (list, tuple)) else given


class Settings(BaseModel):
    """All settings of one process; `load` reads them, and nothing else reads the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    namespace: str = Field(default="banyan", pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)
    """Prefixes topics, consumer groups and transactional ids, so that environments share a cluster."""
    kafka: Connection = Connection(bootstrap_servers="127.0.0.1:9092")
    """The one connection of every client."""
    publishing: Limits = Limits()
    """How much of a source is one transaction, and how failures are waited out."""
    adapters: AdapterSettings = AdapterSettings()
    """The adapters of this process."""
    outbound: OutboundSettings = OutboundSettings()
    """The outbound files of this process."""
    telemetry: Telemetry = Telemetry()
    """Where traces and metrics go."""
    systems: Mapping[SystemName, LegacySystem] = {}
    """The legacy systems whose calls are bounded, by the name that adapters and backends give as `system`."""
    budget_folder: Path | None = None
    """Folder in which the processes of this machine share those bounds; `budget` in `data` by default. It has to be the
    same for all that call a system, on a local disk, and of one user."""
    archive: ArchiveSettings | None = None
    """Where original bytes are kept; nowhere without it."""
    facade: FacadeSettings | None = None
    """The strangler façade of this hub; none without it."""
    data: Path = Path(".banyan")
    """Folder of this process: trace store, health, inboxes."""
    key_secret: SecretStr | None = Field(default=None, min_length=16)
    """Secret of the keyed hashes that stand for personal keys in logs and traces; 16 characters at least."""
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    """The lowest level that is logged."""

    @property
    def trace_store(self) -> Path:
        """Return the file that `banyan trace` reads."""
        return self.telemetry.trace_store or self.data / "traces.sqlite"

    @property
    def health_file(self) -> Path:
        """Return the file that `banyan run` writes and `banyan health` reads."""
        return self.data / "health.json"


def load(file: Path | None = None, *, environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: Every mistake, one sentence each, with file, line and fix.
    """
    chosen = file or (Path(environ[_FILE_VARIABLE]) if environ.get(_FILE_VARIABLE) else None)
    values: dict[str, Any] = {}
    places: dict[FieldPath, str] = {}
    problems: list[str] = []
    if chosen is not None or DEFAULT_FILE.is_file():
        document = read(chosen or DEFAULT_FILE, what="settings")
        values, places, problems = document.values, document.places, [*document.problems]
    for variable, path in _variables(environ, problems):
        _put(values, path, environ[variable])
        places[path] = variable
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError([*problems, *(_problem(detail, places) for detail in error.errors())]) from None
    if problems:
        raise ConfigError(problems)
    return settings


def _variables(environ: Mapping[str, str], problems: list[str]) -> Iterator[tuple[str, FieldPath]]:
    """Yield the variables that are settings, outer ones first; others are not ours, unless they look misspelled."""
    for variable in sorted(environ):
        path = tuple(variable.removeprefix(ENV_PREFIX).lower().split(_NESTED))
        if not variable.startswith(ENV_PREFIX) or variable == _FILE_VARIABLE:
            continue
        if path[0] in Settings.model_fields:
            yield variable, path
        elif near := difflib.get_close_matches(path[0], Settings.model_fields, n=1, cutoff=0.8):
            meant = variable.replace(path[0].upper(), near[0].upper(), 1)
            problems.append(f"{variable}: unknown setting; did you mean {meant!r}?")


def _put(values: dict[str, Any], path: FieldPath, text: str) -> None:
    """Set one setting from the environment: text as it is, seconds as a number, lists and mappings as JSON."""
    field = fields_below(Settings, path[:-1]).get(path[-1])
    is_json = text.startswith(("{", "[")) or (field is not None and field.annotation is timedelta)
    for name in path[:-1]:
        inner = values.get(name)
        values[name] = values = dict(cast("dict[str, Any]", inner)) if isinstance(inner, dict) else {}
    value: object = text
    if is_json:
        with suppress(ValueError):
            value = json.loads(text)
    values[path[-1]] = value


def _problem(detail: ErrorDetails, places: Mapping[FieldPath, str]) -> str:
    """Return one mistake as a sentence: where, which setting, what is wrong, and the fix where it is known."""
    path = tuple(str(part) for part in detail["loc"])
    name, variable = ".".join(path), ENV_PREFIX + _NESTED.join(path).upper()
    where = place(path, places)
    if detail["type"] == "missing":
        return f"{where + ': ' if where else ''}{name}: is missing; set it in the file or as {variable}"
    return f"{where or variable}: {name}: {refusal(detail, Settings, noun='setting')}"
