"""Which files are taken, and which are held."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from structlog.testing import capture_logs

from adapters import batch
from adapters.batch import delivery
from contracts.errors import LegacyUnavailableError
from contracts.ports import EventBatch, Progress
from tests.payments import collect, folder_in, make, of_files, progress, put, read, records, stream_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that files arrive in, beside the copybook."""
    return folder_in(tmp_path)


@pytest.mark.parametrize("kept", [1 << 24, 0])
async def test_a_file_with_too_many_bad_records_is_held_and_the_others_go_on(
    folder: Path, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.batch.reading._KEPT_BYTES", kept)
    put(folder / "BENEFITS.A", records(10, bad=[3, 8]))
    put(folder / "BENEFITS.B", records(10, bad=[3]))

    with capture_logs() as logs:
        batches = await read(make(folder, {"chunk_records": 3, "dead_letter_share": 0.1}))

    assert {each.stream for each in of_files(batches)} == {stream_of(records(10, bad=[3]))}
    found = "found at least 2 of 10; the first: AMOUNT: expected a signed packed number of 7 digits at byte 7"
    assert [(log["event"], log["reason"]) for log in logs if log["log_level"] == "error"] == [
        ("file held", f"BENEFITS.A: held: expected at most 10.0% bad records, {found}")
    ]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("BENEFITS.D20260131", b"@" * 12, "records of 11 bytes, found 12 bytes, 1 too many"),
        ("BENEFITS.X", b"", "a business date in its name"),
        ("BENEFITS.D20260231", b"", "a business date in its name"),
    ],
)
async def test_a_file_that_does_not_fit_is_held_and_told_once(
    folder: Path, name: str, data: bytes, reason: str
) -> None:
    put(folder / name, data)
    source = make(folder, {"business_date": r"\.D(\d{8})$"})

    with capture_logs() as logs:
        first = await read(source)
        assert [of_files(first), await read(source, progress(first))] == [[], []]

    assert [reason in log["reason"] for log in logs] == [True]


async def test_a_file_that_changes_while_it_is_read_is_held_from_there_on(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(3))
    batches = make(folder, {"chunk_records": 1, "dead_letter_share": 1}).read(Progress())

    first = await anext(batches)
    put(path, records(2))
    with capture_logs() as logs:
        rest = [each async for each in batches]

    assert (json.loads(first.checkpoint)["next"], [log["event"] for log in logs]) == (1, ["file held"])
    # It is another delivery, which a later look takes.
    assert [each.stream for each in of_files(rest)] in ([], [stream_of(records(2))])


async def test_a_folder_that_is_not_there_is_not_available(folder: Path) -> None:
    with pytest.raises(LegacyUnavailableError, match=r"benefits: not available: .*gone: No such file"):
        await read(make(folder, {"path": folder / "gone" / "BENEFITS.*"}))


async def test_a_file_that_cannot_be_read_holds_up_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "BENEFITS.A", records(1))
    put(folder / "BENEFITS.B", records(2))
    real: Callable[..., Any] = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "BENEFITS.A":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    found: list[EventBatch] = []
    with pytest.raises(LegacyUnavailableError, match=r"BENEFITS\.A: Permission denied"):
        await collect(found, make(folder))

    assert [each.stream for each in found] == [stream_of(records(2))]


class Archive:
    """Keeps bytes in memory."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def put(self, data: bytes) -> str:
        self.kept.append(data)
        return hashlib.sha256(data).hexdigest()

    def put_blocks(self, blocks: Iterable[bytes], sha256: str) -> None:
        assert self.put(b"".join(blocks)) == sha256

    @contextmanager
    def opened(self, sha256: str) -> Generator[BinaryIO]:
        yield BytesIO(self.get(sha256))

    def get(self, sha256: str) -> bytes:
        return next(data for data in self.kept if hashlib.sha256(data).hexdigest() == sha256)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in {hashlib.sha256(data).hexdigest() for data in self.kept}

    def purge(self, older_than: timedelta) -> int:
        del older_than
        return 0


async def test_the_original_is_in_the_archive_before_anything_is_published(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(3))
    archive = Archive()
    source = make(folder, {"chunk_records": 2})
    source.keep_originals(archive)

    first = await anext(source.read(Progress()))
    assert archive.kept == [records(3)]

    await read(source, progress([first]))
    assert set(archive.kept) == {records(3)}


class Waits:
    """Lets a test act while an adapter waits."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._acts = list(acts)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if not self._acts:
            raise LegacyUnavailableError("test", reason="over")
        self._acts.pop(0)()
        await asyncio.sleep(0)


def waiting(folder: Path, waits: Waits, changes: Mapping[str, object]) -> batch.Adapter:
    """Return an adapter that waits as the test says."""
    return make(folder, changes, clock=waits.clock, sleep=waits.sleep)


async def test_a_file_is_taken_when_it_has_not_changed_for_long_enough(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(1))
    # The sender preserves the time of modification: only the size tells that it still copies.
    waits = Waits(lambda: put(path, records(2)), lambda: None)

    (only,) = await read(waiting(folder, waits, {"stable_for": 3, "poll_interval": 60}))

    assert (len(only.events[0]), waits.waits) == (2, [3.0, 3.0])


async def test_a_file_is_taken_when_its_done_file_is_there(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(1))
    put(folder / "BENEFITS.D2", records(2))
    put(folder / "BENEFITS.D2.done", b"")

    batches = await read(make(folder, {"done_file": ".done"}))

    assert [len(each.events[0]) for each in batches] == [2]


async def test_it_looks_again_and_again_and_hashes_no_file_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "BENEFITS.D1", records(1))
    delivered: list[str] = []
    real = delivery.deliver

    def counted(*arguments: Any, **named: Any) -> Any:
        delivered.append(arguments[0].candidate.path.name)
        return real(*arguments, **named)

    monkeypatch.setattr("adapters.batch.delivering.deliver", counted)
    waits = Waits(lambda: None, lambda: put(folder / "BENEFITS.D2", records(2)))
    found: list[EventBatch] = []
    with pytest.raises(LegacyUnavailableError, match="over"):
        await collect(found, waiting(folder, waits, {"once": False, "poll_interval": 60}))

    assert ([len(each.events[0]) for each in found], delivered) == ([1, 2], ["BENEFITS.D1", "BENEFITS.D2"])
    assert waits.waits == [60.0, 60.0, 60.0]
