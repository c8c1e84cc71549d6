"""Records that stand below each other are one event, whatever the chunks, and one dead letter, with all their bytes."""

import io
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.errors import ConfigError
from contracts.ports import DeadLetter, EventBatch, Rejected
from tests import adapter_suite
from tests.customers import MAPPING, folder_in, make, shaped
from tests.payments import MODIFIED, entries, of_files, progress, put, read, stream_of
from tests.trees import described, framed, records, seen

FRAMINGS: list[dict[str, Any]] = [
    {"recfm": "V"},
    {"recfm": "VB", "block_bytes": 40},
    {"recfm": "VBS", "block_bytes": 30, "compression": "gzip"},
    {"recfm": "FB", "lrecl": 13, "pad": 0x40},
]
KINDS = "CATTKABCKATCACBCAAT"
SHAPES = ["0(1(2 3) 5 4)", "6", "7(9(10) 8)", "11(12)", "13", "14", "15(16 17(18))"]
ROOTS = [0, 6, 7, 11, 13, 14, 15]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_in(tmp_path)


def published(batches: Sequence[EventBatch]) -> list[tuple[int, Any]]:
    return [
        (int(position), json.loads(value or b""))
        for each in batches
        for columns in each.events
        for position, value in zip(columns.positions, columns.values, strict=True)
    ]


def letters(batches: Sequence[EventBatch]) -> list[DeadLetter]:
    return [letter for each in batches for letter in each.dead]


def rejected(batches: Sequence[EventBatch]) -> list[Rejected]:
    return [
        Rejected(
            stream=each.stream,
            position=letter.position,
            value=letter.value or b"",
            offset=int(letter.attributes["offset"]),
            attributes=letter.attributes,
        )
        for each in batches
        for letter in each.dead
    ]


def spoilt(kinds: str, *bad: int) -> list[bytes]:
    """Return records of which some have no legible sequence number."""
    parts = records(kinds)
    return [part[:1] + b"\xc1" * 4 + part[5:] if index in bad else part for index, part in enumerate(parts)]


@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
@pytest.mark.parametrize("chunk_records", [1, 4, 2000])
async def test_a_tree_is_one_event_at_its_root_whatever_the_chunks(
    folder: Path, framing: dict[str, Any], chunk_records: int
) -> None:
    put(folder / "C.1", framed(records(KINDS), described(framing=framing)))

    found = await read(make(folder, {"chunk_records": chunk_records}, mapping=shaped, framing=framing))

    assert [(position, data["shape"]) for position, data in published(found)] == list(zip(ROOTS, SHAPES, strict=True))
    entry = entries(found)["C.1"]
    assert (entry.outcome, entry.records, entry.read, entry.dead_letters) == ("published", len(KINDS), len(KINDS), 0)
    ends = [json.loads(each.checkpoint)["next"] for each in of_files(found)]
    assert set(ends) <= {*ROOTS, len(KINDS)}


async def test_a_mapping_names_what_stands_below_as_it_names_tables(folder: Path) -> None:
    put(folder / "C.1", framed(records("CATTABCK")))

    found = published(await read(make(folder)))

    assert [(data["name"], data["accounts"], data["amounts"]) for _, data in found] == [
        ("N0", [1, 4], [["-2.00", "-3.00"], []]),
        ("none", [], []),
        ("N6", [], []),
    ]


@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
async def test_the_laws_of_every_adapter_hold(folder: Path, framing: dict[str, Any]) -> None:
    """It resumes after every batch with the same events and dead letters; orphans and large trees among them."""
    found = described(framing=framing)
    put(folder / "C.1", framed(spoilt(f"TA{KINDS}CTATTTTTTKCA", 8, 9), found))
    put(folder / "C.2", framed(records(KINDS), found), MODIFIED + timedelta(days=1))

    source = make(folder, {"chunk_records": 3}, rule={"tree_records": 6}, framing=framing)

    for law in adapter_suite.ABOUT_EXAMPLES:
        await law(source)


async def test_an_orphan_is_a_dead_letter_of_its_own(folder: Path) -> None:
    parts = records("TCAT")
    put(folder / "C.1", framed(parts))

    found = await read(make(folder, mapping=shaped))

    [letter] = letters(found)
    assert (letter.position, letter.value, "tree" in letter.attributes) == ("000000000000", parts[0], False)
    assert letter.reason == "TXN: expected a record with ACCOUNT before it that it stands below"
    assert [data["shape"] for _, data in published(found)] == ["1(2(3))"]


async def test_the_dead_letter_of_a_tree_has_all_its_records(folder: Path) -> None:
    parts = spoilt("BCATCA", 3)
    data = framed(parts)
    put(folder / "C.1", data)

    found = await read(make(folder, mapping=shaped))

    [letter] = letters(found)
    assert (letter.position, letter.value, letter.attributes["record"]) == ("000000000001", b"".join(parts[1:4]), "1")
    places = [tuple(map(int, each.split("+"))) for each in letter.attributes["tree"].split()]
    assert [data[offset + 4 :][:length] for offset, length in places] == parts[1:4]
    assert "record 3, which is of this tree" in letter.reason
    assert "\\xc1" not in letter.reason
    assert [data["shape"] for _, data in published(found)] == ["0", "4(5)"]
    assert entries(found)["C.1"].dead_letters == 1


