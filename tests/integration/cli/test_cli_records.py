"""`banyan copybook decode` and `encode`, as an integration engineer types them."""

import base64
import json
from pathlib import Path
from subprocess import run

import pytest

from tests.command_line import BANYAN, Ran, banyan
from tests.data import real_data
from tests.record_files import BAD, PAYMENT, RECORD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "payment.cpy").write_text(PAYMENT)
    (tmp_path / "data").write_bytes(bytes.fromhex(RECORD))
    (tmp_path / "spoilt").write_bytes(bytes.fromhex(RECORD + BAD + RECORD))
    return tmp_path


def decoded(*arguments: str | Path) -> Ran:
    return banyan("copybook", "decode", *map(str, arguments))


def encoded(*arguments: str | Path) -> Ran:
    return banyan("copybook", "encode", *map(str, arguments))


def test_a_record_is_a_line_with_the_names_of_the_copybook(folder: Path) -> None:
    ran = decoded("--copybook", folder / "payment.cpy", folder / "data")

    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {
        "RESIDENT": 12, "AMOUNT": "12.50", "KIND": "C", "DETAIL": "0042", "CHEQUE": {"NUMBER": 42},
    }  # fmt: skip


def test_a_segment_field_chooses_the_group(folder: Path) -> None:
    groups = ["--segment", "KIND", "--map", "C=cheque", "--map", "O=DETAIL"]
    ran = decoded("--copybook", folder / "payment.cpy", *groups, folder / "data")

    assert json.loads(ran.out).keys() == {"RESIDENT", "AMOUNT", "KIND", "CHEQUE"}


def test_condition_names_stand_instead_of_codes_and_are_written_back(folder: Path) -> None:
    (folder / "state.cpy").write_text(
        "       01  R.\n           05  S PIC X.\n               88  IS-OPEN VALUE 'O'.\n"
        "           05  N PIC 9.\n               88  IS-FEW VALUE 1 THRU 3.\n"
    )
    (folder / "states").write_bytes(b"O7X2O2")
    told = ("--copybook", folder / "state.cpy", "--encoding", "ascii", "--conditions", "all")

    ran = decoded(*told, "--conditions", "N=value", folder / "states")
    (folder / "lines").write_text(ran.out)
    again = encoded(*told, "--conditions", "N=value", folder / "lines")

    assert ran.code == 3
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {"S": "IS-OPEN", "N": 7},
        {"S": "IS-OPEN", "N": "IS-FEW"},
    ]
    assert "record 1: condition: S: expected a value with a condition name: IS-OPEN at byte 0" in ran.err
    assert (again.code, again.out) == (3, "O7")
    assert "N: expected the value itself: the condition name IS-FEW stands for several" in again.err
    assert "'error', 'null' or 'value'" in decoded(*told, "--conditions", "N=none", folder / "states").err


def test_bad_records_are_kept_with_their_bytes_and_end_with_code_3(folder: Path) -> None:
    letters = folder / "letters.jsonl"
    ran = decoded("--copybook", folder / "payment.cpy", folder / "spoilt", "--quarantine", letters)

    [letter] = [json.loads(line) for line in letters.read_text().splitlines()]
    assert (ran.code, len(ran.out.splitlines())) == (3, 2)
    assert "banyan: 1 record could not be handled" in ran.err
    assert "AMOUNT" in ran.err
    assert (letter["ordinal"], letter["offset"], letter["length"], letter["field"]) == (1, 13, 13, "AMOUNT")
    assert (letter["raw"], base64.b64decode(letter["record"]).hex()) == ("0125a0", BAD)


def test_too_many_bad_records_end_it(folder: Path) -> None:
    ran = decoded("--copybook", folder / "payment.cpy", folder / "spoilt", "--max-errors", "0")

    assert ran.code == 2
    assert "more than 0 bad records: is it the right copybook, code page, framing?" in ran.err


def test_a_file_that_is_not_framed_so_names_the_place(folder: Path) -> None:
    (folder / "short").write_bytes(bytes.fromhex(RECORD)[:-1])
    ran = decoded("--copybook", folder / "payment.cpy", folder / "short")

    assert ran.code == 1
    assert "expected records of 13 bytes up to the end at byte 0 (record 0)" in ran.err


def test_lines_are_written_back_byte_for_byte(folder: Path) -> None:
    lines = folder / "lines.jsonl"
    lines.write_text(decoded("--copybook", folder / "payment.cpy", folder / "data").out)
    ran = encoded("--copybook", folder / "payment.cpy", lines, "--output", folder / "again")

    assert (ran.code, ran.err) == (0, "")
    assert (folder / "again").read_bytes().hex() == RECORD


