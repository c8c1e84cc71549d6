"""Which of many names somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

__all__ = ["near"]

_MOST: Final = 20


def near(name: str, known: Iterable[str]) -> str:
    """Return names to choose from: all where they are few, else those that are most like it.

    >>> near("Fnd", ["Move", "Find"])
    'Find, Move'
    >>> near("getname", [f"Other{number}" for number in range(30)] + ["IMachine_getName"])
    'IMachine_getName and 30 others; did you mean IMachine_getName?'
    """
    names = sorted(set(known))
    if len(names) <= _MOST:
        return ", ".join(names) or "none"
    by_fold = {each.casefold(): each for each in names}
    within = [each for fold, each in by_fold.items() if name.casefold() in fold]
    like = [by_fold[fold] for fold in get_close_matches(name.casefold(), by_fold, n=_MOST)]
    found = [*dict.fromkeys([*sorted(within, key=len), *like])][:_MOST]
    shown = found or names[:_MOST]
    hint = f"; did you mean {found[0]}?" if found else ""
    return f"{', '.join(shown)} and {len(names) - len(shown)} others{hint}"
