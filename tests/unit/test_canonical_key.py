"""The canonical key is what its plain definition says, whatever short cuts it takes."""

import unicodedata
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordError
from contracts.keys import CanonicalKey

KEYS = st.builds(
    CanonicalKey,
    type=st.sampled_from(["digits", "text"]),
    strip_zeros=st.booleans(),
    case=st.sampled_from(["keep", "upper", "lower"]),
    min_length=st.integers(0, 3),
    max_length=st.integers(2, 12),
)
RAW = st.text() | st.text("0123456789 aZ\t\x1c\x85\u00e9\u0301\u0660\ufb01", max_size=14)


def plain(key: CanonicalKey, raw: str) -> str:
    """Return the canonical form step by step, as it is defined."""
    text = unicodedata.normalize("NFC", raw).strip()
    if key.strip_zeros:
        text = text.lstrip("0") or text[:1]
    text = {"keep": text, "upper": text.upper(), "lower": text.lower()}[key.case]
    if key.type == "digits" and not (text.isascii() and text.isdigit()):
        raise RecordError("key", expected="digits only")
    if not text.isprintable():
        raise RecordError("key", expected="printable characters")
    if not key.min_length <= len(text) <= key.max_length:
        raise RecordError("key", expected=f"{key.min_length} to {key.max_length} characters, not {len(text)}")
    return text


def outcome(of: Callable[[], str]) -> str:
    """Return a canonical form, or what the error says."""
    try:
        return of()
    except RecordError as error:
        return f"refused: {error}"


@given(KEYS, RAW)
def test_the_canonical_key_is_what_its_plain_definition_says(key: CanonicalKey, raw: str) -> None:
    assert outcome(lambda: key.of(raw)) == outcome(lambda: plain(key, raw))
