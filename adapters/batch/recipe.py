"""How another process comes to the same adapter: it loads the module that has it, and takes the same configuration."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol, Self

from adapters.batch.chunk import Shape
from adapters.batch.config import Config

__all__ = ["Loadable", "Recipe", "loaded", "recipe_of"]

_TOLD: Final = ("copybook", "file", "where", "code_page", "record_length", "event_time")
"""What of a configuration says how records become events."""


class Loadable(Protocol):
    """An adapter, as far as it makes events of records."""

    config: Config

    def configured(self, changes: Mapping[str, object]) -> Self:
        """Return the same adapter with some of its configuration changed."""
        ...

    def shape(self) -> Shape:
        """Return how records become events; blocks."""
        ...

    def is_made_as(self, other: object) -> bool:
        """Tell whether another adapter makes the same events, but for its configuration."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Where an adapter stands."""

    module: str
    file: str | None
    """The module's file, which may be in no package."""
    variable: str
    changes: Mapping[str, Any]
    """Its configuration, where that says how records become events."""


def recipe_of(adapter: Loadable) -> Recipe | None:
    """Return where an adapter stands; None where no module has it as a variable, so that no process could load it."""
    for name, module in sorted(sys.modules.items()):
        if name in ("__main__", "__mp_main__"):
            continue
        # An import that somebody forbade stands there as None.
        for variable, found in list(getattr(module, "__dict__", {}).items()):
            if adapter.is_made_as(found):
                changes = {each: getattr(adapter.config, each) for each in _TOLD}
                file = getattr(module, "__file__", None)
                return Recipe(module=name, file=file, variable=variable, changes=changes)
    return None


def loaded(recipe: Recipe) -> Shape:
    """Return how records become events, in a process that has not loaded the adapter yet. Raises whatever that does."""
    adapter: Loadable = getattr(_module(recipe), recipe.variable)
    return adapter.configured(recipe.changes).shape()


def _module(recipe: Recipe) -> ModuleType:
    with suppress(ModuleNotFoundError, ValueError):
        if importlib.util.find_spec(recipe.module) is not None:
            return importlib.import_module(recipe.module)
    spec = importlib.util.spec_from_file_location(recipe.module, Path(recipe.file or ""))
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(recipe.module)
    module = importlib.util.module_from_spec(spec)
    sys.modules[recipe.module] = module
    spec.loader.exec_module(module)
    return module