def test_a_line_that_does_not_fit_ends_with_code_3(folder: Path) -> None:
    (folder / "lines.jsonl").write_text('{"RESIDENT": 123456}\n')
    ran = encoded("--copybook", folder / "payment.cpy", folder / "lines.jsonl", "--output", folder / "again")

    assert ran.code == 3
    assert "record 0" in ran.err
    assert (folder / "again").read_bytes() == b""


SPEC = """\
copybook: payment.cpy
encoding: cp1141
framing: {recfm: V}
segments:
  - {field: KIND, map: {C: CHEQUE, O: DETAIL}}
"""


def test_a_description_says_all_of_it_and_an_option_goes_before_it(folder: Path) -> None:
    (folder / "payment.yaml").write_text(SPEC)
    (folder / "v").write_bytes(bytes.fromhex("00110000" + RECORD))

    by_spec = decoded("--spec", folder / "payment.yaml", folder / "v")
    by_option = decoded("--spec", folder / "payment.yaml", "--recfm", "F", folder / "data")

    assert (by_spec.code, by_option.code) == (0, 0)
    assert by_spec.out == by_option.out
    assert json.loads(by_spec.out)["CHEQUE"] == {"NUMBER": 42}


def test_mistakes_in_a_description_are_told_at_once_with_their_lines(folder: Path) -> None:
    (folder / "payment.yaml").write_text("copybook: payment.cpy\nencodng: cp037\nframing:\n  recfm: X\ndialect: os2\n")
    ran = decoded("--spec", folder / "payment.yaml", folder / "data")

    assert ran.code == 2
    for line, said in ((2, "did you mean 'encoding'?"), (4, "framing.recfm"), (5, "no dialect 'os2'; there are: zos")):
        assert f"payment.yaml:{line}: " in ran.err
        assert said in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "expected --copybook FILE, or --spec FILE that names it"),
        (("--copybook", "none.cpy"), "none.cpy"),
        (("--copybook", "payment.cpy", "--segment", "KIND"), "--segment FIELD goes together with --map VALUE=GROUP"),
        (("--copybook", "payment.cpy", "--segment", "KIND", "--map", "C"), "--map C: expected VALUE=GROUP"),
        (("--copybook", "payment.cpy", "--segment", "KIN", "--map", "C=DETAIL"), "KIN"),
        (("--copybook", "payment.cpy", "--lrecl", "7", "--recfm", "none"), "lrecl: recfm none has none"),
        (("--copybook", "payment.cpy", "--encoding", "cp9"), "cp9"),
    ],
)
def test_what_does_not_fit_is_a_sentence_that_names_it(folder: Path, options: tuple[str, ...], said: str) -> None:
    given = [str(folder / each) if each == "payment.cpy" else each for each in options]
    ran = decoded(*given, folder / "data")

    assert ran.code in {1, 2}
    assert said in ran.err
    assert "Traceback" not in ran.err


FIVE_TYPES = (
    "--segment EXPORT-REC-TYPE --map C=EXPORT-CUSTOMER-DATA --map A=EXPORT-ACCOUNT-DATA "
    "--map T=EXPORT-TRANSACTION-DATA --map X=EXPORT-CARD-XREF-DATA --map D=EXPORT-CARD-DATA"
)
FRAMINGS = {
    "data.ebcdic.V.bin": ("--recfm", "V"),
    "data.ebcdic.V.le-excl.bin": ("--recfm", "V", "--rdw", "little", "--rdw-excludes-header"),
    "data.ebcdic.VB.bin": ("--recfm", "VB"),
    "data.ebcdic.VBS.bin": ("--recfm", "VBS"),
    "data.ebcdic.noheader.bin": ("--recfm", "none"),
    "data.ascii.V.bin": ("--recfm", "V", "--encoding", "ascii"),
}


