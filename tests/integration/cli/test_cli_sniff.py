"""`banyan copybook sniff` as its user runs it."""

from pathlib import Path

import pytest

from contracts.legacy.framing import Framing, Recfm, write
from tests.command_line import banyan

COPYBOOK = """\
       01  RESIDENT.
           05  ID-NUMBER  PIC 9(8).
           05  LETTERS    PIC 9(2).
           05  NAME       PIC X OCCURS 0 TO 20 DEPENDING ON LETTERS.
"""


@pytest.fixture
def copybook(tmp_path: Path) -> Path:
    path = tmp_path / "resident.cpy"
    path.write_text(COPYBOOK)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "RESIDENTS.D1"
    records = [f"{n:08d}{4 + n % 17:02d}ADA {'L' * (n % 17)}".encode("cp037") for n in range(100)]
    path.write_bytes(b"".join(write(records, Framing(recfm=Recfm.V, rdw="little"))))
    return path


def test_a_proposal_is_what_a_settings_file_says(file: Path, copybook: Path) -> None:
    ran = banyan("copybook", "sniff", str(file), str(copybook), "--json")

    assert (ran.code, ran.err) == (0, "")
    first = ran.json[0]
    assert Framing(**first["framing"]) == Framing(recfm=Recfm.V, rdw="little")
    assert (first["code_page"], first["confidence"]) == ("cp037", 0.99)
    assert "RDW (little-endian, header included) chain closes" in first["evidence"][0]


def test_people_see_what_speaks_for_and_against(file: Path, copybook: Path) -> None:
    ran = banyan("copybook", "sniff", str(file), str(copybook))

    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "1. recfm: V, rdw: little (cp037), confidence 0.99"
    assert "   + none is longer than the copybook's 30 bytes" in lines
    assert any(line.startswith("   - cp037 stands for all EBCDIC pages") for line in lines)


def test_the_share_of_records_that_decode_is_evidence_and_ranks(tmp_path: Path) -> None:
    """Bytes alone are as well lines as records of one length; of what redefines, nobody knows which it is yet."""
    (tmp_path / "a.cpy").write_text(
        "       01  R.\n           05  K PIC 9(3).\n           05  V PIC X(4).\n"
        "           05  W REDEFINES V PIC S9(7) COMP-3.\n"
    )
    records = [f"{n:03d}ABCD".encode("cp037") for n in range(300)]
    (tmp_path / "good").write_bytes(b"".join(records))
    (tmp_path / "bad").write_bytes(b"".join(record[3:] + record[:3] for record in records))

    good, bad = (
        banyan("copybook", "sniff", str(tmp_path / name), str(tmp_path / "a.cpy"), "--json").json
        for name in ("good", "bad")
    )

    assert good[0]["framing"] == {"recfm": "F", "lrecl": 7}
    assert "records that decode: 300 of 300 with cp037 but 0 of 300 with ascii" in good[0]["evidence"]
    assert (
        "records that decode: 0 of 300 with cp037 but 0 of 300 with ascii; most others: zoned in K" in bad[0]["against"]
    )
    assert bad[0]["confidence"] < good[0]["confidence"] / 2


def test_a_copybook_that_needs_more_than_it_says_is_not_tried(tmp_path: Path) -> None:
    (tmp_path / "g.cpy").write_text("       01  R.\n           05  G PIC G(3).\n")
    (tmp_path / "data").write_bytes(b"\x42\xc1\x42\xc2\x42\xc3" * 50)

    ran = banyan("copybook", "sniff", str(tmp_path / "data"), str(tmp_path / "g.cpy"))

    assert ran.code == 0
    assert "records are not tried: copybook line 2" in ran.err
    assert "records that decode" not in ran.out


def test_a_file_that_fits_nothing_ends_with_1(tmp_path: Path, copybook: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")

    ran = banyan("copybook", "sniff", str(tmp_path / "empty"), str(copybook))

    assert (ran.code, ran.out) == (1, "No framing fits the file.\n")


@pytest.mark.parametrize(
    ("text", "code", "said"), [(None, 2, "No such file or directory"), ("       01  A PIC ?.\n", 1, "line 1")]
)
def test_a_copybook_that_can_not_be_read_is_told(
    tmp_path: Path, file: Path, text: str | None, code: int, said: str
) -> None:
    path = tmp_path / "other.cpy"
    if text is not None:
        path.write_text(text)

    ran = banyan("copybook", "sniff", str(file), str(path))

    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_each_record_of_a_copybook_is_a_length_to_look_for(tmp_path: Path) -> None:
    """And what it copies is found beside it, as for every other command."""
    (tmp_path / "two.cpy").write_text(
        "       01  SHORT.\n           05  A PIC X(7).\n       01  LONG.\n       COPY BODY.\n"
    )
    (tmp_path / "BODY.cpy").write_text("           05  B PIC X(31).\n")
    data = tmp_path / "LONG.D1"
    data.write_bytes(b"".join(f"{n:011d}{'ADA LOVELACE':20}".encode("cp037") for n in range(200)))
    ran = banyan("copybook", "sniff", str(data), str(tmp_path / "two.cpy"), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.json[0]["framing"] == {"recfm": "F", "lrecl": 31}
