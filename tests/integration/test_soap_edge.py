"""The edge of a SOAP service over real sockets: every wait ends, and says which one it was."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException
from typing import Any

import pytest

from adapters import soap
from adapters._edge import impatient
from adapters.soap.http import HttpExchange, Request
from contracts.errors import (
    CircuitOpenError,
    LegacyFaultError,
    LegacyInDoubtError,
    LegacyTimeoutError,
    LegacyUnavailableError,
    TimeoutKind,
)
from contracts.ports import EventBatch, Progress
from tests.budgets import Draws
from tests.members import HEAD, TAIL, Scripted, member, polling
from tests.polls import Hub, poll
from tests.rude_server import Behaviour, answering, dripping, freed_port, resetting, rude, silent, unreachable

REPLY = (HEAD + member("1") + TAIL).encode()
LONG = (HEAD + "".join(member(str(number)) for number in range(300)) + TAIL).encode()
FAULT = HEAD + "</ListMembersResponse><Fault><faultcode>{}</faultcode><faultstring>said</faultstring></Fault><x>"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"
QUICK = {
    "attempts": 1,
    "timeout": timedelta(seconds=1),
    "connect": timedelta(seconds=0.5),
    "read": timedelta(seconds=0.5),
}


def fault(code: str) -> bytes:
    return (FAULT.format(code) + TAIL).replace("<x></ListMembersResponse>", "").encode()


def adapter(address: str, **changes: Any) -> soap.Adapter:
    asked = polling(Scripted())
    vars(asked).update(_given=None)
    return asked.configured({"endpoint": address, "watermark": None, "patience": {"attempts": 3}, **changes})


async def keys(address: str, **changes: Any) -> list[str]:
    with impatient():
        return [key for key, _, _ in await poll(adapter(address, **changes), Hub())]


@pytest.fixture(autouse=True)
async def threads() -> AsyncGenerator[None, None]:
    """Let no test leave a thread behind: what is given up on is closed, and its thread ends."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 3
    while (left := leftover(before)) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    assert left == []


def leftover(before: set[threading.Thread]) -> list[str]:
    return [each.name for each in threading.enumerate() if each not in before and not each.name.startswith("asyncio_")]


