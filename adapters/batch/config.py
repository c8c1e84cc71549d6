"""What an integration engineer says about one kind of batch file."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from adapters._place import Remote, place_of
from adapters.batch.expected.settings import Expected
from adapters.batch.snapshot.settings import Snapshot
from contracts.legacy.file_spec import FileSpec

__all__ = ["Config", "Trailer"]

Late = Literal["publish", "hold", "refuse"]


class Trailer(BaseModel):
    """What the last record of a complete file looks like."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pattern: str
    """Regular expression that the last record's text matches as a whole, decoded by `code_page`: `T\\d{10} *`."""
    size_bytes: int | None = Field(default=None, ge=1, le=1_000_000)
    """Bytes of the last record; by default those of a record."""

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str) -> str:
        return _expression(pattern, groups=None)


class Config(BaseModel):
    """Where the files are, how they are read, and when one is complete."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name of the source; it stands in event sources, topics and transactional ids."""
    path: Path | str
    """The file, or a pattern of files: `in/BENEFITS.*`; wildcards stand in the last part only. Elsewhere, an
    address that fsspec knows, without a password: `sftp://files.example.org/out/BENEFITS.*`, `s3://bucket/in/B.*`."""
    remote: Remote = Remote()
    """How an address is reached."""
    copybook: Path | None = None
    """The copybook that describes a record, in fixed reference format: all there is to say of files that are nothing
    but records of one length. Of others, `file` says more."""
    file: FileSpec | Path | None = None
    """How the files are read: a description (`FileSpec`), or the YAML file that holds one, which `banyan copybook
    decode --spec` takes, too: record formats, code pages, segments, headers and trailers, and the checks that hold
    a file before anything of it is published."""
    where: Mapping[str, frozenset[str]] = Field(default_factory=dict[str, frozenset[str]])
    """Legacy field -> the values, as text, of the records that become events: `{"SEGMENT-ID": ["C"]}`. Others are
    left out on purpose. Of trees, the root's field tells."""
    code_page: str = "cp037"
    """The code page of files that have a `copybook`, by the name of Python's codec or of the package ebcdic: cp037,
    cp273, cp1047, ascii."""
    record_length: int | None = Field(default=None, ge=1)
    """Bytes of a record; by default what the copybook says, which it must equal."""
    chunk_records: int = Field(default=2000, ge=1, le=100_000)
    """Records read, mapped and handed on at a time; bounds the memory. Trees are not cut: one may make it more."""
    workers: int = Field(default=0, ge=0, le=64)
    """Processes that decode and map a file of 16 MB or more, beside the one that publishes it; 0 does all in one. Each
    takes some 80 MB of memory. The adapter has to be a variable of a module, as in every adapter file."""
    stable_for: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=10)
    """A file is taken once size and time of modification have been seen unchanged for so long, and its content by
    `stable_by` (10 seconds). Zero takes it at once: right where files arrive by an atomic rename, and with a done
    file or a trailer."""
    stable_by: Literal["content", "size"] = "content"
    """What else proves that a file was at rest for `stable_for`: its content's checksum, the store's own where it
    keeps one, is equal at the beginning and when the file is read; or nothing, which spares SFTP and FTP a second
    transfer, but takes a half-written file whose sender sets size and time first."""
    done_file: str | None = Field(default=None, min_length=1)
    """A file that says that another is complete. A suffix: with `.done`, A is taken once A.done is there; or a
    pattern with `{name}` or `{stem}` (the name without what follows its last dot): `{stem}.OK*`. One that is older
    than its file proves nothing: it is yesterday's."""
    partial: str | None = Field(default=None, min_length=1)
    """Suffix of files that are still being sent, for senders that rename: with `.part`, A.part is no file of ours,
    and A is not taken while A.part is there."""
    trailer: Trailer | SkipJsonSchema[Callable[[bytes], bool]] | None = None
    """What the last record of a complete file looks like; a file without it is waited for, and held in the end. In
    an adapter file it may be a function, which is given the bytes of the last record and tells."""
    poll_interval: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=10)
    """Wait between two looks at the folder (10 seconds)."""
    once: bool = False
    """Stop after what is there now, instead of waiting for more."""
    business_date: str | None = None
    r"""Regular expression that finds the business date in a file's name, as its one group: `\.D(\d{8})$`. The
    date is part of the delivery then: the same content on another date is another delivery, not a duplicate."""
    business_date_format: str = "%Y%m%d"
    """How that date is written, for `strptime`."""
    sequence: str | None = None
    r"""Regular expression that finds a delivery's sequence number in a file's name, as its one group: `\.N(\d+)$`.
    It is part of the delivery, as the business date is."""
    duplicate: Literal["skip", "publish"] = "skip"
    """The same content under another name (and of the same business date and sequence): skipped, or published as a
    delivery of its own."""
    correction: Literal["publish", "hold"] = "publish"
    """Other content under the name of a published file (and of the same business date and sequence): published as
    a new delivery, or held."""
    late: Late = "publish"
    """A delivery whose business date or sequence is before that of a published one: published, held, or refused
    for good (quarantined)."""
    gap: Literal["publish", "hold"] = "publish"
    """A delivery whose sequence skips a number: published, or held until the missing one is."""
    accept: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")], ...] | Mapping[str, str] = ()
    """Deliveries that are published whatever `correction`, `late`, `gap` and the bounds of `expected` say: the
    beginning of their SHA-256, at least eight digits; or the whole of it, and why. It is how a held one is let through.
    An extract that a guard of `snapshot` holds needs the reason."""
    event_time: Literal["modified", "business_date"] = "modified"
    """The events' time: when the file was last modified, or the beginning of its business date, in UTC."""
    dead_letter_share: float = Field(default=0.1, ge=0, le=1)
    """A file of which a larger share of records can't be decoded or mapped is held: it is rather the wrong file,
    copybook or code page. 0.1 is one in ten; 1 holds none, and spares large files a first pass over the records."""
    expected: Expected | None = None
    """Which deliveries have to come and how large they are: what is missing or late is told as an event, and what is
    out of bounds is held."""
    end_of_file: bool = True
    """With the last events of a file, each partition of their topics gets an event that says so and how many there
    are: `org.banyan.file.delivered.v1`. Subscribers of whole files need it."""
    snapshot: Snapshot | None = None
    """Each file is a full extract: what is published is how it differs from the one before."""

    @field_validator("path", mode="before")
    @classmethod
    def _check_path(cls, path: object) -> object:
        return place_of(path) if isinstance(path, (str, Path)) else path

    @field_validator("accept")
    @classmethod
    def _check_accept(cls, accept: tuple[str, ...] | Mapping[str, str]) -> tuple[str, ...] | Mapping[str, str]:
        if isinstance(accept, tuple):
            return accept
        if any(not re.fullmatch("[0-9a-f]{64}", sha256) or not reason.strip() for sha256, reason in accept.items()):
            raise ValueError("expected a file's SHA-256, 64 of 0-9 a-f, and a reason")
        return accept

    @model_validator(mode="after")
    def _check_file(self) -> Self:
        if (self.copybook is None) == (self.file is None):
            raise ValueError("expected either copybook or file")
        if self.file is not None and self.record_length is not None:
            raise ValueError("record_length: file says it, in framing.lrecl")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.event_time == "business_date" and self.business_date is None:
            raise ValueError("event_time business_date needs a regular expression in business_date")
        if self.business_date is not None:
            _expression(self.business_date, groups=1, name="business_date", meaning="the date")
        if self.sequence is not None:
            _expression(self.sequence, groups=1, name="sequence", meaning="the number")
        elif self.gap == "hold":
            raise ValueError("gap needs a regular expression in sequence")
        if self.late != "publish" and self.sequence is None and self.business_date is None:
            raise ValueError("late needs a regular expression in business_date or sequence")
        return self

    @model_validator(mode="after")
    def _check_snapshot(self) -> Self:
        if self.snapshot is not None and self.workers:
            raise ValueError("workers: extracts are compared in one process")
        if self.snapshot is not None and self.duplicate == "publish":
            raise ValueError("duplicate publish means nothing with snapshot: the same extract again changes nothing")
        if self.snapshot is not None and self.accept and isinstance(self.accept, tuple):
            raise ValueError("accept needs a reason with snapshot: {SHA256: why}")
        return self

    def acceptance(self, sha256: str) -> str | None:
        """Return why a delivery is published all the same, or None where nobody accepted it."""
        if not isinstance(self.accept, tuple):
            return self.accept.get(sha256)
        return "by the settings" if any(sha256.startswith(each) for each in self.accept) else None


def _expression(pattern: str, *, groups: int | None, name: str = "pattern", meaning: str = "") -> str:
    try:
        found = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{name} is no regular expression: {error}") from error
    if groups is not None and found != groups:
        raise ValueError(f"{name} needs exactly one group, which is {meaning}")
    return pattern
