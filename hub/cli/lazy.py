"""Commands that are imported when they are called, so that none waits for what the others need."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group
from typing_extensions import override

__all__ = ["Lazy", "Place", "lazily"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is, and what a list of commands says of it."""

    module: str
    name: str
    """A function, or the module's `app` of several commands."""
    help: str


class Lazy(TyperCommand):
    """Stands for a command until that is called; lists and completion of names need no more."""

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, help=place.help)
        self._place: Final = place

    def load(self) -> TyperCommand | TyperGroup:
        """Import the command itself."""
        found = getattr(importlib.import_module(self._place.module), self._place.name)
        app = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=self.name, help=self._place.help)
        else:
            app.command(self.name)(found)
        [command] = get_group(app).commands.values()
        return cast("TyperCommand | TyperGroup", command)

    @override
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the arguments of the command itself, which is also what runs then."""
        return self.load().make_context(info_name, args, parent, **extra)


def lazily(places: Mapping[str, Place]) -> type[TyperGroup]:
    """Return what Typer makes a group of (`cls`): it has these commands after its own."""

    class Group(TyperGroup):
        def __init__(self, **given: Any) -> None:  # noqa: ANN401 - whatever Typer gives a group
            super().__init__(**given)
            self.commands.update((name, Lazy(name, place)) for name, place in places.items())

    return Group
