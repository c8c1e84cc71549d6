"""Envelopes of SOAP 1.1 and 1.2: requests and answers of an operation, and faults, all from samples."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lxml import etree

from contracts.legacy.soap.contract.model import Body, FaultDetail, Operation, SoapVersion
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.xml import Element

__all__ = ["CONTENT_TYPES", "ENVELOPES", "Answers", "Refusal", "envelope", "fault"]

ENVELOPES: Final[Mapping[SoapVersion, str]] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
CONTENT_TYPES: Final[Mapping[SoapVersion, str]] = {
    "1.1": "text/xml; charset=utf-8",
    "1.2": "application/soap+xml; charset=utf-8",
}
_CODES_1_2: Final = {"Client": "Sender", "Server": "Receiver"}
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_ENCODING: Final = "http://schemas.xmlsoap.org/soap/encoding/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a call is answered with a fault that its operation does not declare."""

    code: Literal["Client", "Server", "VersionMismatch"]
    text: str
    status: int = 500


def envelope(version: SoapVersion, body: Iterable[Element], headers: Iterable[Element] = ()) -> bytes:
    """Return an envelope as bytes.

    >>> b"<soap:Body/></soap:Envelope>" in envelope("1.1", [])
    True
    """
    namespace = ENVELOPES[version]
    root = etree.Element(f"{{{namespace}}}Envelope", nsmap={"soap": namespace})
    given = list(headers)
    if given:
        etree.SubElement(root, f"{{{namespace}}}Header").extend(given)
    etree.SubElement(root, f"{{{namespace}}}Body").extend(body)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def fault(version: SoapVersion, refusal: Refusal, details: Iterable[Element] = ()) -> bytes:
    """Return an envelope with a fault in the shape of the version."""
    namespace = f"{{{ENVELOPES[version]}}}"
    found = etree.Element(namespace + "Fault", nsmap={"soap": ENVELOPES[version]})
    given = list(details)
    if version == "1.1":
        etree.SubElement(found, "faultcode").text = f"soap:{refusal.code}"
        etree.SubElement(found, "faultstring").text = refusal.text
        if given:
            etree.SubElement(found, "detail").extend(given)
    else:
        code = etree.SubElement(found, namespace + "Code")
        etree.SubElement(code, namespace + "Value").text = f"soap:{_CODES_1_2.get(refusal.code, refusal.code)}"
        reason = etree.SubElement(found, namespace + "Reason")
        etree.SubElement(reason, namespace + "Text", {_XML_LANG: "en"}).text = refusal.text
        if given:
            etree.SubElement(found, namespace + "Detail").extend(given)
    return envelope(version, [found])


class Answers:
    """Makes the messages of a contract's operations."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def request(
        self, version: SoapVersion, operation: Operation, *, seed: object, options: Options | None = None
    ) -> bytes:
        """Return a valid request.

        Raises:
            ContractError: The contract lacks what it names, or nothing of finite size is valid.
        """
        body, headers = self.parts(operation.input, seed=seed, options=options)
        return envelope(version, body, headers)

    def parts(self, body: Body, *, seed: object, options: Options | None = None) -> tuple[list[Element], list[Element]]:
        """Return the children of the SOAP Body and of its Header for one direction of an operation.

        Raises:
            ContractError: The contract lacks what it names, or nothing of finite size is valid.
        """
        children = self._sampler.body(body, seed=seed, options=options)
        if body.use == "encoded":
            for child in children:
                child.set(f"{{{ENVELOPES['1.1']}}}encodingStyle", body.encoding or _ENCODING)
        headers = [
            self._sampler.part(header.part, seed=(seed, "header", header.part.name), use=header.use, options=options)
            for header in body.headers
        ]
        return children, headers

    def fault(self, version: SoapVersion, declared: FaultDetail, *, seed: object) -> bytes:
        """Return a declared fault, with a sample of its detail.

        Raises:
            ContractError: The contract lacks what it names, or nothing of finite size is valid.
        """
        details = [] if declared.part is None else [self._sampler.part(declared.part, seed=seed, use=declared.use)]
        return fault(version, Refusal(code="Server", text=f"{declared.name} (made by the sandbox)"), details)
