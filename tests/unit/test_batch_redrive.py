"""Rejected records are tried again once somebody mended the mapping: with their ids, exactly once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters import batch
from adapters.batch.redrive import redriven_key
from contracts.errors import ConfigError
from contracts.ports import DeadLetter, EventBatch, Progress, Rejected
from observability import fields
from observability.testing import recorded_spans
from tests.payments import MAPPING, events, folder_in, make, of_files, progress, put, read, records, stream_of

CODES = {"A": "allowance"}
BROKEN = {**MAPPING, "kind": ("KIND", {"X": "unknown"})}
MENDED = {**MAPPING, "kind": ("KIND", CODES)}
DATA = records(5, bad=[3])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that files arrive in, beside the copybook."""
    return folder_in(tmp_path)


def adapter(folder: Path, mapping: Mapping[str, object]) -> batch.Adapter:
    """Return an adapter that holds nothing."""
    return make(folder, {"dead_letter_share": 1, "business_date": r"D(\d{8})"}, mapping=mapping)


def rejected(batches: Sequence[EventBatch]) -> list[Rejected]:
    """Return the dead letters as they come back."""
    return [_back(each.stream, letter) for each in batches for letter in each.dead]


def _back(stream: str, letter: DeadLetter) -> Rejected:
    offset = int(letter.attributes["offset"])
    return Rejected(stream=stream, position=letter.position, value=letter.value or b"", offset=offset)


async def published(folder: Path) -> tuple[list[Rejected], Progress]:
    """Publish a file with a mapping that takes none of its records."""
    put(folder / "BENEFITS.D20260131", DATA)
    batches = await read(adapter(folder, BROKEN))
    assert list(events(batches)) == []
    return rejected(batches), progress(batches)


async def test_what_is_tried_again_becomes_the_event_that_it_would_have_been(folder: Path) -> None:
    letters, since = await published(folder)
    assert len(letters) == 5
    put(folder / "BENEFITS.D20260131", DATA)
    never_broken = await read(adapter(folder, MENDED))

    with capture_logs() as logs:
        again = adapter(folder, MENDED).redriving(letters, "the code table was mended")
        batches = await read(again, since)

    assert list(events(batches)) == list(events(never_broken))
    assert len(list(events(batches))) == 4
    assert again.still_rejected == 1
    assert [log["position"] for log in logs if log["event"] == "record still rejected"] == ["000000000003"]
    assert "AMOUNT: expected a signed packed number" in next(log["reason"] for log in logs if "reason" in log)


async def test_it_is_traced(folder: Path) -> None:
    letters, since = await published(folder)

    with recorded_spans() as spans:
        batches = await read(adapter(folder, MENDED).redriving(letters[:2], "mended"), since)

    [span] = [each for each in spans if (each.attributes or {}).get(fields.BANYAN_RECORDS) == 2]
    context = span.get_span_context()
    assert context is not None
    assert [str(each.traceparent).split("-")[2] for each in of_files(batches)[:2]] == [f"{context.span_id:016x}"] * 2


async def test_it_is_published_once_whatever_is_asked_for(folder: Path) -> None:
    letters, since = await published(folder)
    again = adapter(folder, MENDED).redriving(letters[:2], "mended")
    first, second = await read(again, since)

    after = progress([first])
    after = Progress(checkpoints={**since.checkpoints, **after.checkpoints}, state={**since.state, **after.state})
    rest = await read(again, after)

    assert [each.positions for batch in rest for each in batch.events] == [second.events[0].positions]
    assert set(first.state) == {redriven_key(first.stream, "000000000000")}
    assert first.checkpoint == since.checkpoints[first.stream]


async def test_a_file_that_is_under_way_goes_on_behind_it(folder: Path) -> None:
    put(folder / "BENEFITS.D20260131", DATA)
    source = make(folder, {"dead_letter_share": 1, "chunk_records": 4})
    begun = of_files(await read(source))[:1]

    batches = await read(source.redriving(rejected(begun), "look again"), progress(begun))

    assert [each.stream for each in batches] == [stream_of(DATA)]
    assert [each.positions for batch in batches for each in batch.events] == [["000000000004"]]


async def test_a_record_that_is_left_out_on_purpose_is_done(folder: Path) -> None:
    letters, since = await published(folder)
    source = make(folder, {"dead_letter_share": 1, "business_date": r"D(\d{8})"}, mapping=lambda _: None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    batches = await read(source.redriving(letters[:1], "it is none of ours"), since)

    assert [(list(each.events), list(each.state)) for each in batches] == [
        ([], [redriven_key(letters[0].stream, letters[0].position)])
    ]


async def test_a_record_of_a_file_that_nobody_knows_is_refused(folder: Path) -> None:
    letter = Rejected(stream="file:ab", position="000000000001", value=b"x" * 11)

    with pytest.raises(ConfigError, match="nothing of file:ab was published by benefits"):
        await read(make(folder).redriving([letter], "because"))


async def test_a_position_that_is_none_of_a_record_is_refused(folder: Path) -> None:
    letters, since = await published(folder)
    letter = Rejected(stream=letters[0].stream, position="7", value=b"x" * 11)

    with pytest.raises(ConfigError, match="'7' is no record's position"):
        await read(adapter(folder, MENDED).redriving([letter], "because"), since)


def test_a_reason_is_needed(folder: Path) -> None:
    with pytest.raises(ConfigError, match="benefits: redrive: a reason is needed"):
        make(folder).redriving([], " ")
