"""Files to event batches: what is published, and where a new read goes on."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters import batch
from contracts.errors import ConfigError
from contracts.identifiers import ordinal
from contracts.ports import EventBatch, Progress
from observability import fields
from observability.testing import recorded_metrics, recorded_spans
from tests.payments import (
    COPYBOOK,
    LENGTH,
    MAPPING,
    MODIFIED,
    ORDER,
    BenefitPaid,
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that files arrive in, beside the copybook."""
    return folder_in(tmp_path)


async def test_a_file_becomes_events_that_end_with_its_checkpoint(folder: Path) -> None:
    data = records(2)
    put(folder / "BENEFITS.D1", data)

    (only,) = await read(make(folder))

    assert list(events([only])) == [
        (
            *(stream_of(data), "benefits", BenefitPaid.type, BenefitPaid.dataschema(), MODIFIED),
            *(f"R{n}".encode(), ordinal(n), ORDER + ordinal(n)),
            f'{{"resident_id":"R{n}","kind":"A","amount":"{n}.00"}}'.encode(),
        )
        for n in range(2)
    ]
    assert (json.loads(only.checkpoint), only.more) == (
        {
            "sha256": hashlib.sha256(data).hexdigest(),
            "file": "BENEFITS.D1",
            "modified": "2026-01-31T01:02:03.456789Z",
            "next": 2,
            "first": 0,
            "records": 2,
            "offset": 22,
            "block_end": 0,
            "done": True,
        },
        False,
    )


