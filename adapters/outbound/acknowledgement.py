"""What the receiver answers: a file that tells of each file, or of one file and its records, how it fared. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from adapters.outbound.ledger import CutFile, State
from contracts.errors import FileHeldError
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Role
from contracts.legacy.record_file import Refused, Value

__all__ = ["Acknowledgement", "Answer", "Outcome", "Reject", "Rejects", "Said", "Total", "answers", "judge"]

_ENDS: Final = ("header", "trailer")


class Outcome(StrEnum):
    """What an answer means for the file that it is about."""

    ACCEPTED = "accepted"
    PARTLY = "partly rejected"
    """The file was taken, some of its records were not."""
    REJECTED = "rejected"
    MISMATCH = "mismatch"
    """The receiver counts or adds up otherwise than what was handed over."""
    UNKNOWN = "unknown file"
    """No file of that number was handed over."""
    UNREADABLE = "unreadable"
    """The answer itself can't be read as described, or its status is none of the declared ones."""


class Total(BaseModel):
    """A sum that the receiver tells back."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    field: str
    """Field of the answer that tells it."""
    of: str
    """Field of the data records that were sent, which is added up."""


class Rejects(BaseModel):
    """Records that the receiver rejects, one data record of the answer for each."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    record: str
    """Field with the number of the rejected record, from 1 for the first data record of the file."""
    reason: str | None = None
    """Field that tells why."""


class Acknowledgement(BaseModel):
    """The answers of the receiver: where they arrive, and what they say.

    Where `sequence` is a field of the data records, each of them is about one file. Where it is one of the header or
    the trailer (`header.RUN`), the whole answer is about one file, and its data records are rejected records.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: Path
    """The answers, as a pattern: `in/ACK.*`; in a YAML file, from the folder of that file on. They are only read."""
    file: FileSpec
    """How an answer is written."""
    done_file: str | None = Field(default=None, min_length=1)
    """Suffix of an empty file that says that an answer is complete."""
    stable_for: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=10)
    """Without a done file, an answer is read once it has not changed for so long (10 seconds)."""
    sequence: str
    """Field with the number of the file that is answered."""
    status: str
    """Field that tells whether it was accepted."""
    accepted: tuple[str, ...] = Field(min_length=1)
    """Values of the status that say yes."""
    rejected: tuple[str, ...] = ()
    """Values of the status that say no. Any other value is an error."""
    count: str | None = None
    """Field with the number of data records that the receiver has counted."""
    total: Total | None = None
    """A sum that the receiver tells back."""
    rejects: Rejects | None = None
    """Which records are rejected, where the answer tells."""
    within: Annotated[timedelta, Field(gt=timedelta(0))] | None = None
    """An answer that has not come so long after its file was handed over is overdue: `PT4H`."""

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: Path) -> Path:
        if set("*?[") & set(str(path.parent)):
            raise ValueError("wildcards stand in the last part of the path only")
        return path

    @model_validator(mode="after")
    def _fits(self) -> Self:
        told = [self.sequence, self.status, self.count, None if self.total is None else self.total.field]
        if len({_part(place) for place in told if place is not None}) > 1:
            raise ValueError("sequence, status, count and total: expected all of them in the same record")
        if self.rejects is not None and self.part is Role.DATA:
            raise ValueError("rejects: goes with a sequence in the header or the trailer")
        if both := set(self.accepted) & set(self.rejected):
            raise ValueError(f"{min(both)!r} is both accepted and rejected")
        return self

    @property
    def part(self) -> Role:
        """Return which record of an answer tells of a file."""
        return _part(self.sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A record that the receiver rejects."""

    record: int
    """From 1 for the first data record of the file."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an answer says of one file."""

    sequence: int
    status: str
    count: int | None
    total: Decimal | None
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer means."""

    sequence: int | None
    """As the receiver says it; None where that can't be read."""
    number: int | None
    """The ledger's number of the file; None where there is none."""
    outcome: Outcome
    detail: str
    """What is wrong, in a sentence; nothing where all is well."""
    rejects: tuple[Reject, ...] = ()


