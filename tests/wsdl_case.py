"""A known change of the registry's contract, with what is to be told of it, there and back."""

from dataclasses import dataclass, field
from typing import Final

from tests.wsdl_edits import Edit

CALLERS: Final = ("breaking for callers",)
READERS: Final = ("breaking for readers",)
BOTH: Final = (*CALLERS, *READERS)
FINE: Final = ("compatible",)
NOTE: Final = ("note",)

Told = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Edits before and after, and what changed between them."""

    new: tuple[Edit, ...]
    forth: tuple[Told, ...]
    old: tuple[Edit, ...] = ()
    back: tuple[Told, ...] = field(default=())
    """What is told the other way round; nothing where that is not looked at."""
