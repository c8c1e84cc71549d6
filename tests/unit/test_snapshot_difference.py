"""The pure core: which records are created, updated, deleted and unchanged."""

import random
from typing import Literal

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.batch.snapshot.cut import Cut, Part
from adapters.batch.snapshot.difference import Images, difference, distinct, repeated
from adapters.batch.snapshot.image import Image, images, key_bytes, state_key
from adapters.batch.snapshot.settings import Snapshot
from contracts.errors import ConfigError
from contracts.legacy.copybook import Codec, parse

KEY, LENGTH = 3, 6
CUT = Cut(length=LENGTH, key=(Part(offset=1, length=KEY),), compared=((0, LENGTH),))
# Few letters, so that keys meet; NUL at the end is where byte strings lie in wait.
KEYS = st.binary(min_size=KEY, max_size=KEY).map(lambda key: bytes(byte % 3 for byte in key))
EXTRACTS = st.dictionaries(KEYS, st.sampled_from([b"ab", b"cd", b"\0\0"]))


def records(extract: dict[bytes, bytes]) -> bytes:
    return b"".join(b"#" + key + content for key, content in extract.items())


def imaged(extract: dict[bytes, bytes]) -> Images:
    data = records(extract)
    return Images.of(CUT.keys(data), CUT.digests(data))


@settings(deadline=None)
@given(before=EXTRACTS, after=EXTRACTS, draw=st.randoms())
def test_applying_the_difference_to_the_earlier_extract_gives_the_later_one(
    before: dict[bytes, bytes], after: dict[bytes, bytes], draw: random.Random
) -> None:
    rows = list(after.items())
    draw.shuffle(rows)
    earlier = imaged(before).in_key_order()

    found = difference(earlier, imaged(dict(rows)))

    gone = key_bytes(earlier.keys, found.deleted)
    created: list[int] = found.created.tolist()
    updated: list[int] = found.updated.tolist()
    changed = dict(rows[row] for row in created + updated)
    assert {key: of for key, of in before.items() if key not in gone} | changed == after
    assert gone == sorted(before.keys() - after.keys())
    assert all(rows[row][0] not in before for row in created)
    assert all(before[rows[row][0]] != rows[row][1] for row in updated)
    assert found.unchanged == len(before.items() & after.items())


@settings(deadline=None)
@given(extract=EXTRACTS)
def test_an_extract_does_not_differ_from_itself(extract: dict[bytes, bytes]) -> None:
    found = difference(imaged(extract).in_key_order(), imaged(extract))

    assert (len(found.created), len(found.updated), len(found.deleted)) == (0, 0, 0)
    assert found.unchanged == len(extract)


@settings(deadline=None)
@given(keys=st.lists(KEYS), keep=st.sampled_from(["first", "last"]))
def test_repeated_keys_are_found_whatever_their_order(keys: list[bytes], keep: Literal["first", "last"]) -> None:
    given_keys = np.array(keys, dtype=f"S{KEY}")

    again_later, stood_before = repeated(given_keys)

    assert again_later.tolist() == [at for at, key in enumerate(keys) if key in keys[at + 1 :]]
    assert stood_before.tolist() == [at for at, key in enumerate(keys) if key in keys[:at]]
    rows: list[int] = distinct(given_keys, keep).tolist()
    assert [keys[at] for at in rows] == (
        list(dict.fromkeys(keys)) if keep == "first" else list(dict.fromkeys(keys[::-1]))[::-1]
    )


@settings(deadline=None)
@given(extract=EXTRACTS)
def test_images_come_back_from_the_state_in_the_order_of_their_keys(extract: dict[bytes, bytes]) -> None:
    digests = {key: xxhash.xxh3_128_digest(b"#" + key + content) for key, content in extract.items()}
    state = {state_key(key): Image(digest=digest, event_key=b"k").to_bytes() for key, digest in digests.items()}

    found = images({b"other": b"", **state}, width=KEY)

    assert key_bytes(found.keys, np.arange(len(extract))) == sorted(extract)
    assert found.digests.tobytes() == b"".join(digests[key] for key in sorted(extract))


