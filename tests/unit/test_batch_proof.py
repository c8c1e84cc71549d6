"""When a file is complete: each proof, and what happens when one is lost again."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.batch import delivery
from contracts.ports import Progress
from tests.payments import MODIFIED, entries, folder_in, make, of_files, progress, put, read, records, stream_of
from tests.unit.test_batch_files import Waits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that files arrive in, beside the copybook."""
    return folder_in(tmp_path)


def waiting(folder: Path, *acts: Callable[[], object], **changes: Any) -> Any:
    """Return an adapter whose waits are these acts."""
    waits = Waits(*acts)
    return make(folder, {"stable_for": 3, "poll_interval": 60, **changes}, clock=waits.clock, sleep=waits.sleep)


async def test_content_that_still_changes_is_not_complete_though_size_and_time_are(folder: Path) -> None:
    """A sender may set the size first and preserve the time."""
    path = put(folder / "BENEFITS.D1", bytes(22))
    source = waiting(folder, lambda: put(path, records(2)), lambda: None, lambda: None)

    batches = await read(source)

    assert [each.stream for each in of_files(batches)] == [stream_of(records(2))]
    assert entries(batches)["BENEFITS.D1"].proof == "size and content unchanged for 3 s"


async def test_content_is_not_asked_for_where_size_is_declared_to_be_enough(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(2))
    source = waiting(folder, lambda: put(path, records(3)[11:]), stable_by="size")

    batches = await read(source)

    assert [each.stream for each in of_files(batches)] == [stream_of(records(3)[11:])]
    assert entries(batches)["BENEFITS.D1"].proof == "size unchanged for 3 s"


@pytest.mark.parametrize(
    ("done_file", "name", "taken"),
    [
        (".done", "BENEFITS.D1.done", True),
        (".done", "BENEFITS.D2.done", False),
        ("{stem}.OK", "BENEFITS.OK", True),
        ("{name}.*.OK", "BENEFITS.D1.20260131.OK", True),
        ("{name}.?", "BENEFITS.D1.12", False),
        ("CONTROL.{name}", "CONTROL.BENEFITS.D1", True),
    ],
)
async def test_a_done_file_has_the_declared_name(folder: Path, *, done_file: str, name: str, taken: bool) -> None:
    put(folder / "BENEFITS.D1", records(1))
    put(folder / name, b"")

    batches = await read(make(folder, {"path": folder / "BENEFITS.D1", "done_file": done_file}))

    assert len(batches) == taken
    assert [each.proof for each in entries(batches).values()] == ["done file for BENEFITS.D1"] * taken


async def test_a_done_file_that_is_older_than_its_file_is_an_earlier_delivery_s(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(1), MODIFIED + timedelta(days=1))
    put(folder / "BENEFITS.D1.done", b"")

    assert await read(make(folder, {"done_file": ".done"})) == []


@pytest.mark.parametrize("done_file", [".done", "{name}.done"])
async def test_a_file_that_waits_for_its_done_file_is_told(folder: Path, done_file: str) -> None:
    for name in ("BENEFITS.D1", "BENEFITS.D2", "BENEFITS.D2.done"):
        put(folder / name, records(1))

    with capture_logs() as logs:
        await read(make(folder, {"path": folder / "BENEFITS.*", "done_file": done_file}))

    assert [(each["file"], each["reason"]) for each in logs if each["event"] == "file waits"] == [
        ("BENEFITS.D1", f"expected its done file ({done_file}), no older than itself")
    ]


async def test_a_file_is_not_taken_while_its_partial_is_there(folder: Path) -> None:
    put(folder / "BENEFITS.A", records(1))
    put(folder / "BENEFITS.B", records(2))
    put(folder / "BENEFITS.B.part", records(1))

    batches = await read(make(folder, {"partial": ".part"}))

    assert [each.stream for each in batches] == [stream_of(records(1))]
    assert entries(batches)["BENEFITS.A"].proof == "no BENEFITS.A.part"


async def test_a_file_without_a_declared_proof_was_renamed_into_place(folder: Path) -> None:
    put(folder / "BENEFITS.A", records(1))

    assert entries(await read(make(folder)))["BENEFITS.A"].proof == "renamed into place, as declared"


TRAILER = "TRAILER   2".encode("cp037")


def is_trailer(record: bytes) -> bool:
    """Tell whether a record is the one."""
    return record == TRAILER


@pytest.mark.parametrize("trailer", [{"pattern": r"TRAILER +\d+"}, is_trailer])
async def test_a_file_is_taken_when_its_trailer_is_there(folder: Path, trailer: object) -> None:
    path = put(folder / "BENEFITS.D1", records(2))
    source = waiting(
        folder, lambda: put(path, records(2) + TRAILER), lambda: None, trailer=trailer, dead_letter_share=0.5
    )

    batches = await read(source)

    (entry,) = entries(batches).values()
    assert (entry.outcome, entry.read, entry.dead_letters) == ("published", 3, 1)
    assert entry.proof == "trailer seen, size and content unchanged for 3 s"


async def test_a_file_at_rest_without_its_trailer_is_held_and_goes_on_when_it_comes(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(2))
    trailer = {"trailer": {"pattern": "TRAILER.*", "size_bytes": 11}, "poll_interval": 5, "dead_letter_share": 0.5}
    acts = [lambda: None, lambda: None]

    with capture_logs() as logs:
        held = await read(waiting(folder, *acts, **trailer))
    put(path, records(2) + TRAILER)
    then = await read(waiting(folder, *acts, **trailer), progress(held))

    assert [log["reason"] for log in logs if log["log_level"] == "error"] == [
        "BENEFITS.D1: held: expected a trailer, found none"
    ]
    (before,) = entries(held).values()
    assert (before.outcome, before.sha256, before.size_bytes) == ("held", None, 22)
    assert [each.outcome for each in entries([*held, *then]).values()] == ["published"]


async def test_a_file_that_grows_before_anything_is_published_waits_for_its_proof_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(folder / "BENEFITS.D1", records(2))
    grow = [lambda: put(path, records(3))]

    def growing(*arguments: Any) -> Any:
        if grow:
            grow.pop()()
        return delivery.deliver(*arguments)

    monkeypatch.setattr("adapters.batch.delivering.deliver", growing)
    with capture_logs() as logs:
        batches = await read(waiting(folder, lambda: None, lambda: None, lambda: None))

    assert [each.stream for each in of_files(batches)] == [stream_of(records(3))]
    assert [(log["event"], log["log_level"]) for log in logs if log["event"] == "file waits"] == [
        ("file waits", "warning")
    ]
    assert [each.outcome for each in entries(batches).values()] == ["published"]


async def test_a_file_that_grows_while_it_is_published_is_held_and_goes_on_as_it_was(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(3))
    changes = {"chunk_records": 1, "dead_letter_share": 1}
    reading = make(folder, changes).read(Progress())
    first = await anext(reading)
    put(path, records(4))
    told = [each async for each in reading]
    path.unlink()
    put(folder / "BENEFITS.D1", records(3))

    before = [first, *(each for each in told if each.stream != stream_of(records(4)))]
    rest = await read(make(folder, changes), progress(before))

    (entry,) = (each for each in entries(before).values() if each.reason)
    assert (entry.outcome, entry.read, entry.reason) == (
        "held",
        1,
        "BENEFITS.D1: expected the file that was judged complete, found 44 bytes, modified 2026-01-31 01:02:03",
    )
    assert sum(len(each.events[0]) for each in of_files([first, *rest])) == 3
    assert entries([*before, *rest])["BENEFITS.D1"].outcome == "published"
