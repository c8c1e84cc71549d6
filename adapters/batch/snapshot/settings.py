"""What an integration engineer says about full extracts that are compared with the one before."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Snapshot"]


class Snapshot(BaseModel):
    """By which key full extracts are compared, and which differences hold a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    key: tuple[str, ...] = Field(min_length=1)
    """The copybook's fields that identify a record in every extract. Their bytes are compared, with the signs of
    packed and zoned numbers written one way: `C` and `F` are the same plus."""
    ignore: tuple[str, ...] = ()
    """Fields whose changes are no change of the record, such as the time of the extract. FILLER never counts."""
    duplicates: Literal["hold", "first", "last"] = "hold"
    """What a key that stands twice in one extract means: the file is held, or the first or the last one counts."""
    min_records: int = Field(default=1, ge=0)
    """An extract with fewer records is held; 1 holds empty files."""
    max_deleted_share: float = Field(default=0.1, ge=0, le=1)
    """An extract that lacks a larger share of the known keys is held; 1 holds none."""
    max_shrink_share: float = Field(default=0.05, ge=0, le=1)
    """An extract with fewer records than there are known keys, by more than this share, is held: it is rather half
    a file; 1 holds none."""
    max_updated_share: float = Field(default=1.0, ge=0, le=1)
    """An extract in which a larger share of the known keys has changed is held; 1 holds none, since indexation and
    migrations do change every record."""
