"""`banyan adapter new --wsdl`, as its user runs it: what it writes works as it stands."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters import soap
from hub.cli import root
from hub.discovery import discover
from hub.settings import AdapterSettings
from hub.testing import load, poll, read_back
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


def test_a_subscriber_reads_what_repeats_in_an_event_and_no_field_for_another(run: Run, tmp_path: Path) -> None:
    asked = ("--wsdl", OWN / "namesakes.wsdl", "--operation", "List", "--key", "handle")
    assert run("things", *asked) == 0

    path = tmp_path / "adapters" / "things.py"
    adapter = load(path, soap.Adapter)
    polled = poll(adapter, path.with_suffix(".reply.xml").read_text())
    assert read_back(adapter.model, polled) == polled.events
    reply = """<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
        <r:ListResponse xmlns:r="urn:banyan:namesakes"><returnval><handle>h</handle>
        <thing><unit_price>1</unit_price><id>7</id></thing></returnval></r:ListResponse></e:Body></e:Envelope>"""
    [(key, data)] = poll(adapter, reply).events
    things = {"thing_id_2": "7", "thing_id": None, "since": None, "unit_price": "1", "unit_price_2": None}
    assert (key, sorted(data["thing"][0].items())) == ("h", sorted(things.items()))


def test_a_type_is_not_called_after_what_says_nothing(run: Run, tmp_path: Path) -> None:
    assert run("things", "--wsdl", OWN / "namesakes.wsdl", "--operation", "List", "--key", "handle") == 0

    text = (tmp_path / "adapters" / "things.py").read_text()
    assert '    type = "org.example.things.recorded.v1"\n' in text
    assert "class ThingsRecorded(Event):\n" in text


def test_what_is_to_be_done_next_is_said_as_commands_that_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("residents", "--wsdl", REGISTRY, "--operation", "List") == 0

    lines = capsys.readouterr().out.partition("Next:\n")[2].splitlines()
    guess, test, named, check = [line.strip() for line in lines]
    assert guess == "look at each GUESS in adapters/residents.py"
    assert named == "name it in banyan.yaml: `adapters: {files: [adapters]}`"
    assert check.endswith("adapter check residents --show 1")
    subprocess.run([*shlex.split(test), "-p", "no:cacheprovider"], cwd=tmp_path, check=True, timeout=100)
    # With what it says in the settings, the adapter is there, and nothing is to be named.
    (tmp_path / "banyan.yaml").write_text(named.partition("`")[2].removesuffix("`"))
    assert run("orders", "--wsdl", ORDERS, "--operation", "Find") == 0
    assert "name it" not in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["banyan", "adapter", "list", "--json"])
    with pytest.raises(SystemExit):
        root.main()
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["orders", "residents"]


def test_the_test_runs_wherever_it_stands(run: Run, tmp_path: Path) -> None:
    assert run("residents", "--wsdl", REGISTRY, "--operation", "List") == 0

    here = Path(__file__).parents[3]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(here / "pyproject.toml")]
    subprocess.run([*command, str(tmp_path / "adapters" / "test_residents.py")], cwd=here, check=True, timeout=100)


def test_nothing_is_written_between_our_own_modules(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])

    assert run("residents", "--wsdl", REGISTRY, "--operation", "List") == 2

    said = "adapters is a package of Banyan itself: begin in a folder of your own (mkdir my-project && cd my-project)"
    assert said in capsys.readouterr().err


def test_an_adapter_that_is_not_there_is_told_how_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["banyan", "adapter", "check", "residents"])

    with pytest.raises(SystemExit):
        root.main()

    said = "there are: none; name its file, or the folder that it is in, in adapters.files of banyan.yaml"
    assert said in capsys.readouterr().err


def test_values_that_repeat_are_items_and_headers_are_told(run: Run, tmp_path: Path) -> None:
    assert run("handles", "--wsdl", OWN / "namesakes.wsdl", "--operation", "Handles") == 0

    path = tmp_path / "adapters" / "handles.py"
    text = " ".join(path.read_text().replace("#", "").split())
    assert "GUESS: the service does without the headers that the contract declares: caller." in text
    assert 'name it: request=HERE / "handles.request.xml".' in text
    adapter = load(path, soap.Adapter)
    polled = poll(adapter, path.with_suffix(".reply.xml").read_text())
    assert [data for _, data in polled.events] == [{"handles": key} for key, _ in polled.events]
    assert len(polled.events) == 2
    template = tmp_path / "request.xml"
    template.write_text(
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:n="urn:banyan:namesakes">'
        "<e:Header><n:caller>us</n:caller></e:Header><e:Body><n:Handles/></e:Body></e:Envelope>"
    )
    with_header = adapter.configured({"request": template})
    assert len(poll(with_header, path.with_suffix(".reply.xml").read_text()).events) == 2
