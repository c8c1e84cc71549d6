"""The façade as its user runs it: `banyan facade run`, with real workers, without Kafka."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import ConfigError
from routers.facade.process.messages import Files
from routers.facade.process.report import BackendReport, Report, read
from routers.facade.process.spool import Spool
from tests.command_line import BANYAN, Ran, banyan

RULES = """
capabilities:
  address:
    salt: s1
    share: {share}
    routes:
      read: {{rest: "GET /residents/{{id}}", key: {{path: id}}, class: safe, legacy: old, modern: new}}
      write: {{rest: "POST /residents/{{id}}", key: {{path: id}}, class: unsafe, legacy: old, modern: new}}
"""


class Backend:
    """Answers with its name; a path that ends in `slow` is never answered."""

    def __init__(self, name: str) -> None:
        self.name, self.asked, self.port = name, 0, 0

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[None]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                if head.split()[1].endswith(b"slow"):
                    await reader.read()
                    return
                body = self.name.encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        except (OSError, EOFError):
            return
        finally:
            writer.close()


class World:
    """Settings, rules and two backends in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.old, self.new = Backend("old"), Backend("new")
        self.rules = folder / "rules.yaml"

    def write(self) -> None:
        self.share(0)
        settings = {
            "data": str(self.data),
            "kafka": {"bootstrap_servers": "127.0.0.1:9"},
            "key_secret": "only-for-this-test",
            "facade": {
                "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
                "backends": {b.name: {"url": f"http://127.0.0.1:{b.port}"} for b in (self.old, self.new)},
                "workers": 2,
                "limits": {"connections": 64},
                "ruleset": str(self.rules),
                "times": {"drain": 2},
            },
        }
        (self.folder / "banyan.yaml").write_text(yaml.safe_dump(settings))

    def share(self, share: object) -> None:
        self.rules.write_text(RULES.format(share=share))

    @property
    def report(self) -> Report:
        return read(self.data / "facade.json")

    def backends(self, name: str) -> list[BackendReport]:
        return [each for worker in self.report.workers for each in worker.backends if each.name == name]

    def serving(self) -> set[int]:
        try:
            return {worker.pid for worker in self.report.workers if worker.state == "serving"}
        except ConfigError:
            return set()

    async def call(self, path: str = "/residents/1", method: str = "GET") -> str:
        host, _, port = self.report.addresses["main"].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            length = "content-length: 0\r\n" if method == "POST" else ""
            writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\n{length}connection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        if not head:
            raise ConnectionResetError
        return body.decode()

    async def command(self, *arguments: str) -> Ran:
        return await asyncio.to_thread(banyan, "--config", str(self.folder / "banyan.yaml"), *arguments)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[asyncio.subprocess.Process]:
        before = self.serving()
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                BANYAN, "--config", str(self.folder / "banyan.yaml"), "facade", "run", stderr=log
            )
        try:
            await until(lambda: len(self.serving() - before) == 2)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), 30)


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    there = World(tmp_path)
    async with there.old.serve(), there.new.serve():
        there.write()
        yield there


async def test_an_edit_moves_the_share_and_a_bad_edit_changes_nothing(world: World) -> None:
    async with world.running() as process:
        assert await world.call() == "old"
        world.share(10_000)
        await until(lambda: world.report.ruleset.version == 2)
        assert {await world.call() for _ in range(10)} == {"new"}

        world.share("a lot")
        await until(lambda: world.report.ruleset.problems)
        assert "rules.yaml:5: capabilities.address.share" in world.report.ruleset.problems[0]
        assert await world.call() == "new"
        await until(lambda: sum(observed.calls for observed in world.report.observed) == 12)

        status = await world.command("facade", "status", "--json")
        assert status.code == 1  # Kafka is away, and the rules are wrong
        assert status.json["kafka"] == "away"
        plain = await world.command("facade", "status")
        assert "address/read" in plain.out
        assert "ruleset 2 " in plain.out
        process.terminate()
        assert await process.wait() == 0
    assert world.report.draining

    world.share("still wrong")
    async with world.running():
        assert await world.call() == "new"


async def test_status_tells_of_calls_whose_key_could_not_decide(world: World) -> None:
    world.rules.write_text(world.rules.read_text().replace("salt: s1", "salt: s1\n    key: {type: digits}"))
    async with world.running():
        for path in ("/residents/1", "/residents/one", "/residents/two"):
            assert await world.call(path) == "old"
        await until(lambda: sum(each.calls for each in world.report.observed) == 3)
        await until(lambda: world.report.unusable_keys)
        status = await world.command("facade", "status", "--json")
        plain = await world.command("facade", "status")

    assert status.json["unusable_keys"] == [{"route": "address/read", "reason": "unfit_key", "calls": 2}]
    assert ["address/read", "unfit_key", "2"] in [line.split() for line in plain.out.splitlines()]


