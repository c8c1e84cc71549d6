"""Full extracts with headers, trailers, descriptor words or compression are compared as plain ones are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters import batch
from adapters.batch.ledger import entries_in
from contracts.errors import ConfigError
from contracts.identifiers import ordinal
from contracts.legacy.framing import Framing, write
from tests import adapter_suite
from tests.accounts import COPYBOOK as ACCOUNT
from tests.accounts import Accounts, applied, changed, deliver, extract, folder_in, make, progress, published, read

COPYBOOK = (
    ACCOUNT
    + """\
       01  ACCOUNT-HEADER.
           05  HD-DATE           PIC X(8).
           05  FILLER            PIC X(15).
       01  ACCOUNT-TRAILER.
           05  TR-COUNT          PIC 9(8).
           05  FILLER            PIC X(15).
"""
)
FRAMINGS: list[dict[str, Any]] = [
    {"recfm": "FB", "header_records": 1, "trailer_records": 1},
    {"recfm": "VB", "header_records": 1, "trailer_records": 1, "block_bytes": 90},
    {"recfm": "VBS", "header_records": 1, "trailer_records": 1, "block_bytes": 60},
    {"recfm": "V", "header_records": 1, "trailer_records": 1, "compression": "gzip"},
]
FIRST: Accounts = {"A1": 100, "B2": 200, "C3": 300, "D4": 400, "E5": 500}
SECOND: Accounts = {"A1": 150, "C3": 300, "E5": 555, "F6": 600}


@pytest.fixture(params=FRAMINGS, ids=lambda framing: f"{framing['recfm']} {framing.get('compression', '')}".strip())
def framing(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that extracts arrive in, beside the copybook."""
    found = folder_in(tmp_path)
    (tmp_path / "accounts.cpy").write_text(COPYBOOK)
    return found


def adapter(folder: Path, framing: Mapping[str, Any], **changes: object) -> batch.Adapter:
    """Return an adapter of framed extracts, whose trailer counts them."""
    file = {
        "copybook": folder.parent / "accounts.cpy",
        "record": "ACCOUNT",
        "header": "ACCOUNT-HEADER",
        "trailer": "ACCOUNT-TRAILER",
        "framing": framing,
        "checks": [{"check": "count", "equals": "trailer.TR-COUNT"}],
    }
    return make(folder, {"copybook": None, "file": file, "chunk_records": 2, **changes})


def framed(framing: Mapping[str, Any], accounts: Accounts, *, counted: int | None = None) -> bytes:
    """Return an extract with a header and a trailer."""
    data, count = extract(accounts), len(accounts) if counted is None else counted
    records = [data[at : at + 23] for at in range(0, len(data), 23)]
    ends = [text.ljust(23).encode("cp037") for text in ("20260201", f"{count:08d}")]
    found = Framing.model_validate({**framing, **({"lrecl": 23} if framing["recfm"] == "FB" else {})})
    return b"".join(write([ends[0], *records, ends[1]], found))


async def test_extracts_become_what_changed(folder: Path, framing: dict[str, Any]) -> None:
    deliver(folder, 1, framed(framing, FIRST))
    deliver(folder, 2, framed(framing, SECOND))

    batches = await adapter_suite.read(adapter(folder, framing))

    extracts = [each for each in batches if each.stream.startswith("file:")]
    assert applied({}, extracts) == SECOND
    assert changed(extracts)[5:] == [
        ("deleted", "B2", 200, None),
        ("deleted", "D4", 400, None),
        ("updated", "A1", 100, 150),
        ("updated", "E5", 500, 555),
        ("created", "F6", None, 600),
    ]
    # The header is record 0; deletes follow the last record of data.
    positions = [event_id.rpartition(":")[2] for event_id, *_ in published(extracts)[5:]]
    assert positions == [ordinal(at) for at in (5, 6, 1, 3, 4)]
    entries = entries_in(progress(batches).state)
    assert sorted((each.file, each.records, each.outcome) for each in entries) == [
        ("ACCOUNTS.D01", 5, "published"),
        ("ACCOUNTS.D02", 4, "published"),
    ]


async def test_after_a_kill_at_any_chunk_exactly_the_rest_is_read(folder: Path, framing: dict[str, Any]) -> None:
    deliver(folder, 1, framed(framing, FIRST))
    deliver(folder, 2, framed(framing, SECOND))
    whole = await read(adapter(folder, framing))

    for at in range(len(whole) + 1):
        rest = await read(adapter(folder, framing), whole[:at])
        assert published([*whole[:at], *rest]) == published(whole)


