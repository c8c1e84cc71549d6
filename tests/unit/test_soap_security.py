"""UsernameToken and Timestamp in what goes out; the digest is computed here as the profile says."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from adapters.soap import Config, Tls, UsernameToken
from adapters.soap.contract import load
from adapters.soap.http import tls_context
from contracts.errors import ConfigError
from contracts.legacy import xml
from contracts.legacy.xml import Element
from hub.demo.registry import WSDL

PASSWORD = SecretStr("höchst geheim")
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
NAMES = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "wsse": f"{OASIS}wssecurity-secext-1.0.xsd",
    "wsu": f"{OASIS}wssecurity-utility-1.0.xsd",
}


def requested(**token: Any) -> list[Element]:
    """Return the Security headers of two requests."""
    config = Config(
        name="residents",
        wsdl=str(WSDL),
        operation="ListResidents",
        items=("ListResidentsResponse", "resident"),
        key=("id",),
        username_token=UsernameToken(user="hub", password=PASSWORD, **token),
    )
    contract = load(config, lambda url: url.encode())
    envelopes = [xml.parse(contract.request({}).body or b"") for _ in range(2)]
    for envelope in envelopes:
        assert [xml.local_name(child) for child in envelope] == ["Header", "Body"]
    return [element for envelope in envelopes for element in envelope.iterfind("s:Header/wsse:Security", NAMES)]


def text(security: Element, path: str) -> str:
    found = security.find(path, NAMES)
    assert found is not None
    return found.text or ""


def test_a_digest_is_of_a_nonce_that_is_never_used_twice() -> None:
    first, second = requested()

    for security in (first, second):
        nonce = base64.b64decode(text(security, "wsse:UsernameToken/wsse:Nonce"))
        created = text(security, "wsse:UsernameToken/wsu:Created")
        expected = hashlib.sha1(nonce + created.encode() + PASSWORD.get_secret_value().encode()).digest()  # noqa: S324 - the profile's
        assert text(security, "wsse:UsernameToken/wsse:Password") == base64.b64encode(expected).decode()
        assert len(nonce) == 16
        assert security.get("{http://schemas.xmlsoap.org/soap/envelope/}mustUnderstand") == "1"
        assert "geheim" not in "".join(map(str, security.itertext()))
    assert text(first, "wsse:UsernameToken/wsse:Nonce") != text(second, "wsse:UsernameToken/wsse:Nonce")


def test_a_message_says_how_long_it_may_be_taken() -> None:
    security, _ = requested(valid_for=timedelta(seconds=90))

    created, expires = (
        datetime.fromisoformat(text(security, f"wsu:Timestamp/wsu:{name}")) for name in ("Created", "Expires")
    )
    assert expires - created == timedelta(seconds=90)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)


def test_a_text_password_is_sent_as_it_is_and_without_a_nonce() -> None:
    security, _ = requested(kind="text", valid_for=None)

    assert text(security, "wsse:UsernameToken/wsse:Password") == PASSWORD.get_secret_value()
    assert [xml.local_name(child) for child in security] == ["UsernameToken"]
    assert [xml.local_name(child) for child in security[0]] == ["Username", "Password"]


def test_the_password_is_in_no_text_about_the_configuration() -> None:
    assert "geheim" not in repr(UsernameToken(user="hub", password=PASSWORD))


def test_a_key_needs_its_certificate() -> None:
    with pytest.raises(ValidationError, match="key: expected a certificate with it"):
        Tls(key=Path("key.pem"))


def test_a_file_that_is_no_certificate_is_told() -> None:
    with pytest.raises(ConfigError, match=r"tls: ca=.*registry\.wsdl"):
        tls_context(Tls(ca=WSDL))
    assert tls_context(Tls()) is None
