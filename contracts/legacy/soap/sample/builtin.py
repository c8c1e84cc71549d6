"""Likely texts for the built-in types, best first; whoever asks checks each against the type's facets."""

import base64
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final

from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.sample.words import is_about, word

__all__ = ["Bounds", "likely"]

_YEAR: Final = frozenset({"year", "ar", "jahr", "anno"})
_SMALL: Final = frozenset({"count", "age", "size", "quantity", "limit", "page", "antall", "version"})
_BIRTH: Final = frozenset({"birth", "born", "birthdate", "foedt", "geburt", "nascita"})
_EPOCH: Final = datetime(2024, 1, 1, 8, 0, tzinfo=UTC)
_DAYS: Final = 700
_DAYS_OF_LIVES: Final = 25_000
_PLACES: Final = 2
_WIDTH: Final = 1000
_ZONES: Final = ("Z", "Z", "+01:00", "+02:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the facets of a type say; None where nothing."""

    least_length: int = 0
    most_length: int | None = None
    low: str | None = None
    high: str | None = None
    is_low_out: bool = False
    """The low bound itself is not allowed."""
    is_high_out: bool = False
    digits: int | None = None
    fraction: int | None = None


def likely(primitive: str, name: str, bounds: Bounds) -> Callable[[Draw], Iterator[str]]:
    """Return what yields texts for a primitive type: the likeliest first, none twice for ever.

    Args:
        primitive: Its local name; `integer` for all that are whole numbers, and derived types of text by their own.
        name: What the value is called, for a text that fits.
        bounds: What the type allows.
    """
    write = _WRITERS.get(primitive, _texts)
    return lambda draw: write(name, bounds, draw)


def _texts(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    most = bounds.most_length
    for attempt in range(8):
        text = word(name, draw.at(attempt))
        while len(text) < bounds.least_length:
            text = f"{text} {word(name, draw.at(attempt, len(text)))}"
        if most is not None and len(text) > most:
            whole = text[:most].rpartition(" ")[0]
            text = whole if len(whole) >= max(bounds.least_length, 1) else text[:most]
        if len(text.strip()) >= bounds.least_length:
            yield text.strip()
        yield text.replace(" ", "")[: most or None]
    size = max(bounds.least_length, min(3, most if most is not None else 3))
    yield "".join(draw.at(place).pick("ABCDEFGHJKLMNPQRSTUVWXYZ") for place in range(size))
    yield "".join(draw.at(place).pick("0123456789") for place in range(size))


def _names(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    return (text.replace(" ", "-").replace("@", ".").replace("+", "") for text in _texts(name, bounds, draw))


def _tokens_of_one(choices: str) -> Callable[[str, Bounds, Draw], Iterator[str]]:
    given = choices.split()

    def write(_name: str, _bounds: Bounds, draw: Draw) -> Iterator[str]:
        start = draw.below(len(given))
        return iter((*given[start:], *given[:start]))

    return write


def _truths(_name: str, _bounds: Bounds, draw: Draw) -> Iterator[str]:
    yield draw.pick(("true", "false"))
    yield from ("true", "false", "1", "0")


def _whole(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    usual = (1950, 2025) if is_about(name, _YEAR) else (1, 20) if is_about(name, _SMALL) else (1, 9999)
    low, high = _window(usual, bounds, scale=0)
    for attempt in range(4):
        yield str(draw.between(low, high, str(attempt)))
    yield str(low)
    yield str(high)


def _decimals(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    places = _PLACES if bounds.fraction is None else min(_PLACES, bounds.fraction)
    low, high = _window((1, 1000), bounds, scale=places)
    for attempt in range(4):
        yield str(Decimal(draw.between(low, high, str(attempt))).scaleb(-places))
    yield from _whole(name, bounds, draw)
    yield from (text for text in (bounds.low, bounds.high) if text is not None)
    if bounds.low is not None and bounds.high is not None:
        yield str((Decimal(bounds.low) + Decimal(bounds.high)) / 2)


def _window(usual: tuple[int, int], bounds: Bounds, *, scale: int) -> tuple[int, int]:
    """Return where the usual meets what is allowed, in units of the last place."""
    unit = 10**scale
    least = most = None
    if bounds.low is not None:
        low = Decimal(bounds.low).scaleb(scale)
        least = math.floor(low) + 1 if bounds.is_low_out else math.ceil(low)
    if bounds.high is not None:
        high = Decimal(bounds.high).scaleb(scale)
        most = math.ceil(high) - 1 if bounds.is_high_out else math.floor(high)
    if bounds.digits is not None:
        widest = 10**bounds.digits - 1
        least, most = max(-widest, -widest if least is None else least), min(widest, widest if most is None else most)
    first, last = usual[0] * unit, usual[1] * unit
    first, last = max(first, first if least is None else least), min(last, last if most is None else most)
    if first <= last:
        return first, last
    if least is not None and (most is None or least > usual[1] * unit):
        return least, min(least + _WIDTH, least + _WIDTH if most is None else max(most, least))
    highest = 0 if most is None else most
    return max(highest - _WIDTH, highest - _WIDTH if least is None else min(least, highest)), highest


def _floats(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    yield from _decimals(name, bounds, draw)
    yield from ("INF", "-INF")


def _bytes_of(encode: Callable[[bytes], str]) -> Callable[[str, Bounds, Draw], Iterator[str]]:
    def write(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
        size = max(bounds.least_length, 12 if bounds.most_length is None else min(12, bounds.most_length))
        for attempt in range(3):
            text = ""
            while len(text) < size:
                text += word(name, draw.at(attempt, len(text))) + " "
            yield encode(text.encode("ascii")[:size])

    return write


def _times(shape: str, *, zoned: bool) -> Callable[[str, Bounds, Draw], Iterator[str]]:
    """Return what writes a point in time in one of the shapes of XML Schema, near the bounds where there are any."""

    def write(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
        if is_about(name, _BIRTH):
            start, days = datetime(1940, 1, 1, tzinfo=UTC), _DAYS_OF_LIVES
        else:
            start, days = _EPOCH, _DAYS
        first = draw.pick(_ZONES, "zone") if zoned else ""
        for attempt in range(2):
            moment = start + timedelta(days=draw.below(days, f"{attempt}"), seconds=60 * draw.below(600, "time"))
            yield from (moment.strftime(shape) + zone for zone in (first, "Z", "", "+01:00"))
        yield from _near(bounds, shape)

    return write


def _near(bounds: Bounds, shape: str) -> Iterator[str]:
    for bound, sign in ((bounds.low, 1), (bounds.high, -1)):
        if bound is None:
            continue
        yield bound
        try:
            moment = datetime.strptime(bound.removesuffix("Z")[:19].partition("+")[0], shape)  # noqa: DTZ007 - its own zone
        except ValueError:
            continue
        for step in (timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1), timedelta(days=31)):
            yield (moment + sign * step).strftime(shape)
            yield (moment + sign * step).strftime(shape) + "Z"


def _years(_name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    yield str(draw.between(1990, 2025))
    yield from _near(bounds, "%Y")
    for bound, step in ((bounds.low, 1), (bounds.high, -1)):
        if bound is not None and bound.lstrip("-").isdecimal():
            yield f"{int(bound) + step:04}"


def _durations(_name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    yield f"P{draw.between(1, 30)}D"
    yield f"PT{draw.between(1, 50)}M"
    yield f"P{draw.between(1, 5)}Y"
    yield from (text for text in (bounds.low, bounds.high) if text is not None)
    for bound in (bounds.low, bounds.high):
        if bound is not None:
            yield bound + ("T1S" if "T" not in bound else "1S")


def _addresses(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    path = word(name, draw).replace(" ", "-").replace("+", "").lower()
    yield f"https://example.org/{path}"
    yield f"urn:{path}"
    yield from _names(name, bounds, draw)


def _identities(name: str, bounds: Bounds, draw: Draw) -> Iterator[str]:
    """Yield names without end, since each may stand once in a message."""
    stem = "".join(char for char in name if char.isalnum() and char.isascii()) or "id"
    stem = stem if stem[0].isalpha() else "id" + stem
    yield from (f"{stem}-{draw.between(100, 999, str(number))}" for number in range(50))
    size = max(bounds.least_length, 2)
    yield from (f"i{number:0{size - 1}}" for number in count(1))


_MONTHS: Final = "01 02 03 04 05 06 07 08 09 10 11 12"
_WRITERS: Final[Mapping[str, Callable[[str, Bounds, Draw], Iterator[str]]]] = {
    "boolean": _truths,
    "integer": _whole,
    "decimal": _decimals,
    "float": _floats,
    "double": _floats,
    "hexBinary": _bytes_of(lambda data: data.hex().upper()),
    "base64Binary": _bytes_of(lambda data: base64.b64encode(data).decode()),
    "dateTime": _times("%Y-%m-%dT%H:%M:%S", zoned=True),
    "date": _times("%Y-%m-%d", zoned=False),
    "time": _times("%H:%M:%S", zoned=False),
    "gYearMonth": _times("%Y-%m", zoned=False),
    "gMonthDay": _times("--%m-%d", zoned=False),
    "gYear": _years,
    "gMonth": _tokens_of_one(" ".join("--" + month for month in _MONTHS.split())),
    "gDay": _tokens_of_one(" ".join("---" + day for day in _MONTHS.split())),
    "duration": _durations,
    "anyURI": _addresses,
    "language": _tokens_of_one("en de it nb fi et fr nl"),
    "Name": _names,
    "NCName": _names,
    "NMTOKEN": _names,
    "QName": _names,
    "ID": _identities,
}
