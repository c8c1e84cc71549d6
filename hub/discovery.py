"""Finds the adapters: files that the settings name, and packages that offer some.

An adapter file is plain Python with a module variable `adapter`. A package offers adapters as entry points
of the group `banyan.adapters.v1`; a broken one is told and skipped, since it is not this hub's to fix.
"""

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self, runtime_checkable

import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypeIs

from contracts.errors import ConfigError
from contracts.event import Event
from contracts.ports import Source
from hub.settings import AdapterSettings

__all__ = ["GROUP", "Adapter", "discover", "loaded"]

GROUP = "banyan.adapters.v1"
_NO_ADAPTERS = ("_", "test_", "conftest.")
"""What the names of files begin with that stand beside adapters: tests are where what they test is."""
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@runtime_checkable
class Adapter(Source, Protocol):
    """A source that can be configured and checked; what an adapter file's `adapter` is."""

    def configured(self, changes: Mapping[str, Any]) -> Self:
        """Return the same adapter with these settings changed.

        Raises:
            ValueError: A setting is unknown or does not fit; pydantic's `ValidationError` is one.
        """
        ...

    async def check(self) -> list[str]:
        """Return what would keep it from working, one sentence each; it asks the legacy system, too."""
        ...


def discover(settings: AdapterSettings) -> dict[str, Adapter]:
    """Return the adapters by name, with this environment's settings applied.

    Raises:
        ConfigError: Files that can't be loaded, names that stand twice, event types that two models have,
            settings that don't fit: all at once.
    """
    problems: list[str] = []
    found: dict[str, Adapter] = {}
    places: dict[str, str] = {}
    for path in _files(settings.files, problems):
        _add(found, _from_file(path, problems), where=str(path), problems=problems, places=places)
    for adapter, where in _from_packages():
        _add(found, adapter, where=where, problems=problems, places=places)
    problems += [
        f"adapters.config.{name}: no adapter of that name; there are: {', '.join(found) or 'none'}"
        for name in sorted(settings.config.keys() - found.keys())
    ]
    configured = {
        name: _configured(adapter, settings.config.get(name), problems) for name, adapter in sorted(found.items())
    }
    if problems:
        raise ConfigError(problems)
    return configured


def _files(paths: tuple[Path, ...], problems: list[str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.glob("*.py") if not p.name.startswith(_NO_ADAPTERS))
        elif path.is_file():
            yield path
        else:
            problems.append(f"adapters.files: {path}: there is no such file or folder")


def _from_file(path: Path, problems: list[str]) -> Adapter | None:
    module = loaded(path, problems, kind="adapter")
    if module is None:
        return None
    adapter = getattr(module, "adapter", None)
    if not _is_adapter(adapter):
        problems.append(f"{path}: expected a variable `adapter` with name, read, configured and check")
        return None
    return adapter


def loaded(path: Path, problems: list[str], *, kind: str) -> ModuleType | None:
    """Return the module of a Python file; what is wrong with it is added to the problems, with its line."""
    name = f"banyan_{kind}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        problems.append(f"{path}: is no Python file")
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - whatever somebody's file raises is told with its line
        del sys.modules[name]
        problems += [f"{path}:{_line(error, path)}: {problem}" for problem in _problems(error)]
        return None
    return module


def _is_adapter(found: object) -> TypeIs[Adapter]:
    return isinstance(found, Adapter) and not isinstance(found, type)


def _problems(error: Exception) -> list[str]:
    """Return what is wrong, one sentence each; never the values, since a secret may be among them."""
    if isinstance(error, ConfigError):
        return list(error.problems)
    if not isinstance(error, ValidationError):
        return [f"{type(error).__name__}: {error}"]
    return [f"{'.'.join(map(str, (error.title, *each['loc'])))}: {_said(each)}" for each in error.errors()]


def _said(detail: ErrorDetails) -> str:
    return "unknown setting" if detail["type"] == "extra_forbidden" else detail["msg"].removeprefix("Value error, ")


def _line(error: Exception, path: Path) -> int:
    names = {str(path), str(path.absolute())}  # Python's import may make it absolute
    if isinstance(error, SyntaxError) and error.filename in names:
        return error.lineno or 1
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in names]
    return (frames[-1].lineno or 1) if frames else 1


def _from_packages() -> Iterator[tuple[Adapter | None, str]]:
    for point in entry_points(group=GROUP):
        try:
            adapter = point.load()
        except Exception as error:  # noqa: BLE001 - a broken package must not stop the others
            _log.warning("adapter skipped", source=point.name, reason=f"{type(error).__name__} in {point.value}")
            continue
        if _is_adapter(adapter):
            yield adapter, point.value
        else:
            _log.warning("adapter skipped", source=point.name, reason=f"{point.value} is no adapter")


def _add(
    found: dict[str, Adapter], adapter: Adapter | None, *, where: str, problems: list[str], places: dict[str, str]
) -> None:
    if adapter is None:
        return
    if adapter.name in found:
        problems.append(f"{where}: there is another adapter of the name {adapter.name!r}")
        return
    if (other := _other_of_its_type(found, adapter)) is not None:
        model, its = _model(adapter), f"{other!r} ({places[other]})"
        said = f"the event type {getattr(model, 'type', '')} has another model in adapter {its}"
        problems.append(f"{where}: {getattr(model, '__name__', '')}: {said}; change one's `type`, or share the model")
    found[adapter.name], places[adapter.name] = adapter, where


def _other_of_its_type(found: Mapping[str, Adapter], adapter: Adapter) -> str | None:
    """Return an adapter whose events have the same type and are something else: who reads them can't tell which."""
    model = _model(adapter)
    for name, each in found.items():
        other = _model(each)
        if model is None or other is None or other is model or other.type != model.type:
            continue
        if other.model_json_schema(mode="serialization") != model.model_json_schema(mode="serialization"):
            return name
    return None


def _model(adapter: Adapter) -> type[Event] | None:
    model = getattr(adapter, "model", None)
    return model if isinstance(model, type) and issubclass(model, Event) and hasattr(model, "type") else None


def _configured(adapter: Adapter, changes: Mapping[str, Any] | None, problems: list[str]) -> Adapter:
    if not changes:
        return adapter
    try:
        return adapter.configured(changes)
    except ValidationError as error:
        for detail in error.errors():
            place = ".".join(map(str, ("adapters.config", adapter.name, *detail["loc"])))
            problems.append(f"{place}: {_said(detail)}")
    except (ValueError, ConfigError) as error:
        problems += [f"adapters.config.{adapter.name}: {problem}" for problem in _problems(error)]
    return adapter
