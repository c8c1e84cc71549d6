"""`banyan wsdl models`, as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.cli import root
from tests.data import real_data
from tests.wsdls import OWN

REGISTRY = OWN / "registry.wsdl"


def run(*arguments: str | Path) -> int | str | None:
    """Run a command, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["banyan", "wsdl", "models", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            root.main()
    return ended.value.code


def require_sound(folder: Path) -> None:
    """Judge the code in a folder by the tools' defaults, and import it."""
    files = sorted(folder.glob("*.py"))
    subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", "."], cwd=folder, check=True, timeout=60)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / ".mypy_cache")]
    subprocess.run([*mypy, *map(str, files)], cwd=folder, check=True, timeout=300)
    imported = "; ".join(f"import {path.stem}" for path in files)
    subprocess.run([sys.executable, "-W", "error", "-c", imported], cwd=folder, check=True, timeout=60)


def test_models_of_a_contract_are_written_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(REGISTRY) == 0

    text = capsys.readouterr().out
    assert "    died: date | None | Unset = UNSET\n" in text
    assert "    address: Address | Unset = UNSET\n" in text
    assert "    # One of: phone, email.\n" in text
    assert "    fee: Annotated[Decimal, Field(decimal_places=2, max_digits=9)]\n" in text
    assert "    nickname: list[str] = []\n" in text
    assert "    postcode: int | AddressPostcode | None\n" in text
    assert '    "Move": {\n        "unknown": UnknownResident,\n    },\n' in text


def test_one_operation_has_what_it_needs_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(REGISTRY, "--operation", "Move", "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["requests"], told["replies"]) == ({"Move": "Move"}, {"Move": "MoveResponse"})
    assert told["faults"] == {"Move": {"unknown": "UnknownResident"}}
    assert "class ListResponse" not in told["text"]


def test_a_file_is_not_replaced_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "registry.py"
    assert run(REGISTRY, "--operation", "Count", "--out", out) == 0
    assert capsys.readouterr().out == f"{out}: written; requests: 1, replies: 1, faults: 0\n"

    assert run(REGISTRY, "--operation", "List", "--out", out) == 2
    assert f"{out}: is there already; --force replaces it" in capsys.readouterr().err
    assert run(REGISTRY, "--operation", "List", "--out", out, "--force") == 0
    assert capsys.readouterr().out.startswith(f"{out}: replaced; requests: 1")
    assert run(REGISTRY, "--operation", "List", "--out", out) == 0
    assert capsys.readouterr().out.startswith(f"{out}: unchanged; requests: 1")
    assert "class ListResponse" in out.read_text()


@pytest.mark.timeout(600)
def test_what_is_written_is_sound(tmp_path: Path) -> None:
    for name in ("registry", "orders", "pages"):
        assert run(OWN / f"{name}.wsdl", "--out", tmp_path / f"{name}.py") == 0

    require_sound(tmp_path)


@pytest.mark.timeout(600)
def test_what_is_written_of_shared_contracts_is_sound(tmp_path: Path) -> None:
    shared = {
        "card": "gematik+api-telematik/conn/CardService.wsdl",
        "inherit": "apache+cxf/testutils/src/main/resources/wsdl/inherit.wsdl",
        "epcis": "hooklift+gowsdl/fixtures/epcis/EPCglobal-epcis-query-1_2.wsdl",
    }
    for name, path in shared.items():
        folder = real_data("wsdl")
        contract = folder / path
        assert run(contract, "--root", folder / path.partition("/")[0], "--out", tmp_path / f"{name}.py") == 0

    require_sound(tmp_path)
