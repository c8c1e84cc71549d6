"""`banyan copybook mask`, as somebody types it who has to give a file to a test system."""

from pathlib import Path

import pytest

from tests.command_line import Ran, banyan
from tests.record_files import BAD, PAYMENT, RECORD

SPEC = "copybook: payment.cpy\nframing: {header_bytes: 2, footer_bytes: 1}\n"
SEGMENTS = "segments: [{field: KIND, map: {C: CHEQUE, '*': DETAIL}}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "payment.cpy").write_text(PAYMENT)
    (tmp_path / "spec.yaml").write_text(SPEC + SEGMENTS + "masks: {RESIDENT: token, AMOUNT: redact}\n")
    (tmp_path / "secret").write_text("a secret of ours, as long as it has to be\n")
    (tmp_path / "data").write_bytes(b"<<" + bytes.fromhex(RECORD * 2) + b">")
    return tmp_path


def masked(folder: Path, file: str = "data") -> Ran:
    options = ["--spec", folder / "spec.yaml", "--secret-file", folder / "secret", "--output", folder / "masked"]
    return banyan("copybook", "mask", *map(str, options), str(folder / file))


def test_a_masked_file_parses_and_has_all_but_the_masked_fields(folder: Path) -> None:
    ran = masked(folder)
    data = (folder / "masked").read_bytes()
    [first, second] = banyan("copybook", "decode", "--spec", str(folder / "spec.yaml"), str(folder / "masked")).lines

    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (data[:2], data[-1:], len(data)) == (b"<<", b">", len((folder / "data").read_bytes()))
    assert first == second
    assert first["RESIDENT"] != 12
    assert (first["AMOUNT"], first["KIND"], first["CHEQUE"]) == ("0.00", "C", {"NUMBER": 42})


def test_a_record_that_cant_be_read_is_left_out_and_nothing_of_it_is_told(folder: Path) -> None:
    (folder / "spoilt").write_bytes(b"<<" + bytes.fromhex(RECORD + BAD) + b">")
    ran = masked(folder, "spoilt")

    assert ran.code == 3
    assert "record 1: packed: AMOUNT" in ran.err
    assert "0125a0" not in ran.err
    assert "\\x" not in ran.err
    assert len((folder / "masked").read_bytes()) == 2 + 13 + 1


def test_a_file_that_is_there_is_never_written_over(folder: Path) -> None:
    (folder / "masked").write_text("precious")
    ran = masked(folder)

    assert ran.code == 2
    assert "expected a file that is not there yet" in ran.err
    assert (folder / "masked").read_text() == "precious"


def test_a_file_that_ends_within_a_record_leaves_nothing_behind(folder: Path) -> None:
    (folder / "short").write_bytes((folder / "data").read_bytes()[:-3])
    ran = masked(folder, "short")

    assert ran.code == 1
    assert "remainder: expected records of 13 bytes" in ran.err
    assert sorted(path.name for path in folder.iterdir() if "masked" in path.name) == []


@pytest.mark.parametrize(
    ("text", "secret", "said"),
    [
        (SPEC, "x" * 16, "masks: the description names none"),
        (SPEC + "masks: {RESIDNT: token}\n", "x" * 16, "masks: the layout has no field RESIDNT"),
        (SPEC + "masks: {RESIDENT: hide}\n", "x" * 16, "spec.yaml:3: masks.RESIDENT"),
        (SPEC + "masks: {RESIDENT: token}\n", "short", "the secret of masks needs 16 bytes at least"),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(folder: Path, text: str, secret: str, said: str) -> None:
    (folder / "spec.yaml").write_text(text)
    (folder / "secret").write_text(secret)
    ran = masked(folder)

    assert ran.code == 2
    assert said in ran.err
    assert not (folder / "masked").exists()
