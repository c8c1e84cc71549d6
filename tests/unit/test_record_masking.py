"""Masked records: nobody is in them, they still parse, and equal values stay equal."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigError, RecordError
from contracts.legacy.copybook import RowCodec, parse
from contracts.legacy.masking import Masker, Way

COPYBOOK = """
       01  CASE-RECORD.
           05  NAME      PIC X(12).
           05  ID-NUMBER PIC 9(6).
           05  ID-TEXT   REDEFINES ID-NUMBER PIC X(6).
           05  BALANCE   PIC S9(5)V99 COMP-3.
           05  HUGE      PIC S9(4) COMP-5.
           05  THOUSANDS PIC 9(2)P(3).
           05  PARTS     PIC 9.
           05  PART      OCCURS 0 TO 3 DEPENDING ON PARTS.
               10  NOTE  PIC X(4).
               10  KIND  PIC X.
           05  RATE      COMP-2.
           05  SHOWN     PIC ZZ9.99-.
"""
LAYOUT = parse(COPYBOOK)
CODEC = RowCodec(LAYOUT)
SECRET = b"a secret of ours"
RECORD: dict[str, Any] = {
    "NAME": "Ada L-99 é", "ID-NUMBER": 123456, "ID-TEXT": "123456", "BALANCE": Decimal("-120.50"), "HUGE": 32767,
    "THOUSANDS": 42000, "PARTS": 2, "PART": [{"NOTE": "ill", "KIND": "M"}, {"NOTE": "well", "KIND": "W"}], "RATE": 0.5,
    "SHOWN": Decimal("-12.34"),
}  # fmt: skip
FIELDS = ("NAME", "ID-NUMBER", "BALANCE", "HUGE", "THOUSANDS", "PART.NOTE", "SHOWN")
WAYS: tuple[Way, ...] = get_args(Way)


def masked(
    way: Way, record: dict[str, Any] = RECORD, *, fields: tuple[str, ...] = FIELDS, secret: bytes = SECRET
) -> Any:
    masker = Masker(LAYOUT, CODEC, ways=dict.fromkeys(fields, way), secret=secret)
    return CODEC.decode(masker.mask(CODEC.encode(record)))


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_masked_value_is_left_in_any_view_of_its_bytes(way: Way) -> None:
    found = masked(way)

    for name in ("NAME", "ID-NUMBER", "ID-TEXT", "BALANCE", "HUGE", "THOUSANDS", "SHOWN"):
        assert found[name] != RECORD[name], name
    assert found["ID-TEXT"] == f"{found['ID-NUMBER']:06d}"
    assert [part["NOTE"] for part in found["PART"]] != ["ill", "well"]
    assert ([part["KIND"] for part in found["PART"]], found["PARTS"], found["RATE"]) == (["M", "W"], 2, 0.5)


def test_what_is_redacted_does_not_tell_how_long_it_was() -> None:
    found = masked("redact")

    assert (found["NAME"], found["BALANCE"], found["ID-NUMBER"]) == ("X" * 12, Decimal("0.00"), 0)
    assert [part["NOTE"] for part in found["PART"]] == ["XXXX", "XXXX"]


def test_a_shape_keeps_letters_digits_and_signs_in_their_places() -> None:
    found = masked("shape")

    kinds = ["".join("A" if c.isupper() else "a" if c.islower() else "9" if c.isdigit() else c for c in text)
             for text in (found["NAME"], RECORD["NAME"].replace("é", "E"))]  # fmt: skip
    assert kinds[0] == kinds[1]
    assert found["BALANCE"] < 0 > found["SHOWN"]


@pytest.mark.parametrize("way", ["token", "shape"])
def test_equal_values_get_equal_tokens_and_another_secret_other_ones(way: Way) -> None:
    assert masked(way) == masked(way)
    assert masked(way)["NAME"] != masked(way, secret=b"another secret, too")["NAME"]


@given(
    way=st.sampled_from(WAYS),
    name=st.text("ABCabc019 -.", max_size=12).map(lambda text: text.rstrip(" ")),
    number=st.integers(0, 999_999),
    balance=st.decimals(-99_999, 99_999, places=2, allow_nan=False),
    huge=st.integers(-32_768, 32_767),
)
def test_every_record_still_parses(way: Way, name: str, number: int, balance: Decimal, huge: int) -> None:
    record = RECORD | {
        "NAME": name, "ID-NUMBER": number, "ID-TEXT": f"{number:06d}", "BALANCE": balance, "HUGE": huge,
    }  # fmt: skip

    assert masked(way, record).keys() == record.keys()


def test_a_record_that_cant_be_read_is_not_let_through() -> None:
    masker = Masker(LAYOUT, CODEC, ways={"NAME": "redact"}, secret=SECRET)
    spoilt = bytearray(CODEC.encode(RECORD))
    spoilt[12] = 0x40

    with pytest.raises(RecordError, match="ID-NUMBER"):
        masker.mask(bytes(spoilt))


def test_what_cant_be_masked_is_told_at_once() -> None:
    wrong: dict[str, Way] = {"NAM": "redact", "PART": "token", "RATE": "shape"}

    with pytest.raises(ConfigError) as caught:
        Masker(LAYOUT, CODEC, ways=wrong, secret=b"short")

    assert caught.value.problems == (
        "masks: the layout has no field NAM",
        "masks: PART is a group: name its fields",
        "masks: RATE is float, which has no mask",
        "the secret of masks needs 16 bytes at least",
    )
