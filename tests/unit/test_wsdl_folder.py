"""Bundles in folders: what is written, when it is refused, and that it is read as it was taken."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters._bundle_folder import Plan, folder_catalog, planned, read_bundle
from adapters.soap.bundle import load_bundle
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.bundle import Bundle, Document
from contracts.legacy.soap.contract.pinned import digest, names
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from tests.data import real_data
from tests.wsdls import OWN, shared_names

REGISTRY = OWN / "registry.wsdl"
SCHEMA = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"/>'
TAKEN = datetime(2026, 11, 29, 12, tzinfo=UTC)


def written(bundle: Bundle, folder: Path) -> Plan:
    """Write a bundle into a folder."""
    plan = planned(bundle, folder, taken=TAKEN)
    plan.carry_out()
    return plan


def as_values(bundle: Bundle) -> tuple[object, ...]:
    """Return all that a bundle holds, for comparison."""
    documents = [(uri, each.data, each.is_standard) for uri, each in bundle.documents.items()]
    return bundle.start, bundle.root, documents, bundle.missing, dict(bundle.by_import)


def manifest(folder: Path) -> dict[str, object]:
    """Return what stands in bundle.json."""
    told: dict[str, object] = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that a bundle of our own is in."""
    written(load_bundle(REGISTRY), tmp_path / "pinned")
    return tmp_path / "pinned"


def test_a_folder_keeps_the_tree_and_tells_all_of_it(folder: Path) -> None:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    told = manifest(folder)

    assert files == {"bundle.json", "registry.wsdl", "types/resident.xsd", "types/codes.xsd"}
    assert (told["format"], told["start"], told["taken"]) == (1, REGISTRY.as_uri(), "2026-11-29T12:00:00Z")
    assert told["imports"] == {
        "registry.wsdl": {"types/resident.xsd": "types/resident.xsd"},
        "types/resident.xsd": {"codes.xsd": "types/codes.xsd"},
    }
    assert {path.name for path in folder.parent.iterdir()} == {"pinned"}


def test_a_bundle_is_read_as_it_was_taken(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "moved")

    assert as_values(load_bundle(moved)) == as_values(load_bundle(REGISTRY))


@pytest.mark.parametrize("file", ["registry.wsdl", "types/codes.xsd"])
def test_a_file_that_changed_is_refused_by_name(folder: Path, file: str) -> None:
    path = folder / file
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(ContractError, match=f"{file}: expected .* bytes with sha256 .*: put it back, or import"):
        load_bundle(folder)


def test_a_file_that_is_lacking_or_leads_elsewhere_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    kept = (folder / "types/codes.xsd").rename(tmp_path / "codes.xsd")

    with pytest.raises(ContractError, match=r"types/codes\.xsd: expected .*, found no such file"):
        load_bundle(folder)
    (folder / "types/codes.xsd").symlink_to(kept)
    with pytest.raises(ContractError, match=r"types/codes\.xsd: expected .*, found a link that leads out"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 2}, r"format: Input should be 1"),
        ({"start": "file:///other.wsdl"}, "each document once, the WSDL among them"),
        ({"imports": {"registry.wsdl": {"a.xsd": "other.xsd"}}}, r"imports among its documents, found other\.xsd"),
        ({"imports": {"other.wsdl": {}}}, r"imports among its documents, found other\.wsdl"),
        ({"missing": [{"location": "a", "needed_by": "b", "line": 1, "reason": "c"}]}, "needed by a document, found b"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"taken": "2026-11-29T12:00:00"}, "taken: Input should have timezone info"),
    ],
)
def test_a_manifest_that_is_none_is_refused(folder: Path, changes: Mapping[str, object], told: str) -> None:
    (folder / "bundle.json").write_text(json.dumps({**manifest(folder), **changes}))

    with pytest.raises(ContractError, match=r"bundle\.json: expected .*" + told):
        load_bundle(folder)


@pytest.mark.parametrize("file", ["../secret.xsd", "/etc/hosts", "a/../../b", "a\\b", "", "."])
def test_a_manifest_names_no_file_outside_of_its_folder(folder: Path, file: str) -> None:
    text = (folder / "bundle.json").read_text().replace('"file": "types/codes.xsd"', f'"file": {json.dumps(file)}')
    (folder / "bundle.json").write_text(text)

    with pytest.raises(ContractError, match="expected a file in the bundle's folder"):
        load_bundle(folder)


