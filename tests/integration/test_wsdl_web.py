"""Contracts from a server: all of its own is taken, and nobody else is ever asked."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from adapters.soap.bundle import load_bundle
from adapters.soap.bundle_web import Access
from adapters.soap.config import Credentials
from contracts.errors import ConfigError, ContractError, LegacyUnavailableError
from contracts.legacy.soap.contract.bundle import Bounds, Bundle
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.xml import XmlError
from tests.contract_server import Page, Shelf, serving_contract
from tests.wsdls import OWN

REGISTRY = (OWN / "registry.wsdl").read_text(encoding="utf-8")
START = "/services/registry?wsdl"
SCHEMA = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"/>'


def importing(*locations: str) -> str:
    """Return a WSDL whose schema imports these."""
    imports = "".join(f'<s:import namespace="urn:x" schemaLocation="{each}"/>' for each in locations)
    return (
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><types>'
        f'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">{imports}</s:schema>'
        "</types></definitions>"
    )


def reasons(bundle: Bundle) -> list[tuple[str, str]]:
    """Return what is missing, and why."""
    return [(each.location, each.reason) for each in bundle.missing]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving_contract() as there:
        yield there


@pytest.fixture
def forbidden() -> Iterator[Shelf]:
    """Another server of the same machine, which nothing must reach."""
    with serving_contract() as there:
        there.pages["/secret.xsd"] = Page(body=SCHEMA.encode())
        yield there
        assert there.asked == []


def test_a_contract_with_generated_addresses_is_taken_whole(shelf: Shelf) -> None:
    shelf.put(START, REGISTRY.replace("types/resident.xsd", f"{shelf.address}/services/registry?xsd=resident.xsd"))
    resident = (OWN / "types/resident.xsd").read_text(encoding="utf-8").replace("codes.xsd", "?xsd=codes.xsd")
    shelf.put("/services/registry?xsd=resident.xsd", resident)
    shelf.put("/services/registry?xsd=codes.xsd", (OWN / "types/codes.xsd").read_text(encoding="utf-8"))

    bundle = load_bundle(shelf.address + START)

    assert (bundle.missing, read_contract(bundle).findings) == ((), ())
    assert shelf.asked == [START, "/services/registry?xsd=resident.xsd", "/services/registry?xsd=codes.xsd"]
    assert [*bundle.documents] == [shelf.address + path for path in shelf.asked]


def test_credentials_and_headers_go_to_the_server(shelf: Shelf) -> None:
    shelf.put(START, importing("/a.xsd"))
    shelf.put("/a.xsd", SCHEMA)
    access = Access(credentials=Credentials(user="u", password=SecretStr("p")), headers={"X-Env": "test"})

    load_bundle(shelf.address + START, access=access)

    basic = "Basic " + b64encode(b"u:p").decode()
    assert [(each["Authorization"], each["X-Env"]) for each in shelf.headers] == [(basic, "test")] * 2


def test_a_file_of_this_machine_is_not_read_for_a_server(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "secret.xsd").write_text(SCHEMA)
    address = (tmp_path / "secret.xsd").as_uri()
    ways = [address, address.replace("file:///", "FILE:/"), f"file://127.0.0.1{tmp_path}/secret.xsd"]
    shelf.put(START, importing(*ways))

    bundle = load_bundle(shelf.address + START)

    outside = f"it lies outside of the bundle's root {shelf.address}/"
    assert reasons(bundle) == [(way, outside) for way in ways]


def test_another_server_is_not_asked(shelf: Shelf, forbidden: Shelf) -> None:
    port = forbidden.address.rpartition(":")[2]
    ways = [
        f"{forbidden.address}/secret.xsd",
        f"//127.0.0.1:{port}/secret.xsd",
        f"{shelf.address}@127.0.0.1:{port}/secret.xsd",
        f"http://localhost:{port}/secret.xsd",
        f"{forbidden.address}\\@{shelf.address.removeprefix('http://')}/secret.xsd",
        f"http://[127.0.0.1]:{port}/secret.xsd",
        f"http://127.0.0.1:{port}a/secret.xsd",
    ]
    shelf.put(START, importing(*ways))

    bundle = load_bundle(shelf.address + START)

    assert [location for location, _ in reasons(bundle)] == ways
    assert {reason for _, reason in reasons(bundle)} == {
        f"it lies outside of the bundle's root {shelf.address}/",
        "it is no address",
    }
    assert shelf.asked == [START]


def test_a_redirect_to_another_server_is_not_followed(shelf: Shelf, forbidden: Shelf, tmp_path: Path) -> None:
    (tmp_path / "secret.xsd").write_text(SCHEMA)
    targets = {
        "/a.xsd": f"{forbidden.address}/secret.xsd?token=t",
        "/b.xsd": (tmp_path / "secret.xsd").as_uri(),
        "/c.xsd": f"//{forbidden.address.removeprefix('http://')}/secret.xsd",
    }
    shelf.put(START, importing(*targets))
    for path, target in targets.items():
        shelf.pages[path] = Page(status=302, location=target)

    found = reasons(load_bundle(shelf.address + START))

    elsewhere = f"which lies outside of the bundle's root {shelf.address}/"
    secret = f"{forbidden.address}/secret.xsd"
    assert found == [
        ("/a.xsd", f"it redirects to {secret}, {elsewhere}"),
        ("/b.xsd", f"it redirects to {targets['/b.xsd']}, {elsewhere}"),
        ("/c.xsd", f"it redirects to {secret}, {elsewhere}"),
    ]


def test_a_wsdl_that_redirects_to_another_server_is_refused(shelf: Shelf, forbidden: Shelf) -> None:
    shelf.pages[START] = Page(status=301, location=f"{forbidden.address}/secret.xsd")

    with pytest.raises(LegacyUnavailableError, match=r"it redirects to http.*/secret\.xsd, which lies outside"):
        load_bundle(shelf.address + START)


def test_a_redirect_on_the_server_itself_is_followed(shelf: Shelf) -> None:
    shelf.pages["/old?wsdl"] = Page(status=307, location="/v2/new?wsdl")
    shelf.put("/v2/new?wsdl", importing("a.xsd"))
    shelf.put("/v2/a.xsd", SCHEMA)

    bundle = load_bundle(shelf.address + "/old?wsdl")

    assert (bundle.start, bundle.missing) == (shelf.address + "/v2/new?wsdl", ())
    assert shelf.asked == ["/old?wsdl", "/v2/new?wsdl", "/v2/a.xsd"]


def test_redirects_without_end_are_left(shelf: Shelf) -> None:
    shelf.pages[START] = Page(status=302, location=START)

    with pytest.raises(LegacyUnavailableError, match="it redirects more than 5 times"):
        load_bundle(shelf.address + START)


@pytest.mark.parametrize("kind", ["general", "parameter", "dtd"])
def test_what_a_dtd_refers_to_is_not_asked_for(shelf: Shelf, forbidden: Shelf, kind: str) -> None:
    address = f"{forbidden.address}/secret.xsd"
    dtd = {
        "general": f'[<!ENTITY x SYSTEM "{address}">]',
        "parameter": f'[<!ENTITY % x SYSTEM "{address}"> %x;]',
        "dtd": f'SYSTEM "{address}"',
    }[kind]
    wsdl = f"<!DOCTYPE definitions {dtd}>" + importing("a.xsd").replace("</types>", "&x;</types>")
    shelf.put(START, wsdl)
    shelf.put("/w?wsdl", importing("a.xsd"))
    shelf.put("/a.xsd", f"<!DOCTYPE schema {dtd}>" + SCHEMA.replace("/>", ">&x;</schema>"))

    with pytest.raises(XmlError, match=r"registry.*Entity 'x' not defined"):
        load_bundle(shelf.address + START)
    [(location, reason)] = reasons(load_bundle(shelf.address + "/w?wsdl"))
    assert (location, "Entity 'x' not defined" in reason) == ("a.xsd", True)


def test_no_more_than_the_bounds_is_read(shelf: Shelf) -> None:
    shelf.pages[START] = Page(body=b"<a/>" * 1000, endless=True)
    shelf.put("/w?wsdl", importing("big.xsd"))
    shelf.pages["/big.xsd"] = Page(body=b"<a/>" * 1000, endless=True)
    bounds = Bounds(document_bytes=100_000)

    with pytest.raises(XmlError, match=r"registry.*expected at most 100000 bytes in a document"):
        load_bundle(shelf.address + START, bounds=bounds)
    bundle = load_bundle(shelf.address + "/w?wsdl", bounds=bounds)
    assert reasons(bundle) == [("big.xsd", "expected at most 100000 bytes in a document")]


def test_a_contract_that_makes_up_imports_for_ever_is_refused(shelf: Shelf) -> None:
    shelf.put(START, importing(*(f"{number}.xsd" for number in range(5000))))

    with pytest.raises(ContractError, match="expected at most 50 documents in a contract, found more"):
        load_bundle(shelf.address + START, bounds=Bounds(documents=50))
    assert len(shelf.asked) == 50


def test_a_server_that_does_not_answer_is_left_in_time(shelf: Shelf) -> None:
    answering = threading.Event()
    shelf.pages[START] = Page(body=importing().encode(), wait=answering)
    access = Access(patience=timedelta(seconds=60), whole=timedelta(milliseconds=200))

    try:
        with pytest.raises(LegacyUnavailableError, match="did not answer all within"):
            load_bundle(shelf.address + START, access=access)
    finally:
        answering.set()


def test_an_import_that_keeps_us_waiting_is_missing(shelf: Shelf) -> None:
    answering = threading.Event()
    shelf.put(START, importing("slow.xsd"))
    shelf.pages["/services/slow.xsd"] = Page(body=SCHEMA.encode(), wait=answering)

    try:
        bundle = load_bundle(shelf.address + START, access=Access(patience=timedelta(milliseconds=200)))
    finally:
        answering.set()
    assert reasons(bundle) == [("slow.xsd", "read timeout after 0.2 s, waiting for the head of the answer")]


def test_a_refusal_is_told_with_its_status(shelf: Shelf) -> None:
    shelf.pages[START] = Page(status=401)
    shelf.put("/w?wsdl", importing("a.xsd", "a.xsd"))
    shelf.pages["/a.xsd"] = Page(status=503)

    with pytest.raises(LegacyUnavailableError, match="HTTP 401: it wants a user and password"):
        load_bundle(shelf.address + START)
    assert reasons(load_bundle(shelf.address + "/w?wsdl")) == [("a.xsd", "HTTP 503")] * 2
    assert shelf.asked.count("/a.xsd") == 1


def test_a_page_for_people_is_no_contract(shelf: Shelf) -> None:
    shelf.put(START, "\n<!DOCTYPE html><html><p>Please log in</html>")
    shelf.put("/w?wsdl", importing("/services/registry?wsdl"))

    with pytest.raises(ContractError, match=r"expected a WSDL 1\.1 document .*, found an HTML page"):
        load_bundle(shelf.address + START)
    [(_, reason)] = reasons(load_bundle(shelf.address + "/w?wsdl"))
    assert reason == "expected a schema ({http://www.w3.org/2001/XMLSchema}schema), found an HTML page"


def test_what_does_not_speak_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ready\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with pytest.raises(LegacyUnavailableError, match="it does not speak HTTP: BadStatusLine"):
                load_bundle(f"http://127.0.0.1:{listening.getsockname()[1]}/a?wsdl")
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("url", "root", "told"),
    [
        ("http://u:p@127.0.0.1/a?wsdl", None, "holds a user or password"),
        ("http://127.0.0.1/a?wsdl", "http://127.0.0.1/b", "expected an address below the root http://127.0.0.1/b/"),
        ("http://127.0.0.1:99999999/a?wsdl", None, "expected an address below the root"),
        ("http:///a?wsdl", None, "expected an address below the root"),
        ("ftp://127.0.0.1/a.wsdl", None, "expected a file, a folder, or an address with http or https"),
    ],
)
def test_an_address_that_can_not_be_used_is_refused(url: str, root: str | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        load_bundle(url, root=root)
    assert "u:p" not in str(refused.value)


def test_a_root_of_ones_own_is_kept_to(shelf: Shelf) -> None:
    shelf.put("/s/a.wsdl", importing("../t/a.xsd", "b.xsd", "/s/%2e%2e/t/a.xsd"))
    shelf.put("/s/b.xsd", SCHEMA)

    bundle = load_bundle(shelf.address + "/s/a.wsdl", root=shelf.address + "/s")

    assert [location for location, _ in reasons(bundle)] == ["../t/a.xsd", "/s/%2e%2e/t/a.xsd"]
    assert shelf.asked == ["/s/a.wsdl", "/s/b.xsd"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Write a certificate for this machine, signed by itself, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "t")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(private + built.public_bytes(pem))
    return path


def test_the_server_s_certificate_is_verified(certificate: Path) -> None:
    with serving_contract(certificate=certificate) as shelf:
        shelf.put(START, importing("/a.xsd"))
        shelf.put("/a.xsd", SCHEMA)

        with pytest.raises(LegacyUnavailableError, match="certificate verify failed"):
            load_bundle(shelf.address + START)
        assert shelf.asked == []
        assert len(load_bundle(shelf.address + START, access=Access(ca_file=certificate)).documents) == 2
        with pytest.raises(ConfigError, match=r"nothing\.pem: expected certificates in PEM"):
            load_bundle(shelf.address + START, access=Access(ca_file=certificate.with_name("nothing.pem")))
