"""What an integration engineer says about one kind of batch file."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from adapters.batch.snapshot.settings import Snapshot

__all__ = ["Config"]


class Config(BaseModel):
    """Where the files are, how they are read, and when one is complete."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name of the source; it stands in event sources, topics and transactional ids."""
    path: Path
    """The file, or a pattern of files: `in/BENEFITS.*`. Wildcards stand in the last part only."""
    copybook: Path
    """The copybook that describes a record, in fixed reference format."""
    code_page: str = "cp037"
    """The files' code page, by the name of Python's codec or of the package ebcdic: cp037, cp273, cp1047, ascii."""
    record_length: int | None = Field(default=None, ge=1)
    """Bytes of a record; by default what the copybook says, which it must equal."""
    chunk_records: int = Field(default=2000, ge=1, le=100_000)
    """Records read, mapped and handed on at a time; bounds the memory."""
    stable_for: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=10)
    """A file is taken once size and time of modification have been seen unchanged for so long (10 seconds).
    Zero takes it at once: right where files arrive by an atomic rename, and with a done file."""
    done_file: str | None = Field(default=None, min_length=1)
    """Suffix of an empty file that says that the file is complete: with `.done`, A is taken once A.done is there."""
    poll_interval: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=10)
    """Wait between two looks at the folder (10 seconds)."""
    once: bool = False
    """Stop after what is there now, instead of waiting for more."""
    business_date: str | None = None
    r"""Regular expression that finds the business date in a file's name, as its one group: `\.D(\d{8})$`. The
    date is part of the delivery then: the same content on another date is another delivery, not a duplicate."""
    business_date_format: str = "%Y%m%d"
    """How that date is written, for `strptime`."""
    event_time: Literal["modified", "business_date"] = "modified"
    """The events' time: when the file was last modified, or the beginning of its business date, in UTC."""
    dead_letter_share: float = Field(default=0.1, ge=0, le=1)
    """A file of which a larger share of records can't be decoded or mapped is held: it is rather the wrong file,
    copybook or code page. 0.1 is one in ten; 1 holds none, and spares large files a first pass over the records."""
    snapshot: Snapshot | None = None
    """Each file is a full extract: what is published is how it differs from the one before."""
    accept: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Extracts that are published although a guard of `snapshot` holds them: SHA-256 of the file, and why."""

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: Path) -> Path:
        if set("*?[") & set(str(path.parent)):
            raise ValueError("wildcards stand in the last part of the path only")
        return path

    @field_validator("accept")
    @classmethod
    def _check_accept(cls, accept: Mapping[str, str]) -> Mapping[str, str]:
        if any(not re.fullmatch("[0-9a-f]{64}", sha256) or not reason.strip() for sha256, reason in accept.items()):
            raise ValueError("expected a file's SHA-256, 64 of 0-9 a-f, and a reason")
        return accept

    @model_validator(mode="after")
    def _check_business_date(self) -> Self:
        if self.event_time == "business_date" and self.business_date is None:
            raise ValueError("event_time business_date needs a regular expression in business_date")
        if self.business_date is not None:
            try:
                groups = re.compile(self.business_date).groups
            except re.error as error:
                raise ValueError(f"business_date is no regular expression: {error}") from error
            if groups != 1:
                raise ValueError("business_date needs exactly one group, which is the date")
        return self