def test_a_bundle_that_is_there_already_is_the_same(folder: Path) -> None:
    plan = planned(load_bundle(REGISTRY), folder, taken=datetime.now(UTC))

    assert (plan.is_same, plan.is_new) == (True, False)


def test_what_would_change_is_told(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(OWN, other)
    (other / "types/codes.xsd").write_text(SCHEMA)
    (other / "registry.wsdl").write_text(
        REGISTRY.read_text().replace("types/resident.xsd", "types/people.xsd", 1), encoding="utf-8"
    )
    (other / "types/resident.xsd").rename(other / "types/people.xsd")
    (folder / "types/codes.xsd").unlink()
    bundle = load_bundle(other / "registry.wsdl")

    plan = planned(bundle, folder, taken=TAKEN)

    assert plan.added == ("types/people.xsd", "types/codes.xsd")
    assert (plan.changed, plan.gone) == (("registry.wsdl",), ("types/resident.xsd",))
    plan.carry_out()
    assert as_values(read_bundle(folder)) == as_values(bundle)
    assert not (folder / "types/resident.xsd").exists()


def test_a_bundle_from_elsewhere_with_the_same_documents_is_another(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(OWN, tmp_path / "other")

    plan = planned(load_bundle(tmp_path / "other/registry.wsdl"), folder, taken=TAKEN)

    assert (plan.changed, plan.added, plan.gone) == (("bundle.json",), (), ())


def test_a_folder_with_something_else_in_it_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    (folder / "types/notes.txt").write_text("mine")
    (folder / "link").symlink_to(tmp_path / "mine")

    for there, found in ((tmp_path / "mine", "found notes.txt"), (folder, r"found link, types/notes\.txt")):
        with pytest.raises(ConfigError, match="expected an empty folder or a bundle and nothing else, " + found):
            planned(load_bundle(REGISTRY), there, taken=TAKEN)
    assert (folder / "types/notes.txt").exists()


def test_what_is_no_folder_is_left_alone(folder: Path) -> None:
    with pytest.raises(ConfigError, match="expected a folder, or nothing, found a file"):
        planned(load_bundle(REGISTRY), folder / "registry.wsdl", taken=TAKEN)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    assert written(load_bundle(REGISTRY), tmp_path).is_new
    assert len(read_bundle(tmp_path).documents) == 3


def test_a_bundle_has_the_root_that_it_was_imported_with(folder: Path) -> None:
    with pytest.raises(ConfigError, match="expected no root: the bundle has the one"):
        load_bundle(folder, root=folder.parent)


def test_a_folder_that_can_not_be_put_into_place_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = as_values(read_bundle(folder))
    (folder / "types/codes.xsd").write_text(SCHEMA)
    plan = planned(load_bundle(REGISTRY), folder, taken=TAKEN)
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if target == folder and (path / "types/codes.xsd").read_text() != SCHEMA:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing)
        with pytest.raises(ConfigError, match="can't be written: Permission denied"):
            plan.carry_out()

    assert (folder / "types/codes.xsd").read_text() == SCHEMA
    assert [path.name for path in folder.parent.iterdir()] == ["pinned"]
    plan.carry_out()
    assert as_values(read_bundle(folder)) == before


def test_files_have_names_that_every_file_system_keeps_apart() -> None:
    root = "https://registry.example/"
    standard = "http://www.w3.org/2001/xml.xsd"
    uris = [
        root + "services/registry?wsdl",
        root + "services/registry?xsd=1",
        root + "services/Registry?XSD=1",
        root + "services/registry?xsd=../../etc/passwd",
        root + "%00a%2fb/..c/.hidden",
        root + "bundle.json.xsd",
        root + "x" * 300 + ".xsd",
        root,
        root + "services/registry.wsdl/a.xsd",
        root + "bundle.json/b.xsd",
        root + "a",
        root + "a.xsd/c.xsd",
    ]
    documents = {uri: Document(uri=uri, data=SCHEMA.encode()) for uri in uris}
    documents[uris[0]] = Document(uri=uris[0], data=REGISTRY.read_bytes())
    documents[standard] = Document(uri=standard, data=SCHEMA.encode(), is_standard=True)
    documents["catalog:urn:b"] = Document(uri="catalog:urn:b", data=SCHEMA.encode(), is_standard=True)

    files = names(Bundle(start=uris[0], root=root, documents=documents))

    assert [*files.values()] == [
        "services/registry.wsdl",
        "services/registry_xsd_1.xsd",
        "apart/Registry_XSD_1-2b19c664.xsd",
        "services/registry_xsd_.._.._etc_passwd.xsd",
        "a/b/c/hidden.xsd",
        "bundle.json.xsd",
        "x" * 100 + ".xsd",
        "contract.xsd",
        "apart/a-dd34dfae.xsd",
        "apart/b-14f8263b.xsd",
        "a.xsd",
        "apart/c-8ccba31f.xsd",
        "standard/www.w3.org_2001_xml.xsd",
        "standard/b.xsd",
    ]


def test_a_catalog_of_ones_own_is_asked_first(tmp_path: Path) -> None:
    (tmp_path / "own.xsd").write_text(SCHEMA)
    (tmp_path / "catalog.json").write_text('{"urn:a": "own.xsd", "http://www.w3.org/2001/xml.xsd": "own.xsd"}')
    catalog = folder_catalog(tmp_path)

    assert catalog("http://elsewhere/a.xsd", "urn:a") == SCHEMA.encode()
    assert catalog("http://www.w3.org/2001/xml.xsd", None) == SCHEMA.encode()
    assert catalog(None, None) is catalog("http://elsewhere/a.xsd", "urn:b") is None


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ("nothing", "expected an object in JSON"),
        ('["a"]', "expected an object in JSON"),
        ('{"urn:a": 1}', "expected an object in JSON"),
        ('{"urn:a": "none.xsd"}', r"none\.xsd: No such file"),
        ('{"urn:a": "../outside.xsd"}', "lies outside of the catalog's folder"),
        ('{"urn:a": "catalog.json"}', "expected well-formed XML"),
    ],
)
def test_a_catalog_that_is_wrong_is_refused(tmp_path: Path, entries: str, told: str) -> None:
    (tmp_path / "outside.xsd").write_text(SCHEMA)
    (tmp_path / "c").mkdir()
    (tmp_path / "c/catalog.json").write_text(entries)

    with pytest.raises(ConfigError, match=r"catalog\.json.*" + told):
        load_bundle(REGISTRY, catalog=tmp_path / "c")
    with pytest.raises(ConfigError, match=r"none/catalog\.json: expected an object in JSON.*: No such file"):
        load_bundle(REGISTRY, catalog=tmp_path / "none")


