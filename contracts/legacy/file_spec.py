"""A file of records, as an integration engineer describes it: copybook, compiler, code page, framing, segments.

The same model is the `--spec` of `banyan copybook decode|encode` and the `file` of an adapter. Pure: it names the
copybook, and whoever reads the disk parses it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, field_validator

from contracts.errors import ConfigError
from contracts.legacy.check import Check
from contracts.legacy.copybook.compile import items_named
from contracts.legacy.copybook.dialect import DIALECTS
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.copybook.options import OddBytes, Options, Policy, Segments, Trim, Unnamed
from contracts.legacy.copybook.row import RowCodec
from contracts.legacy.copybook.source import Form
from contracts.legacy.framing import Framing, LengthOf, Recfm
from contracts.legacy.framing.plugin import load_header
from contracts.legacy.masking import Way

__all__ = ["FieldPolicy", "FileSpec", "SegmentRule", "length_of"]


def _dialect(name: str) -> str:
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}; there are: {', '.join(DIALECTS)}")
    return name


class FieldPolicy(BaseModel):
    """What a field means that holds nothing but blanks, X'00' or X'FF'."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    blank: OddBytes | None = None
    """Nothing but blanks: `error`, `null`, or `keep` what they spell. By default text keeps them, and a number of
    blanks is an error."""
    low: OddBytes | None = None
    """Nothing but X'00' (LOW-VALUES)."""
    high: OddBytes | None = None
    """Nothing but X'FF' (HIGH-VALUES)."""

    @field_validator("*", mode="before")
    @classmethod
    def _said(cls, value: object) -> object:
        if value is None:
            raise ValueError('expected error, null or keep; a null without quotes says nothing, so write "null"')
        return value


class SegmentRule(BaseModel):
    """Which of several groups that redefine each other a record has."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    field: str
    """The field that tells, by its name, or by its path joined with dots."""
    map: Mapping[str, str] = Field(min_length=1)
    """Value of the field, as text -> the group that such a record has: `{C: CUSTOMER-DATA, A: ACCOUNT-DATA}`; `""` is
    none of them. `*` is every other value; without it, records of other values are refused."""
    parents: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Group -> the group that it stands below: `{ACCOUNT-DATA: CUSTOMER-DATA}`. A record is then read together with
    those below it, which follow it in the file, as one tree."""
    tree_records: int = Field(default=10_000, ge=1, le=100_000)
    """Most records of a tree; a larger one is refused."""
    tree_bytes: int = Field(default=8 << 20, ge=1, le=12 << 20)
    """Most bytes of a tree's records (8 MiB); a larger one is refused. At most 12 MiB, since a dead letter of an
    adapter holds a tree as a whole."""


