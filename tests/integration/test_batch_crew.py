"""Several processes make the chunks of a large file, and it becomes the same as in one; whatever becomes of them."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from adapters import batch
from adapters.batch.chunk import Chunk, to_chunk
from adapters.batch.crew import Crew
from adapters.batch.delivery import Delivery
from adapters.batch.recipe import recipe_of
from contracts.legacy.framing import Position
from contracts.ports import EventBatch, Progress
from tests.payments import LENGTH, MODIFIED, events, folder_in, make, progress, put, read, records

MODULE = "banyan_adapter_crewed"
ADAPTER = """\
from pathlib import Path
from adapters import batch
from tests.payments import MAPPING, BenefitPaid

print("what an adapter prints is no event")
here = Path(__file__).parent
config = batch.Config(
    name="benefits",
    path=here / "in" / "BENEFITS.*",
    copybook=here / "payments.cpy",
    chunk_records=50,
    once=True,
    stable_for=0,
)
adapter = batch.Adapter(config, model=BenefitPaid, key="resident_id", mapping=dict(MAPPING))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("adapters.batch.crew._LARGE_BYTES", 1000)
    return folder_in(tmp_path)


@pytest.fixture
def adapter(folder: Path) -> Iterator[batch.Adapter]:
    """Return the adapter of a file, loaded as the hub loads it."""
    file = folder.parent / "crewed.py"
    file.write_text(ADAPTER)
    spec = importlib.util.spec_from_file_location(MODULE, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    yield module.adapter
    del sys.modules[MODULE]


def children() -> list[int]:
    """Return the processes of crews that this process has."""
    found: list[int] = []
    for each in Path("/proc/self/task").iterdir():
        found += map(int, (each / "children").read_text().split())
    return [pid for pid in found if b"adapters.batch.member" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize("kept", [1 << 20, 100], ids=["kept from the first pass", "made twice"])
async def test_the_same_becomes_of_a_file(
    folder: Path, adapter: batch.Adapter, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr("adapters.batch.reading._KEPT_BYTES", kept)
    put(folder / "BENEFITS.D1", records(1010, bad=[3, 60, 61]))
    alone = await read(adapter)
    assert len(list(events(alone))) >= 1007

    together = await read(adapter.configured({"workers": 3}))

    assert list(events(together)) == list(events(alone))
    assert [(each.checkpoint, each.dead, each.more) for each in together] == [
        (each.checkpoint, each.dead, each.more) for each in alone
    ]
    assert children() == []


async def test_a_read_goes_on_from_a_checkpoint(folder: Path, adapter: batch.Adapter) -> None:
    put(folder / "BENEFITS.D1", records(1010))
    alone = await read(adapter)
    crewed = adapter.configured({"workers": 2})

    begun: list[EventBatch] = []
    async with aclosing(crewed.read(Progress())) as batches:
        async for each in batches:
            begun.append(each)
            if len(begun) == 3:
                break
    assert children() == []

    assert list(events([*begun, *await read(crewed, progress(begun))])) == list(events(alone))


async def test_processes_that_are_killed_are_done_without(folder: Path, adapter: batch.Adapter) -> None:
    put(folder / "BENEFITS.D1", records(2000))
    alone = await read(adapter)

    found: list[EventBatch] = []
    with capture_logs() as logs:
        async for each in adapter.configured({"workers": 2, "dead_letter_share": 1}).read(Progress()):
            found.append(each)
            if len(found) in (5, 10):
                os.kill(children()[0], signal.SIGKILL)

    assert list(events(found)) == list(events(alone))
    assert [entry["left"] for entry in logs if entry["event"] == "process lost"] == [1, 0]


async def test_what_all_processes_left_is_made_one_chunk_at_a_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A format has one room for the lines that it makes."""
    shape, busy, most = make(folder).shape(), 0, 0

    def counted(*given: Any) -> Chunk:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        time.sleep(0.05)
        busy -= 1
        return to_chunk(*given)

    monkeypatch.setattr("adapters.batch.crew.to_chunk", counted)
    data = records(30)
    parts = list(shape.format.read(BytesIO(data), Position(), records=10))
    async with Crew(shape, None, count=3, source="benefits", loaded_at=time.time()) as crew:
        await crew.width(len(data) + 1000)
        delivery = Delivery(file="B", sha256="0" * 64, business_date=None, modified=MODIFIED, size_bytes=len(data))

        made = await asyncio.gather(*(crew.chunk(delivery, part, is_wanted=True) for part in parts))

    assert (most, [chunk.next.ordinal for chunk in made]) == (1, [10, 20, 30])


async def test_what_is_not_framed_is_held_after_what_came_before(folder: Path, adapter: batch.Adapter) -> None:
    """As in one process: a file whose framing was changed since it was begun."""
    put(folder / "BENEFITS.D1", records(1000))
    crewed = adapter.configured({"workers": 2})
    begun = (await read(crewed))[:4]
    spec = folder.parent / "payments.yaml"
    spec.write_text("copybook: payments.cpy\nframing: {recfm: V}\n")

    changed = crewed.configured({"copybook": None, "file": spec})
    with capture_logs() as logs:
        told = await read(changed, progress(begun))

    assert list(events(told)) == []
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["file held"]
    assert children() == []


@pytest.mark.parametrize("changed", ["adapter", "helper", "copybook"])
async def test_an_adapter_that_was_changed_since_is_not_loaded_anew(
    folder: Path, adapter: batch.Adapter, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, loaded_at = adapter.shape(), time.time()
    if changed == "helper":
        helper = ModuleType("banyan_helper")
        helper.__file__ = str(folder.parent / "helper.py")
        put(folder.parent / "helper.py", b"", datetime.now(UTC) + timedelta(seconds=10))
        monkeypatch.setitem(sys.modules, "banyan_helper", helper)
    elif changed == "adapter":
        os.utime(folder.parent / "crewed.py", (loaded_at + 10, loaded_at + 10))
    else:
        copybook = folder.parent / "payments.cpy"
        copybook.write_text(copybook.read_text().replace("PAYMENT", "PAYING "))
    data = records(3)
    [some] = shape.format.read(BytesIO(data), Position(), records=3)
    delivery = Delivery(file="B", sha256="0" * 64, business_date=None, modified=MODIFIED, size_bytes=len(data))

    with capture_logs() as logs:
        async with Crew(shape, recipe_of(adapter), count=1, source="benefits", loaded_at=loaded_at) as crew:
            assert await crew.width(2000) == 1
            assert children() == []
            chunk = await crew.chunk(delivery, some, is_wanted=True)

    assert chunk == to_chunk(shape, delivery, some)
    assert [entry["log_level"] for entry in logs] == ["warning"]


async def test_what_lies_in_the_working_directory_is_not_taken_for_ours(
    folder: Path, adapter: batch.Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "adapters").mkdir()
    (folder.parent / "adapters" / "__init__.py").write_text("raise SystemExit(1)\n")
    monkeypatch.chdir(folder.parent)
    monkeypatch.setitem(sys.modules, "banyan_forbidden", None)  # an import that somebody forbade
    recipe = recipe_of(adapter)

    async with Crew(adapter.shape(), recipe, count=1, source="benefits", loaded_at=time.time()) as crew:
        await crew.width(2000)
        assert len(children()) == 1


async def test_a_machine_that_starts_no_more_processes_is_done_without(
    folder: Path, adapter: batch.Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "BENEFITS.D1", records(200))
    alone = await read(adapter)

    with capture_logs() as logs:
        monkeypatch.setattr("adapters.batch.crew.sys.executable", str(folder / "none"))
        found = await read(adapter.configured({"workers": 2}))

    assert list(events(found)) == list(events(alone))
    assert [entry["left"] for entry in logs if entry["event"] == "fewer processes decode"] == [0]


async def test_a_read_that_is_cancelled_while_processes_start_leaves_none(adapter: batch.Adapter) -> None:
    recipe = recipe_of(adapter)
    async with Crew(adapter.shape(), recipe, count=2, source="benefits", loaded_at=time.time()) as crew:
        width = asyncio.create_task(crew.width(2000))
        while len(children()) < 2:
            await asyncio.sleep(0.01)
        width.cancel()

    assert width.cancelled()
    assert children() == []


async def test_an_adapter_that_no_process_could_load_is_read_in_one(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(1000))
    alone = make(folder)

    with capture_logs() as logs:
        found = await read(alone.configured({"workers": 2}))

    assert list(events(found)) == list(events(await read(alone)))
    assert "no variable of a module" in next(entry["reason"] for entry in logs if entry["log_level"] == "warning")


async def test_a_small_file_starts_no_processes(
    folder: Path, adapter: batch.Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.batch.crew._LARGE_BYTES", 10 * LENGTH + 1)
    put(folder / "BENEFITS.D1", records(10))

    async for _ in adapter.configured({"workers": 2}).read(Progress()):
        assert children() == []


READER = """\
import asyncio, sys
from tests.integration import test_batch_crew as crewed
from adapters.batch import crew
crew._LARGE_BYTES = 0
sys.path.insert(0, sys.argv[1])
import crewed as module

async def read():
    async for _ in module.adapter.configured({"workers": 2}).read(crewed.Progress()):
        print(*crewed.children(), flush=True)
        await asyncio.sleep(60)

asyncio.run(read())
"""


def test_processes_leave_when_their_parent_is_killed(folder: Path) -> None:
    """Although the adapter's module has started a thread that never ends."""
    put(folder / "BENEFITS.D1", records(1000))
    thread = "from threading import Event, Thread\nThread(target=Event().wait).start()\n"
    (folder.parent / "crewed.py").write_text(thread + ADAPTER.replace("print(", "str("))
    command = [sys.executable, "-c", READER, str(folder.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        found = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()

    assert len(found) == 2
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}/exe").exists() for pid in found):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_crew_for_extracts_is_refused() -> None:
    with pytest.raises(ValidationError, match="workers: extracts are compared in one process"):
        batch.Config(
            name="b", path=Path("B"), copybook=Path("b.cpy"), workers=1, snapshot=batch.Snapshot(key=("RESIDENT",))
        )
