"""W3C Trace Context, levels 1 and 2, on the wire: what reaches the backend for what the caller sent."""

import re
from pathlib import Path

import pytest

from tests.facade_world import World, facade

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{PARENT}-01"


async def onward(world: World, *lines: str) -> dict[str, str]:
    """Send a request with these header lines; returns the trace headers that the backend got, by name."""
    head = "".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", "Host: x", "Connection: close", *lines, ""))
    assert (await world.exchange(head.encode("latin-1"))).startswith(b"HTTP/1.1 200")
    got = world.legacy.requests[-1].decode("latin-1")
    return dict(re.findall(r"^(traceparent|tracestate): (.*)\r$", got, re.MULTILINE))


def ids(traceparent: str) -> tuple[str, str, int]:
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", traceparent)
    assert found is not None, traceparent
    assert set(found[1]) != {"0"}
    assert set(found[2]) != {"0"}
    return found[1], found[2], int(found[3], 16)


async def test_without_a_trace_one_begins_with_a_random_id(tmp_path: Path) -> None:
    async with facade(tmp_path) as world:
        seen = [ids((await onward(world))["traceparent"]) for _ in range(20)]

    assert len({trace for trace, _, _ in seen}) == 20
    assert all(flags & 2 for _, _, flags in seen)


@pytest.mark.parametrize("flags", ["00", "01", "02", "03"])
async def test_a_trace_goes_on_with_a_span_of_ours_and_the_callers_flags(tmp_path: Path, flags: str) -> None:
    async with facade(tmp_path, sample_ratio=0) as world:
        sent = await onward(world, f"traceparent: 00-{TRACE}-{PARENT}-{flags}", "tracestate: vendor=1,other@b=2")

    trace, span, kept = ids(sent["traceparent"])
    assert (trace, kept, sent["tracestate"]) == (TRACE, int(flags, 16), "vendor=1,other@b=2")
    assert span != PARENT


async def test_a_trace_that_we_keep_is_marked_as_sampled(tmp_path: Path) -> None:
    async with facade(tmp_path, sample_ratio=1) as world:
        sent = await onward(world, f"traceparent: 00-{TRACE}-{PARENT}-00")

    assert ids(sent["traceparent"])[2] == 1


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        VALID[:-1],
        f"{VALID}-extra",
        VALID.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-0x",
        f"00_{TRACE}_{PARENT}_01",
        f"0-{TRACE}-{PARENT}-01",
        f"{VALID}, {VALID}",
        f"cc-{TRACE}-{PARENT}-01.extra",
    ],
)
async def test_what_is_no_traceparent_begins_a_new_trace_and_ends_the_state(tmp_path: Path, traceparent: str) -> None:
    async with facade(tmp_path) as world:
        sent = await onward(world, f"traceparent: {traceparent}", "tracestate: vendor=1")

    assert ids(sent["traceparent"])[0] != TRACE
    assert "tracestate" not in sent


async def test_two_traceparents_are_none(tmp_path: Path) -> None:
    async with facade(tmp_path) as world:
        sent = await onward(world, f"traceparent: {VALID}", f"traceparent: {VALID}")

    assert ids(sent["traceparent"])[0] != TRACE


@pytest.mark.parametrize("traceparent", [f"cc-{TRACE}-{PARENT}-01", f"cc-{TRACE}-{PARENT}-01-what-comes"])
async def test_a_version_to_come_is_read_as_far_as_it_is_known(tmp_path: Path, traceparent: str) -> None:
    async with facade(tmp_path) as world:
        sent = await onward(world, f"Traceparent: {traceparent}", "tracestate: vendor=1")

    assert ids(sent["traceparent"])[0] == TRACE
    assert sent["tracestate"] == "vendor=1"


async def test_states_on_several_lines_are_one_in_their_order(tmp_path: Path) -> None:
    async with facade(tmp_path) as world:
        sent = await onward(world, f"traceparent: {VALID}", "tracestate: a=1", "tracestate: b=2,", "Tracestate: c=3")

    assert [member.strip() for member in sent["tracestate"].split(",") if member.strip()] == ["a=1", "b=2", "c=3"]


@pytest.mark.parametrize("state", ["a=1,a=2", "A=1", "a", "=1", "a=1=2", ",".join(f"k{n}=1" for n in range(33))])
async def test_a_state_that_is_not_valid_goes_and_the_trace_stays(tmp_path: Path, state: str) -> None:
    async with facade(tmp_path) as world:
        sent = await onward(world, f"traceparent: {VALID}", f"tracestate: {state}")

    assert ids(sent["traceparent"])[0] == TRACE
    assert "tracestate" not in sent


async def test_what_a_backend_says_of_its_trace_reaches_the_caller_unchanged(tmp_path: Path) -> None:
    async with facade(tmp_path) as world:
        world.legacy.answer = (
            f"HTTP/1.1 200 OK\r\ntraceresponse: {VALID}\r\ntraceparent: {VALID}\r\ntracestate: a=1\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
        got = await world.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert f"traceresponse: {VALID}\r\ntraceparent: {VALID}\r\ntracestate: a=1\r\n".encode() in got