@pytest.mark.parametrize(
    ("case", "copybook", "data", "options"),
    [
        ("carddemo/accounts", "copybook.cpy", "data.ebcdic.bin", ""),
        ("carddemo/card-xref", "copybook.cpy", "data.ebcdic.bin", "--recfm FB --lrecl 50"),
        ("carddemo/daily-transactions-a", "copybook.cpy", "data.ebcdic.bin", "--recfm FB"),
        ("carddemo/transaction-types", "copybook.cpy", "data.ebcdic.bin", ""),
        ("carddemo/transaction-categories", "copybook.cpy", "data.ebcdic.bin", ""),
        (
            "carddemo/export-multitype-sample", "copybook.cpy", "data.ebcdic.bin",
            FIVE_TYPES,
        ),
        ("cobrix/type-variety-2", "copybook.cob", "data.dat", "--float ieee"),
        ("jrecord/odo-with-trailing-fields", "copybook.cbl", "data.txt", "--recfm LS --encoding ascii"),
    ],
)  # fmt: skip
def test_real_files_decode_to_what_is_expected_of_them(case: str, copybook: str, data: str, options: str) -> None:
    folder = real_data(f"batch/{case}")
    expected = [json.loads(line) for line in (folder / "expected.derived.jsonl").read_text().splitlines()]

    ran = decoded("--copybook", folder / copybook, *options.split(), folder / data)

    found = [json.loads(line) for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert found == expected
    print(f"{case}: {len(found)} records")


@pytest.mark.parametrize(("data", "options"), FRAMINGS.items())
def test_one_file_in_six_framings_says_the_same(data: str, options: tuple[str, ...]) -> None:
    folder = real_data("batch/gnucobol-generated/pn-feature-matrix")
    groups = ["--segment", "PN-TYPE", "--map", "O=PN-ORG", "--map", "G=PN-ORG", "--map", "*=PN-BODY"]
    copybook = ["--copybook", str(folder / "copybook.cpy"), *groups]
    plain = decoded(*copybook, *FRAMINGS["data.ebcdic.V.bin"], folder / "data.ebcdic.V.bin")

    ran = decoded(*copybook, *options, folder / data)

    assert (ran.code, ran.err, len(ran.lines)) == (0, "", 60)
    assert ran.out == plain.out


def test_what_came_before_a_framing_error_is_printed(folder: Path) -> None:
    (folder / "cut").write_bytes(bytes.fromhex(RECORD * 2)[:-1])
    ran = decoded("--copybook", folder / "payment.cpy", folder / "cut")

    assert (ran.code, len(ran.lines)) == (1, 1)
    assert "remainder" in ran.err


@pytest.mark.parametrize("command", ["decode", "encode"])
def test_nothing_that_is_read_is_overwritten(folder: Path, command: str) -> None:
    (folder / "link").symlink_to(folder / "data")
    for path in ("data", "link", "payment.cpy"):
        before = (folder / path).read_bytes()
        ran = banyan(
            *("copybook", command, "--copybook", str(folder / "payment.cpy")),
            *(str(folder / "data"), "--quarantine", str(folder / path)),
        )

        assert (ran.code, (folder / path).read_bytes()) == (2, before)
        assert "expected another file than" in ran.err


def test_an_output_is_there_when_it_is_whole(folder: Path) -> None:
    lines, output = folder / "lines.jsonl", folder / "out"
    lines.write_text(decoded("--copybook", folder / "payment.cpy", folder / "data").out)
    output.write_bytes(b"the old one")
    options: list[str | Path] = ["--copybook", folder / "payment.cpy", lines, "--output", output]

    assert encoded(*options, "--recfm", "V", "--lrecl", "8").code == 1
    assert output.read_bytes() == b"the old one"
    assert encoded(*options).code == 0
    assert output.read_bytes() == (folder / "data").read_bytes()
    assert not [*folder.glob(".*")]


def test_a_full_disk_is_a_sentence(folder: Path) -> None:
    options = ["--copybook", folder / "payment.cpy", folder / "spoilt", "--quarantine", "/dev/full"]
    ran = run([BANYAN, "copybook", "decode", *map(str, options)], capture_output=True, check=False, timeout=60)

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith(b"No space left on device")


def test_standard_input_is_read(folder: Path) -> None:
    with (folder / "data").open("rb") as data:
        ran = run(
            [BANYAN, "copybook", "decode", "--copybook", folder / "payment.cpy", "-"],
            stdin=data, capture_output=True, check=True, timeout=60,
        )  # fmt: skip

    assert json.loads(ran.stdout)["RESIDENT"] == 12


def test_a_value_is_mapped_once(folder: Path) -> None:
    groups = ["--segment", "KIND", "--map", "C=CHEQUE", "--map", "C=DETAIL"]
    ran = decoded("--copybook", folder / "payment.cpy", *groups, folder / "data")

    assert (ran.code, "--map C: expected each value once" in ran.err) == (2, True)


def test_a_copybook_copies_nothing_from_elsewhere(folder: Path) -> None:
    (folder / "secret").write_text("       01  KEY PIC X.")
    (folder / "inner").mkdir()
    (folder / "inner" / "a.cpy").write_text('       COPY "../secret".')
    ran = decoded("--copybook", folder / "inner" / "a.cpy", folder / "data")

    assert "a member that is there" in ran.err