LONE = {
    "connect": {"attempts": 1, "timeout": 9, "connect": 0.5, "read": 9},
    "read": {"attempts": 1, "timeout": 9, "connect": 9, "read": 0.5},
    "total": {"attempts": 1, "timeout": 0.5, "connect": 0.5, "read": 0.5},
}
"""One bound is reached long before the others."""
DRIPPED_HEAD = dripping(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x" * 100, every=0.1)
DRIPPED_BODY = dripping(OK, REPLY, every=0.1)


@pytest.mark.parametrize(
    ("behaviour", "scheme", "kind", "phase"),
    [
        (silent, "http", "read", "waiting for the head of the answer"),
        (silent, "https", "connect", "in the TLS handshake"),
        (DRIPPED_HEAD, "http", "total", "waiting for the head of the answer"),
        (DRIPPED_BODY, "http", "total", "reading the answer"),
        (dripping(OK + REPLY[:100], REPLY, every=10), "http", "read", "reading the answer"),
    ],
)
async def test_a_service_that_is_slow_is_given_up_on_and_it_is_told_why(
    behaviour: Behaviour, scheme: str, kind: TimeoutKind, phase: str
) -> None:
    started = time.monotonic()
    with rude(behaviour, scheme=scheme) as server:
        with pytest.raises(LegacyTimeoutError) as told:
            await keys(server.address, patience=LONE[kind])
        took = time.monotonic() - started

    assert (told.value.kind, told.value.after, told.value.phase) == (kind, timedelta(seconds=0.5), phase)
    assert str(told.value) == f"members: not available: TimeoutError: {kind} timeout after 0.5 s, {phase}"
    assert 0.5 <= took < 5


async def test_a_machine_that_does_not_answer_is_not_connected_to_for_long() -> None:
    with unreachable() as address, pytest.raises(LegacyTimeoutError) as told:
        await keys(address, patience=LONE["connect"])

    assert (told.value.kind, told.value.phase, told.value.sent) == ("connect", "connecting", False)


def test_who_is_closed_while_it_reads_still_says_what_it_waited_for() -> None:
    with rude(DRIPPED_BODY) as server:
        exchange = HttpExchange(Request(url=server.address, body=b""), timedelta(seconds=9))
        exchange.send()
        reading = threading.Thread(target=_drained, args=(exchange,))
        reading.start()
        time.sleep(0.3)
        exchange.close()
        reading.join(9)

    assert (reading.is_alive(), exchange.phase) == (False, "reading the answer")


def _drained(exchange: HttpExchange) -> None:
    with suppress(OSError, HTTPException):
        for _ in exchange.chunks():
            pass


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_who_is_closed_while_it_connects_ends_at_once(scheme: str) -> None:
    with unreachable() as address, rude(silent, scheme="https") as server:
        where = address if scheme == "http" else server.address
        exchange = HttpExchange(Request(url=where, body=b"<a/>"), timedelta(seconds=20))

        def send() -> None:
            with suppress(OSError):
                exchange.send()

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(0.2)
        assert (exchange.phase, exchange.sent) == ("connecting" if scheme == "http" else "in the TLS handshake", False)
        exchange.close()
        thread.join(2)

        assert not thread.is_alive()


async def test_a_name_that_nobody_knows_is_told_and_nothing_was_sent() -> None:
    with pytest.raises(LegacyUnavailableError, match="gaierror") as told:
        await keys("http://nowhere.invalid/registry", patience=QUICK)

    assert not told.value.sent


async def test_a_port_at_which_nobody_listens_is_tried_as_often_as_patience_says() -> None:
    budget = Draws()
    asked = adapter(f"http://127.0.0.1:{freed_port()}/", patience={**QUICK, "attempts": 3})
    asked.draw_on(budget)
    with impatient(), pytest.raises(LegacyUnavailableError, match="ConnectionRefusedError") as told:
        await poll(asked, Hub())

    assert budget.drawn == ["poll", "retry", "retry"]
    assert budget.failed == [True] * 3
    assert not told.value.sent


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-", OK + REPLY[:200]])
async def test_a_connection_that_is_reset_is_tried_again(before: bytes) -> None:
    with rude(resetting(before), answering(REPLY)) as server:
        assert await keys(server.address) == ["1"]


@pytest.mark.parametrize("status", ["502 Bad", "503 Busy", "504 Late", "429 Slower"])
async def test_what_is_over_soon_is_tried_again(status: str) -> None:
    with rude(answering(b"", status=status), answering(REPLY)) as server:
        assert await keys(server.address) == ["1"]


async def test_retry_after_is_waited_for() -> None:
    busy = answering(b"", status="503 Busy", headers="Retry-After: 1\r\n")
    started = time.monotonic()
    with rude(busy, answering(REPLY)) as server:
        polled = await poll(adapter(server.address, patience={"attempts": 2, "longest_wait": 2}), Hub())

    assert [key for key, _, _ in polled] == ["1"]
    assert time.monotonic() - started >= 1


async def test_a_longer_retry_after_ends_the_call_and_is_told() -> None:
    busy = answering(b"", status="429 Slower", headers="Retry-After: 60\r\n")
    with rude(busy, answering(REPLY)) as server:
        with pytest.raises(LegacyUnavailableError, match="HTTP 429") as told:
            await keys(server.address, patience={"attempts": 3})

        assert server.connections == 1
    assert told.value.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize("status", ["400 Bad", "403 No", "404 None", "410 Gone", "302 There"])
async def test_what_would_be_said_again_is_not_asked_again(status: str) -> None:
    with rude(answering(b"<html/>", status=status)) as server:
        with pytest.raises(LegacyUnavailableError, match=f"HTTP {status[:3]}"):
            await keys(server.address)
        assert server.connections == 1


@pytest.mark.parametrize(
    ("code", "setting", "error", "connections"),
    [
        ("Server", True, LegacyUnavailableError, 3),
        ("Server", False, LegacyUnavailableError, 1),
        ("Receiver", True, LegacyUnavailableError, 3),
        ("Client", True, LegacyFaultError, 1),
        ("Sender", True, LegacyFaultError, 1),
        ("MustUnderstand", True, LegacyFaultError, 1),
        ("VersionMismatch", True, LegacyFaultError, 1),
    ],
)
async def test_a_fault_is_tried_again_by_whose_it_is(
    code: str, *, setting: bool, error: type[Exception], connections: int
) -> None:
    with rude(answering(fault(code), status="500 Fault")) as server:
        with pytest.raises(error, match=f"fault {code}"):
            await keys(server.address, patience={"server_faults": setting})
        assert server.connections == connections


async def test_a_reply_that_drips_while_it_is_read_in_parts_is_ended() -> None:
    drips = dripping(OK + LONG[:20_000], LONG[20_000:], every=0.05)
    hub = Hub()
    with rude(drips) as server, pytest.raises(LegacyTimeoutError) as told, impatient():
        await poll(adapter(server.address, patience=QUICK, chunk_items=50), hub)

    assert len(hub.events) >= 50
    assert (told.value.kind, told.value.after, told.value.phase) == (
        "total",
        timedelta(seconds=1),
        "reading the answer",
    )


async def test_all_parts_of_a_reply_have_a_bound_together() -> None:
    steady = dripping(OK + LONG[:9000], LONG[9000:], every=0.001)
    patience = {**QUICK, "reply": timedelta(seconds=1.5)}
    with rude(steady) as server, pytest.raises(LegacyTimeoutError) as told, impatient():
        await poll(adapter(server.address, patience=patience, chunk_items=2), Hub())

    assert (told.value.kind, told.value.after) == ("total", timedelta(seconds=1.5))


async def test_time_in_which_nobody_reads_does_not_count() -> None:
    with rude(answering(LONG)) as server:
        batches = adapter(server.address, patience=QUICK, chunk_items=100).read(Progress())
        read: list[EventBatch] = []
        async for batch in batches:
            read.append(batch)
            await asyncio.sleep(0.5)

    assert sum(len(columns) for batch in read for columns in batch.events) == 300


async def test_an_unsafe_operation_is_not_called_again_where_it_may_have_been_done() -> None:
    with rude(resetting(b""), answering(REPLY)) as server:
        with pytest.raises(LegacyInDoubtError, match="ListMembers may have been done and is not called again"):
            await keys(server.address, operation_class="unsafe")
        assert server.connections == 1


async def test_an_unsafe_operation_is_called_again_where_nothing_was_sent() -> None:
    budget = Draws()
    asked = adapter(f"http://127.0.0.1:{freed_port()}/", operation_class="unsafe")
    asked.draw_on(budget)
    with impatient(), pytest.raises(LegacyUnavailableError, match="ConnectionRefused"):
        await poll(asked, Hub())

    assert budget.drawn == ["poll", "retry", "retry"]


async def test_an_unsafe_operation_whose_reply_is_cut_off_late_is_in_doubt() -> None:
    with rude(resetting(OK + LONG[:20_000]), answering(LONG)) as server:
        with pytest.raises(LegacyInDoubtError, match="may have been done"):
            await keys(server.address, operation_class="unsafe", chunk_items=10)
        assert server.connections == 1


async def test_check_does_not_call_an_unsafe_operation() -> None:
    with rude(answering(REPLY)) as server:
        assert await adapter(server.address, operation_class="unsafe").check() == []
        assert server.connections == 0


async def test_while_it_is_left_alone_nothing_is_sent_and_others_go_on() -> None:
    patience = {"attempts": 5}
    with rude(answering(b"", status="503 Busy")) as broken, rude(answering(REPLY)) as sound:
        failing = adapter(broken.address, patience=patience, breaker={"failures": 3, "pause": 60})
        other = adapter(sound.address)
        for _ in range(4):
            with impatient(), pytest.raises(CircuitOpenError) as told:
                await poll(failing, Hub())
            assert told.value.last == "HTTP 503 text/xml: expected a SOAP reply, found an empty body"
            assert timedelta(seconds=50) < (told.value.retry_after or timedelta(0)) <= timedelta(seconds=60)
            assert len(await poll(other, Hub())) == 1

    assert (broken.connections, sound.connections) == (3, 4)


async def test_a_reply_that_is_always_cut_off_late_opens_the_breaker_too() -> None:
    with rude(resetting(OK + LONG[:20_000])) as server:
        cut = adapter(server.address, breaker={"failures": 2, "pause": 60}, chunk_items=10)
        for expected in (LegacyUnavailableError, LegacyUnavailableError, CircuitOpenError):
            with impatient(), pytest.raises(expected):
                await poll(cut, Hub())
        assert server.connections == 2


async def test_a_reply_that_is_still_read_has_its_place() -> None:
    with rude(answering(LONG)) as server:
        reader = adapter(server.address, bulkhead={"calls": 1, "waiting": 0}, chunk_items=10)
        batches = reader.read(Progress())
        await anext(batches)
        with pytest.raises(LegacyUnavailableError, match=r"full \(calls: 1\)"):
            await poll(reader, Hub())
        await batches.aclose()

        assert len(await poll(reader, Hub())) == 300


async def test_a_contract_is_fetched_through_the_same_edge() -> None:
    budget = Draws()
    with rude(silent) as server:
        asked = adapter(server.address, wsdl=server.address + "?wsdl", patience={**QUICK, "attempts": 2})
        asked.draw_on(budget)
        with impatient(), pytest.raises(LegacyTimeoutError, match=r"read timeout after 0\.5 s, waiting for the head"):
            await poll(asked, Hub())

    assert budget.drawn == ["poll", "retry"]


async def test_a_contract_that_drips_is_given_up_on_and_nobody_reads_on() -> None:
    with rude(DRIPPED_BODY) as server:
        with impatient(), pytest.raises(LegacyTimeoutError, match="total timeout"):
            await poll(adapter(server.address, wsdl=server.address + "?wsdl", patience=QUICK), Hub())
        until = time.monotonic() + 3
        while not server.ended and time.monotonic() < until:
            await asyncio.sleep(0.02)

        assert (server.connections, server.ended) == (1, 1)
