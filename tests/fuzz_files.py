"""The share of `make fuzz` that is about batches: copybooks, files and lines, mutated and cut.

Whatever comes in, the answer is values or an error of ours, soon and in bounded memory. Columns agree with rows, and
what is decoded is encoded to bytes that decode to the same.
"""

import io
import json
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from contracts.errors import ConfigError, ContractError, FramingError, RecordError
from contracts.legacy.copybook import Codec, Layout, RowCodec, Usage, parse
from contracts.legacy.copybook.edited import Editing
from contracts.legacy.copybook.item import Item, Kind
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile, Refused
from tests.fuzz_trial import Trial, WrongError

__all__ = ["round_of_files"]

Made = TypeVar("Made")

_OURS: Final = (ConfigError, ContractError, FramingError, RecordError)
_PICTURES: Final = (
    *("X(4)", "9(4)", "S9(5)V99", "S9(7)V99 COMP-3", "9(3) COMP-3", "S9(4) COMP", "9(9) COMP", "S9(18) COMP-5"),
    *("S9(38) COMP-3", "S9(3) SIGN LEADING SEPARATE", "SP9(3)", "9(3)P", "ZZ9.99-", "$$,$$9.99CR", "+++9", "**9.99"),
    *("9(3) BLANK WHEN ZERO", "X(5) JUST", "N(3)", "+9.99E+99", "X(2) OCCURS 2", "S9(3) COMP-6", "9(4) COMP SYNC"),
)
_NOT_CANONICAL: Final = ("stored as", "stands for several")
_RECFMS: Final = ("F", "FB", "V", "VB", "VBS", "LS", "none")
_MARKS: Final = b"\x00\xff\x40\x20\x0e\x0f\x0a\x0d\xf0\xc0\xd0\x0c\x0d30().'-"


def _copybook(rng: random.Random) -> str:
    lines = ["01  R."]
    for at in range(rng.randint(1, 7)):
        picture = rng.choice(_PICTURES)
        lines.append(f"    05  F{at} PIC {picture}.")
        if rng.random() < 0.2:
            values = "'0' THRU '5', SPACES" if picture.startswith("X") else rng.choice(["ZERO", "-5 THRU 50000"])
            lines.append(f"        88  K{at} VALUE {values}.")
        if rng.random() < 0.15:
            lines.append(f"    05  G{at} REDEFINES F{at} PIC {rng.choice(_PICTURES)}.")
        if rng.random() < 0.15:
            lines += [f"    05  N{at} PIC 9.", f"    05  T{at} PIC X OCCURS 0 TO 9 DEPENDING ON N{at}."]
        if rng.random() < 0.1:
            lines.append(f"    05  C{at} {rng.choice(['COMP-1', 'COMP-2', 'POINTER'])}.")
    return "\n".join("       " + line for line in lines)


def _mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([rng.choice(_MARKS)])
            case 1:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 2:
                del changed[at : at + rng.randint(1, 8)]
            case _:
                changed[at:at] = changed[at : at + rng.randint(1, 40)]
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.2 else changed)


