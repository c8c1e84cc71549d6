"""What is shown of a value that may be personal: its shape, as COBOL pictures have it, never three of its characters.

Upper-case letters show as `X`, all others as `x`, digits as `9`, and how many; signs and single blanks stay.
"""

import string
import unicodedata
from itertools import groupby
from typing import Final

__all__ = ["masked", "shape"]

_LEAST_COUNTED: Final = 3
_MOST_SHOWN: Final = 48
_MOST_READ: Final = 256
_MOST_RUNS: Final = 8
_KEPT: Final = frozenset(string.punctuation + " ")
_GRAM: Final = 3


def masked(text: str) -> str:
    """Return what may be shown of a text.

    No three characters of it in a row are shown, not even by chance; long ones end in their length.

    >>> masked("Ada Lovelace"), masked("2020-01-01"), masked(""), masked("R12345678")
    ('Xxx Xx(7)', '9(4)-99-99', '', 'X9(8)')
    """
    shown = "".join(_counted(kind, len([*run])) for kind, run in groupby(map(_kind, text[:_MOST_READ])))
    if len(shown) > _MOST_SHOWN or len(text) > _MOST_READ:
        shown = f"{shown[:_MOST_SHOWN]}… {len(text)}"
    return next(each for each in (shown, f"{len(text)} long", "?") if not _shows(each, text))


def shape(text: str) -> str:
    """Return the pattern by which differences are gathered: without lengths, so that all names have a few.

    >>> shape("Ada Lovelace"), shape("Grace Hopper"), shape("2020-01-01"), shape("-1.50")
    ('Xx Xx', 'Xx Xx', '9-9-9', '-9.9')
    """
    runs = [kind for kind, _ in groupby(map(_kind, text[:_MOST_READ]))]
    found = "".join(runs[:_MOST_RUNS]) + ("…" if len(runs) > _MOST_RUNS or len(text) > _MOST_READ else "")
    return "*" if _shows(found, text) else found


def _counted(kind: str, times: int) -> str:
    return kind * times if times < _LEAST_COUNTED else f"{kind}({times})"


def _kind(character: str) -> str:
    if character in _KEPT:
        return character
    category = unicodedata.category(character)
    if category[0] == "L":
        return "X" if category == "Lu" else "x"
    if category[0] == "N":
        return "9"
    # Marks show how letters are composed; blanks that are none for XML are the classic of a difference nobody sees.
    return "^" if category[0] == "M" else "¬" if character.isspace() else "·"


def _shows(shown: str, text: str) -> bool:
    return any(shown[at : at + _GRAM] in text for at in range(len(shown) - _GRAM + 1))
