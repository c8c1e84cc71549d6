import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.facade.process import link as frames
from routers.facade.process.link import Decoder, Kind, Link, encode
from tests.sources import eventually

Frame = tuple[Kind, bytes]


class End:
    """One end of a link, and what it heard."""

    def __init__(self, *, backlog_bytes: int = 1_000_000, got: Callable[[Kind, bytes], None] | None = None) -> None:
        self.heard: list[Frame] = []
        self.losses = 0
        self.link = Link(got=got or self._got, lost=self._lost, backlog_bytes=backlog_bytes)

    async def connect(self, end: socket.socket) -> None:
        await asyncio.get_running_loop().create_unix_connection(lambda: self.link, sock=end)

    def _got(self, kind: Kind, payload: bytes) -> None:
        self.heard.append((kind, payload))

    def _lost(self) -> None:
        self.losses += 1


@asynccontextmanager
async def linked(here: End, there: End) -> AsyncGenerator[None]:
    ours, theirs = socket.socketpair()
    await here.connect(ours)
    await there.connect(theirs)
    yield
    here.link.abort()
    there.link.abort()
    await eventually(lambda: not here.link.open and not there.link.open and here.losses == there.losses == 1)


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.binary(max_size=300)), max_size=8), st.integers(1, 50))
def test_frames_are_what_was_sent_however_the_bytes_are_cut(sent: list[Frame], size: int) -> None:
    wire = b"".join(encode(kind, payload) for kind, payload in sent)
    decoder = Decoder()

    got = [frame for at in range(0, len(wire), size) for frame in decoder.feed(wire[at : at + size])]

    assert got == sent


@pytest.mark.parametrize("data", [b"\0\0\0\0\x01", b"\xff\xff\xff\xff\x01", b"\0\0\0\x01\xee"])
def test_what_is_no_frame_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|Kind"):
        list(Decoder().feed(data))


def test_a_payload_beyond_the_bound_is_refused_where_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME_BYTES", 10)

    with pytest.raises(ValueError, match="frame TALLY: expected at most 10 bytes, found 11"):
        encode(Kind.TALLY, bytes(11))


async def test_both_ends_hear_each_other_and_the_end() -> None:
    here, there = End(), End()
    async with linked(here, there):
        assert here.link.send(Kind.DRAIN)
        assert there.link.send(Kind.BEAT, b"3")
        await eventually(lambda: bool(here.heard and there.heard))

        assert there.heard == [(Kind.DRAIN, b"")]
        assert here.heard == [(Kind.BEAT, b"3")]
        here.link.close()
        await eventually(lambda: there.losses == 1)


def is_behind(link: Link) -> bool:
    """Ask anew: a type checker takes a property for constant."""
    return link.behind


async def test_who_sends_can_tell_that_nobody_reads_and_what_it_sent_arrives_all_the_same() -> None:
    here, (ours, theirs) = End(backlog_bytes=100_000), socket.socketpair()
    await here.connect(ours)

    accepted = 40
    for _ in range(accepted):
        here.link.send(Kind.DECISIONS, bytes(50_000))
    assert is_behind(here.link)
    assert here.link.send(Kind.IN_DOUBT, b"doubt")

    there = End()
    await there.connect(theirs)
    await eventually(lambda: len(there.heard) == accepted + 1)
    assert there.heard[-1] == (Kind.IN_DOUBT, b"doubt")
    assert not is_behind(here.link)
    here.link.abort()
    await eventually(lambda: here.losses == there.losses == 1)


async def test_after_the_end_nothing_is_sent_and_it_says_so() -> None:
    here = End()

    assert not here.link.send(Kind.IN_DOUBT, b"x")
    assert not here.link.behind
    here.link.close()
    here.link.abort()


async def test_a_frame_that_cant_be_handled_ends_the_link() -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context.get("exception"))))

    def refuse(kind: Kind, payload: bytes) -> None:
        raise ValueError(f"{kind.name} {payload!r}")

    here, there = End(), End(got=refuse)
    async with linked(here, there):
        here.link.send(Kind.RUNS, b"?")
        await eventually(lambda: here.losses == there.losses == 1)

    assert told == ["RUNS b'?'"]