async def test_status_tells_of_each_backend_and_its_breakers(world: World) -> None:
    """The modern side is gone: legacy answers in its place, and whoever looks sees why."""
    world.new.port = 9
    world.write()
    settings = yaml.safe_load((world.folder / "banyan.yaml").read_text())
    settings["facade"]["backends"]["new"]["breaker"] = {"failures": 2, "pause": 60}
    (world.folder / "banyan.yaml").write_text(yaml.safe_dump(settings))
    world.share(10_000)

    async with world.running():
        assert {each.breaker for each in world.backends("old") + world.backends("new")} <= {"closed"}
        calls = 0
        while "open" not in {each.breaker for each in world.backends("new")}:
            assert await world.call() == "old"
            calls += 1
        await until(lambda: sum(each.calls for each in world.backends("old")) == calls)
        status = await world.command("facade", "status", "--json")
        plain = await world.command("facade", "status")
        old, [broken, *_] = world.backends("old"), [each for each in world.backends("new") if each.breaker == "open"]

    assert (broken.calls, broken.failures, broken.connections) == (2, 2, 0)
    assert [each.failures for each in old] == [0, 0]
    assert sum(each.connections for each in old) > 0
    assert {each["name"] for each in status.json["workers"][0]["backends"]} == {"old", "new"}
    assert any(said.startswith("backend new: has failed; the breaker of worker") for said in status.json["problems"])
    shown = [line.split() for line in plain.out.splitlines() if line.startswith("new ")]
    assert ["new", "open"] in [[line[0], line[2]] for line in shown]


async def test_calls_survive_the_death_of_a_worker(world: World) -> None:
    async with world.running():
        before = world.serving()
        os.kill(min(before), signal.SIGKILL)
        answered, cut = 0, 0
        async with asyncio.timeout(30):
            while len(world.serving() - {min(before)}) < 2:
                try:
                    answered += await world.call() == "old"
                except ConnectionError:
                    cut += 1
                await asyncio.sleep(0.005)
        assert answered > 20
        assert cut <= 1


async def test_after_the_death_of_the_parent_workers_leave_and_the_next_accounts_for_their_calls(world: World) -> None:
    async with world.running() as process:
        workers = world.serving()
        calling = [asyncio.create_task(world.call("/residents/slow", "POST")) for _ in range(3)]
        await until(lambda: world.old.asked == 3)
        process.kill()
        await process.wait()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        await asyncio.gather(*calling, return_exceptions=True)
        assert len(Files(world.data / "facade").left_over()) == 2

    async with world.running():
        await until(lambda: len(Spool(world.data / "facade" / "in-doubt")) == 3)
        assert await world.call() == "old"
        await until(lambda: world.report.lost == {"unsafe": 3})


async def test_orphans_finish_and_leave_by_themselves(world: World) -> None:
    async with world.running() as process:
        workers = world.serving()
        process.kill()
        await process.wait()

        await until(lambda: not any(alive(worker) for worker in workers))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_taken_port_ends_the_command_with_a_sentence(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        listeners = json.dumps({"main": {"address": place, "legacy": "old"}})
        environ = {**os.environ, "BANYAN_FACADE__LISTENERS": listeners}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", BANYAN, "-c", str(world.folder / "banyan.yaml"), "facade", "run",
            env=environ, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, told = await asyncio.wait_for(process.communicate(), 30)
        check = await asyncio.to_thread(
            banyan, "-c", str(world.folder / "banyan.yaml"), "facade", "check", "--json",
            BANYAN_FACADE__LISTENERS=listeners,
        )  # fmt: skip

    problem = f"listeners.main: {place} is taken by another process"
    assert process.returncode == 2
    assert problem in told.decode()
    assert check.code == 1
    assert check.json == {
        "ruleset": [], "listener main": [problem], "backend old": [], "backend new": []
    }  # fmt: skip


async def test_a_check_beside_the_running_facade_tells_its_own_address_from_others(world: World) -> None:
    async with world.running() as process:
        address = world.report.addresses["main"]
        own = json.dumps(
            {"main": {"address": address, "legacy": "old"}, "more": {"address": "127.0.0.1:0", "legacy": "old"}}
        )
        settings = ("-c", str(world.folder / "banyan.yaml"), "facade", "check")
        beside = await asyncio.to_thread(banyan, *settings, BANYAN_FACADE__LISTENERS=own)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            other = json.dumps({"main": {"address": place, "legacy": "old"}})
            refused = await asyncio.to_thread(banyan, *settings, "--json", BANYAN_FACADE__LISTENERS=other)

        assert (beside.code, beside.out.count("ok")) == (0, 5), beside.out
        assert beside.out.endswith(f"runs, process {process.pid}: its own addresses are not taken\n")
        assert refused.json["listener main"] == [f"listeners.main: {place} is taken by another process"]

    with socket.socket() as taken:  # somebody else has it now
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        taken.listen()
        after = await asyncio.to_thread(banyan, *settings, "--json", BANYAN_FACADE__LISTENERS=own)

    assert after.json["listener main"] == [f"listeners.main: {address} is taken by another process"]


async def test_check_and_status_say_what_is_missing(world: World) -> None:
    assert (await world.command("facade", "status")).code == 2
    checked = await world.command("facade", "check")
    assert (checked.code, checked.out.count("ok")) == (0, 4)