async def test_the_share_of_bad_records_counts_all_of_a_refused_tree(folder: Path) -> None:
    put(folder / "C.1", framed(spoilt("CATTTBBBBBBB", 2)))

    held = await read(make(folder, {"dead_letter_share": 0.4}))
    let_through = await read(make(folder, {"dead_letter_share": 0.45}))

    assert (entries(held)["C.1"].outcome, entries(let_through)["C.1"].outcome) == ("held", "published")
    assert "at least 5 of 12" in (entries(held)["C.1"].reason or "")


async def test_a_tree_is_tried_again_as_a_whole(folder: Path) -> None:
    put(folder / "C.1", framed(records(KINDS)))
    right = make(folder, mapping={**MAPPING, "id": "Seg_Id0"}, record_ids=True)
    broken = make(folder, mapping={**MAPPING, "name": ("NAME", {"": "none"}), "id": "Seg_Id0"}, record_ids=True)
    begun = await read(broken)
    (folder / "C.1").touch()

    again = right.redriving(rejected(begun), "the names were mended")
    batches = await read(again, progress(begun))

    never_broken = await read(right)
    assert sorted([*published(begun), *published(batches)], key=str) == sorted(published(never_broken), key=str)
    assert again.still_rejected == 0


async def test_a_part_of_a_tree_is_not_tried_again(folder: Path) -> None:
    """A root alone would become an event that looks whole."""
    put(folder / "C.1", framed(records("CAAAAB")))
    begun = await read(make(folder, rule={"tree_records": 2}))
    assert [letter.position[-1] for letter in letters(begun)] == ["0", "1", "2", "3", "4"]

    again = make(folder).redriving(rejected(begun), "the bound was raised")
    with capture_logs() as logs:
        batches = await read(again, progress(begun))

    assert (published(batches), again.still_rejected) == ([], 5)
    reasons = [log["reason"] for log in logs if log["event"] == "record still rejected"]
    assert [reason[:21] for reason in reasons] == ["its tree was too larg"] * 3 + ["ACCOUNT: expected a r"] * 2


@pytest.mark.parametrize("tree", ["0+3", "x", "0+-1 0+18"])
async def test_a_letter_that_is_not_what_it_says_is_refused(folder: Path, tree: str) -> None:
    put(folder / "C.1", framed(spoilt("CA", 1)))
    begun = await read(make(folder))
    [letter] = rejected(begun)
    wrong = Rejected(stream=letter.stream, position=letter.position, value=letter.value, attributes={"tree": tree})

    with pytest.raises(ConfigError, match="redrive: "):
        await read(make(folder).redriving([wrong], "because"), progress(begun))


async def test_ids_begin_with_the_delivery_so_that_a_roots_is_the_events(folder: Path) -> None:
    data = framed(records(KINDS))
    put(folder / "C.1", data)
    mapping = {"name": MAPPING["name"], "id": "Seg_Id0", "shape": ("Record_Offset", str)}

    found = published(await read(make(folder, {"chunk_records": 2}, mapping=mapping, record_ids=True)))
    named = published(await read(make(folder, mapping=mapping, record_ids=True, id_prefix="N")))
    flat = published(await read(make(folder, rule={"parents": {}}, mapping=mapping, record_ids=True)))

    assert [each["id"] for _, each in found] == [f"{stream_of(data)}:{root:012d}" for root in ROOTS]
    assert [each["id"] for _, each in named] == [f"N:{root:012d}" for root in ROOTS]
    assert [each["id"] for _, each in flat] == [f"{stream_of(data)}:{each:012d}" for each in range(len(KINDS))]
    assert [data[int(each["shape"]) + 4 :][:5] for _, each in flat] == [part[:5] for part in records(KINDS)]


@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
async def test_the_original_of_an_event_is_its_whole_tree(folder: Path, framing: dict[str, Any]) -> None:
    parts = spoilt("TBCATKCA", 7)
    file = described(framing=framing)
    data = framed(parts, file)
    source = make(folder, framing=framing)

    orphan, tree, bad = (source.original(io.BytesIO(data), each) for each in (0, 2, 6))

    assert [part.rstrip(b"\x40") for part in (orphan.value,)] == [parts[0].rstrip(b"\x40")]
    assert seen(tree.fields or {}) == "2(3(4) 5)"
    assert tree.value.replace(b"\x40", b"") == b"".join(parts[2:6]).replace(b"\x40", b"")
    assert (bad.fields, "record 7, which is of this tree" in (bad.error or "")) == (None, True)
    with pytest.raises(ConfigError, match="no record of data 8"):
        source.original(io.BytesIO(data), 8)


async def test_only_trees_whose_root_is_asked_for_become_events(folder: Path) -> None:
    put(folder / "C.1", framed(spoilt("BCATTBCAB", 6)))

    found = await read(make(folder, {"where": {"REC-TYPE": ["B"]}}, mapping=shaped))

    assert [data["shape"] for _, data in published(found)] == ["0", "5", "8"]
    assert letters(found) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"where": {"NUMBER": ["1"]}}, "where: NUMBER stands below a root, so a tree has several"),
        ({"snapshot": {"key": ["SEQ"]}}, "snapshot: expected a copybook without counters and segments"),
    ],
)
async def test_what_trees_can_not_have_is_told_before_any_file_is_read(
    folder: Path, changes: dict[str, Any], said: str
) -> None:
    assert any(said in problem for problem in await make(folder, changes).check())


async def test_parents_that_can_not_be_are_told_by_check(folder: Path) -> None:
    problems = await make(folder, rule={"parents": {"TXN": "GONE", "ACCOUNT": "ACCOUNT"}}).check()

    assert len(problems) == 2
    assert all(problem.startswith("customers: segments: parents: ") for problem in problems)
