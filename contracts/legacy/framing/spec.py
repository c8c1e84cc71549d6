"""How a file is cut into records, as an integration engineer says it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.errors import ConfigError

__all__ = ["Compression", "Framing", "LengthField", "LineEnd", "Recfm"]

ByteOrder = Literal["big", "little"]
Code = Literal["binary", "binary-little", "packed", "zoned", "text"]


class Recfm(StrEnum):
    """The record format, by z/OS' names; LS is line sequential, none has no framing bytes at all."""

    F = "F"
    FB = "FB"
    V = "V"
    VB = "VB"
    VBS = "VBS"
    LS = "LS"
    NONE = "none"


class LineEnd(StrEnum):
    """What ends a line: LF 0x0A, CRLF 0x0D0A, either of them, or EBCDIC's new line 0x15 and line feed 0x25."""

    LF = "lf"
    CRLF = "crlf"
    LF_OR_CRLF = "lf-or-crlf"
    EBCDIC_NL = "ebcdic-nl"
    EBCDIC_LF = "ebcdic-lf"

    @property
    def mark(self) -> bytes:
        """Return the bytes that end a line that is written."""
        return {"crlf": b"\r\n", "ebcdic-nl": b"\x15", "ebcdic-lf": b"\x25"}.get(self.value, b"\n")

    @property
    def blank(self) -> int:
        """Return the byte of a blank in such lines."""
        return 0x40 if self in {LineEnd.EBCDIC_NL, LineEnd.EBCDIC_LF} else 0x20


class Compression(StrEnum):
    """How a file is compressed; `auto` goes by the file's first bytes."""

    NONE = "none"
    AUTO = "auto"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    ZIP = "zip"
    ZSTD = "zstd"


