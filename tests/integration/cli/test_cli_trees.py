"""`banyan copybook decode` and `encode` of records that stand below each other."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.command_line import Ran, banyan
from tests.trees import COPYBOOK, framed, records, seen

MAPS = ["C=CUSTOMER", "A=ACCOUNT", "K=CARD", "T=TXN", "B=BRANCH"]
PARENTS = ["account=customer", "CARD=CUSTOMER", "TXN=ACCOUNT"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.cpy").write_text(COPYBOOK)
    (tmp_path / "data").write_bytes(framed(records("CKATBCA")))
    return tmp_path


def ran(command: str, folder: Path, *arguments: str | Path, parents: list[str] = PARENTS) -> Ran:
    told = [part for each in MAPS for part in ("--map", each)] + [
        part for each in parents for part in ("--parent", each)
    ]
    spec = ["--copybook", folder / "c.cpy", "--recfm", "V", "--segment", "REC-TYPE", *told]
    return banyan("copybook", command, *map(str, [*spec, *arguments]))


def test_a_line_is_a_tree_and_is_written_back(folder: Path) -> None:
    decoded = ran("decode", folder, folder / "data")
    (folder / "lines").write_text(decoded.out)
    encoded = ran("encode", folder, folder / "lines", "--output", folder / "again")

    assert (decoded.code, decoded.err, encoded.code, encoded.err) == (0, "", 0, "")
    assert [seen(json.loads(line)) for line in decoded.out.splitlines()] == ["0(2(3) 1)", "4", "5(6)"]
    assert (folder / "again").read_bytes() == (folder / "data").read_bytes()


def test_ids_begin_with_the_files_hash_or_what_is_said(folder: Path) -> None:
    by_hash = ran("decode", folder, "--record-ids", folder / "data")
    said = ran("decode", folder, "--record-ids", "--id-prefix", "N1", folder / "data")
    unknown = ran("decode", folder, "--record-ids", "-")

    digest = sha256((folder / "data").read_bytes()).hexdigest()
    assert json.loads(by_hash.out.splitlines()[1])["Seg_Id0"] == f"file:{digest}:000000000004"
    assert json.loads(said.out.splitlines()[2])["CUSTOMER"]["ACCOUNT"][0]["Seg_Id1"] == "N1:000000000005_L1_1"
    assert (unknown.code, "say what ids begin with: --id-prefix TEXT" in unknown.err) == (2, True)


def test_an_orphan_goes_to_the_quarantine(folder: Path) -> None:
    (folder / "data").write_bytes(framed(records("TCA")))
    decoded = ran("decode", folder, folder / "data", "--quarantine", folder / "letters")

    [letter] = [json.loads(line) for line in (folder / "letters").read_text().splitlines()]
    assert (decoded.code, [seen(json.loads(line)) for line in decoded.out.splitlines()]) == (3, ["1(2)"])
    assert (letter["ordinal"], letter["offset"], letter["code"]) == (0, 0, "parent")
    assert "TXN: expected a record with ACCOUNT before it" in decoded.err


@pytest.mark.parametrize(
    ("parents", "said"),
    [
        (["TXN"], "--parent TXN: expected CHILD=PARENT"),
        (["TXN=CARD", "TXN=ACCOUNT"], "--parent TXN: expected each child once"),
        (["TXN=GONE"], "segments: parents: the layout has no single item GONE"),
    ],
)
def test_what_can_not_be_is_told(folder: Path, parents: list[str], said: str) -> None:
    told = ran("decode", folder, folder / "data", parents=parents)

    assert (told.code, said in told.err) == (2, True), told.err


def test_parents_need_a_segment(folder: Path) -> None:
    told = banyan("copybook", "decode", "--copybook", str(folder / "c.cpy"), "--parent", "A=B", str(folder / "data"))

    assert "--segment FIELD goes together with --map VALUE=GROUP, once for each value and --parent" in told.err
