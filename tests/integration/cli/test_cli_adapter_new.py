"""`banyan adapter new --wsdl`, as its user runs it: what it writes works as it stands."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli import root
from hub.discovery import discover
from hub.settings import AdapterSettings
from tests.data import real_data
from tests.scaffolds import require_sound
from tests.wsdls import OWN

REGISTRY, ORDERS = OWN / "registry.wsdl", OWN / "orders.wsdl"
Run = Callable[..., "int | str | None"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command in a folder of its own, and returns its exit code."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str | Path) -> int | str | None:
        monkeypatch.setattr("sys.argv", ["banyan", "adapter", "new", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            root.main()
        return ended.value.code

    return command


@pytest.mark.timeout(600)
def test_what_is_written_is_sound_as_it_stands(run: Run, tmp_path: Path) -> None:
    assert run("residents", "--wsdl", REGISTRY, "--operation", "List") == 0
    assert run("shop-orders", "--wsdl", ORDERS, "--operation", "Find") == 0
    assert run("codes", "--wsdl", ORDERS, "--operation", "Codes", "--key", "value", "--into", "legacy") == 0
    # Two items can't differ in it: the reply has one.
    assert run("lists", "--wsdl", ORDERS, "--operation", "Codes", "--key", "list") == 0

    require_sound(tmp_path)


@pytest.mark.timeout(600)
def test_what_stands_beside_contracts_is_sound_too(run: Run, tmp_path: Path) -> None:
    """Folders that are called like our packages do not disturb."""
    shutil.copytree(OWN, tmp_path / "contracts" / "registry")
    wsdl = "contracts/registry/registry.wsdl"
    assert run("residents", "--wsdl", wsdl, "--operation", "List", "--into", "legacy/adapters") == 0
    assert run("orders", "--wsdl", "contracts/registry/orders.wsdl", "--operation", "Find", "--into", ".") == 0

    require_sound(tmp_path)


@pytest.mark.timeout(600)
def test_what_is_written_of_shared_contracts_is_sound_too(run: Run, tmp_path: Path) -> None:
    nav, gematik = real_data("wsdl/navikt+tjenestespesifikasjoner"), real_data("wsdl/gematik+api-telematik")
    notes = nav / "sykmeldingv1-tjenestespesifikasjon/src/main/wsdl/no/nav/tjeneste/virksomhet/sykmelding/v1"
    history = nav / "svarut-ks-forsendelsesservice/src/main/wsdl/svarUt.wsdl"
    assert run("notes", "--wsdl", notes / "Binding.wsdl", "--root", nav, "--operation", "hentSykmeldingListe") == 0
    asked = ("--operation", "retrieveForsendelseHistorikk", "--key", "hendelse")
    assert run("history", "--wsdl", history, "--root", nav, *asked) == 0
    card = gematik / "conn/CardService.wsdl"
    assert run("pins", "--wsdl", card, "--root", gematik, "--operation", "GetPinStatus") == 0

    require_sound(tmp_path)


def test_what_was_guessed_is_said(run: Run, tmp_path: Path) -> None:
    assert run("orders", "--wsdl", ORDERS, "--operation", "Find", "--namespace-of-types", "at.example") == 0

    text = (tmp_path / "adapters/orders.py").read_text()
    assert '    type = "at.example.order.recorded.v1"\n    topic = "orders"\n' in text
    assert "# GUESS: the element that repeats. Within it repeat: line, gift." in text
    assert '        items=("FindResponse", "orders", "item"),\n' in text
    assert '        key=("number",),\n' in text
    assert 'parameters={"branch": ' in text
    assert '"modifiedFrom": "1970-01-01T00:00:00Z"}' in text
    assert "# There are also: audit/created. An item without it is refused." in text
    assert 'parameter="modifiedFrom", field=("audit", "changedOn")' in text
    assert "# - scan: binary, which is rarely wanted in an event." in text
    assert '    order_type: Personal[Literal["POST", "PHONE"]]\n    """How it came: by post, or otherwise."""' in text
    assert "    gift: Personal[list[Line | None]]\n" in text


def test_the_hub_finds_the_adapter_and_leaves_its_test_alone(run: Run, tmp_path: Path) -> None:
    assert run("residents", "--wsdl", REGISTRY, "--operation", "List") == 0

    assert [*discover(AdapterSettings(files=(tmp_path / "adapters",)))] == ["residents"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--operation", "Both"), "--items PATH with one of: BothResponse/order, BothResponse/code"),
        (
            ("--operation", "Codes"),
            "no field that must be there looks like the key of code; --key FIELD with one of: v",
        ),
        (("--operation", "Count"), "Count: nothing with fields repeats in its reply, so there is no list to poll"),
        (("--operation", "Nope"), "no SOAP port has Nope; there are: Both, Codes, Count, Find"),
        (("--operation", "Find", "--key", "nope"), "--key: item has no nope that names one item; there are: number, t"),
        (
            ("--operation", "Find", "--items", "a/b"),
            "--items: the reply has no a/b; what repeats: FindResponse/orders/i",
        ),
        (
            ("--operation", "Find", "--port", "P"),
            "--port: Find is not offered there; there are: --service OrdersServic",
        ),
        ((), "expected --wsdl FILE and --operation O, or --copybook FILE"),
    ],
)
def test_what_the_contract_does_not_say_is_asked_for(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run("orders", "--wsdl", ORDERS, *arguments) == 2

    assert said in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Orders", "NAME: expected lower-case letters, digits and `-`"),
        ("json", "Python would import another module json"),
    ],
)
def test_a_name_that_can_not_be_is_refused(run: Run, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    assert run(name, "--wsdl", ORDERS, "--operation", "Find") == 2

    assert said in capsys.readouterr().err


def test_an_address_is_to_be_imported_first(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("orders", "--wsdl", "http://127.0.0.1:1/?wsdl", "--operation", "Find") == 2

    assert "banyan wsdl import http://127.0.0.1:1/?wsdl --into contracts/orders" in capsys.readouterr().err


def test_nothing_is_replaced_unasked(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("codes", "--wsdl", ORDERS, "--operation", "Codes", "--key", "value", "--json")
    assert run(*asked, "--dry-run") == 0
    assert not (tmp_path / "adapters").exists()
    assert run(*asked) == 0
    adapter = tmp_path / "adapters" / "codes.py"
    written = adapter.read_text()
    adapter.write_text("# mine\n")
    capsys.readouterr()

    assert run(*asked) == 2
    assert "adapters/codes.py: is there already; --force replaces it" in capsys.readouterr().err
    assert adapter.read_text() == "# mine\n"
    assert run(*asked, "--force") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["is"] for each in told] == ["replaced", "unchanged", "unchanged"]
    assert adapter.read_text() == written