async def test_chunks_belong_together_until_the_last(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(5))

    batches = await read(make(folder, {"chunk_records": 2}))

    assert [(len(each.events[0]), each.more) for each in batches] == [(2, True), (2, True), (1, False)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(data=st.data(), chunk=st.integers(1, 7), then=st.integers(1, 7), kept=st.sampled_from([0, 1 << 24]))
def test_from_every_checkpoint_exactly_the_rest_is_read(
    folder: Path, data: st.DataObject, chunk: int, then: int, kept: int
) -> None:
    bad = data.draw(st.sets(st.integers(0, 10), max_size=3))
    put(folder / "BENEFITS.D1", records(data.draw(st.integers(0, 11)), bad=sorted(bad)))
    put(folder / "BENEFITS.D2", records(data.draw(st.integers(12, 14))), MODIFIED + timedelta(days=1))

    def both(size: int, since: Progress | None = None) -> tuple[list[EventBatch], list[object], list[object]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("adapters.batch.reading._KEPT_BYTES", kept)
            found = asyncio.run(read(make(folder, {"chunk_records": size, "dead_letter_share": 0.99}), since))
        return found, list(events(found)), [(each.stream, letter) for each in found for letter in each.dead]

    batches, every_event, every_letter = both(chunk)
    for count in range(len(batches) + 1):
        published = batches[:count]
        _, rest, letters = both(then, progress(published))
        assert [*events(published), *rest] == every_event
        assert [*((b.stream, letter) for b in published for letter in b.dead), *letters] == every_letter


async def test_positions_and_sequences_grow(folder: Path) -> None:
    put(folder / "BENEFITS.A", records(3), MODIFIED + timedelta(seconds=1))
    put(folder / "BENEFITS.B", records(4))

    batches = await read(make(folder, {"chunk_records": 2}))

    sequences = [sequence for each in batches for columns in each.events for sequence in columns.sequences]
    assert all(before < after for before, after in pairwise(sequences))
    assert len(sequences) == 7


async def test_the_same_content_under_another_name_is_published_once(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(2))
    put(folder / "BENEFITS.D2", records(2), MODIFIED + timedelta(days=1))

    with capture_logs() as logs:
        batches = await read(make(folder))
        again = await read(make(folder), progress(batches))

    assert (len(of_files(batches)), again) == (1, [])
    duplicate = {"source": "benefits", "file": "BENEFITS.D2", "same_as": "BENEFITS.D1"}
    assert [log for log in logs if log["event"] == "duplicate delivery"] == [
        {**duplicate, "event": "duplicate delivery", "log_level": "warning"}
    ] * 2


async def test_new_content_under_the_same_name_is_a_delivery_of_its_own(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(2))
    first = await read(make(folder))
    put(folder / "BENEFITS.D1", records(3))

    (second,) = await read(make(folder), progress(first))

    assert (second.stream, len(second.events[0])) == (stream_of(records(3)), 3)


async def test_a_file_that_was_put_there_again_goes_on_with_the_times_it_began_with(folder: Path) -> None:
    path = put(folder / "BENEFITS.D1", records(3))
    first, second, third = await read(make(folder, {"chunk_records": 1}))
    path.unlink()
    put(folder / "BENEFITS.D1.COPY", records(3), MODIFIED + timedelta(days=2))

    assert list(events(await read(make(folder, {"chunk_records": 1}), progress([first])))) == [*events([second, third])]


async def test_a_business_date_makes_the_same_content_another_delivery(folder: Path) -> None:
    for day in ("20260131", "20260201"):
        put(folder / f"BENEFITS.D{day}", records(1))
    dated = {"business_date": r"\.D(\d{8})$", "event_time": "business_date"}

    batches = await read(make(folder, dated))

    stream = stream_of(records(1))
    assert [(each.stream, each.events[0].time, each.events[0].sequences[0]) for each in batches] == [
        (f"{stream}:2026-01-31", datetime(2026, 1, 31, tzinfo=UTC), f"20260131-{ORDER}{ordinal(0)}"),
        (f"{stream}:2026-02-01", datetime(2026, 2, 1, tzinfo=UTC), f"20260201-{ORDER}{ordinal(0)}"),
    ]


async def test_an_empty_file_is_a_delivery_of_nothing(folder: Path) -> None:
    put(folder / "BENEFITS.D1", b"")

    (only,) = await read(make(folder))

    assert (only.events, only.dead, only.more, json.loads(only.checkpoint)["done"]) == ((), [], False, True)


async def test_a_bad_record_is_dead_lettered_with_its_bytes_and_no_personal_value(folder: Path) -> None:
    data = records(12, bad=[11])
    put(folder / "BENEFITS.D1", data)

    first, second = await read(make(folder, {"chunk_records": 10}))

    assert (len(first.events[0]), len(second.events[0]), first.dead) == (10, 1, [])
    (letter,) = second.dead
    assert (letter.position, letter.value, letter.error) == (ordinal(11), data[-LENGTH:], "RecordError")
    assert letter.reason == "AMOUNT: expected a signed packed number of 7 digits at byte 7"
    assert letter.attributes == {
        "file": "BENEFITS.D1",
        "sha256": hashlib.sha256(data).hexdigest(),
        "record": "11",
        "offset": str(11 * LENGTH),
    }


async def test_the_bytes_of_a_public_field_are_told(folder: Path) -> None:
    (folder.parent / "payments.cpy").write_text(COPYBOOK.replace("PIC X.", "PIC 9."))
    put(folder / "BENEFITS.D1", records(1))

    (only,) = await read(make(folder, {"dead_letter_share": 1}, mapping={**MAPPING, "kind": ("KIND", str)}))

    assert only.dead[0].reason == "KIND: expected an unsigned zoned number of 1 digits at byte 6, found b'\\xc1'"


async def test_each_chunk_is_a_span_of_its_file_and_its_batch_says_which(folder: Path) -> None:
    put(folder / "BENEFITS.D1", records(3, bad=[2]))

    with recorded_spans() as spans, recorded_metrics() as metrics:
        batches = await read(make(folder, {"chunk_records": 2, "dead_letter_share": 0.5}))

    *chunks, file = spans
    inside = [(chunk.parent, chunk.get_span_context()) for chunk in chunks]
    assert [span.name for span in spans] == ["read benefits"] * 3
    assert file.attributes is not None
    assert file.attributes[fields.BANYAN_STREAM] == batches[0].stream
    parents = [
        (context.trace_id, context.span_id) for context in (*(p for p, _ in inside), file.get_span_context()) if context
    ]
    assert parents == parents[-1:] * 3
    assert [str(each.traceparent).split("-")[2] for each in batches] == [
        f"{context.span_id:016x}" for _, context in inside if context
    ]
    assert [dict(chunk.attributes or {}) for chunk in chunks] == [
        {"banyan.source": "benefits", "banyan.chunk": n, "banyan.records": 2 - n, "banyan.dead_letters": n}
        for n in range(2)
    ]
    assert metrics.value("banyan.records.read", {"banyan.source": "benefits"}) == 3


async def test_a_held_file_fails_its_span(folder: Path) -> None:
    put(folder / "BENEFITS.D1", b"@")

    with recorded_spans() as spans:
        await read(make(folder))

    assert spans[0].attributes is not None
    assert spans[0].attributes["error.type"] == "FileHeldError"


async def test_check_tells_all_that_would_keep_it_from_working(folder: Path) -> None:
    assert await make(folder).check() == []
    wrong = make(folder, {"record_length": 12, "path": folder / "gone" / "B.*"}, mapping={**MAPPING, "kind": "KNID"})

    problems = await wrong.check()

    assert problems == [
        f"benefits: record_length is 12, but {folder.parent / 'payments.cpy'} describes 11 bytes",
        "benefits: mapping: kind: there is no legacy field 'KNID'; did you mean KIND?",
        f"benefits: not available: {folder / 'gone'}: No such file or directory",
    ]


@pytest.mark.parametrize(
    ("changes", "copybook", "problem"),
    [
        ({"record_length": 12}, COPYBOOK, "record_length is 12"),
        ({"code_page": "shift_jis"}, COPYBOOK, "EBCDIC code page"),
        ({}, "       01  R PIC ?9.", "copybook line 1, column 18: expected a picture"),
        ({"copybook": "gone.cpy"}, COPYBOOK, "gone.cpy: No such file or directory"),
    ],
)
async def test_a_contract_that_does_not_fit_is_a_configuration_error(
    folder: Path, changes: dict[str, object], copybook: str, problem: str
) -> None:
    (folder.parent / "payments.cpy").write_text(copybook)

    with pytest.raises(ConfigError, match=problem):
        await read(make(folder, changes))


async def test_a_configuration_is_changed_without_touching_the_original(folder: Path) -> None:
    original = make(folder)

    changed = original.configured({"name": "benefits-test", "chunk_records": 1})

    assert (original.name, changed.name, changed.config.chunk_records) == ("benefits", "benefits-test", 1)
    with pytest.raises(ValueError, match="chunk_recrods"):
        original.configured({"chunk_recrods": 1})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"path": "in*/A"}, "wildcards stand in the last part"),
        ({"business_date": r"D\d{8}"}, "exactly one group"),
        ({"business_date": "("}, "no regular expression"),
        ({"event_time": "business_date"}, "needs a regular expression"),
        ({"stable_for": -1}, "greater than or equal"),
        ({"name": "Benefits"}, "match pattern"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(folder: Path, changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make(folder, changes)


async def test_the_example_is_read_as_it_says() -> None:
    source = batch.Adapter.example()

    (only,) = await read(source)

    assert (await source.check(), len(only.events[0]), len(only.dead), only.more) == ([], 24, 1, False)
