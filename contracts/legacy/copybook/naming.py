"""Fields whose value is told by the condition name (level 88) that holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.errors import ContractError, RecordError
from contracts.legacy.copybook.condition import Holding, bytes_of, compile_conditions, figure_of, incomparable
from contracts.legacy.copybook.entry import Condition
from contracts.legacy.copybook.leaf import Leaf, Value
from contracts.legacy.copybook.options import OddBytes, Unnamed

__all__ = ["NamedLeaf", "named_leaf"]

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLeaf(Leaf):
    """An elementary item with condition names: the first that holds, in the order of the copybook, is its value."""

    holding: Holding
    stored: Mapping[str, bytes | None]
    """Each name -> the bytes of the one value that it stands for; None where it stands for several."""
    unnamed: Unnamed

    def decode(self, raw: bytes, start: int) -> Value:
        """Return the name that holds.

        What a policy says is null is so first; a name goes before what a policy or the picture refuses.

        Raises:
            RecordError: No name holds, and nothing says what that means; or the value reads as a name that does not.
        """
        if self._is_null(raw):
            return None
        name = next(self.holding.names(raw, self.read(raw), ()), None)
        if name is not None:
            return name
        value = Leaf.decode(self, raw, start)
        if self.unnamed is Unnamed.NULL:
            return None
        if self.unnamed is Unnamed.ERROR or value in self.stored:
            raise RecordError(self.item.label, expected=self._expected(), raw=raw, start=start, code="condition")
        return value

    def encode(self, value: object, start: int) -> bytes:
        """Return the bytes of a name that stands for one value, or of a value for which a name stands.

        Raises:
            RecordError: The name stands for several values, or decoding would not give the value back.
        """
        if isinstance(value, str) and value in self.stored:
            raw = self.stored[value]
            if raw is None:
                expected = f"the value itself: the condition name {value} stands for several"
                raise RecordError(self.item.label, expected=expected, start=start, code="value")
            return raw
        raw = Leaf.encode(self, value, start)
        if value is not None and self.unnamed is not Unnamed.VALUE and self._name_of(raw) is None:
            raise RecordError(self.item.label, expected=self._expected(), start=start, code="value")
        return raw

    def _name_of(self, raw: bytes) -> str | None:
        return next(self.holding.names(raw, self.read(raw), ()), None)

    def _is_null(self, raw: bytes) -> bool:
        odd = self.odd.get(raw)
        return odd is not None and odd[1] is OddBytes.NULL

    def _expected(self) -> str:
        names = list(self.stored)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"a value with a condition name: {', '.join(names[:_SHOWN])}{more}"


def named_leaf(leaf: Leaf, unnamed: Unnamed) -> NamedLeaf:
    """Return how an item is read and written whose value is told by its condition names.

    Raises:
        ContractError: It has none, or no value of it can be compared with a literal of one.
    """
    item, page = leaf.item, leaf.page
    where = f"copybook line {item.line}"
    holding = compile_conditions(item, page)
    if holding is None:
        raise ContractError(where, found=item.label, expected="condition names (level 88)")
    for condition in item.conditions:
        literal = incomparable(condition, item, page)
        if literal is not None:
            expected = f"in the condition name {condition.name}, a literal that {item.label} can be compared with"
            raise ContractError(where, found=repr(literal.text), expected=expected)
    return NamedLeaf(
        item=item,
        page=page,
        read=leaf.read,
        write=leaf.write,
        odd=leaf.odd,
        blank_when_zero=leaf.blank_when_zero,
        holding=holding,
        stored={condition.name: _stored(condition, leaf) for condition in item.conditions},
        unnamed=unnamed,
    )


def _stored(condition: Condition, leaf: Leaf) -> bytes | None:
    """Return the bytes of the one value that a name stands for; None where it stands for several, or for none."""
    (low, high), *more = condition.ranges
    if high is not None or more:
        return None
    figure = figure_of(low, leaf.item)
    if figure is not None:
        return leaf.write(figure)
    raw = bytes_of(low, leaf.item, leaf.page)
    return raw if raw is not None and len(raw) == leaf.item.length else None
