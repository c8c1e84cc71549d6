"""Settings: one YAML file plus the environment, read once, with every mistake told at once.

The file is `--config`, else `BANYAN_CONFIG`, else `banyan.yaml` in the working folder if it is there. A
variable wins over the file: `BANYAN_NAMESPACE`, and `BANYAN_KAFKA__BOOTSTRAP_SERVERS` for a nested one.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from contracts.errors import ConfigError
from events.archive import ArchiveSettings
from events.connection import Connection
from observability.tracing import Telemetry

__all__ = ["ENV_PREFIX", "AdapterSettings", "Settings", "load"]

ENV_PREFIX = "BANYAN_"
DEFAULT_FILE = Path("banyan.yaml")


class AdapterSettings(BaseModel):
    """Where the adapters are, and what differs in this environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    files: tuple[Path, ...] = ()
    """Adapter files, or folders of them."""
    config: Mapping[str, Mapping[str, Any]] = {}
    """Adapter name -> settings of its `Config` that replace those in its file."""


class Settings(BaseSettings):
    """All settings of one process."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
        cli_parse_args=False,
    )

    namespace: str = Field(default="banyan", pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=40)
    """Prefixes topics, consumer groups and transactional ids, so that environments share a cluster."""
    kafka: Connection = Connection(bootstrap_servers="127.0.0.1:9092")
    """The one connection of every client."""
    adapters: AdapterSettings = AdapterSettings()
    """The adapters of this process."""
    telemetry: Telemetry = Telemetry()
    """Where traces and metrics go."""
    archive: ArchiveSettings | None = None
    """Where original bytes are kept; nowhere without it."""
    data: Path = Path(".banyan")
    """Folder of this process: trace store, inboxes."""
    key_secret: SecretStr | None = None
    """Secret of the keyed hashes that stand for personal keys in logs and traces; 16 bytes at least."""
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    """The lowest level that is logged."""

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - the library's signature
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose values come as arguments."""
        return env_settings, init_settings

    @property
    def trace_store(self) -> Path:
        """Return the file that `banyan trace` reads."""
        return self.telemetry.trace_store or self.data / "traces.sqlite"


def load(file: Path | None = None, *, environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: Every mistake, one sentence each, with file, line and fix.
    """
    chosen = file or (Path(environ["BANYAN_CONFIG"]) if "BANYAN_CONFIG" in environ else None)
    if chosen is None and not DEFAULT_FILE.is_file():
        return _validated({}, source=None, lines={})
    path = chosen or DEFAULT_FILE
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values: object = yaml.safe_load(text) or {}
    except OSError as error:
        raise ConfigError([f"{path}: can't be read: {error.strerror}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: is no YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(values, dict):
        raise ConfigError([f"{path}:1: expected settings as `name: value`, found a {type(values).__name__}"])
    return _validated(cast("dict[str, Any]", values), source=path, lines=_lines(node))


def _validated(values: dict[str, Any], *, source: Path | None, lines: Mapping[tuple[str, ...], int]) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_problem(detail, source, lines) for detail in error.errors()) from None


def _problem(detail: ErrorDetails, source: Path | None, lines: Mapping[tuple[str, ...], int]) -> str:
    """Return one mistake as a sentence: where, which setting, what is wrong, and the fix where it is known."""
    path = tuple(str(part) for part in detail["loc"])
    name = ".".join(path)
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    if line is not None:
        where = f"{source}:{line}: "
    else:
        where = "" if detail["type"] == "missing" else f"{ENV_PREFIX}{'__'.join(path).upper()}: "
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _names(path[:-1]), n=1)
        return f"{where}{name}: unknown setting" + (f"; did you mean {near[0]!r}?" if near else "")
    if detail["type"] == "missing":
        return f"{where}{name}: is missing; set it in the file or as {ENV_PREFIX}{'__'.join(path).upper()}"
    return f"{where}{name}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _names(path: tuple[str, ...]) -> list[str]:
    """Return the settings that there are below a path."""
    model: type[BaseModel] = Settings
    for part in path:
        field = model.model_fields.get(part)
        annotation = field.annotation if field is not None else None
        options = (annotation, *getattr(annotation, "__args__", ()))
        models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not models:
            return []
        model = models[0]
    return list(model.model_fields)


def _lines(node: yaml.Node | None, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Return the line of every setting, by its path."""
    found: dict[tuple[str, ...], int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            found[inner] = key.start_mark.line + 1
            found |= _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*path, str(index))
            found[inner] = value.start_mark.line + 1
            found |= _lines(value, inner)
    return found
