"""Contracts that mean harm: each is refused with a named reason, and nothing of them is read or grows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.soap.bundle import load_bundle
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.bundle import Bounds
from contracts.legacy.xml import XmlError

SCHEMA = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"/>'
LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


def importing(*locations: str) -> str:
    """Return a WSDL whose schema includes these."""
    imports = "".join(f'<s:include schemaLocation="{each}"/>' for each in locations)
    return (
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><types>'
        f'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">{imports}</s:schema>'
        "</types></definitions>"
    )


def with_dtd(document: str, inner: str, use: str = "&x;") -> str:
    """Put a DTD before a document, and the use of an entity into it."""
    name = document[1:].split(" ", 1)[0]
    text = (
        document.replace("/>", f">{use}</{name}>")
        if document == SCHEMA
        else document.replace("<types>", use + "<types>")
    )
    return f"<!DOCTYPE {name} {inner}>{text}"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside of the contract's folder."""
    path = tmp_path / "secret.txt"
    path.write_text("TOP-SECRET")
    (tmp_path / "secret.dtd").write_text('<!ENTITY x "TOP-SECRET">')
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "contract"
    path.mkdir()
    return path


def doctypes(secret: Path) -> dict[str, str]:
    """Return what a DTD may say to read a file of this machine, by the kind of attack."""
    dtd = secret.with_suffix(".dtd").as_uri()
    return {
        "general": f'[<!ENTITY x SYSTEM "{secret.as_uri()}">]',
        "parameter": f'[<!ENTITY % p SYSTEM "{dtd}"> %p;]',
        "dtd": f'SYSTEM "{dtd}"',
    }


@pytest.mark.parametrize("kind", ["general", "parameter", "dtd"])
@pytest.mark.parametrize("use", ["&x;", '<a b="&x;"/>'])
def test_an_outer_entity_in_a_wsdl_is_refused(folder: Path, secret: Path, kind: str, use: str) -> None:
    (folder / "a.wsdl").write_text(with_dtd(importing(), doctypes(secret)[kind], use))

    with pytest.raises(XmlError, match=r"a\.wsdl: expected well-formed XML: Entity '[xp]' not defined") as refused:
        load_bundle(folder / "a.wsdl")
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("kind", ["general", "parameter", "dtd"])
def test_an_outer_entity_in_an_imported_schema_is_told_as_missing(folder: Path, secret: Path, kind: str) -> None:
    (folder / "a.wsdl").write_text(importing("a.xsd"))
    (folder / "a.xsd").write_text(with_dtd(SCHEMA, doctypes(secret)[kind]))

    [missing] = load_bundle(folder / "a.wsdl").missing

    assert missing.location == "a.xsd"
    assert re.match("expected well-formed XML: Entity '[xp]' not defined", missing.reason)


@pytest.mark.parametrize(
    ("inner", "use"),
    [
        (f"[{LAUGHS}]", "&a9;"),
        (f"[{LAUGHS}]", '<a b="&a9;"/>'),
        (f'[<!ENTITY x "{"x" * 100_000}">]', "&x;" * 1000),
    ],
    ids=["billion laughs", "in an attribute", "quadratic blow-up"],
)
def test_entities_that_grow_are_refused(folder: Path, inner: str, use: str) -> None:
    (folder / "a.wsdl").write_text(importing("a.xsd"))
    (folder / "b.wsdl").write_text(with_dtd(importing(), inner, use))
    (folder / "a.xsd").write_text(with_dtd(SCHEMA, inner, use))

    with pytest.raises(XmlError, match="Maximum entity amplification factor exceeded"):
        load_bundle(folder / "b.wsdl")
    [missing] = load_bundle(folder / "a.wsdl").missing
    assert "Maximum entity amplification factor exceeded" in missing.reason


_LITTLE_MEMORY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1024**3,) * 2)
from adapters.soap.bundle import load_bundle
from contracts.errors import ContractError
try:
    load_bundle(sys.argv[1])
except ContractError as error:
    print(error)
