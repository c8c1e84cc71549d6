"""What an integration engineer says about one kind of file that is sent: from which events, how, when, and where to."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ImportString, field_validator, model_validator

from adapters._place import Remote, address_of
from adapters.outbound.acknowledgement import Acknowledgement
from adapters.outbound.schedule import Cut
from contracts.event import Event
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Compression

__all__ = ["EndField", "EventRecords", "OutboundSpec", "RecordField", "Sequence"]

_STRICT: Final = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
_PLACEHOLDERS: Final = {"business_date", "created", "sequence"}


class RecordField(BaseModel):
    """Where the value of one field of the record comes from; a plain name is short for `{from: name}`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_by_name=True, validate_by_alias=True
    )

    source: str | None = Field(default=None, alias="from")
    """Field of the event; the fields of what is in it follow after dots: `address.city`."""
    constant: Any = None
    """The same value in every record, instead of `from`."""
    codes: Mapping[Any, Any] | None = None
    """What the event's values become: `{pension: P, housing: H}`. A value without an entry is an error."""
    function: ImportString[Callable[[Any], object]] | None = None
    """A pure function `package.module:name` that is given the value, or the whole event where there is no `from`."""
    format: str | None = None
    """Python's format of the value as text: `%Y%m%d` of a date, `0>10` fills up with zeros at the left."""
    number: bool = False
    """The value is text of digits, and becomes a number."""
    default: Any = None
    """What stands in the record where the event has no value; as it is, without the other steps. Without it, no
    value is an error."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        steps = self.codes is not None or self.function is not None
        if self.constant is not None and (self.source is not None or steps):
            raise ValueError("constant: goes without from, codes and function")
        if self.constant is None and self.source is None and self.function is None:
            raise ValueError("expected from, constant or function")
        return self


class EventRecords(BaseModel):
    """How the events of one type become records."""

    model_config = _STRICT

    model: ImportString[type[Event]]
    """The event's contract: `package.module:Model`."""
    fields: Mapping[str, RecordField] = Field(default_factory=dict[str, RecordField])
    """Field of the record, by its name, or its path joined with dots -> where its value comes from."""
    function: ImportString[Callable[[Any], Mapping[str, Any] | None]] | None = None
    """Instead of fields: a pure function `package.module:name` from an event to the values of a record; none
    leaves the event out."""
    removed: Literal["dead-letter", "leave-out"] = "dead-letter"
    """What becomes of a tombstone, which says that a key is gone and has no values to send."""

    @field_validator("fields", mode="before")
    @classmethod
    def _take_plain_names(cls, given: object) -> object:
        return _spelled_out(given, "from")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.fields) == (self.function is not None):
            raise ValueError("expected either fields or function")
        return self