def answers(spec: Acknowledgement, name: str, parts: Iterable[tuple[Role, Value]]) -> Iterator[Said]:
    """Yield what a file of answers says.

    Args:
        spec: The description.
        name: The file's name, for errors.
        parts: Each record with the part of the file that it belongs to.

    Raises:
        FileHeldError: A record can't be read, or the one that tells of a file is not there.
        FramingError: The file is not framed as described.
    """
    told: list[Mapping[str, Any]] = []
    rejects: list[Reject] = []
    for role, value in parts:
        if isinstance(value, Refused):
            raise FileHeldError(name, expected=value.error.expected, found="none", rule=value.error.field)
        if role is spec.part:
            told.append(value)
        elif role is Role.DATA and spec.rejects is not None:
            rejects.append(_reject(spec.rejects, value, name))
    if spec.part is not Role.DATA and len(told) != 1:
        raise FileHeldError(name, expected=f"one {spec.part.value} record", found=str(len(told)))
    yield from (_said(spec, value, name, rejects=tuple(rejects)) for value in told)


def judge(spec: Acknowledgement, said: Said, file: CutFile | None, *, total: Decimal | None = None) -> Answer:
    """Compare what the receiver says of a file with what was handed over.

    Args:
        spec: The description.
        said: What the receiver says.
        file: The file of that number; None where none was handed over.
        total: The sum that the receiver should tell, where it tells one.
    """
    if file is None:
        outcome, detail = Outcome.UNKNOWN, f"no file of number {said.sequence} was handed over"
    else:
        outcome, detail = _by_status(spec, said) or _by_figures(said, file, total)
    number = None if file is None else file.number
    return Answer(sequence=said.sequence, number=number, outcome=outcome, detail=detail, rejects=said.rejects)


def _by_status(spec: Acknowledgement, said: Said) -> tuple[Outcome, str] | None:
    if said.status in spec.rejected:
        return Outcome.REJECTED, f"status {said.status}"
    if said.status not in spec.accepted:
        return Outcome.UNREADABLE, f"expected one of the declared statuses, found {said.status!r}"
    return None


def _by_figures(said: Said, file: CutFile, total: Decimal | None) -> tuple[Outcome, str]:
    if said.count not in {None, file.records}:
        return Outcome.MISMATCH, f"{file.records} records were handed over, the receiver counts {said.count}"
    if said.total is not None and file.state is State.PURGED:
        return Outcome.MISMATCH, "the records of that file are not kept any more, so its sum is not known"
    if said.total is not None and said.total != total:
        return Outcome.MISMATCH, f"the sum of what was handed over is {total}, the receiver tells {said.total}"
    if beyond := [each.record for each in said.rejects if not 1 <= each.record <= file.records]:
        return Outcome.MISMATCH, f"record {beyond[0]} is rejected, of {file.records} that were handed over"
    if said.rejects:
        return Outcome.PARTLY, f"{len(said.rejects)} of {file.records} records are rejected"
    return Outcome.ACCEPTED, ""


def _said(spec: Acknowledgement, record: Mapping[str, Any], name: str, *, rejects: tuple[Reject, ...]) -> Said:
    count = None if spec.count is None else _whole(record, spec.count, name)
    total = None if spec.total is None else _decimal(_value(record, spec.total.field, name), spec.total.field, name)
    return Said(
        sequence=_whole(record, spec.sequence, name),
        status=str(_value(record, spec.status, name)),
        count=count,
        total=total,
        rejects=rejects,
    )


def _reject(spec: Rejects, record: Mapping[str, Any], name: str) -> Reject:
    reason = "" if spec.reason is None else str(_value(record, spec.reason, name))
    return Reject(record=_whole(record, spec.record, name), reason=reason)


def _value(record: Mapping[str, Any], place: str, name: str) -> object:
    value: Any = record
    for part in _field(place).split("."):
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    if value is None:
        raise FileHeldError(name, expected=f"a value in {place}", found="none")
    return value


def _whole(record: Mapping[str, Any], place: str, name: str) -> int:
    number = _decimal(_value(record, place, name), place, name)
    if number != number.to_integral_value():
        raise FileHeldError(name, expected=f"a whole number in {place}", found=str(number))
    return int(number)


def _decimal(value: object, place: str, name: str) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise FileHeldError(name, expected=f"a number in {place}", found=repr(value)) from None


def _part(place: str) -> Role:
    part = place.partition(".")[0]
    return Role(part) if part in _ENDS else Role.DATA


def _field(place: str) -> str:
    part, _, rest = place.partition(".")
    return rest if part in _ENDS else place
