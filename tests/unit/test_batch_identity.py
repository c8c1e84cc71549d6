"""What becomes of a delivery: the same content again, corrections, late ones, gaps, and the ledger of it all."""

import asyncio
import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import LegacyUnavailableError
from contracts.ports import EventBatch, Progress
from observability import fields
from observability.testing import recorded_metrics, recorded_spans
from tests.payments import (
    COPYBOOK,
    MODIFIED,
    collect,
    entries,
    events,
    folder_in,
    make,
    of_files,
    progress,
    put,
    read,
    records,
    stream_of,
)

DATED = {"business_date": r"\.D(\d{8})"}
NUMBERED = {"sequence": r"\.N(\d+)$"}
NOW = datetime(2026, 2, 1, 6, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that files arrive in, beside the copybook."""
    return folder_in(tmp_path)


def outcomes(batches: list[EventBatch]) -> dict[str, tuple[str, str]]:
    """Return outcome and policy of each file."""
    return {name: (each.outcome, each.policy) for name, each in entries(batches).items()}


async def test_the_ledger_tells_all_of_a_delivery(folder: Path) -> None:
    put(folder / "BENEFITS.D20260131.N7", records(12, bad=[3]))
    source = make(folder, {**DATED, **NUMBERED, "chunk_records": 5}, now=lambda: NOW)

    with recorded_spans() as spans, recorded_metrics() as metrics:
        batches = await read(source)

    (entry,) = entries(batches).values()
    context = spans[-1].get_span_context()
    assert context is not None
    assert entry.model_dump(exclude_defaults=True) == {
        "id": f"{stream_of(records(12, bad=[3])).removeprefix('file:')}:2026-01-31:s7",
        "file": "BENEFITS.D20260131.N7",
        "sha256": stream_of(records(12, bad=[3])).removeprefix("file:"),
        "size_bytes": 132,
        "copybook": hashlib.sha256(COPYBOOK.encode()).hexdigest(),
        "records": 12,
        "business_date": date(2026, 1, 31),
        "sequence": 7,
        "arrived": NOW,
        "modified": MODIFIED,
        "proof": "renamed into place, as declared",
        "outcome": "published",
        "read": 12,
        "dead_letters": 1,
        "ended": NOW,
        "trace_id": f"{context.trace_id:032x}",
    }
    assert [next(iter(entries(batches[: n + 1]).values())).read for n in range(3)] == [5, 10, 12]
    assert entries(batches[:1])[entry.file].outcome == "in progress"
    assert metrics.value("banyan.files", {"banyan.source": "benefits", "banyan.outcome": "published"}) == 1
    assert (spans[-1].attributes or {})[fields.BANYAN_FILE_PROOF] == "renamed into place, as declared"


async def test_an_unchanged_extract_of_another_sequence_is_another_delivery(folder: Path) -> None:
    for number in (9, 10):
        put(folder / f"BENEFITS.N{number}", records(1))

    batches = await read(make(folder, NUMBERED))

    stream = stream_of(records(1))
    assert [each.stream for each in batches] == [f"{stream}:s9", f"{stream}:s10"]
    first, second = (each.events[0].sequences[0] for each in batches)
    assert first < second


async def test_the_same_content_under_another_name_can_be_a_delivery_of_its_own(folder: Path) -> None:
    put(folder / "BENEFITS.A", records(2))
    put(folder / "BENEFITS.B", records(2))
    source = make(folder, {"duplicate": "publish"})

    batches = await read(source)

    assert len({each.stream for each in batches}) == 2
    assert all(each.stream.startswith(stream_of(records(2)) + ":n") for each in batches)
    assert await read(source, progress(batches)) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(first=st.sampled_from(["skip", "publish"]), names=st.permutations(["BENEFITS.A", "BENEFITS.B"]))
def test_a_policy_that_changes_publishes_nothing_again(folder: Path, first: str, names: list[str]) -> None:
    for each in folder.iterdir():
        each.unlink()
    put(folder / names[0], records(2))
    before = asyncio.run(read(make(folder, {"duplicate": first})))
    put(folder / names[1], records(2))

    skipping = asyncio.run(read(make(folder, {"duplicate": "skip"}), progress(before)))
    publishing = asyncio.run(read(make(folder, {"duplicate": "publish"}), progress(before)))

    assert of_files(skipping) == []
    assert [len(each.events[0]) for each in publishing] == [2]
    assert asyncio.run(read(make(folder, {"duplicate": "publish"}), progress([*before, *publishing]))) == []


@pytest.mark.parametrize(("policy", "outcome"), [("publish", "published"), ("hold", "held")])
async def test_other_content_under_the_same_name_is_a_correction(folder: Path, policy: str, outcome: str) -> None:
    path = put(folder / "BENEFITS.D1", records(2))
    source = make(folder, {"correction": policy})
    first = await read(source)
    put(path, records(3))

    second = await read(source, progress(first))

    assert outcomes(second) == {"BENEFITS.D1": (outcome, f"correction: {policy}")}
    assert len(of_files(second)) == (policy == "publish")
    assert await read(source, progress([*first, *second])) == []


async def test_a_held_delivery_says_why_and_is_let_through_by_the_settings(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(2))
    first = await read(make(folder, {"correction": "hold"}))
    put(path, records(3))
    held = await read(make(folder, {"correction": "hold"}), progress(first))
    (entry,) = entries(held).values()
    old, new = (stream_of(data).removeprefix("file:")[:12] for data in (records(2), records(3)))

    batches = await read(make(folder, {"correction": "hold", "accept": (new,)}), progress([*first, *held]))

    assert (
        entry.reason
        == f"BENEFITS.D1: held: expected the content that was published under this name, {old}, found other, {new}"
    )
    assert entry.next_step == (
        f"to publish it all the same, add {new} to the setting accept and start the adapter again"
    )
    assert [len(each.events[0]) for each in batches] == [3]
    assert outcomes(batches) == {"BENEFITS.D1": ("published", "correction: hold; accepted by the settings")}


async def test_a_fixed_name_with_another_date_is_no_correction(folder: Path) -> None:
    put(folder / "BENEFITS.D20260131", records(2))
    first = await read(make(folder, {**DATED, "correction": "hold"}))
    put(folder / "BENEFITS.D20260201", records(3))

    assert [each.outcome for each in entries(await read(make(folder, DATED), progress(first))).values()] == [
        "published"
    ]


@pytest.mark.parametrize(("policy", "outcome"), [("publish", "published"), ("hold", "held"), ("refuse", "quarantined")])
async def test_a_late_delivery_follows_its_policy(folder: Path, policy: str, outcome: str) -> None:
    put(folder / "BENEFITS.D20260131", records(2))
    source = make(folder, {**DATED, "late": policy})
    first = await read(source)
    put(folder / "BENEFITS.D20260130", records(1))

    second = await read(source, progress(first))
    third = await read(make(folder, {**DATED, "late": policy}), progress([*first, *second]))

    assert outcomes(second) == {"BENEFITS.D20260130": (outcome, f"late: {policy}")}
    assert (len(of_files(second)), third) == (policy == "publish", [])


async def test_files_that_are_there_together_come_in_their_order(folder: Path) -> None:
    for number, later in ((10, 0), (9, 1), (8, 2)):
        put(folder / f"BENEFITS.N{number}", records(number), MODIFIED + timedelta(days=later))

    batches = await read(make(folder, {**NUMBERED, "late": "hold", "gap": "hold"}))

    assert [len(each.events[0]) for each in batches] == [8, 9, 10]


async def test_a_gap_holds_what_follows_until_it_is_closed(folder: Path) -> None:
    put(folder / "BENEFITS.N1", records(1))
    source = make(folder, {**NUMBERED, "gap": "hold"})
    first = await read(source)
    put(folder / "BENEFITS.N3", records(3))
    held = await read(source, progress(first))
    put(folder / "BENEFITS.N2", records(2))

    rest = await read(source, progress([*first, *held]))

    assert outcomes(held) == {"BENEFITS.N3": ("held", "gap: hold")}
    assert entries(held)["BENEFITS.N3"].reason == "BENEFITS.N3: held: expected sequence 2 before 3, found none"
    assert [len(each.events[0]) for each in of_files(rest)] == [2, 3]
    assert {each.outcome for each in entries([*first, *held, *rest]).values()} == {"published"}


async def test_a_gap_that_is_closed_while_it_runs_lets_the_next_go_on(folder: Path) -> None:
    put(folder / "BENEFITS.N1", records(1))
    put(folder / "BENEFITS.N3", records(3))
    found: list[EventBatch] = []

    async def sleep(seconds: float) -> None:
        del seconds
        if len(of_files(found)) == 3:
            raise LegacyUnavailableError("test", reason="over")
        put(folder / "BENEFITS.N2", records(2))

    with pytest.raises(LegacyUnavailableError, match="over"):
        await collect(found, make(folder, {**NUMBERED, "gap": "hold", "once": False}, sleep=sleep))

    assert [len(each.events[0]) for each in of_files(found)] == [1, 2, 3]


async def test_what_was_delivered_before_there_was_a_ledger_is_known_by_its_checkpoint(folder: Path) -> None:
    put(folder / "BENEFITS.A", records(2))
    before = await read(make(folder))
    old = Progress(checkpoints=progress(before).checkpoints)
    put(folder / "BENEFITS.B", records(2))

    after = await read(make(folder), old)

    assert outcomes(after) == {"BENEFITS.B again": ("duplicate", "duplicate: skip")}
    assert entries(after)["BENEFITS.B again"].same_as == "BENEFITS.A"


async def test_a_delivery_that_was_begun_goes_on_whatever_the_policies_say_now(folder: Path) -> None:
    put(folder / "BENEFITS.D20260130", records(3))
    whole = await read(make(folder, {**DATED, "chunk_records": 1}))
    begun = whole[:1]
    put(folder / "BENEFITS.D20260131", records(1))
    source = make(folder, {**DATED, "chunk_records": 1, "late": "refuse", "correction": "hold"})

    rest = await read(source, progress(begun))

    assert [*events(begun), *events(of_files(rest))][:3] == list(events(whole))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"gap": "hold"}, "gap needs a regular expression in sequence"),
        ({"late": "hold"}, "late needs a regular expression"),
        ({"sequence": r"N\d"}, "sequence needs exactly one group"),
        ({"accept": ("abc",)}, "match pattern"),
        ({"trailer": {"pattern": "("}}, "no regular expression"),
        ({"path": "sftp://host/out/"}, "names the files"),
        ({"path": "sftp://host/o*t/A"}, "wildcards stand in the last part"),
    ],
)
def test_policies_that_mean_nothing_are_refused(folder: Path, changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make(folder, changes)
