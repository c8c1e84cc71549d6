"""Header and trailer of a file, and what is added up for them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final

from adapters.outbound.rendering import item_named, put
from adapters.outbound.spec import EndField, OutboundSpec
from contracts.errors import ConfigError, RecordError
from contracts.legacy.check import Check, CountCheck, HashCheck, SumCheck
from contracts.legacy.copybook import RowCodec
from contracts.legacy.copybook.item import Kind
from contracts.legacy.framing import Role
from contracts.legacy.reconciliation import values_in

__all__ = ["End", "Facts", "checks_of", "totals_of", "wanted_totals"]

_EXACT: Final = Context(prec=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file says of itself."""

    business_date: date
    created: datetime
    sequence: int
    records: int
    """Data records."""
    all_records: int
    totals: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    """Field of the data records -> exact sum."""


class End:
    """Makes the header or the trailer record.

    Raises:
        ConfigError: The copybook has no such field; holds every problem.
    """

    def __init__(self, role: Role, said: Mapping[str, EndField], codec: RowCodec) -> None:
        self._codec = codec
        items = {name: item_named(codec.layout, name) for name in said}
        lacking = [name for name, item in items.items() if item is None]
        if lacking:
            raise ConfigError(f"{role.value}.{name}: record {codec.layout.name} has no such field" for name in lacking)
        self._fields = [
            (item.path[1:] or item.path, said[name], item.kind.is_number and item.kind is not Kind.FLOAT)
            for name, item in items.items()
            if item is not None
        ]

    def render(self, facts: Facts) -> bytes:
        """Return the record.

        Raises:
            RecordError: A value is missing or does not fit: a total with too many digits, a number beyond its field.
        """
        values: dict[str, Any] = {}
        for path, said, is_number in self._fields:
            put(values, path, _value(path[-1], said, facts, is_number=is_number))
        return self._codec.encode(values)


def wanted_totals(spec: OutboundSpec) -> frozenset[str]:
    """Return the fields of the data records that are added up."""
    ends = [*(spec.header or {}).values(), *(spec.trailer or {}).values()]
    return frozenset(name for said in ends for name in (said.sum, said.hash) if name is not None)


def totals_of(records: Iterable[Mapping[str, Any]], wanted: Iterable[str]) -> dict[str, Decimal]:
    """Return the exact sums of fields over records, all occurrences in tables included.

    >>> totals_of([{"KEY": "07", "PARTS": [{"X": Decimal("1.5")}, {"X": Decimal("-0.25")}]}], ["KEY", "X"])
    {'KEY': Decimal('7'), 'X': Decimal('1.25')}

    Raises:
        RecordError: A value is no number.
    """
    sums = dict.fromkeys(wanted, Decimal(0))
    for record in records:
        for name in sums:
            for value in values_in(record, name):
                sums[name] = _EXACT.add(sums[name], _decimal(name, value))
    return sums


def checks_of(spec: OutboundSpec) -> Iterator[Check]:
    """Yield what header and trailer promise, for whoever reads the file."""
    for part, ends in (("header", spec.header), ("trailer", spec.trailer)):
        for name, said in (ends or {}).items():
            if said.sum is not None:
                yield SumCheck(check="sum", field=said.sum, equals=f"{part}.{name}")
            elif said.hash is not None:
                yield HashCheck(check="hash", field=said.hash, digits=said.digits, equals=f"{part}.{name}")
            elif said.value in {"records", "all_records"}:
                of = "data" if said.value == "records" else "all"
                yield CountCheck.model_validate({"check": "count", "of": of, "equals": f"{part}.{name}"})


def _value(name: str, said: EndField, facts: Facts, *, is_number: bool) -> object:
    value = _fact(said, facts)
    if said.format is None:
        return value
    try:
        text = format(value, said.format)
    except (ValueError, TypeError):
        raise RecordError(name, expected=f"a value that the format {said.format!r} takes", code="format") from None
    return int(text) if is_number and text.isascii() and text.isdigit() else text


def _fact(said: EndField, facts: Facts) -> Any:  # noqa: ANN401 - dates, numbers, constants
    if said.sum is not None:
        return facts.totals[said.sum]
    if said.hash is not None:
        total = facts.totals[said.hash]
        return total if said.digits is None else _EXACT.remainder(total, Decimal(10) ** said.digits)
    return said.constant if said.value is None else getattr(facts, said.value)


def _decimal(name: str, value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise RecordError(name, expected="a number, to be added up", code="total") from None