class FileSpec(BaseModel):
    """How a file of records is read and written."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    copybook: Path
    """The copybook that describes a record; in a settings file, from the folder of that file on."""
    copies: tuple[Path, ...] = ()
    """Folders where COPY finds its texts; by default that of the copybook."""
    record: str | None = None
    """The record, where the copybook has several of level 01."""
    header: str | None = None
    """The record of level 01 that header records have; `framing.header_records` says how many there are."""
    trailer: str | None = None
    """The record of level 01 that trailer records have."""
    copybook_format: Form | None = None
    """`fixed` or `free` reference format; recognised by default."""
    copybook_encoding: str = "utf-8"
    """Encoding of the copybook's text."""
    decimal_comma: bool | None = None
    """DECIMAL-POINT IS COMMA: `PIC Z.ZZ9,99` shows 1.234,50, and literals are `1,5`. By default, what a whole program
    says; a copybook alone does not say it."""
    dialect: Annotated[str, AfterValidator(_dialect)] = "zos"
    """The compiler: it settles sizes and byte order of binary items, SYNC, and the format of floats."""
    encoding: str = "cp037"
    """Code page of the data: any single-byte EBCDIC page, IBM's mixed ones such as `cp939` (where the system's iconv
    has them), `ascii`, `utf-8` …"""
    encodings: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Field, by name or path -> a code page of its own."""
    national: str = "utf-16-be"
    """Encoding of NATIONAL items."""
    dbcs: str | None = None
    """Encoding of double-byte characters: of DISPLAY-1 items, and between shift-out and shift-in. By default that of a
    mixed code page; with others, both are refused."""
    float: Literal["ibm", "ieee"] | None = None
    """Format of COMP-1 and COMP-2; by default the dialect's."""
    float_order: Literal["big", "little"] | None = None
    """Byte order of floats; by default the dialect's."""
    odo: Literal["shift", "max"] = "shift"
    """Whether a table with a counter takes the room of its occurrences, so that what follows moves up, or always of
    the most."""
    trim: Trim = Trim.RIGHT
    """Where blanks of text are cut off, unless a policy keeps them."""
    nul_filled: bool = True
    """X'00' at the end of text only fills it, as blanks do: programs leave it where they never moved a value. With
    `false`, it is text."""
    policies: Mapping[str, FieldPolicy] = Field(default_factory=dict[str, FieldPolicy])
    """Field, by name or path -> what blanks, X'00' and X'FF' mean in it."""
    conditions: Mapping[str, Unnamed] = Field(default_factory=dict[str, Unnamed])
    """Field, by name or path -> its value is the name of its first condition (level 88) that holds, and this is what it
    is where none does: `error`, `null`, or the `value` itself. `all` is every other field with condition names.
    Counters and fields that tell segments keep their values."""
    counts: Mapping[str, Mapping[str, NonNegativeInt]] = Field(default_factory=dict[str, Mapping[str, int]])
    """Counter of a table, by name or path -> what its values, as text, mean as counts."""
    segments: tuple[SegmentRule, ...] = ()
    """Fields that tell which of several groups that redefine each other a record has."""
    record_ids: bool = False
    """Each record gets `Record_Id` (its ordinal, from 0), `Record_Offset` (its first byte in the decompressed file) and
    `Seg_Id0`, of its root; in a tree also `Seg_Id1` and so on, of those that it stands below, down to its own."""
    id_prefix: str | None = None
    """What `Seg_Id0` begins with; by default the delivery of an adapter, or `file:` and the SHA-256 of the file."""
    trimmed: bool = False
    """Records may lack blanks at their end, as lines of text do in any case: text and FILLER there are blank. By
    default a record that ends early is an error."""
    drop_rest: bool = False
    """Bytes of a record after its last item are ignored; by default only blanks and X'00' are."""
    framing: Framing = Framing()
    """What stands between the file's bytes and its records; by default, records of the copybook's length."""
    masks: Mapping[str, Way] = Field(default_factory=dict[str, Way])
    """Field, by name or path -> how `banyan copybook mask` masks it: `redact` leaves nothing of it, `token` another
    value that depends on it and the secret alone, `shape` the same with letters for letters and digits for digits."""
    checks: tuple[Check, ...] = ()
    """What must agree before anything of the file is believed: `banyan copybook reconcile`."""

    def options(self) -> Options:
        """Return what the codec has to know besides the layout."""
        return Options(
            code_page=self.encoding,
            pages=self.encodings,
            national=self.national,
            dbcs=self.dbcs,
            floats=self.float,
            float_order=self.float_order,
            tables=self.odo,
            trim=self.trim,
            is_nul_filled=self.nul_filled,
            policies={name: Policy(**dict(policy)) for name, policy in self.policies.items()},
            conditions=self.conditions,
            counts=self.counts,
            segments=tuple(Segments(field=rule.field, groups=rule.map) for rule in self.segments),
            is_trimmed=self.trimmed or self.framing.recfm is Recfm.LS,
            drop_rest=self.drop_rest,
        )

    def codec(self, layout: Layout, beside: Collection[Layout] = ()) -> RowCodec:
        """Return what decodes and encodes the file's records.

        Args:
            layout: Of these records.
            beside: Of the file's other records: data, header and trailer share one description, so what it says of
                items that only they have is not said of these.

        Raises:
            ContractError: A code page is not known, or an item can't be decoded without more options.
            ConfigError: A name is none of the layouts'.
        """
        return RowCodec(layout, _of_these(self.options(), layout, beside))

    def framed(self, layout: Layout) -> Framing:
        """Return the framing with what the copybook says: the length of records that all have the same.

        Raises:
            ConfigError: The records vary in length, so the format must say how; or no package offers the plug-in that
                reads their headers.
        """
        framing = self.framing
        if framing.record_header is not None:
            load_header(framing.record_header)
        if framing.lrecl is not None or framing.recfm not in {Recfm.F, Recfm.FB}:
            return framing
        if layout.is_variable and self.odo == "shift":
            raise ConfigError(["recfm F: the copybook's records vary in length; say lrecl, or another recfm"])
        return Framing.model_validate({**framing.model_dump(), "lrecl": layout.length})


def _of_these(options: Options, layout: Layout, beside: Collection[Layout]) -> Options:
    """Return the options without those of items that only other records have."""

    def is_own(name: str) -> bool:
        return bool(items_named(layout, name)) or not any(items_named(other, name) for other in beside)

    def tells(rule: Segments) -> bool:
        groups = [name for name in rule.groups.values() if name]
        return is_own(rule.field) and (not groups or any(map(is_own, groups)))

    return replace(
        options,
        pages={name: page for name, page in options.pages.items() if is_own(name)},
        policies={name: policy for name, policy in options.policies.items() if is_own(name)},
        counts={name: counts for name, counts in options.counts.items() if is_own(name)},
        conditions={name: unnamed for name, unnamed in options.conditions.items() if is_own(name)},
        segments=tuple(filter(tells, options.segments)),
    )


def length_of(framing: Framing, codec: RowCodec) -> LengthOf | None:
    """Return what tells a record's length by the copybook, where nothing in the file does."""
    if framing.recfm is not Recfm.NONE or framing.length_field is not None or framing.record_header is not None:
        return None
    return codec.length_of
