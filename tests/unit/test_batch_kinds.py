"""What a record becomes depends on the record alone; a file that is framed otherwise than it was begun is held."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters import batch
from contracts.errors import ConfigError
from contracts.event import Event, Public
from contracts.file_description import layout_of
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import write
from contracts.legacy.record_file import RecordFile
from contracts.ports import EventBatch, Progress, Rejected
from tests.payments import entries, of_files, progress, put, read

COPYBOOK = """\
       01  REC.
           05  KIND              PIC X.
           05  NAME              PIC X(4).
           05  BODY.
               10  AMOUNT        PIC S9(5) COMP-3.
               10  UNUSED        PIC S9(3) COMP-3.
"""


class Seen(Event):
    type = "org.example.record.seen.v1"
    topic = "seen"
    name: Public[str]
    amount: Public[int]


MAPPING = {"name": "NAME", "amount": "AMOUNT"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rec.cpy").write_text(COPYBOOK)
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def spec(folder: Path, framing: Mapping[str, Any] | None = None, **more: Any) -> FileSpec:
    return FileSpec.model_validate(
        {"copybook": folder.parent / "rec.cpy", "framing": framing or {"recfm": "V"}, **more}
    )


def make(folder: Path, found: FileSpec, changes: Mapping[str, object] | None = None, **parts: Any) -> batch.Adapter:
    config = {"name": "seen", "path": folder / "F.*", "file": found, "stable_for": 0, "once": True}
    arguments: dict[str, Any] = {"model": Seen, "key": "name", "mapping": MAPPING, **parts}
    return batch.Adapter(batch.Config.model_validate({**config, **(changes or {})}), **arguments)


def record(folder: Path, number: int, kind: str = "A") -> bytes:
    codec = RecordFile(spec(folder), layout_of(spec(folder))).codec
    return codec.encode({"KIND": kind, "NAME": f"N{number % 1000}", "BODY": {"AMOUNT": number, "UNUSED": number % 999}})


def framed(found: FileSpec, records: list[bytes]) -> bytes:
    return b"".join(write(iter(records), found.framing))


def positions(batches: list[EventBatch]) -> list[int]:
    return [int(at) for each in batches for columns in each.events for at in columns.positions]


def dead(batches: list[EventBatch]) -> list[int]:
    return [int(letter.position) for each in batches for letter in each.dead]


@pytest.mark.parametrize("chunk_records", [1, 2, 100])
@pytest.mark.parametrize("where", [{}, {"KIND": ["A"]}])
async def test_neighbours_change_nothing(folder: Path, chunk_records: int, where: dict[str, list[str]]) -> None:
    found, other_kind = spec(folder), record(folder, 4, "B")[:6]
    records = [
        record(folder, 0),
        record(folder, 1)[:-2] + b"@@",  # bad where no mapping looks
        record(folder, 2) + b"\x40",  # another length
        record(folder, 3)[:5] + b"@@@" + record(folder, 3)[8:],  # bad where the mapping looks
        other_kind,
        record(folder, 5),
    ]
    put(folder / "F.1", framed(found, records))

    batches = await read(make(folder, found, {"chunk_records": chunk_records, "dead_letter_share": 1, "where": where}))

    assert positions(batches) == [0, 1, 2, 5]
    assert dead(batches) == ([3] if where else [3, 4])


async def test_a_kind_that_can_not_be_read_is_never_left_out(folder: Path) -> None:
    found = spec(folder, {"recfm": "F", "lrecl": 10})
    bad = record(folder, 1)[:5] + b"@@@" + b"@@"
    put(folder / "F.1", framed(found, [record(folder, 1), bad, record(folder, 2)]))
    where = {"AMOUNT": ["1"]}
    mapping = {"name": "NAME", "amount": "UNUSED"}

    batches = await read(make(folder, found, {"dead_letter_share": 1, "where": where}, mapping=mapping))

    assert (positions(batches), dead(batches)) == ([0], [1])


@pytest.mark.parametrize(
    ("framing", "said"),
    [
        ({"trailer_records": 3}, "expected 8 records of data, as when it was begun, found 6"),
        ({"trailer_records": 0}, "expected 8 records of data, as when it was begun, found 9"),
        ({"rdw": "little"}, "held by framing"),
        ({"lrecl": 10}, "held by framing"),
    ],
)
async def test_a_file_that_is_framed_otherwise_than_it_was_begun_is_held(
    folder: Path, framing: dict[str, Any], said: str
) -> None:
    before = {"recfm": "V", "trailer_records": 1}
    found = spec(folder, before)
    put(folder / "F.1", framed(found, [record(folder, number) for number in range(9)]))
    put(folder / "F.2", framed(found, [record(folder, number) for number in range(20, 29)]))
    changes: dict[str, object] = {"chunk_records": 2, "dead_letter_share": 1}
    begun = of_files(await read(make(folder, found, changes)))[:3]

    rest = await read(make(folder, spec(folder, {**before, **framing}), changes), progress(begun))

    entry = entries([*begun, *rest])["F.1"]
    assert entry.outcome == "held"
    assert said in (entry.reason or "")
    of_it = [each for each in rest if each.stream == begun[0].stream]
    assert max(positions([*begun, *of_it])) <= 7  # what were data when it was begun, and never its trailer


async def test_headers_that_are_declared_later_leave_the_file_whole(folder: Path) -> None:
    found = spec(folder)
    put(folder / "F.1", framed(found, [record(folder, number) for number in range(8)]))
    changes: dict[str, object] = {"chunk_records": 2, "dead_letter_share": 1}
    begun = of_files(await read(make(folder, found, changes)))[:2]

    rest = await read(make(folder, spec(folder, {"recfm": "V", "header_records": 1}), changes), progress(begun))

    assert positions([*begun, *rest]) == list(range(8))
    entry = entries([*begun, *rest])["F.1"]
    assert (entry.outcome, entry.read, entry.records) == ("published", 8, 8)


async def test_a_group_goes_record_by_record(folder: Path) -> None:
    class Whole(Event):
        type = "org.example.record.whole.v1"
        topic = "seen"
        name: Public[str]
        body: Public[dict[str, int]]

    found = spec(folder, {"recfm": "F", "lrecl": 10})
    put(folder / "F.1", framed(found, [record(folder, 7)]))

    batches = await read(make(folder, found, model=Whole, mapping={"name": "NAME", "body": "BODY"}))

    assert [columns.values for each in batches for columns in each.events] == [
        [b'{"name":"N7","body":{"AMOUNT":7,"UNUSED":7}}']
    ]


async def test_values_of_single_records_are_in_no_reason(folder: Path) -> None:
    checks = [{"check": "sequence", "field": "AMOUNT"}]
    found = spec(folder, {"recfm": "F", "lrecl": 10}, checks=checks)
    put(folder / "F.1", framed(found, [record(folder, 12345), record(folder, 23456)]))

    entry = entries(await read(make(folder, found)))["F.1"]

    assert "found 1 gaps, the first at record 1" in (entry.reason or "")
    assert not [text for text in (entry.reason or "", *entry.checks) if "12345" in text or "23456" in text]


async def test_bytes_of_a_file_are_in_no_reason(folder: Path) -> None:
    put(folder / "F.1", b"\xc1\xd9\xf1\x40" * 5)

    entry = entries(await read(make(folder, spec(folder))))["F.1"]

    assert "held by framing" in (entry.reason or "")
    assert "c1d9f140" not in (entry.reason or "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"checks": [{"check": "count", "equals": "trailer.X"}]}, "the description names no trailer record"),
        ({"framing": {"recfm": "F", "max_record_bytes": 4}}, "framing: lrecl: more than max_record_bytes"),
    ],
)
async def test_what_can_never_be_is_told_by_check(folder: Path, more: dict[str, Any], said: str) -> None:
    found = spec(folder, **{"framing": {"recfm": "V"}, **more})

    assert any(said in problem for problem in await make(folder, found).check())


async def test_one_that_is_asked_for_twice_is_published_once(folder: Path) -> None:
    found = spec(folder)
    put(folder / "F.1", framed(found, [record(folder, 1)[:5] + b"@@@@@"]))
    begun = await read(make(folder, found, {"dead_letter_share": 1}))
    (letter,) = (letter for each in begun for letter in each.dead)
    again = Rejected(stream=of_files(begun)[0].stream, position=letter.position, value=record(folder, 1))

    batches = await read(make(folder, found).redriving([again, again], "mended"), progress(begun))

    assert positions(batches) == [0]


async def test_a_record_that_is_too_short_for_the_copybook_now_stays_rejected(folder: Path) -> None:
    (folder.parent / "seen.cpy").write_text(COPYBOOK)
    config = {"copybook": folder.parent / "seen.cpy", "file": None, "dead_letter_share": 1}
    put(folder / "F.1", record(folder, 1)[:5] + b"@@@@@")
    begun = await read(make(folder, spec(folder), config))
    stream, letter = of_files(begun)[0].stream, of_files(begun)[0].dead[0]
    (folder.parent / "seen.cpy").write_text(COPYBOOK + "               10  NEW PIC X(3).\n")
    letters = [Rejected(stream=stream, position=letter.position, value=value) for value in (letter.value or b"", b"")]
    put(folder / "F.1", b"")

    again = make(folder, spec(folder), config).redriving(letters, "the copybook was mended")
    batches = await read(again, progress(begun))

    assert positions(batches) == []
    assert again.still_rejected == 2


@pytest.mark.parametrize("position", ["key-ab", "٣", "-1", ""])
async def test_a_position_that_is_no_number_is_refused(folder: Path, position: str) -> None:
    put(folder / "F.1", framed(spec(folder), [record(folder, 1)]))
    since = progress(await read(make(folder, spec(folder))))
    letter = Rejected(stream=next(iter(since.checkpoints)), position=position, value=b"x")

    with pytest.raises(ConfigError, match="is no record's position"):
        await read(make(folder, spec(folder)).redriving([letter], "because"), since)
    assert isinstance(since, Progress)
