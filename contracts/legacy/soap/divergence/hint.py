"""In what two values that differ are still alike, and so which rule would call them equal; tells neither of them."""

import unicodedata
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Final

from contracts.legacy.soap import moments, scalar
from contracts.legacy.soap.moments import Duration, Moment

__all__ = ["hint"]

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_MOST_ZONE: Final = 14 * _HOUR
_TIMES: Final = ((1, "less than a second"), (_MINUTE, "seconds"), (_HOUR, "minutes"), (_DAY, "hours"))
_LEAST, _MOST = -6, 9


def hint(values: tuple[Hashable, Hashable], texts: tuple[str, str]) -> str:
    """Return a few words on how two values differ; empty where there is nothing to say.

    Distances are told as orders of magnitude, or as hours where the cause may be a time zone.

    >>> hint(("Ada", "ADA"), ("Ada", "ADA")), hint(("1.50", "1.51"), ("1.50", "1.51"))
    ('case only', 'by about 10^-2')
    """
    left, right = map(scalar.bare, values)
    if isinstance(left, Moment | Duration) and isinstance(right, Moment | Duration):
        return _times(left, right)
    one, other = scalar.number(left), scalar.number(right)
    if one is not None and other is not None:
        return _numbers(one, other)
    return _texts(*texts)


def _times(left: Moment | Duration, right: Moment | Duration) -> str:
    if isinstance(left, Moment) and isinstance(right, Moment) and left.has_zone != right.has_zone:
        return "one has no zone"
    apart = moments.apart(left, right)
    if apart is None:
        return ""
    if apart and apart <= _MOST_ZONE and apart % _HOUR == 0:
        return f"by {apart // _HOUR} h"
    return f"by {next((name for bound, name in _TIMES if apart < bound), 'days or more')}"


def _numbers(one: Decimal, other: Decimal) -> str:
    if not (one.is_finite() and other.is_finite()):
        return ""
    if one == other:
        return "the same number"
    if one == -other:
        return "sign only"
    # As a power: written out, it could be one of the values.
    return f"by about 10^{min(max((one - other).adjusted(), _LEAST), _MOST)}"


def _texts(left: str, right: str) -> str:
    if not left or not right:
        return ""
    return next((name for name, change in _WAYS.items() if change(left) == change(right)), "")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _plainest(text: str) -> str:
    return _composed(scalar.collapse(text).casefold())


_WAYS: Final[dict[str, Callable[[str], str]]] = {
    "blanks only": scalar.collapse,
    "case only": str.casefold,
    "Unicode form only": _composed,
    "case, blanks and Unicode form only": _plainest,
}
