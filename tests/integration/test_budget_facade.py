"""Live traffic through the façade is counted against the budget of its legacy system, and polls slow down."""

import asyncio
import time
from pathlib import Path

import pytest

from contracts.budget.settings import LegacySystem
from routers.facade.process.live import LiveCalls
from routers.facade.process.report import BackendReport, WorkerReport
from routers.facade.settings import Backend
from tests.budget_world import drawing, joined, told, until
from tests.facade_process import running_facade
from tests.facade_world import Side

RULES = {
    "capabilities": {
        "address": {
            "salt": "s1",
            "share": 0,
            "routes": {
                "read": {
                    "rest": "GET /residents/{id}",
                    "key": {"path": "id"},
                    "class": "safe",
                    "legacy": "legacy",
                    "modern": "modern",
                }
            },
        }
    }
}


async def get(port: int, calls: int) -> None:
    """Call one after another on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(calls):
        writer.write(b"GET /residents/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
    writer.close()


async def test_calls_through_the_facade_make_polls_slow_down(tmp_path: Path) -> None:
    system, path = {"rate": 40, "burst": 4}, tmp_path / "data" / "budget" / "crm"
    server = await asyncio.start_server(Side().serve, "127.0.0.1", 0)
    async with server:
        backend = {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}
        facade = {"backends": {"legacy": {**backend, "system": "crm"}, "modern": backend}, "workers": 2}
        async with (
            running_facade(tmp_path, facade=facade, rules=RULES, systems={"crm": system}) as running,
            joined(path, LegacySystem.model_validate(system), process="pipeline") as member,
            drawing(member, "poll") as draws,
        ):
            port = int(running.addresses["main"].rpartition(":")[2])
            await until(lambda: len(draws) >= 40)
            before, began = len(draws), time.monotonic()
            for _ in range(12):
                await get(port, 15)
                await asyncio.sleep(0.25)
            polled, passed = len(draws) - before, time.monotonic() - began
            report = await told(path)
            await asyncio.sleep(1.5)
            last = await told(path)

    # What live traffic left, the burst, and a second and a half in which nobody knew of it.
    assert polled <= max(0, 40 * passed - 180) + 4 + 60
    assert passed > 2.5
    assert report.live_rate > 5
    assert {each.name: each.live for each in last.members} == {"pipeline": 0, "facade": 180}


def worker(pid: int, **calls: int) -> WorkerReport:
    """Return what a worker tells of its backends."""
    backends = tuple(
        BackendReport(name=name, breaker="closed", connections=0, waiting=0, calls=count, failures=0)
        for name, count in calls.items()
    )
    return WorkerReport(number=0, pid=pid, state="serving", version=1, in_flight=0, restarts=0, backends=backends)


@pytest.fixture
def live() -> LiveCalls:
    """Counts the calls to three backends, two of which are one system."""
    url = "http://127.0.0.1:9"
    return LiveCalls(
        {
            "a": Backend(url=url, system="crm"),
            "b": Backend(url=url, system="crm"),
            "c": Backend(url=url),
        }
    )


def test_each_call_is_counted_once(live: LiveCalls) -> None:
    assert live.take([worker(1, a=3, c=9), worker(2, a=1, b=1)]) == {"crm": 5}
    assert live.take([worker(1, a=3, c=9), worker(2, a=1, b=1)]) == {}
    assert live.take([worker(1, a=4, c=10), worker(2, a=1, b=3)]) == {"crm": 3}


def test_a_worker_that_is_replaced_begins_anew(live: LiveCalls) -> None:
    live.take([worker(1, a=30)])

    assert live.take([worker(2, a=3)]) == {"crm": 3}
    assert live.take([worker(2, a=3), worker(1, a=1)]) == {"crm": 1}