class LengthField(BaseModel):
    """A field inside each record that tells how long the record is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    offset: int = Field(ge=0, le=65_535)
    """Where the field begins in the record, in bytes from 0."""
    length: int = Field(ge=1, le=32)
    """Bytes of the field."""
    encoding: Code = "binary"
    """`binary` (unsigned, big-endian) or `binary-little`, `packed` (COMP-3), `zoned` (DISPLAY), or `text`."""
    code_page: str = "cp037"
    """Code page of a `text` field, by the name of Python's codec."""
    expression: str = Field(default="", pattern=r"^([+*-]\d{1,9})*$")
    """What makes the record's length in bytes of the field's number, from left to right: `+4`, `*10+200`."""
    map: Mapping[str, int] | None = None
    """Instead of an expression: from the field's value to the record's length in bytes: `{"C": 64, "P": 60}`. A
    number stands without leading zeros, a text without the blanks at its end. Any other value is an error."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.map is not None and self.expression:
            raise ValueError("expression and map: at most one of them")
        if self.encoding.startswith("binary") and self.length > 8:  # noqa: PLR2004 - the longest binary
            raise ValueError("length: a binary field has at most 8 bytes")
        return self


class Framing(BaseModel):
    """The framing of a file: what stands between its bytes and its records."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    recfm: Recfm = Recfm.F
    """F or FB: records of one length. V: a record descriptor word (RDW) before each. VB: the same in blocks. VBS:
    records span blocks. LS: lines. none: the length follows from the record (length field, header, copybook)."""
    lrecl: int | None = Field(default=None, ge=1)
    """F, FB: bytes of a record; where a copybook describes them, what that says. LS: lines are padded with blanks to
    it, a longer one is an error. V, VB, VBS: bytes of the longest record with its descriptor word, as z/OS
    counts; a longer one is an error."""
    rdw: ByteOrder = "big"
    """V, VB, VBS: byte order of the record descriptor word. `big`: length in bytes 0-1. `little`: the whole word
    reversed, length in bytes 2-3. The other two bytes must be zero."""
    rdw_includes_header: bool = True
    """V, VB, VBS: whether the length counts the 4 bytes of the word itself."""
    rdw_adjust: int = Field(default=0, ge=-65_535, le=65_535)
    """V, VB: added to each length."""
    bdw: ByteOrder | None = None
    """VB, VBS, FB: byte order of the block descriptor word; `big` by default for VB and VBS, and no word for FB. A
    word with its highest bit set holds a length of 31 bits."""
    bdw_includes_header: bool = True
    """VB, VBS, FB: whether the length counts the 4 bytes of the word itself."""
    bdw_adjust: int = Field(default=0, ge=-65_535, le=65_535)
    """VB, VBS, FB: added to each block's length."""
    block_bytes: int = Field(default=27_998, ge=9, le=2**31 - 1)
    """VB, VBS, FB with a BDW: bytes of the blocks that are written, descriptor words included."""
    header_bytes: int = Field(default=0, ge=0, le=2**20)
    """Bytes before the first record, which belong to none."""
    footer_bytes: int = Field(default=0, ge=0, le=2**20)
    """Bytes after the last record, which belong to none."""
    header_records: int = Field(default=0, ge=0, le=1000)
    """How many records at the beginning are headers."""
    trailer_records: int = Field(default=0, ge=0, le=1000)
    """How many records at the end are trailers."""
    length_field: LengthField | None = None
    """none: the field that tells each record's length."""
    record_header: str | None = Field(default=None, min_length=1)
    """none: name of the plug-in (entry-point group `banyan.framing.v1`) that reads a header before each record."""
    ims_hd_unload: bool = False
    """V, VB, VBS: each record is a segment of an IMS HD unload. Its prefix (level, name) is taken off and kept
    beside it; statistics records (level 0) are left out."""
    line_end: LineEnd = LineEnd.LF_OR_CRLF
    """LS: what ends a line: `lf`, `crlf`, `lf-or-crlf` (written as LF), `ebcdic-nl` (0x15) or `ebcdic-lf` (0x25)."""
    final_line_end: Literal["required", "optional"] = "required"
    """LS: whether the last line must have its end, too, since a file that was cut off seldom has one; with
    `optional`, it may lack it or the LF of its CRLF."""
    trailing_blanks: Literal["cut", "keep"] = "cut"
    """LS: what happens to blanks at the end of a line that is written."""
    pad: int | None = Field(default=None, ge=0, le=255)
    """F, FB: the byte that fills up a shorter record when it is written (64 is a blank in EBCDIC, 32 in ASCII);
    without it, a shorter record is an error."""
    compression: Compression = Compression.NONE
    """How the file is compressed. A zip archive must hold exactly one file, and be seekable."""
    resync: bool = False
    """Go on after a framing error where the format itself says where: at the next block of VB and FB with a
    BDW, at the next segment or block of VBS, at the next line of LS. Each error is reported with its batch; more
    than a thousand in one end the file. Otherwise the first one does."""
    min_record_bytes: int = Field(default=1, ge=0)
    """V, VB, VBS, none: a shorter record is an error. With 0, zeros at a file's end may be read as empty records."""
    max_record_bytes: int = Field(default=2**20, ge=1, le=2**30)
    """A longer record is an error; bounds the memory (1 MiB)."""
    max_block_bytes: int = Field(default=2**20, ge=9, le=2**30)
    """A longer block is an error; bounds the memory (1 MiB)."""
    max_decompressed_bytes: int = Field(default=2**40, ge=1)
    """Bytes to which a compressed file may grow (1 TiB)."""
    max_expansion: int = Field(default=250, ge=2)
    """How many times its size a compressed file may grow, looked at from 16 MiB on."""

    @property
    def block_order(self) -> ByteOrder | None:
        """Return the byte order of block descriptor words, or None where there are none."""
        return self.bdw or ("big" if self.recfm in {Recfm.VB, Recfm.VBS} else None)

    @property
    def longest(self) -> int:
        """Return the bytes of the longest record that is right, without descriptor words."""
        if self.lrecl is None:
            return self.max_record_bytes
        counted = self.lrecl - 4 if self.recfm in _VARIABLE else self.lrecl
        return min(counted, self.max_record_bytes)

    def require_length(self) -> None:
        """Make sure that records of one length have one.

        Raises:
            ConfigError: They have none.
        """
        if self.lrecl is None and self.recfm in _FIXED:
            raise ConfigError([f"lrecl: recfm {self.recfm.value} needs the length of a record"])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        fields = type(self).model_fields
        for names, formats in _ONLY:
            for name in names:
                if self.recfm not in formats and getattr(self, name) != fields[name].default:
                    raise ValueError(f"{name}: recfm {self.recfm.value} has none")
        if self.recfm in _FIXED:
            self._check_fixed()
        if self.recfm in _VARIABLE and self.lrecl is not None and self.lrecl < 5:  # noqa: PLR2004
            raise ValueError("lrecl: at least 5 with the 4 bytes of the descriptor word")
        if self.length_field is not None and self.record_header is not None:
            raise ValueError("length_field and record_header: at most one of them")
        return self

    def _check_fixed(self) -> None:
        if self.lrecl is None:
            return
        if self.lrecl > self.max_record_bytes:
            raise ValueError(f"lrecl: more than max_record_bytes, {self.max_record_bytes}")
        if self.bdw is not None and self.block_bytes < self.lrecl + 4:
            raise ValueError("block_bytes: less than one record")


_FIXED: Final = frozenset({Recfm.F, Recfm.FB})
_VARIABLE: Final = frozenset({Recfm.V, Recfm.VB, Recfm.VBS})
_BLOCKED: Final = frozenset({Recfm.VB, Recfm.VBS, Recfm.FB})
_ONLY: Final = (
    (("rdw", "rdw_includes_header", "ims_hd_unload"), _VARIABLE),
    (("rdw_adjust",), {Recfm.V, Recfm.VB}),
    (("bdw", "bdw_includes_header", "bdw_adjust", "block_bytes"), _BLOCKED),
    (("length_field", "record_header"), {Recfm.NONE}),
    (("line_end", "final_line_end", "trailing_blanks"), {Recfm.LS}),
    (("pad",), _FIXED),
    (("resync",), _BLOCKED | {Recfm.LS}),
    (("min_record_bytes",), _VARIABLE | {Recfm.NONE}),
    (("lrecl",), _FIXED | _VARIABLE | {Recfm.LS}),
)
"""Options that mean something for some record formats only; elsewhere they are mistakes."""
