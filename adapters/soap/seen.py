"""Which items of a listing were seen, by their surrogate numbers: a bit each in memory, runs in the state. Pure.

An unchanged register of a million items is seen in a thousand chunks. A mark for each item would write a million
records to the state; the numbers of a chunk's items, as runs of neighbours, are one record of a few bytes where they
are listed as they were numbered, and of 2 to 3 bytes an item where they are not.
"""

from collections.abc import Iterable, Iterator

__all__ = ["Numbers", "packed", "unpacked"]


class Numbers:
    """A set of whole numbers that lie close together.

    >>> some = Numbers()
    >>> some.add(7), some.add(7), 7 in some, 8 in some
    (True, False, True, False)
    """

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> bool:
        """Add one; tell whether it is new."""
        place, bit = number >> 3, 1 << (number & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(max(place + 1 - len(self._bits), 1024)))
        is_new = not self._bits[place] & bit
        self._bits[place] |= bit
        return is_new

    def __contains__(self, number: int) -> bool:
        """Tell whether it is one of them."""
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (number & 7))

    def clear(self) -> None:
        """Forget all."""
        self._bits.clear()


def packed(numbers: Iterable[int]) -> bytes:
    """Return numbers as bytes: for each run of neighbours, how far it is from the one before, and how long.

    >>> packed(range(1000, 2000)).hex(), list(unpacked(packed([7, 3, 4])))
    ('e807e707', [3, 4, 7])
    """
    out, end = bytearray(), 0
    for first, last in _runs(sorted(set(numbers))):
        _write(out, first - end)
        _write(out, last - first)
        end = last
    return bytes(out)


def unpacked(data: bytes) -> Iterator[int]:
    """Yield the numbers in ascending order."""
    values, end = _values(data), 0
    for gap, more in zip(values, values, strict=True):
        yield from range(end + gap, end + gap + more + 1)
        end += gap + more


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for number in numbers:
        if number == last + 1 and first >= 0:
            last = number
            continue
        if first >= 0:
            yield first, last
        first = last = number
    if first >= 0:
        yield first, last


def _write(out: bytearray, value: int) -> None:
    """Write a number in groups of seven bits, the low ones first; the eighth says that another follows."""
    while value > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _values(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0
