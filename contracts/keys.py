"""Canonical keys and buckets: one person is one key, and one place in the cohort space, on every channel."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

import xxhash
from pydantic import BaseModel, ConfigDict

from contracts.errors import RecordError

__all__ = ["BUCKETS", "CanonicalKey", "bucket"]

BUCKETS = 10_000
_SALT = re.compile(r"[A-Za-z0-9._-]+")


def bucket(key: str, salt: str) -> int:
    """Return where a canonical key falls: `xxh32(key + ":" + salt, seed 0) % 10000`, in UTF-8.

    HAProxy computes the same: `req.fhdr(x),concat(:salt),xxh32(0),mod(10000)`.

    >>> bucket("12345", "benefits-2026")
    3598

    Raises:
        ValueError: The salt has a character outside `[A-Za-z0-9._-]`, or is empty.
    """
    if not _SALT.fullmatch(salt):
        raise ValueError(f"salt {salt!r}: expected one or more of A-Z a-z 0-9 . _ -")
    return xxhash.xxh32_intdigest(f"{key}:{salt}".encode(), seed=0) % BUCKETS


class CanonicalKey(BaseModel):
    """How a capability's key is written, whatever channel it came by.

    >>> key = CanonicalKey(type="digits", strip_zeros=True, max_length=10)
    >>> key.of(" 0000012345")
    '12345'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: Literal["digits", "text"] = "text"
    """`digits` takes 0-9 only; `text` anything printable."""
    strip_zeros: bool = False
    """Remove leading zeros; one zero stays of a key of zeros."""
    case: Literal["keep", "upper", "lower"] = "keep"
    min_length: int = 1
    """Fewest characters, after all else."""
    max_length: int = 64
    """Most characters, after all else."""

    def of(self, raw: str) -> str:
        """Return the canonical form: blanks around it removed, Unicode NFC, zeros and case as declared.

        Raises:
            RecordError: It is empty, or not of this key's type or length; the key is not in the message.
        """
        # ASCII is NFC already, and nearly every key is ASCII: this runs on every call.
        text = raw.strip() if raw.isascii() else unicodedata.normalize("NFC", raw).strip()
        if self.strip_zeros:
            text = text.lstrip("0") or text[:1]
        if self.case != "keep":
            text = text.upper() if self.case == "upper" else text.lower()
            if not text.isascii():
                text = unicodedata.normalize("NFC", text)  # another case may be written otherwise
        if self.type == "digits":
            if not (text.isdigit() and text.isascii()):
                raise RecordError("key", expected="digits only")
        elif not text.isprintable():
            raise RecordError("key", expected="printable characters")
        if not self.min_length <= len(text) <= self.max_length:
            raise RecordError("key", expected=f"{self.min_length} to {self.max_length} characters, not {len(text)}")
        return text

    def of_all(self, raw: Sequence[str]) -> list[str]:
        """Return the canonical forms of many; what `of` gives for each, several times as fast where all are ASCII.

        Raises:
            RecordError: As `of`, for the first that makes none.
        """
        if not all(map(str.isascii, raw)):
            return [*map(self.of, raw)]
        texts = [each.strip() for each in raw]
        if self.strip_zeros:
            texts = [each.lstrip("0") or each[:1] for each in texts]
        if self.case != "keep":
            texts = [*map(str.upper if self.case == "upper" else str.lower, texts)]
        lengths = [*map(len, texts)]
        is_fit = self.min_length <= min(lengths, default=self.min_length) and max(lengths, default=0) <= self.max_length
        joined = "".join(texts)
        is_right = joined.isdigit() and min(lengths, default=1) if self.type == "digits" else joined.isprintable()
        return texts if is_fit and (is_right or not texts) else [*map(self.of, raw)]
