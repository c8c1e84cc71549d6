"""The chunked coding: RFC 9112 section 7.1, and RFC 9110 section 6.5 on trailers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.facade.http.chunks import LAST_CHUNK, ChunkError, ChunkReader, chunk

END = b"\r\n0\r\n\r\n"


def reason_of(coded: bytes, *, size: int = 2**20) -> str:
    """Return why a body is refused, when it comes in portions of this size."""
    reader = ChunkReader()
    try:
        for at in range(0, len(coded), size):
            reader.feed(coded[at : at + size])
    except ChunkError as error:
        return error.reason
    return pytest.fail("it is not refused")


def decoded(coded: bytes, *, size: int = 2**20) -> tuple[bytes, bytes | None, list[bytes]]:
    """Return data, what follows, and trailers of a body that comes in portions of this size."""
    reader = ChunkReader()
    data = b""
    for at in range(0, len(coded), size):
        if reader.rest is not None:
            return data, reader.rest + coded[at:], reader.trailers
        data += b"".join(reader.feed(coded[at : at + size]))
    return data, reader.rest, reader.trailers


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    st.binary(max_size=20),
    st.integers(min_value=1, max_value=50),
)
def test_whatever_was_chunked_comes_back_however_it_is_cut(parts: list[bytes], rest: bytes, size: int) -> None:
    coded = b"".join(map(chunk, parts)) + LAST_CHUNK

    assert decoded(coded + rest, size=size) == (b"".join(parts), rest, [])


@given(st.binary(max_size=60), st.integers(min_value=1, max_value=10))
def test_bytes_of_any_kind_are_read_alike_in_one_portion_and_in_many(tail: bytes, size: int) -> None:
    """A body is refused or ends at the same place, whatever the network does."""

    def told(size: int) -> tuple[bytes, bytes | None, list[bytes]] | str:
        try:
            return decoded(b"3\r\nabc\r\n" + tail, size=size)
        except ChunkError:
            return "refused"

    whole, cut = told(2**20), told(size)

    # In one portion, what is broken is seen at once; what is only begun may be refused later.
    assert whole == cut


@pytest.mark.parametrize(
    "size", [b"5", b"05", b"000000000005", b"5;a", b"5;a=b", b"5 ;a", b'5;a="b;\\"c"', b"5\t; a = b", b"5;a;b=c"]
)
def test_sizes_are_hexadecimal_and_extensions_are_dropped(size: bytes) -> None:
    """RFC 9112 section 7.1.1: a recipient ignores extensions that it does not know."""
    assert decoded(size + b"\r\nhello" + END) == (b"hello", b"", [])


@pytest.mark.parametrize(
    "size",
    [
        b"",
        b" 5",
        b"5 ",
        b"5\t",
        b"+5",
        b"-5",
        b"0x5",
        b"5h",
        b"5.0",
        b"5,5",
        b"5 5",
        b"5_0",
        b"\xb2",
        b'"5"',
        b"5=a",
        b"5\x00",
        b"5;",
        b"5;;a",
        b"5;a b",
        b"5;a:b",
        b"5;a=",
        b'5;a="b',
        b'5;a="b"c',
        b'5;a="b\\"',
        b"5;a\x00",
        b"5;a\x0b",
        b"5;a\xff",
        b"5;a\rb",
        b"5;a\nb",
        b"5\n5",
        b"5;\n",
        b"5;a\r\r",
        b"5;" + b"a" * 300,
        b"0000000000005",
        b"10000000000000005",
        b"fffffffffffffffff",
        b"-1",
    ],
)
@pytest.mark.parametrize("portion", [1, 2**20])
def test_a_size_of_another_grammar_is_refused(size: bytes, portion: int) -> None:
    """RFC 9112 section 7.1: no sign, prefix, overflow or line end in an extension (TERM.EXT, EXT.TERM)."""
    assert reason_of(size + b"\r\nhello" + END, size=portion) in {"chunk_size", "line_end", "chunk_line"}


@pytest.mark.parametrize(
    "coded",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b"5\rhello\r\n0\r\n\r\n",
        b"5;a\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhell\r\n0\r\n\r\n",
        b"5\r\nhello\r\r0\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\n\n",
        b"5\r\nhello\r\n0\r\n\n\n",
        b"5\r\nhello\r\n0\r\n\rX\n",
        b"5\r\nhello\r\n0\r\nA: b\n\r\n",
        b"5\r\nhello\r\n0\r\nA: b\rC: d\r\n\r\n",
    ],
)
@pytest.mark.parametrize("portion", [1, 2**20])
def test_a_line_end_that_is_missing_or_of_another_kind_is_refused(coded: bytes, portion: int) -> None:
    """RFC 9112 sections 2.2 and 7.1: CR LF after sizes, data and trailers; nothing else."""
    assert reason_of(coded, size=portion)


@pytest.mark.parametrize("wrong", [b"5\r\nhelloX", b"5\r\nhello\n", b"5\r\nhello\rX", b"5;\n", b"5\rX", b"0\r\n\n"])
def test_what_is_broken_is_refused_before_more_comes(wrong: bytes) -> None:
    assert reason_of(wrong) in {"chunk_end", "line_end"}


def test_trailers_are_fields_and_are_kept_apart() -> None:
    """RFC 9112 section 7.1.2."""
    assert decoded(b"0\r\nA: b\r\nC:\r\n\r\nGET /") == (b"", b"GET /", [b"A: b", b"C:"])


@pytest.mark.parametrize(
    "trailer", [b" A: b", b"A : b", b"A", b": b", b"A b: c", b"A: b\r\n c", b"A: b\x00", b"A(: b", b"GET / HTTP/1.1"]
)
def test_a_trailer_that_is_no_field_is_refused(trailer: bytes) -> None:
    """RFC 9112 section 5; a request line among trailers is none."""
    assert reason_of(b"0\r\n" + trailer + b"\r\n\r\n") == "trailer"


@pytest.mark.parametrize("portion", [100, 2**20])
@pytest.mark.parametrize("trailers", [b"A: " + b"b" * 8200, b"A: b\r\n" * 2100, b"A: " + b"b" * 20_000])
def test_trailers_have_a_bound(trailers: bytes, portion: int) -> None:
    """RFC 9112 section 7.1.2: as header sections do."""
    assert reason_of(b"0\r\n" + trailers + b"\r\n\r\n", size=portion) in {"trailer", "chunk_line"}


def test_a_chunk_of_any_size_is_given_as_it_comes() -> None:
    """What a chunk announces is never allocated or waited for."""
    reader = ChunkReader()

    assert reader.feed(b"ffffffffffff\r\nabc") == [b"abc"]
    assert reader.feed(b"def") == [b"def"]
    assert reader.rest is None


def test_an_empty_chunk_is_the_last_and_is_never_written_for_data() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert decoded(b"000\r\n\r\n") == (b"", b"", [])
