"""`banyan wsdl import` and `drift`, as their user runs them."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.soap.bundle import load_bundle
from hub.cli import root
from tests.contract_server import Page, Shelf, serving_contract
from tests.wsdls import OWN

REGISTRY = OWN / "registry.wsdl"
PATHS = {"/s/registry?wsdl": "registry.wsdl", "/s/types/resident.xsd": "types/resident.xsd"}


def run(*arguments: str | Path) -> int | str | None:
    """Run a command, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["banyan", "wsdl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            root.main()
    return ended.value.code


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """Serve the contract of our own."""
    with serving_contract() as there:
        for path, file in PATHS.items():
            there.put(path, (OWN / file).read_text(encoding="utf-8"))
        there.put("/s/types/codes.xsd", (OWN / "types/codes.xsd").read_text(encoding="utf-8"))
        yield there


def test_a_contract_is_taken_from_a_server_and_found_the_same(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "contracts" / "registry"

    assert run("import", shelf.address + "/s/registry?wsdl", "--into", into) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["file", "bytes", "from"]
    assert lines[1][::2] == ["s/registry.wsdl", "service"]
    assert " ".join(lines[-1]).startswith(f"{into}: written, 3 documents, ")
    shelf.asked.clear()
    assert len(load_bundle(into).documents) == 3
    assert shelf.asked == []
    assert run("drift", into) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (f"{shelf.address}/s/registry?wsdl: unchanged\n", "")
    assert run("import", shelf.address + "/s/registry?wsdl", "--into", into) == 0
    assert f"{into}: unchanged, 3 documents" in capsys.readouterr().out


def test_a_change_of_the_service_is_told_and_taken_only_by_force(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, into = shelf.address + "/s/registry?wsdl", tmp_path / "registry"
    assert run("import", url, "--into", into) == 0
    before = (into / "bundle.json").read_bytes()
    codes = (OWN / "types/codes.xsd").read_text(encoding="utf-8")
    shelf.put("/s/types/codes.xsd", codes.replace("MOVED", "LEFT"))
    shelf.put("/s/registry?wsdl", REGISTRY.read_text(encoding="utf-8") + "<!-- node 2 -->\n")
    capsys.readouterr()

    assert run("drift", into) == 3
    assert capsys.readouterr().out.splitlines() == [
        "changed: s/types/codes.xsd",
        "only formatting: s/registry.wsdl",
        f"{url}: changed",
    ]
    assert run("import", url, "--into", into) == 2
    assert "holds another bundle (2 changed); --force replaces it" in capsys.readouterr().err
    assert run("import", url, "--into", into, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{into}: would be replaced")
    assert (into / "bundle.json").read_bytes() == before
    assert run("import", url, "--into", into, "--force", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["changed"]) == ("replaced", ["s/registry.wsdl", "s/types/codes.xsd"])
    assert run("drift", into, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["pinned_digest"] == told["live_digest"]) == ("unchanged", True)


def test_only_formatting_is_no_failure(shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "registry"
    assert run("import", shelf.address + "/s/registry?wsdl", "--into", into) == 0
    shelf.put("/s/registry?wsdl", REGISTRY.read_text(encoding="utf-8") + "<!-- node 2 -->\n")
    capsys.readouterr()

    assert run("drift", into) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{shelf.address}/s/registry?wsdl: only formatting"


def test_what_can_not_be_had_is_told_with_its_exit_code(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, into = shelf.address + "/s/registry?wsdl", tmp_path / "registry"
    assert run("import", url, "--into", into) == 0
    shelf.pages["/s/types/codes.xsd"] = Page(status=503)
    capsys.readouterr()

    assert run("drift", into) == 1
    told = capsys.readouterr().out
    assert "unreachable: codes.xsd, needed by s/types/resident.xsd:" in told
    assert told.endswith(": HTTP 503\n" + f"{url}: unreachable\n")
    assert run("import", url, "--into", tmp_path / "part") == 3
    assert "missing: codes.xsd, needed by s/types/resident.xsd:" in capsys.readouterr().out
    assert len(load_bundle(tmp_path / "part").missing) == 1
    shelf.pages.clear()
    assert run("drift", into) == 1
    assert "HTTP 404: there is nothing" in capsys.readouterr().err
    assert run("drift", into, "--url", tmp_path / "none.wsdl") == 1
    assert "there is no such file" in capsys.readouterr().err


def test_the_live_contract_may_be_elsewhere(shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "registry"
    assert run("import", REGISTRY, "--into", into) == 0
    assert run("drift", into) == 0
    capsys.readouterr()

    assert run("drift", into, "--url", shelf.address + "/s/registry?wsdl", "--root", shelf.address + "/s/") == 0
    assert capsys.readouterr().out.endswith(": unchanged\n")


def test_the_password_comes_from_the_environment(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("import", shelf.address + "/s/registry?wsdl", "--into", tmp_path / "registry", "--user", "u")
    monkeypatch.setenv("REGISTRY_PASSWORD", "p")

    assert run(*given, "--password-env", "REGISTRY_PASSWORD") == 0
    assert {each["Authorization"] for each in shelf.headers} == {"Basic " + b64encode(b"u:p").decode()}
    assert run(*given) == 2
    assert "--user and --password-env belong together" in capsys.readouterr().err
    assert run(*given, "--password-env", "NOT_SET_ANYWHERE") == 2
    assert "--password-env: expected a variable that is set, found NOT_SET_ANYWHERE" in capsys.readouterr().err


def test_an_import_above_the_root_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/registry.wsdl").write_text(REGISTRY.read_text().replace("types/resident.xsd", "../r.xsd"))
    (tmp_path / "r.xsd").write_text('<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"/>')

    assert run("import", tmp_path / "a/registry.wsdl", "--into", tmp_path / "b", "--dry-run") == 3
    out = capsys.readouterr().out
    assert "missing: ../r.xsd, needed by registry.wsdl:9: it lies outside of the bundle's root" in out
    assert "--root names a folder above them all" in out
    assert not (tmp_path / "b").exists()
    assert run("import", tmp_path / "a/registry.wsdl", "--into", tmp_path / "b", "--root", tmp_path) == 0
    assert (tmp_path / "b/r.xsd").exists()


def test_an_import_from_another_server_says_that_a_catalog_serves_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = REGISTRY.read_text().replace("types/resident.xsd", "http://types.example/resident.xsd")
    (tmp_path / "registry.wsdl").write_text(text)

    assert run("import", tmp_path / "registry.wsdl", "--into", tmp_path / "b") == 3
    out = capsys.readouterr().out
    assert "missing: http://types.example/resident.xsd, needed by registry.wsdl:9: it lies outside" in out
    assert "--root" not in out
    assert "name their folder with --catalog" in out


def test_a_catalog_of_ones_own_serves_what_is_not_standard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    far = "http://types.example/resident.xsd"
    (tmp_path / "registry.wsdl").write_text(REGISTRY.read_text().replace("types/resident.xsd", far))
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/catalog.json").write_text(json.dumps({far: "r.xsd"}))
    (tmp_path / "catalog/r.xsd").write_text(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:banyan:registry:types"/>'
    )
    given = ("import", tmp_path / "registry.wsdl", "--into", tmp_path / "pinned")

    assert run(*given, "--dry-run") == 3
    assert run(*given, "--catalog", tmp_path / "catalog") == 0
    assert "standard/types.example_resident.xsd" in capsys.readouterr().out
    assert run("drift", tmp_path / "pinned") == 0
    (tmp_path / "catalog/catalog.json").write_text("{}")
    assert run("drift", tmp_path / "pinned", "--catalog", tmp_path / "catalog") == 0


def test_a_folder_that_is_damaged_or_none_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drift", tmp_path) == 2
    assert "bundle.json: expected what `banyan wsdl import` wrote" in capsys.readouterr().err
    assert run("import", REGISTRY, "--into", tmp_path / "pinned") == 0
    (tmp_path / "pinned/types/codes.xsd").write_text("")
    assert run("drift", tmp_path / "pinned") == 1
    assert "types/codes.xsd: expected" in capsys.readouterr().err
    assert run("import", REGISTRY, "--into", tmp_path / "pinned", "--force") == 0
    assert run("drift", tmp_path / "pinned") == 0


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_is_secret_in_an_address_is_not_shown(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    text = REGISTRY.read_text(encoding="utf-8")
    address = text.partition('address location="')[2].partition('"')[0]
    secret = text.replace(address, "http://ada:hush@registry.example/soap?key=hush").replace(
        "types/resident.xsd", "types/resident.xsd?token=hush"
    )
    shelf.put("/s/registry?wsdl&key=hush", secret)
    into = tmp_path / "registry"

    assert run("import", shelf.address + "/s/registry?wsdl&key=hush", "--into", into, *options) == 3
    assert run("inspect", into, *options) == 3
    assert run("drift", into, *options) in {0, 3}

    captured = capsys.readouterr()
    assert "http://registry.example/soap?key=***" in captured.out
    assert "token=***" in captured.out
    assert "hush" not in captured.out + captured.err
    assert "hush" in (into / "bundle.json").read_text(encoding="utf-8")


def test_an_address_that_can_not_be_had_is_told_without_its_secrets(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", shelf.address + "/nothing?wsdl&key=hush", "--into", tmp_path / "a") == 1
    assert run("import", shelf.address + "/s?key=hush", "--into", tmp_path / "a", "--root", "http://other/") == 2

    told = capsys.readouterr()
    assert "hush" not in told.out + told.err
    assert "key=***" in told.err
