"""A made-up file of records of a layout, and what an adapter makes of it."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast

from adapters import batch
from contracts.errors import BanyanError, ConfigError, RecordError
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import write
from contracts.legacy.record_file import RecordFile, Refused
from hub.discovery import loaded
from hub.testing import Collected, read_file

__all__ = ["Sample", "Spoiled", "sample", "spoiled"]

_RECORDS: Final = 3
_TEXTS: Final = frozenset({Kind.TEXT, Kind.NATIONAL, Kind.DBCS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file, and what its fields are."""

    data: bytes
    records: list[bytes]
    types: Mapping[str, str]
    """Legacy field -> annotation."""
    left_out: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """A change of the file that makes a dead letter, and what the file itself becomes."""

    found: Collected
    field: str
    start: int
    length: int
    byte: int
    reason: str
    left: int


@dataclass(slots=True)
class _Build:
    number: int
    counters: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])


def sample(spec: FileSpec, layout: Layout) -> Sample:
    """Make a file of a few records.

    Raises:
        ConfigError: The record can't be made up; says which field.
    """
    file = RecordFile(spec, layout)
    above = len(file.codec.root.item.path)
    records = [_encoded(file, layout, number) for number in range(1, _RECORDS + 1)]
    data = b"".join(write(records, file.framing))
    decoded = [each for each in file.decode(BytesIO(data)) if not isinstance(each, Refused)]
    if len(decoded) != _RECORDS:
        raise ConfigError([f"{spec.copybook}: made-up records can't be read back; write the adapter by hand"])
    hidden = {*_hidden([file.codec.root.item])}
    types: dict[str, str] = {}
    left_out: list[str] = []
    for name, item in layout.by_name.items():
        if item.path in hidden:
            left_out.append(f"{name}: describes bytes again that another field has (REDEFINES).")
        else:
            types[name] = _annotation(_at(decoded[0], item.path[above:]))
    return Sample(data=data, records=records, types=types, left_out=left_out)


def _encoded(file: RecordFile, layout: Layout, number: int) -> bytes:
    build = _Build(number=number)
    for item in layout.walk():
        if item.occurs is not None and item.occurs.counter is not None:
            build.counters[item.occurs.counter] = max(item.occurs.least, 1)
    try:
        return file.codec.encode(_group(file.codec.root.item, build))
    except RecordError as error:
        raise ConfigError([f"no sample can be made: {error}; write the adapter by hand"]) from error


def _group(group: Item, build: _Build) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in group.children:
        if item.redefines is not None:
            continue
        if item.name is None:
            values |= _group(item, build) if item.children else {}
            continue
        values[item.name] = _occurring(item, build)
    return values


def _occurring(item: Item, build: _Build) -> Any:  # noqa: ANN401 - a value, a record, or a list of them
    if item.occurs is None:
        return _group(item, build) if item.children else _value(item, build)
    count = item.occurs.most if item.occurs.depending_on is None else max(item.occurs.least, 1)
    return [_group(item, build) if item.children else _value(item, build) for _ in range(count)]


def _value(item: Item, build: _Build) -> Any:  # noqa: ANN401 - as above
    if item.path in build.counters:
        return build.counters[item.path]
    number = build.number
    if item.kind in _TEXTS or (item.kind is Kind.EDITED and not item.digits):
        said = f"{(item.name or '').replace('-', ' ').title()} {number}"
        return (said if len(said) <= item.characters else str(number)).ljust(1)[: item.characters].strip()
    if item.kind in {Kind.FLOAT, Kind.EXTERNAL_FLOAT}:
        return number + 0.5
    if item.kind is Kind.ADDRESS:
        return number
    whole = (1234567 * number + 31 * item.offset) % 10 ** min(item.digits, 9) or number
    return Decimal(whole).scaleb(-item.scale) if item.scale > 0 else whole * 10 ** max(-item.scale, 0)


def _hidden(items: Iterable[Item], *, is_below: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield the paths of what describes bytes again that something before it has, in groups without a name, too."""
    for item in items:
        is_again = is_below or item.redefines is not None
        if is_again and item.name is not None:
            yield item.path
        yield from _hidden(item.children, is_below=is_again)


def _at(record: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    found: Any = record
    for number, step in enumerate(path):
        if isinstance(found, list):
            return [_at(each, path[number:]) for each in cast("Iterable[Any]", found)]
        found = found[step]
    return found


def _annotation(value: Any) -> str:  # noqa: ANN401 - as above
    if isinstance(value, list):
        every = [*cast("Iterable[Any]", value)]
        return f"list[{_annotation(every[0]) if every else 'str'}]"
    return "Any" if value is None else type(value).__name__


def spoiled(text: str, spec: FileSpec, layout: Layout, made: Sample, *, key: str) -> Spoiled:  # noqa: PLR0917 - one call
    """Run an adapter on the sample, and on one with a record that can't be read.

    Raises:
        ConfigError: It makes no events of the sample, or refuses nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        adapter = _loaded(text, spec, Path(folder))
        file = Path(folder) / "sample"
        file.write_bytes(made.data)
        found = read_file(adapter, file)
        if found.dead or len(found.events) != _RECORDS:
            raise ConfigError([f"no events come of a sample: {'; '.join(found.reasons) or 'it is held'}"])
        begin = made.data.find(made.records[0])
        for name, item, byte in _changes(layout, made, key):
            start = begin + item.offset
            file.write_bytes(made.data[:start] + bytes([byte]) * item.length + made.data[start + item.length :])
            try:
                bad = read_file(adapter, file)
            except BanyanError:
                continue
            if len(bad.dead) == 1:
                return Spoiled(
                    found=found,
                    field=name,
                    start=start,
                    length=item.length,
                    byte=byte,
                    reason=bad.reasons[0],
                    left=len(bad.events),
                )
    raise ConfigError(["nothing of a record is ever refused, whatever its bytes; write the test by hand"])


def _changes(layout: Layout, made: Sample, key: str) -> Iterator[tuple[str, Item, int]]:
    """Yield fields, and bytes that they can't have: not in what a counter shifts."""
    fields = [(name, item) for name, item in layout.by_name.items() if name in made.types and not item.dimensions]
    numbers = [(name, item) for name, item in fields if item.kind in {Kind.PACKED, Kind.ZONED}]
    for name, item in numbers:
        yield from ((name, item, byte) for byte in (0x40, 0x20, 0xFF))
    yield from ((name, item, byte) for name, item in fields if name == key for byte in (0x40, 0x20))


def _loaded(text: str, spec: FileSpec, folder: Path) -> batch.Adapter:
    problems: list[str] = []
    path = folder / "new_adapter.py"
    path.write_text(text, encoding="utf-8")
    module = loaded(path, problems, kind="new")
    adapter = getattr(module, "adapter", None)
    if not isinstance(adapter, batch.Adapter):
        raise ConfigError(problems)
    # The file is not where it will be, so what it names beside it is not there.
    return adapter.configured({"file": spec, "copybook": None})
