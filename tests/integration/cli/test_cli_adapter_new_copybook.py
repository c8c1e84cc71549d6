"""`banyan adapter new --copybook`, as its user runs it: what it writes works as it stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli import root
from hub.discovery import discover
from hub.settings import AdapterSettings
from tests.data import real_data
from tests.scaffolds import require_sound

SIMPLE = """\
       01  RESIDENT-RECORD.
           05  RES-ID            PIC 9(8).
           05  RES-NAME          PIC X(20).
           05  RES-TYPE          PIC X.
           05  RES-BALANCE       PIC S9(7)V99 COMP-3.
           05  RES-SHARE         COMP-2.
           05  RES-DAYS OCCURS 3.
               10  RES-DAY       PIC 9(8).
           05  RES-OTHER REDEFINES RES-TYPE PIC X.
           05  FILLER            PIC X(6).
"""
VARIABLE = """\
       01  ORDER-REC.
           05  CUSTOMER-ID       PIC X(6).
           05  ORDER-ID          PIC X(6).
           05  ORDER-LINES       PIC 9(2).
           05  ORDER-LINE OCCURS 0 TO 9 DEPENDING ON ORDER-LINES.
               10  ARTICLE       PIC X(8).
               10  PRICE         PIC 9(5)V99.
"""
Run = Callable[..., "int | str | None"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command in a folder with two copybooks, and returns its exit code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resident.cpy").write_text(SIMPLE)
    (tmp_path / "order.cpy").write_text(VARIABLE)

    def command(*arguments: str | Path) -> int | str | None:
        monkeypatch.setattr("sys.argv", ["banyan", "adapter", "new", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            root.main()
        return ended.value.code

    return command


@pytest.mark.timeout(600)
def test_what_is_written_is_sound_as_it_stands(run: Run, tmp_path: Path) -> None:
    assert run("residents", "--copybook", "resident.cpy") == 0
    assert run("residents-ascii", "--copybook", "resident.cpy", "--encoding", "ascii") == 0
    variable = ("--copybook", "order.cpy", "--recfm", "V", "--key", "order-id")
    assert run("orders", *variable) == 0

    require_sound(tmp_path)


@pytest.mark.timeout(600)
def test_what_is_written_of_shared_copybooks_is_sound_too(run: Run, tmp_path: Path) -> None:
    accounts = real_data("batch/carddemo/accounts") / "copybook.cpy"
    sales = real_data("batch/jrecord/dtar020-sales") / "copybook.cbl"
    assert run("accounts", "--copybook", accounts) == 0
    assert run("sales", "--copybook", sales, "--key", "DTAR020-KEYCODE-NO") == 0

    require_sound(tmp_path)


def test_the_adapter_says_what_the_copybook_says(run: Run, tmp_path: Path) -> None:
    assert run("residents", "--copybook", "resident.cpy") == 0

    text = (tmp_path / "adapters/residents.py").read_text()
    assert '    type = "org.example.resident.recorded.v1"\n' in text
    assert "    # - RES-OTHER: describes bytes again that another field has (REDEFINES).\n" in text
    assert (
        "    res_balance: Personal[Decimal]\n    res_share: Personal[float]\n    res_day: Personal[list[int]]\n" in text
    )
    assert '    # GUESS: looks like what tells records apart. There is no other.\n    key="res_id",\n' in text
    assert 'copybook=HERE / "../resident.cpy",\n        code_page="cp037",\n' in text
    assert [*discover(AdapterSettings(files=(tmp_path / "adapters",)))] == ["residents"]


def test_a_file_that_needs_it_gets_a_description(run: Run, tmp_path: Path) -> None:
    assert run("orders", "--copybook", "order.cpy", "--recfm", "V", "--key", "ORDER-ID") == 0

    assert 'file=HERE / "orders.yaml",' in (tmp_path / "adapters/orders.py").read_text()
    assert (tmp_path / "adapters/orders.yaml").read_text() == "copybook: ../order.cpy\nframing:\n  recfm: V\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--copybook", "order.cpy", "--recfm", "V"), "may be the key; --key FIELD with one of: CUSTOMER-ID, ORDER-ID"),
        (
            ("--copybook", "resident.cpy", "--key", "NOPE"),
            "--key: RESIDENT-RECORD has no NOPE; there are: RES-ID, RES-",
        ),
        (("--copybook", "resident.cpy", "--header-records", "1"), "header_records: no sample file is made of that"),
        (("--copybook", "resident.cpy", "--wsdl", "a.wsdl"), "--wsdl, --copybook: expected one of them"),
        (("--copybook", "nope.cpy"), "nope.cpy: No such file or directory"),
        (("--encoding", "ascii"), "expected --copybook FILE, or --spec FILE that names it"),
    ],
)
def test_what_is_missing_or_not_made_is_said(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run("records", *arguments) == 2

    assert said in capsys.readouterr().err
    assert not (tmp_path / "adapters").exists()


def test_the_sample_is_read_by_the_commands_for_files(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("orders", "--copybook", "order.cpy", "--recfm", "V", "--key", "ORDER-ID") == 0
    capsysbinary.readouterr()
    files = ("--spec", "adapters/orders.yaml", "adapters/orders.sample")
    monkeypatch.setattr("sys.argv", ["banyan", "copybook", "decode", *files])

    with pytest.raises(SystemExit) as ended:
        root.main()

    assert ended.value.code == 0
    lines = capsysbinary.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(b'{"CUSTOMER-ID":"1","ORDER-ID":"1","ORDER-LINES":1,"ORDER-LINE":[{"ARTICLE":"1",')
