from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordError
from contracts.keys import BUCKETS, CanonicalKey, bucket

# Published vectors: any implementation of the formula must agree.
VECTORS = [
    ("12345", "benefits-2026", 3598),
]


@pytest.mark.parametrize(("key", "salt", "expected"), VECTORS)
def test_the_published_vectors_hold(key: str, salt: str, expected: int) -> None:
    assert bucket(key, salt) == expected


@given(st.text(), st.from_regex(r"[A-Za-z0-9._-]+", fullmatch=True))
def test_a_bucket_is_in_the_cohort_space(key: str, salt: str) -> None:
    assert 0 <= bucket(key, salt) < BUCKETS


@pytest.mark.parametrize("salt", ["", "a b", "a:b", "ä"])
def test_a_salt_that_haproxy_could_not_take_is_refused(salt: str) -> None:
    with pytest.raises(ValueError, match="salt"):
        bucket("1", salt)


@pytest.mark.parametrize("raw", ["0000012345", "12345", " 12345", "12345\n"])
def test_one_person_is_one_key_on_every_channel(raw: str) -> None:
    assert CanonicalKey(type="digits", strip_zeros=True).of(raw) == "12345"


def test_unicode_forms_of_one_name_are_one_key() -> None:
    assert CanonicalKey().of("e\u0301") == CanonicalKey().of("\u00e9")


def test_a_key_of_zeros_keeps_one() -> None:
    assert CanonicalKey(type="digits", strip_zeros=True).of("000") == "0"


@pytest.mark.parametrize(("case", "expected"), [("keep", "aB"), ("upper", "AB"), ("lower", "ab")])
def test_case_is_as_declared(case: str, expected: str) -> None:
    assert CanonicalKey.model_validate({"case": case}).of("aB") == expected


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        (CanonicalKey(type="digits"), "12a", "digits only"),
        (CanonicalKey(type="digits"), "\u0661\u0662", "digits only"),
        (CanonicalKey(), "   ", "1 to 64 characters, not 0"),
        (CanonicalKey(min_length=3, max_length=4), "12345", "3 to 4 characters, not 5"),
        (CanonicalKey(), "a\x00b", "printable"),
    ],
)
def test_an_unfit_key_is_refused_without_being_shown(key: CanonicalKey, raw: str, expected: str) -> None:
    with pytest.raises(RecordError, match=expected) as caught:
        key.of(raw)
    assert raw.strip() not in str(caught.value) or not raw.strip()


@given(st.text(min_size=1, max_size=30))
def test_the_canonical_form_is_its_own(raw: str) -> None:
    key = CanonicalKey(strip_zeros=True, case="lower")
    try:
        once = key.of(raw)
    except RecordError:
        return
    assert key.of(once) == once


@given(
    st.builds(
        CanonicalKey,
        type=st.sampled_from(["digits", "text"]),
        strip_zeros=st.booleans(),
        case=st.sampled_from(["keep", "upper", "lower"]),
        min_length=st.integers(0, 2),
        max_length=st.integers(2, 6),
    ),
    st.lists(st.one_of(st.text("0019 aB\t", max_size=7), st.text(max_size=3)), max_size=4),
)
def test_many_keys_are_what_each_is(key: CanonicalKey, raw: list[str]) -> None:
    def outcome(make: Callable[[], list[str]]) -> list[str] | str:
        try:
            return make()
        except RecordError as error:
            return str(error)

    assert outcome(lambda: key.of_all(raw)) == outcome(lambda: [*map(key.of, raw)])