@pytest.mark.parametrize("ends", [(2, 1), (1, 0)], ids=["another header", "no trailer"])
async def test_an_extract_that_was_begun_goes_on_as_it_was_framed_then(folder: Path, ends: tuple[int, int]) -> None:
    framing = {"recfm": "FB", "header_records": 1, "trailer_records": 1}
    deliver(folder, 1, framed(framing, FIRST))
    begun = (await read(adapter(folder, framing)))[:1]
    file = {
        "copybook": folder.parent / "accounts.cpy",
        "record": "ACCOUNT",
        "framing": {"recfm": "FB", "header_records": ends[0], "trailer_records": ends[1]},
    }

    with capture_logs() as logs:
        assert await read(make(folder, {"copybook": None, "file": file, "chunk_records": 2}), begun) == []

    [reason] = [log["reason"] for log in logs if log["event"] == "file held"]
    assert "5 records of data from record 1 on, as when it was begun" in reason


async def test_a_second_pass_begins_at_the_beginning(
    folder: Path, framing: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the first pass is kept, and records are read one by one."""
    monkeypatch.setattr("adapters.batch.snapshot.delivery._KEPT_BYTES", 0)
    monkeypatch.setattr("adapters.batch.snapshot.records._SCAN_BYTES", 1)
    deliver(folder, 1, framed(framing, FIRST))
    deliver(folder, 2, framed(framing, SECOND))

    batches = await read(adapter(folder, framing, dead_letter_share=0.5))

    assert applied({}, batches) == SECOND
    assert published(batches) == published(await read(adapter(folder, framing)))


async def test_a_bad_record_is_dead_lettered_with_its_place(folder: Path, framing: dict[str, Any]) -> None:
    deliver(folder, 1, framed(framing, {**FIRST, "C3": -1}))

    batches = await read(adapter(folder, framing))

    [letter] = [letter for each in batches for letter in each.dead]
    assert (letter.position, letter.attributes["record"]) == (ordinal(3), "3")
    with (folder / "ACCOUNTS.D01").open("rb") as file:
        found = adapter(folder, framing).original(file, 3)
    assert (found.value, found.offset) == (letter.value, int(letter.attributes["offset"]))


async def test_a_check_holds_an_extract_before_it_is_compared(folder: Path, framing: dict[str, Any]) -> None:
    deliver(folder, 1, framed(framing, FIRST, counted=7))

    with capture_logs() as logs:
        assert published(await read(adapter(folder, framing))) == []

    assert "the check" in next(log["reason"] for log in logs if log["event"] == "file held")


@pytest.mark.parametrize("recfm", ["V", "VB"])
async def test_records_of_another_length_hold_an_extract(folder: Path, recfm: str) -> None:
    framing = {"recfm": recfm}
    records = [extract({"A1": 100}), extract({"B2": 200})[:-1]]
    deliver(folder, 1, b"".join(write(records, Framing.model_validate(framing))))
    file = {"copybook": folder.parent / "accounts.cpy", "record": "ACCOUNT", "framing": framing}

    with capture_logs() as logs:
        assert await read(make(folder, {"copybook": None, "file": file})) == []

    [reason] = [log["reason"] for log in logs if log["event"] == "file held"]
    assert "records of 23 bytes" in reason
    assert "22 bytes in record 1" in reason


async def test_a_file_that_is_not_framed_as_described_is_held(folder: Path) -> None:
    framing = {"recfm": "V"}
    deliver(folder, 1, b"".join(write([extract({"A1": 100})], Framing.model_validate(framing)))[:-1])
    file = {"copybook": folder.parent / "accounts.cpy", "record": "ACCOUNT", "framing": framing}

    with capture_logs() as logs:
        assert await read(make(folder, {"copybook": None, "file": file})) == []

    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["file held"]


@pytest.mark.parametrize(
    ("copybook", "framing", "problem"),
    [
        (ACCOUNT, {"recfm": "LS"}, "records that all have the copybook's length"),
        (ACCOUNT, {"recfm": "F", "lrecl": 24}, "records that all have the copybook's length"),
        (
            "       01 A.\n           05 BRANCH PIC 9.\n           05 NUMBER PIC X OCCURS 0 TO 3 DEPENDING ON BRANCH.",
            {"recfm": "V"},
            "a copybook without counters and segments",
        ),
    ],
)
async def test_what_can_not_be_compared_is_refused(
    folder: Path, copybook: str, framing: dict[str, object], problem: str
) -> None:
    (folder.parent / "accounts.cpy").write_text(copybook)
    file = {"copybook": folder.parent / "accounts.cpy", "framing": framing}

    with pytest.raises(ConfigError, match=problem):
        make(folder, {"copybook": None, "file": file}).shape()