@settings(deadline=None)
@given(digest=st.binary(min_size=16, max_size=16), key=st.binary(max_size=300), record=st.binary(max_size=40))
def test_an_image_comes_back_from_its_bytes(digest: bytes, key: bytes, record: bytes) -> None:
    image = Image(digest=digest, event_key=key, record=record)

    assert Image.from_bytes(image.to_bytes()) == image


@settings(deadline=None)
@given(content=st.binary(min_size=9, max_size=9), other=st.binary(min_size=9, max_size=9))
def test_a_digest_tells_what_is_compared_and_nothing_else(content: bytes, other: bytes) -> None:
    cut = Cut(length=9, key=(Part(offset=0, length=1),), compared=((1, 2), (5, 3)))

    same = content[1:3] + content[5:8] == other[1:3] + other[5:8]
    digests = cut.digests(content + other)
    assert (digests[:16] == digests[16:]) == same


LAYOUT = parse(
    """\
       01  R.
           05  A  PIC S9(3) COMP-3.
           05  B  PIC S9(2).
           05  C  PIC 9(2).
           05  FILLER PIC X.
           05  D  PIC X(3).
"""
)


def test_signs_of_keys_are_written_one_way() -> None:
    cut = Cut.of(LAYOUT, Snapshot(key=("B", "A")))
    plus, minus = (Codec(LAYOUT).encode([{"A": sign, "B": sign, "C": 1, "D": "x"}]) for sign in (1, -1))
    other_plus = plus[:1] + b"\x1f" + plus[2:3] + b"\xf1" + plus[4:]
    other_minus = minus[:1] + b"\x1b" + minus[2:3] + b"\xb1" + minus[4:]

    keys = key_bytes(cut.keys(plus + other_plus + minus + other_minus), np.arange(4))

    assert keys == [b"\xf0\xc1\x00\x1c"] * 2 + [b"\xf0\xd1\x00\x1d"] * 2


def test_filler_and_ignored_fields_are_not_compared() -> None:
    assert Cut.of(LAYOUT, Snapshot(key=("C",))).compared == ((0, 6), (7, 3))
    assert Cut.of(LAYOUT, Snapshot(key=("C",), ignore=("A", "D"))).compared == ((2, 4),)


def test_unknown_fields_are_told_all_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Cut.of(LAYOUT, Snapshot(key=("AA",), ignore=("ZZZ",)))

    assert caught.value.problems == (
        "snapshot.key: the copybook has no field 'AA'; did you mean A?",
        "snapshot.ignore: the copybook has no field 'ZZZ'; there are A, B, C, D",
    )


def test_keys_longer_than_a_word_are_compared_wholly() -> None:
    cut = Cut(length=20, key=(Part(offset=0, length=19),), compared=((19, 1),))
    many = [b"%019d" % (7919 * number % 1000) for number in range(1000)]
    before, after = many[:900], many[100:]
    earlier = Images.of(cut.keys(b"".join(k + b"x" for k in before)), cut.digests(b"".join(k + b"x" for k in before)))
    later = Images.of(cut.keys(b"".join(k + b"x" for k in after)), cut.digests(b"".join(k + b"x" for k in after)))

    found = difference(earlier.in_key_order(), later)

    assert (len(repeated(later.keys)[0]), found.unchanged) == (0, 800)
    assert [after[row] for row in found.created.tolist()] == many[900:]
    assert len(found.deleted) == 100


@pytest.mark.parametrize("half", [0, 8])
def test_digests_are_compared_wholly(half: int) -> None:
    keys = CUT.keys(records({b"abc": b"ab"}))
    digest = bytearray(16)
    before = Images.of(keys, bytes(digest))
    digest[half] = 1

    found = difference(before, Images.of(keys, bytes(digest)))

    assert (len(found.updated), found.unchanged) == (1, 0)
