"""IBM floats that are not normalized: what is not changed keeps its bytes, and no value is lost."""

import pytest

from contracts.errors import RecordError
from contracts.legacy.copybook import Options, RowCodec, parse

LAYOUT = parse("       01  R.\n           05  F COMP-1.\n           05  D COMP-2.\n           05  X PIC X.\n")


@pytest.mark.parametrize(
    ("single", "double"),
    [
        ("41001000", "4000000000000001"),
        ("00000001", "0000000000000001"),
        ("80000010", "8010000000000000"),
        ("41100000", "41ffffffffffffff"),
    ],
)
def test_a_float_that_is_not_changed_keeps_its_bytes_and_any_keeps_its_value(single: str, double: str) -> None:
    codec = RowCodec(LAYOUT, Options(floats="ibm"))
    record = bytes.fromhex(single + double + "c1")
    values = codec.decode(record)

    assert codec.encode({**values, "X": "B"}, record) == record[:-1] + b"\xc2"
    assert codec.decode(codec.encode(values)) == values


@pytest.mark.parametrize("value", [1e-86, 5.3e-80, 1e80])
def test_a_float_that_can_not_be_held_is_an_error(value: float) -> None:
    with pytest.raises(RecordError, match="a floating point number of 4 bytes"):
        RowCodec(LAYOUT, Options(floats="ibm")).encode({"F": value, "D": 0.0, "X": ""})
