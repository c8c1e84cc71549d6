"""Java's murmur2 on the key, for every producer: the same key is on the same partition, whoever sends it.

aiokafka's and librdkafka's defaults disagree; this is the hash of Kafka's own Java client
(`org.apache.kafka.common.utils.Utils.murmur2`), computed over columns of keys at once.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["murmur2", "partitions"]

_SEED = np.uint32(0x9747B28C)
_M = np.uint32(0x5BD1E995)


def murmur2(keys: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Return the hash of each key.

    >>> [int(h) for h in murmur2([b"21", b"foobar", b"a-little-bit-long-string"])]
    [3321034988, 3504634814, 3308985760]
    """
    lengths = np.fromiter(map(len, keys), dtype=np.int64, count=len(keys))
    hashes = np.empty(len(keys), dtype=np.uint32)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        joined = b"".join([keys[row] for row in rows.tolist()])
        hashes[rows] = _of_one_length(np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), length))
    return hashes


def partitions(keys: Sequence[bytes], count: int) -> npt.NDArray[np.int64]:
    """Return the partition of each key, of `count`."""
    return (murmur2(keys) & np.uint32(0x7FFFFFFF)).astype(np.int64) % count


def _of_one_length(octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    rows, length = octets.shape
    words = length // 4
    hashed = np.full(rows, _SEED ^ np.uint32(length), dtype=np.uint32)
    blocks = np.ascontiguousarray(octets[:, : words * 4]).view(np.dtype("<u4"))
    for column in range(words):
        k = np.multiply(blocks[:, column], _M, dtype=np.uint32)
        np.bitwise_xor(k, k >> np.uint32(24), out=k)
        np.multiply(k, _M, out=k)
        np.multiply(hashed, _M, out=hashed)
        np.bitwise_xor(hashed, k, out=hashed)
    tail = octets[:, words * 4 :].astype(np.uint32)
    for place in range(length - words * 4):
        np.bitwise_xor(hashed, tail[:, place] << np.uint32(8 * place), out=hashed)
    if length % 4:
        np.multiply(hashed, _M, out=hashed)
    np.bitwise_xor(hashed, hashed >> np.uint32(13), out=hashed)
    np.multiply(hashed, _M, out=hashed)
    np.bitwise_xor(hashed, hashed >> np.uint32(15), out=hashed)
    return hashed