def test_every_shared_contract_is_imported_offline_and_read_again(tmp_path: Path) -> None:
    data = real_data("wsdl")
    missing: dict[str, list[str]] = {}
    needing_more: set[str] = set()
    for number, name in enumerate(shared_names()):
        root, short = data / name.partition("/")[0], name.rpartition("/")[2]
        bundle = load_bundle(data / name, root=root, catalog=data / "catalog")
        written(bundle, tmp_path / str(number))
        again = load_bundle(tmp_path / str(number))

        assert as_values(again) == as_values(bundle)
        assert digest(again) == digest(bundle)
        schemas = build(again)
        assert schemas.errors == build(bundle).errors == ()
        assert {*schemas.xsd.maps.elements} == {*build(bundle).xsd.maps.elements}
        assert {*schemas.xsd.maps.types} == {*build(bundle).xsd.maps.types}
        assert [each.text for each in read_contract(again).findings] == [
            each.text for each in read_contract(bundle).findings
        ]
        if bundle.missing:
            missing[short] = [each.location for each in bundle.missing]
        if load_bundle(data / name, root=root).missing != bundle.missing:
            needing_more.add(short)

    assert missing == {
        "hello_world_services.wsdl": ["doesnotexist/hello_world_bindings.wsdl"],
        "DoubleItX509.wsdl": ["src/test/resources/DoubleItLogical.wsdl"],
        "wsdl_xxe_import_main.wsdl": ["wsdl_xxe_import_malicious.xsd"],
    }
    assert needing_more == {"example-adapter.wsdl"}