class EndField(BaseModel):
    """What stands in one field of the header or the trailer; a plain name is short for `{value: name}`."""

    model_config = _STRICT

    value: Literal["business_date", "created", "sequence", "records", "all_records"] | None = None
    """`business_date`; `created`, when the file was cut; `sequence`, its number; `records`, how many data records it
    has; `all_records`, the header and the trailer counted, too."""
    sum: str | None = None
    """The exact sum of a field over all data records, all occurrences in tables included."""
    hash: str | None = None
    """The sum of a key that is a number without meaning of its own, or text of digits."""
    digits: int | None = Field(default=None, ge=1, le=38)
    """`hash`: how many digits at the right of the sum count; by default all."""
    constant: Any = None
    """The same value in every file."""
    format: str | None = None
    """Python's format of the value as text: `%Y%m%d` of a date."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        told = [name for name in ("value", "sum", "hash", "constant") if getattr(self, name) is not None]
        if len(told) != 1:
            raise ValueError("expected one of value, sum, hash and constant")
        if self.digits is not None and self.hash is None:
            raise ValueError("digits: goes with hash")
        return self


class Sequence(BaseModel):
    """How files are numbered."""

    model_config = _STRICT

    first: int = Field(default=1, ge=0)
    """The first file's number."""
    last: int | None = None
    """After this number comes the first again; by default it goes on for ever."""

    def of(self, number: int) -> int:
        """Return what the receiver sees of the ledger's number, which counts from 1 for ever.

        >>> [Sequence(first=0, last=2).of(number) for number in (1, 2, 3, 4)]
        [0, 1, 2, 0]
        """
        if self.last is None:
            return self.first + number - 1
        return self.first + (number - 1) % (self.last - self.first + 1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.last is not None and self.last <= self.first:
            raise ValueError("last: expected more than first")
        return self


class OutboundSpec(BaseModel):
    """One kind of file that is sent."""

    model_config = _STRICT

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)
    """Its name; the consumer group is `outbound-NAME`, and so is the owner of its dead letters."""
    events: tuple[EventRecords, ...] = Field(min_length=1)
    """From which events, and how each becomes a record."""
    file: FileSpec
    """How the file is written: copybook, dialect, code page, framing; `header` and `trailer` name the records of level
    01 that these have. Its `checks` must agree before the file is handed over."""
    header: Mapping[str, EndField] | None = None
    """Field of the header record -> what stands there; no header without it."""
    trailer: Mapping[str, EndField] | None = None
    """Field of the trailer record -> what stands there; no trailer without it."""
    file_name: str
    """The file's name: `PAY.D{business_date:%Y%m%d}.S{sequence:06d}`; `{created}` is when it was cut."""
    folder: Path | str
    """Where files are put: a folder, in a YAML file from the folder of that file on, or an address, `sftp://host/in`."""
    remote: Remote = Remote()
    """How an address is reached; its secrets come from `outbound.config` in the settings."""
    done_file: str | None = Field(default=None, min_length=1)
    """Suffix of an empty file that is put beside the file once that is there: with `.done`, A.done says that A is
    complete. The receiver takes nothing without it."""
    sequence: Sequence = Sequence()
    """How files are numbered."""
    cut: Cut = Cut()
    """When a file ends and the next begins."""
    acknowledgement: Acknowledgement | None = None
    """What the receiver answers; without it, nobody knows whether a file was read."""
    keep: Annotated[timedelta, Field(ge=timedelta(days=1))] = timedelta(days=90)
    """How long the records of a file that was handed over stay in the ledger, to be written again, and so long an event
    that comes again is known (90 days). More than its topic keeps events, or a replay from its beginning is sent again.
    Files, their numbers and answers stay known."""
    verify: bool = True
    """Each file is read again and reconciled before it is handed over; about 50 µs a record."""

    @field_validator("header", "trailer", mode="before")
    @classmethod
    def _take_plain_names(cls, given: object) -> object:
        return _spelled_out(given, "value")

    @field_validator("folder", mode="before")
    @classmethod
    def _check_folder(cls, folder: object) -> object:
        return address_of(folder) if isinstance(folder, str | Path) else folder

    @field_validator("file_name")
    @classmethod
    def _check_file_name(cls, pattern: str) -> str:
        named = {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}
        if unknown := named - _PLACEHOLDERS:
            raise ValueError(f"no {{{min(unknown)}}} in a name; there are {{business_date}}, {{created}}, {{sequence}}")
        if "sequence" not in named:
            raise ValueError("expected {sequence} in it: else two files had one name")
        now = datetime.now(UTC)
        made = pattern.format(business_date=now.date(), created=now, sequence=1)
        if "/" in made or made.startswith("."):
            raise ValueError("expected a plain name, without a folder and without a dot at its beginning")
        return pattern

    @model_validator(mode="after")
    def _fits(self) -> Self:
        framing = self.file.framing
        for part, said, count in (
            ("header", self.header, framing.header_records),
            ("trailer", self.trailer, framing.trailer_records),
        ):
            wanted = int(said is not None)
            if (getattr(self.file, part) is not None) != bool(wanted):
                raise ValueError(f"{part} and file.{part}: one says what stands in it, the other which record it is")
            if count != wanted:
                raise ValueError(f"file.framing.{part}_records: expected {wanted}, as there is {part} or not")
        if framing.compression is Compression.AUTO or framing.ims_hd_unload:
            raise ValueError("file.framing: compression auto and ims_hd_unload can be read only")
        if framing.header_bytes or framing.footer_bytes:
            raise ValueError("file.framing: header_bytes and footer_bytes can be read only; use a header record")
        if self.file.record_ids or any(rule.parents for rule in self.file.segments):
            raise ValueError("file: segments.parents and record_ids can be read only: an event becomes one record")
        if len({each.model for each in self.events}) < len(self.events):
            raise ValueError("events: a model stands there twice")
        return self

    @property
    def group(self) -> str:
        """Return the consumer group, without the namespace."""
        return f"outbound-{self.name}"

    def name_of(self, *, sequence: int, business_date: date, created: datetime) -> str:
        """Return the name of one file."""
        return self.file_name.format(sequence=sequence, business_date=business_date, created=created)


def _spelled_out(given: object, name: str) -> object:
    if not isinstance(given, Mapping):
        return given
    fields = cast("Mapping[str, object]", given)
    return {field: {name: each} if isinstance(each, str) else each for field, each in fields.items()}
