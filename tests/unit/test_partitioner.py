import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from events.partitioner import murmur2, partitions


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        # The vectors of Kafka's own UtilsTest.testMurmur2, as unsigned numbers.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_javas(key: bytes, expected: int) -> None:
    assert murmur2([key]).tolist() == [expected & 0xFFFFFFFF]


@given(st.lists(st.binary(max_size=40)))
def test_keys_of_any_lengths_hash_as_one_by_one(keys: list[bytes]) -> None:
    assert murmur2(keys).tolist() == [reference(key) & 0xFFFFFFFF for key in keys]


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=50))
def test_the_partition_is_the_positive_hash_modulo_their_number(keys: list[bytes], count: int) -> None:
    assert partitions(keys, count).tolist() == [(reference(key) & 0x7FFFFFFF) % count for key in keys]
