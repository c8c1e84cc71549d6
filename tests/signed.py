"""SOAP messages that are signed as WS-Security does it, and their verification; both for tests alone.

RSA with SHA-256 over SignedInfo, which holds the SHA-256 of the Body in exclusive canonical form (XML Signature,
exclusive XML canonicalization). The verifier takes the octets as they came, and nothing but them.
"""

import base64
import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from contracts.legacy.xml import Element, canonical, parse

__all__ = ["is_signed", "signed"]

_DS = "http://www.w3.org/2000/09/xmldsig#"
_SEC = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ID = f"{{{_SEC}utility-1.0.xsd}}Id"
_INFO = (
    f'<ds:SignedInfo xmlns:ds="{_DS}"><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"/>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#body">'
    f'<ds:Transforms><ds:Transform Algorithm="{_EXCLUSIVE}"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def signed(body: str, *, soap: str = "http://schemas.xmlsoap.org/soap/envelope/") -> str:
    """Return an Envelope with this content of its Body, signed."""
    whole = (
        f'<s:Envelope xmlns:s="{soap}">\n  <s:Header><w:Security xmlns:w="{_SEC}secext-1.0.xsd">@</w:Security>'
        f"</s:Header>\n  <s:Body  u:Id='body' xmlns:u=\"{_SEC}utility-1.0.xsd\">{body}</s:Body>\n</s:Envelope>"
    )
    info = _INFO.format(digest=_digest(_body(parse(whole.encode()))))
    value = _key().sign(canonical(parse(info.encode())), padding.PKCS1v15(), SHA256())
    return whole.replace(
        "@",
        f'<ds:Signature xmlns:ds="{_DS}">{info}<ds:SignatureValue>{base64.b64encode(value).decode()}'
        "</ds:SignatureValue></ds:Signature>",
        1,
    )


def is_signed(message: bytes) -> bool:
    """Tell whether the Body is the one that was signed."""
    root = parse(message)
    info, value = root.find(f".//{{{_DS}}}SignedInfo"), root.findtext(f".//{{{_DS}}}SignatureValue")
    if info is None or value is None or info.findtext(f".//{{{_DS}}}DigestValue") != _digest(_body(root)):
        return False
    try:
        _key().public_key().verify(base64.b64decode(value), canonical(info), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _body(root: Element) -> Element:
    [found] = [each for each in root.iter("*") if each.get(_ID) == "body"]
    return found


def _digest(element: Element) -> str:
    return base64.b64encode(hashlib.sha256(canonical(element)).digest()).decode()