def _field(rng: random.Random, item: Item, encoding: str) -> bytes:
    digits = "".join(rng.choice("0123456789") for _ in range(item.length * 2))
    match item.kind:
        case Kind.PACKED:
            sign = ("d" if item.signed else "f") if item.usage is Usage.PACKED else ""
            return bytes.fromhex((digits[: item.digits] + sign).zfill(item.length * 2))
        case Kind.BINARY:
            return rng.randrange(100).to_bytes(item.length, item.order)
        case Kind.FLOAT:
            return bytes([0x41, rng.randrange(0x10, 0x100), *bytes(item.length - 2)])
        case Kind.NATIONAL:
            return "".join(rng.choice("ab c") for _ in range(item.length // 2)).encode("utf-16-be")
        case _:
            return _characters(rng, item, digits[: item.length]).encode(encoding)


def _characters(rng: random.Random, item: Item, digits: str) -> str:
    if item.kind is Kind.EDITED:
        return Editing.of(item).show(rng.choice([0, 1, -7, rng.randrange(10**item.digits)])) or " " * item.length
    return "-" + digits[1:] if item.kind is Kind.ZONED and item.sign.is_separate else digits


def _sample(rng: random.Random, layout: Layout, encoding: str) -> bytes:
    """Return bytes that are records now and then: digits, letters and packed numbers where they may be."""
    filled = bytearray(" ".encode(encoding) * layout.length)
    for item in layout.fields:
        if not item.redefines:
            for at in range(item.offset, item.offset + item.size, item.length):
                filled[at : at + item.length] = _field(rng, item, encoding)
    record = bytes(filled)
    return _mutated(rng, record) if rng.random() < 0.5 else record


def _check_rows(codec: RowCodec, record: bytes) -> str:
    try:
        values = codec.decode(record)
    except RecordError:
        return "records refused"
    try:
        again = codec.encode(values)
    except RecordError as error:
        if any(item.redefines for item in codec.layout.walk()) or any(said in str(error) for said in _NOT_CANONICAL):
            return "records not canonical"
        raise WrongError(f"decoded, but not encoded: {error}") from error
    found = codec.decode(again)
    if found != values:
        raise WrongError(f"{values} reads back as {found}")
    if codec.encode(values, record) != record:
        raise WrongError(f"{record.hex()} is not kept as a base")
    return "records kept"


def _check_columns(layout: Layout, codec: RowCodec, record: bytes) -> str:
    if layout.is_variable or len(record) != layout.length:
        return "columns not possible"
    decoded = Codec(layout, options=codec.options).decode(record)
    try:
        values: Any = codec.decode(record)
    except RecordError:
        if not decoded.errors and not any(not item.name for item in layout.walk()):
            raise WrongError(f"columns take {record.hex()}, rows do not") from None
        return "columns refused"
    columns = {name: column[0] for name, column in decoded.columns.items()}
    if decoded.errors or columns != values:
        raise WrongError(f"columns {columns}, rows {values}")
    return "columns equal"


def _file(rng: random.Random, layout: Layout, spec: dict[str, Any], records: list[bytes]) -> str:
    recfm = rng.choice(_RECFMS)
    framing: dict[str, Any] = {"recfm": recfm}
    if recfm in {"F", "FB"}:
        framing |= {"lrecl": layout.length, "pad": 64}
    described = FileSpec.model_validate({"copybook": Path("fuzz.cpy"), "framing": framing, **spec})
    file = RecordFile(described, layout)
    lines = [file.line(record) for each in records if (record := _value(file.codec, each)) is not None]
    refused: list[Refused] = []
    data = b"".join(file.encode([_mutated(rng, line) for line in lines] + [b"{}"], refused))
    for value in file.decode(io.BytesIO(_mutated(rng, data + b"".join(records[:1])))):
        json.loads(b"null" if isinstance(value, Refused) else file.line(value))
    return "files read"


def _value(codec: RowCodec, record: bytes) -> dict[str, Any] | None:
    try:
        return codec.decode(record)
    except RecordError:
        return None


def round_of_files(trial: Trial) -> None:
    """Read one copybook, and files and records of it.

    Raises:
        WrongError: A value is silently wrong; whatever else is raised is wrong as well.
    """
    rng, counts = trial.rng, trial.counts
    text = _copybook(rng)
    if rng.random() < 0.3:
        text = _mutated(rng, text.encode()).decode("latin-1")
    encoding = rng.choice(["cp037", "cp273", "ascii", "latin-1"])
    layout = _tried(counts, "copybooks", lambda: parse(text))
    spec: dict[str, Any] = {
        "encoding": encoding,
        "odo": rng.choice(["shift", "max"]),
        "float": rng.choice(["ibm", "ieee"]),
    }
    if rng.random() < 0.4:
        spec["conditions"] = {"all": rng.choice(["value", "error"])}
    if layout is None or layout.length > 2**16:
        return
    described = FileSpec.model_validate({"copybook": Path("fuzz.cpy"), **spec})
    codec = _tried(counts, "codecs", lambda: described.codec(layout))
    if codec is None:
        return
    records = [_sample(rng, layout, encoding) for _ in range(6)]
    for record in records:
        counts[_check_rows(codec, record)] += 1
        counts[_tried(counts, "columns", partial(_check_columns, layout, codec, record)) or "-"] += 1
    counts[_tried(counts, "files", lambda: _file(rng, layout, spec, records)) or "-"] += 1


def _tried(counts: Counter[str], what: str, make: Callable[[], Made]) -> Made | None:
    try:
        made = make()
    except _OURS as error:
        counts[f"{what} refused: {type(error).__name__}"] += 1
        return None
    counts[what] += 1
    return made
