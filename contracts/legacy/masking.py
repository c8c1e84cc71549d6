"""Masks fields of records so that the records still parse: nobody is in them, and equal values stay equal. Pure."""

import hashlib
import hmac
import string
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from typing import Any, Final, Literal, TypeAlias, cast, final

from contracts.errors import ConfigError, RecordError
from contracts.legacy.copybook import Layout, Record, RowCodec
from contracts.legacy.copybook.item import Item, Kind

__all__ = ["Masker", "Way"]

Way: TypeAlias = Literal["redact", "token", "shape"]
"""`redact`: nothing is left of it. `token`: another value that depends on it and the secret alone. `shape`: the same,
but letters stay letters, digits digits, and all else what it is, in their places."""

_LEAST_SECRET_BYTES: Final = 16
_EXACT: Final = Context(prec=64)
_TOKEN: Final = string.ascii_uppercase + string.digits
_ALPHABETS: Final = (string.digits, string.ascii_uppercase, string.ascii_lowercase)


@final
class Masker:
    """Masks the records of one layout.

    Other views of the same bytes (REDEFINES, RENAMES) are masked with them, since it is the bytes that change. Whoever
    has the secret can find out which token stands for a value that they guess; without it, nobody can.

    Args:
        layout: Of the records.
        codec: Reads and writes them.
        ways: Field, by its name or path -> how it is masked.
        secret: 16 bytes at least; the same secret gives the same tokens, in every file and field.

    Raises:
        ConfigError: A field is not there or can't be masked, or the secret is too short.
    """

    def __init__(self, layout: Layout, codec: RowCodec, *, ways: Mapping[str, Way], secret: bytes) -> None:
        problems = [problem for name in ways for problem in _problems(layout, name)]
        if len(secret) < _LEAST_SECRET_BYTES:
            problems.append(f"the secret of masks needs {_LEAST_SECRET_BYTES} bytes at least")
        if problems:
            raise ConfigError(problems)
        self._codec, self._secret = codec, secret
        self._ways: list[tuple[tuple[str, ...], Way]] = [(tuple(name.split(".")), way) for name, way in ways.items()]

    def mask(self, original: bytes) -> bytes:
        """Return a record with its fields masked; all other bytes stay.

        Raises:
            RecordError: It can't be decoded, so nobody knows what is in it.
        """
        return self._codec.encode(self._masked(self._codec.items, self._codec.decode(original), ()), original)

    def _masked(self, items: tuple[Item, ...], record: Mapping[str, Any], path: tuple[str, ...]) -> Record:
        """Return what of a record is masked, and nothing else."""
        masked: Record = {}
        for item in items:
            if item.name is None or item.name not in record:
                continue
            found = self._value(item, record[item.name], (*path, item.name))
            if found is not None:
                masked[item.name] = found
        return masked

    def _value(self, item: Item, value: object, path: tuple[str, ...]) -> object:
        if isinstance(value, list):
            inner = [self._value(item, each, path) for each in cast("list[object]", value)]
            nothing: Record = {}
            return (
                None if all(each is None for each in inner) else [nothing if each is None else each for each in inner]
            )
        if isinstance(value, dict):
            return self._masked(item.children, cast("Record", value), path) or None
        way = self._way(path)
        return None if way is None or value is None else _Mask(self._secret, item, way).of(value)

    def _way(self, path: tuple[str, ...]) -> Way | None:
        return next((each for name, each in self._ways if path[-len(name) :] == name), None)


def _problems(layout: Layout, name: str) -> Iterator[str]:
    path = tuple(name.split("."))
    found = [item for item in layout.walk() if item.name and item.path[-len(path) :] == path]
    if not found:
        yield f"masks: the layout has no field {name}"
    for item in found:
        if item.kind in _NEVER:
            yield f"masks: {name} is " + (
                "a group: name its fields" if item.kind is Kind.GROUP else f"{item.kind}, which has no mask"
            )


_NEVER: Final = frozenset({Kind.GROUP, Kind.FLOAT, Kind.EXTERNAL_FLOAT, Kind.ADDRESS, Kind.DBCS})


@final
class _Mask:
    """How one value is masked."""

    def __init__(self, secret: bytes, item: Item, way: Way) -> None:
        self._secret, self._item, self._way = secret, item, way

    def of(self, value: object) -> object:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int | Decimal):
            return self._number(Decimal(value))
        raise RecordError(self._item.label, expected="text or a number to mask", code="mask")

    def _text(self, text: str) -> str:
        if self._way == "redact":
            return "X" * (self._item.characters or self._item.length)  # how long it was is not told, either
        stream = self._stream(text)
        if self._way == "token":
            return "".join(_TOKEN[next(stream) % len(_TOKEN)] for _ in text)
        return "".join(_alike(each, next(stream)) for each in text)

    def _number(self, number: Decimal) -> int | Decimal:
        """Return another number of at most as many digits, so that it fits the picture as this one did."""
        scale = self._item.scale
        whole = _EXACT.scaleb(number, scale)
        digits = len(f"{abs(whole):f}".partition(".")[0])
        if self._item.full_range:
            digits = max(1, digits - 1)  # what fits its bytes need not fit with other digits
        stream, masked = self._stream(f"{number:f}"), 0
        if self._way != "redact":
            masked = int("".join(str(next(stream) % 10) for _ in range(digits)))
        if self._way == "shape" and number < 0:
            masked = -masked
        return masked * 10**-scale if scale <= 0 else _EXACT.scaleb(Decimal(masked), -scale)

    def _stream(self, value: str) -> Iterator[int]:
        """Yield octets that depend on the value and the secret alone."""
        block = 0
        while True:
            yield from hmac.digest(self._secret, f"{block}:{value}".encode(), hashlib.sha256)
            block += 1


def _alike(character: str, octet: int) -> str:
    """Return another character of its kind; what is neither letter nor digit of ASCII stays, a letter becomes one."""
    for alphabet in _ALPHABETS:
        if character in alphabet:
            return alphabet[octet % len(alphabet)]
    return string.ascii_uppercase[octet % 26] if character.isalpha() else character
