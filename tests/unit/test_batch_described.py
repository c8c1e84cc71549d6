"""Files of every format as an adapter reads them: described as `--spec` describes them, checked before anything."""

import json
from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.event import Event, Personal
from contracts.file_description import ends_of, layout_of
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile
from contracts.ports import Progress
from tests import adapter_suite
from tests.orders import (
    CHECKS,
    FRAMINGS,
    MAPPING,
    encoded,
    expected,
    folder_in,
    make,
    order,
    published,
    spec,
)
from tests.payments import entries, of_files, progress, put, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that files arrive in, beside the copybook."""
    return folder_in(tmp_path)


@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
@pytest.mark.parametrize("share", [0.1, 1])
async def test_records_of_every_format_become_events_in_chunks(
    folder: Path, framing: dict[str, Any], share: float
) -> None:
    found = spec(folder, framing)
    put(folder / "ORDERS.1", encoded(found, 20))

    batches = await read(make(folder, found, {"chunk_records": 3, "dead_letter_share": share}))

    assert list(published(batches)) == expected(20)
    entry = entries(batches)["ORDERS.1"]
    assert (entry.outcome, entry.records, entry.read, entry.dead_letters) == ("published", 20, 20, 0)
    assert entry.checks == (
        "count of data records = trailer.TR-COUNT: expected 20, found 20",
        "sum of AMOUNT = trailer.TR-TOTAL: expected 190.00, found 190.00",
        "header.HD-COUNT = trailer.TR-COUNT: expected 20, found 20",
    )
    files = [each.file for each in of_files(batches)]
    assert {each.totals["sum of AMOUNT"] for each in files if each} == {"190.00"}
    assert [each.is_last for each in files if each] == [False] * (len(files) - 1) + [True]


async def test_a_mapping_gets_condition_names_where_the_description_asks_for_them(folder: Path) -> None:
    put(folder / "ORDERS.1", encoded(spec(folder), 6))
    names = {**MAPPING, "kind": ("KIND", {"IS-FIRST": "A", "IS-SECOND": "B"})}

    batches = await read(make(folder, spec(folder, conditions={"KIND": "error"}), mapping=names))

    assert list(published(batches)) == expected(6)


@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
async def test_a_file_goes_on_at_any_record_where_it_stopped(folder: Path, framing: dict[str, Any]) -> None:
    found = spec(folder, framing)
    put(folder / "ORDERS.1", encoded(found, 11))
    source = make(folder, found, {"chunk_records": 2})
    batches = await read(source)

    for stopped in range(len(batches)):
        rest = await read(source, progress(batches[:stopped]))

        assert [*published(batches[:stopped]), *published(rest)] == expected(11)
        assert entries([*batches[:stopped], *rest])["ORDERS.1"].outcome == "published"


async def test_the_laws_of_every_adapter_hold(folder: Path) -> None:
    found = spec(folder, {"recfm": "VB", "block_bytes": 60})
    put(folder / "ORDERS.1", encoded(found, 9, bad=4))
    put(folder / "ORDERS.2", encoded(found, 5))

    source = make(folder, found, {"chunk_records": 2, "dead_letter_share": 0.5})

    for law in adapter_suite.ABOUT_EXAMPLES:
        await law(source)


async def test_a_bad_record_is_kept_with_its_place_and_the_file_goes_on(folder: Path) -> None:
    found = spec(folder, {"recfm": "V"}, checks=[])
    data = encoded(found, 12, bad=7)
    put(folder / "ORDERS.1", data)

    batches = await read(make(folder, found))

    (dead,) = (letter for each in batches for letter in each.dead)
    offset = int(dead.attributes["offset"])
    assert (dead.position, dead.attributes["record"]) == ("000000000008", "8")
    assert data[offset + 4 : offset + 4 + len(dead.value or b"")] == dead.value
    assert dead.reason.startswith("AMOUNT: expected a signed packed number")
    assert len(list(published(batches))) == 11


@pytest.mark.parametrize(
    ("trailer", "outcome", "reason"),
    [
        (
            {"TR-TOTAL": Decimal(1)},
            "held",
            "held by the check sum of AMOUNT = trailer.TR-TOTAL: expected 1.00, found 45.00",
        ),
        (
            {"TR-COUNT": 9},
            "quarantined",
            "header.HD-COUNT = trailer.TR-COUNT: expected 9, found 10; others that break: 1",
        ),
    ],
)
async def test_a_file_that_does_not_agree_with_itself_is_put_aside(
    folder: Path, trailer: dict[str, object], outcome: str, reason: str
) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, 10, trailer=trailer))

    batches = await read(make(folder, found))

    entry = entries(batches)["ORDERS.1"]
    assert of_files(batches) == []
    assert (entry.outcome, entry.records, len(entry.checks)) == (outcome, 10, 3)
    assert reason in (entry.reason or "")


async def test_a_held_file_that_somebody_accepts_is_published(folder: Path) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, 10, trailer={"TR-TOTAL": Decimal(1)}))
    held = await read(make(folder, found))
    sha256 = entries(held)["ORDERS.1"].sha256 or ""

    batches = await read(make(folder, found, {"accept": {sha256: "the trailer is wrong, says ops"}}), progress(held))

    assert list(published(batches)) == expected(10)


async def test_a_quarantined_file_stays_so_whoever_accepts_it(folder: Path) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, 10, trailer={"TR-COUNT": 9}))
    first = await read(make(folder, found))
    sha256 = entries(first)["ORDERS.1"].sha256 or ""

    batches = await read(make(folder, found, {"accept": {sha256: "it looks right to me"}}), progress(first))

    assert (of_files(batches), entries([*first, *batches])["ORDERS.1"].outcome) == ([], "quarantined")


async def test_a_file_that_was_begun_is_not_held_by_a_check_that_came_later(folder: Path) -> None:
    put(folder / "ORDERS.1", encoded(spec(folder), 10, trailer={"TR-TOTAL": Decimal(1)}))
    begun = (await read(make(folder, spec(folder, checks=[]), {"chunk_records": 4})))[:1]

    rest = await read(make(folder, spec(folder), {"chunk_records": 4}), progress(begun))

    assert [*published(begun), *published(rest)] == expected(10)


@pytest.mark.parametrize("share", [0.1, 1])
async def test_a_file_that_is_not_framed_as_declared_is_held_whole(folder: Path, share: float) -> None:
    found = spec(folder, checks=[])
    put(folder / "ORDERS.1", encoded(found, 400)[:-3])

    batches = await read(make(folder, found, {"chunk_records": 2, "dead_letter_share": share}))

    assert of_files(batches) == []
    assert "held by framing: expected" in (entries(batches)["ORDERS.1"].reason or "")


async def test_only_the_records_that_are_asked_for_become_events(folder: Path) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, 9))

    batches = await read(make(folder, found, {"where": {"KIND": ["B"]}}))

    assert [data["kind"] for _, data in published(batches)] == ["B"] * 4
    assert [position for position, _ in published(batches)] == [f"{each:012d}" for each in (2, 4, 6, 8)]


async def test_what_is_said_of_data_is_not_asked_of_header_and_trailer(folder: Path) -> None:
    put(folder / "ORDERS.1", encoded(spec(folder), 3, bad=1))
    found = spec(folder, policies={"AMOUNT": {"blank": "null"}}, checks=CHECKS[:1])

    def amount(value: Decimal | None) -> Decimal:
        return Decimal(-1) if value is None else value

    batches = await read(make(folder, found, mapping={**MAPPING, "amount": ("AMOUNT", amount)}))

    assert [data["amount"] for _, data in published(batches)] == ["0.00", "-1", "2.00"]


async def test_a_file_whose_sum_lacks_records_tells_how_they_are_found(folder: Path) -> None:
    put(folder / "ORDERS.1", encoded(spec(folder), 3, bad=1))

    entry = entries(await read(make(folder, spec(folder))))["ORDERS.1"]

    assert (entry.outcome, (entry.next_step or "").partition(" names ")[0]) == (
        "held",
        "`copybook decode --quarantine`",
    )


async def test_a_function_gets_the_record_as_it_is_nested(folder: Path) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, 4))
    seen: list[Mapping[str, Any]] = []

    def mapping(record: Mapping[str, Any]) -> Event | None:
        seen.append(record)
        return None

    batches = await read(make(folder, found, mapping=mapping))

    assert seen == [
        {**order(number), "GOODS": {"LINES": number % 4, "AMOUNT": Decimal(number).quantize(Decimal("0.01"))}}
        for number in range(4)
    ]
    assert entries(batches)["ORDERS.1"].outcome == "published"


async def test_a_description_in_a_file_of_its_own_is_the_same(folder: Path) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, 3))
    (folder.parent / "orders.yaml").write_text(found.model_dump_json(exclude_defaults=True))

    batches = await read(make(folder, folder.parent / "orders.yaml"))

    assert list(published(batches)) == expected(3)


@pytest.mark.parametrize("count", [0, 1])
async def test_a_file_of_hardly_anything_is_published(folder: Path, count: int) -> None:
    found = spec(folder)
    put(folder / "ORDERS.1", encoded(found, count))

    batches = await read(make(folder, found))

    assert list(published(batches)) == expected(count)
    assert (entries(batches)["ORDERS.1"].outcome, entries(batches)["ORDERS.1"].records) == ("published", count)


@pytest.mark.parametrize(
    ("changes", "framing", "said"),
    [
        ({"where": {"KNID": ["B"]}}, {}, "orders: where: the copybook has no field KNID"),
        (
            {"snapshot": {"key": ["RESIDENT"]}},
            {},
            "orders: snapshot: expected a copybook without counters and segments",
        ),
        ({}, {"recfm": "VB", "resync": True}, "orders: framing.resync: an adapter holds a file that is not framed"),
        ({"file": Path("gone.yaml")}, {}, "orders: gone.yaml"),
    ],
)
async def test_what_can_not_be_is_told_before_any_file_is_read(
    folder: Path, changes: dict[str, Any], framing: dict[str, Any], said: str
) -> None:
    source = make(folder, spec(folder, framing), changes)

    with pytest.raises(ConfigError) as error:
        await read(source)

    assert any(problem.startswith(said) for problem in error.value.problems), error.value.problems


def test_a_file_is_described_once(folder: Path) -> None:
    with pytest.raises(ValueError, match="either copybook or file"):
        make(folder, spec(folder), {"copybook": folder.parent / "orders.cpy"})
    with pytest.raises(ValueError, match="either copybook or file"):
        make(folder, spec(folder), {"file": None})


def test_the_parts_of_the_file_here_are_what_they_are_meant_to_be(folder: Path) -> None:
    found = spec(folder)
    file = RecordFile(found, layout_of(found), ends_of(found))

    roles = [role.value for role, _ in file.parts(BytesIO(encoded(found, 2)))]

    assert roles == ["header", "data", "data", "trailer"]


async def test_what_an_older_release_had_begun_goes_on(folder: Path) -> None:
    (folder.parent / "orders.cpy").write_text("       01  A.\n           05  RESIDENT PIC X(6).\n")
    data = "".join(f"R{number:<5}" for number in range(6)).encode("cp037")
    put(folder / "ORDERS.1", data)
    parts = {"model": Named, "mapping": {"resident_id": "RESIDENT"}}
    found = FileSpec(copybook=folder.parent / "orders.cpy")
    source = make(folder, found, {"chunk_records": 2}, **parts)
    first, *_ = await read(source)
    old = {k: v for k, v in json.loads(first.checkpoint).items() if k not in {"offset", "first", "block_end"}}

    rest = await read(source, Progress(checkpoints={first.stream: json.dumps(old).encode()}))

    assert [data["resident_id"] for _, data in published(rest)] == [f"R{number}" for number in range(2, 6)]


class Named(Event):
    type = "org.example.resident.named.v1"
    topic = "orders"
    resident_id: Personal[str]
