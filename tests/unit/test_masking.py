import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from contracts.errors import ConfigError
from observability.masking import KeyHash

SECRET = b"sixteen bytes or more"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_key_has_one_hash_as_text_and_as_bytes(key: str) -> None:
    hashed = KeyHash(SECRET)

    assert hashed(key) == hashed(key.encode())


@given(st.binary(), st.binary())
def test_two_keys_have_two_hashes(first: bytes, second: bytes) -> None:
    hashed = KeyHash(SECRET)

    assert (hashed(first) == hashed(second)) == (first == second)


def test_a_hash_is_a_prefix_and_sixteen_hex_digits() -> None:
    hashed = KeyHash(SECRET)("12345")

    assert hashed.startswith("k1:")
    assert len(bytes.fromhex(hashed.removeprefix("k1:"))) == 8


def test_another_secret_gives_another_hash() -> None:
    assert KeyHash(SECRET)("12345") != KeyHash(SECRET[::-1])("12345")


def test_a_secret_string_counts_as_its_bytes() -> None:
    assert KeyHash(SecretStr(SECRET.decode()))("12345") == KeyHash(SECRET)("12345")


def test_a_short_secret_is_refused_with_the_length_that_it_needs() -> None:
    with pytest.raises(ConfigError, match="16 bytes"):
        KeyHash(b"fifteen bytes..")


def test_the_secret_is_not_shown() -> None:
    assert repr(KeyHash(SECRET)) == "KeyHash(...)"


@pytest.mark.parametrize("length", [16, 63, 64, 65, 200])
def test_it_is_the_hmac_of_the_standard_library(length: int) -> None:
    """A long secret is hashed first, as RFC 2104 has it."""
    secret = bytes(range(length))

    assert KeyHash(secret)("12345") == f"k1:{hmac.digest(secret, b'12345', 'sha256').hex()[:16]}"