"""


def test_many_documents_that_each_grow_a_little_are_refused_in_little_memory(folder: Path) -> None:
    # Each stays below the megabyte that the parser allows; all together would be nearly 2 GB.
    (folder / "a.wsdl").write_text(importing(*(f"{number}.xsd" for number in range(1990))))
    text = with_dtd(SCHEMA, f'[<!ENTITY x "{"x" * 900}">]', "&x;" * 1000)
    for number in range(1990):
        (folder / f"{number}.xsd").write_text(text.replace("urn:a", f"urn:{number}"))

    command = [sys.executable, "-c", _LITTLE_MEMORY, str(folder / "a.wsdl")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)

    assert done.stdout.strip().endswith("expected at most 67108864 bytes in a contract, found more")


def test_imports_in_a_circle_come_to_an_end(folder: Path) -> None:
    (folder / "a.wsdl").write_text(importing("b.xsd"))
    (folder / "b.xsd").write_text(SCHEMA.replace("/>", "><include schemaLocation='c.xsd'/></schema>"))
    (folder / "c.xsd").write_text(
        SCHEMA.replace("/>", "><include schemaLocation='b.xsd'/><include schemaLocation='./c.xsd#x'/></schema>")
    )

    bundle = load_bundle(folder / "a.wsdl")

    assert [uri.rpartition("/")[2] for uri in bundle.documents] == ["a.wsdl", "b.xsd", "c.xsd"]
    assert bundle.missing == ()


@pytest.mark.parametrize("there", [3000, 0])
def test_thousands_of_imports_are_refused(folder: Path, there: int) -> None:
    (folder / "a.wsdl").write_text(importing(*(f"{number}.xsd" for number in range(3000))))
    for number in range(there):
        (folder / f"{number}.xsd").write_text(SCHEMA)

    with pytest.raises(ContractError, match=r"a\.wsdl: expected at most 2000 documents in a contract, found more"):
        load_bundle(folder / "a.wsdl")


def test_a_chain_of_imports_without_end_is_refused(folder: Path) -> None:
    (folder / "a.wsdl").write_text(importing("0.xsd"))
    for number in range(200):
        text = SCHEMA.replace("/>", f"><include schemaLocation='{number + 1}.xsd'/></schema>")
        (folder / f"{number}.xsd").write_text(text)

    with pytest.raises(ContractError, match="expected at most 100 imports one below the other"):
        load_bundle(folder / "a.wsdl")


@pytest.mark.parametrize(
    "way",
    [
        "../secret.xsd",
        "..%2fsecret.xsd",
        "%2e%2e/secret.xsd",
        "a/..%2F..%2Fsecret.xsd",
        "a/%2e%2e/%2e%2e/secret.xsd",
        "..\\secret.xsd",
        "a\\..\\..\\secret.xsd",
        "file:../secret.xsd",
        "file:/etc/hosts",
        "file:///etc/hosts",
        "FILE:///etc/hosts",
        "/etc/hosts",
        "//localhost/etc/hosts",
        "file://localhost/etc/hosts",
        "http://127.0.0.1:9/secret.xsd",
        "http://[secret.xsd",
        "a%00.xsd",
        "",
    ],
)
def test_no_spelling_leads_out_of_the_root(folder: Path, way: str) -> None:
    (folder.parent / "secret.xsd").write_text(SCHEMA)
    (folder / "a.wsdl").write_text(importing(way))

    bundle = load_bundle(folder / "a.wsdl")

    assert len(bundle.documents) == 1
    assert [missing.location for missing in bundle.missing] == ([way] if way else [])


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_does_not_lead_out_of_the_root(folder: Path, what: str) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "a.xsd").write_text(SCHEMA)
    if what == "file":
        (folder / "a.xsd").symlink_to(outside / "a.xsd")
    else:
        (folder / "types").symlink_to(outside)
    (folder / "a.wsdl").write_text(importing("a.xsd" if what == "file" else "types/a.xsd"))

    [missing] = load_bundle(folder / "a.wsdl").missing

    assert missing.reason == f"it lies outside of the bundle's root {folder}"
    assert load_bundle(folder / "a.wsdl", root=folder.parent).missing == ()


def test_what_is_no_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe.xsd")
    (folder / "folder.xsd").mkdir()
    (folder / "a.wsdl").write_text(importing("pipe.xsd", "folder.xsd", "none.xsd"))

    found = {missing.location: missing.reason for missing in load_bundle(folder / "a.wsdl").missing}

    assert found == {
        "pipe.xsd": "it is no file",
        "folder.xsd": "it is no file",
        "none.xsd": "No such file or directory",
    }


def test_a_document_that_is_too_large_is_not_read(folder: Path) -> None:
    (folder / "a.wsdl").write_text(importing("a.xsd"))
    with (folder / "a.xsd").open("wb") as sparse:
        sparse.truncate(100 * 1024**3)

    [missing] = load_bundle(folder / "a.wsdl").missing

    assert missing.reason == "expected at most 16777216 bytes in a document"
    with pytest.raises(XmlError, match=r"a\.wsdl: expected at most 100 bytes in a document"):
        load_bundle(folder / "a.wsdl", bounds=Bounds(document_bytes=100))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<!DOCTYPE html><html><br></html>", "found an HTML page"),
        ("\ufeff <HTML lang='en'/>", "found an HTML page"),
        ("<a/>", "found a"),
        ("", "expected well-formed XML"),
        ("nothing", "expected well-formed XML"),
    ],
)
def test_a_document_that_is_something_else_is_told(folder: Path, text: str, told: str) -> None:
    (folder / "a.wsdl").write_text(importing("a.xsd"))
    (folder / "a.xsd").write_text(text)

    [missing] = load_bundle(folder / "a.wsdl").missing

    assert told in missing.reason


def test_a_start_that_is_no_wsdl_is_refused(folder: Path) -> None:
    for text, found in (
        (SCHEMA, "XMLSchema}schema"),
        ("<description xmlns='http://www.w3.org/ns/wsdl'/>", "description"),
    ):
        (folder / "a.wsdl").write_text(text)

        with pytest.raises(ContractError, match=r"a\.wsdl: expected a WSDL 1\.1 document .*, found .*" + found):
            load_bundle(folder / "a.wsdl")


def test_a_document_of_very_many_elements_is_refused(folder: Path) -> None:
    (folder / "a.wsdl").write_text(importing("a.xsd"))
    (folder / "a.xsd").write_text(SCHEMA.replace("/>", ">" + "<a/>" * 1_000_001 + "</schema>"))

    with pytest.raises(ContractError, match="expected at most 1000000 elements in a contract, found more"):
        load_bundle(folder / "a.wsdl")


def test_a_file_that_is_not_there_or_lies_outside_is_a_mistake_of_the_caller(folder: Path) -> None:
    (folder / "a.wsdl").write_text(importing())

    with pytest.raises(ConfigError, match=r"b\.wsdl: No such file"):
        load_bundle(folder / "b.wsdl")
    with pytest.raises(ConfigError, match=r"a\.wsdl: it lies outside of the bundle's root"):
        load_bundle(folder / "a.wsdl", root=folder / "types")
    with pytest.raises(ConfigError, match="expected a WSDL, or a folder that `banyan wsdl import` wrote"):
        load_bundle(folder)
