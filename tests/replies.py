"""Replies of the register in `tests/wsdl/registry.wsdl`, and comparers of it and of contracts made up for one test."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.divergence.comparer import Comparer
from contracts.legacy.soap.divergence.difference import Comparison
from contracts.legacy.soap.divergence.rules import Rules
from tests.wsdls import OWN, contract_of

SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
_RESIDENT: Final = (
    "<r:resident><t:id>{id}</t:id><t:name>{name}</t:name><t:born>{born}</t:born>{died}<t:status>{status}</t:status>"
    "<t:address{country}><t:street>{street}</t:street><t:city>{city}</t:city><t:postcode>{postcode}</t:postcode>"
    "</t:address><t:fee>{fee}</t:fee><t:lastModified>{modified}</t:lastModified>{more}</r:resident>"
)
_WSDL: Final = """<wsdl:definitions name="Made" targetNamespace="urn:made" xmlns:m="urn:made"
  xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <wsdl:types><xs:schema targetNamespace="urn:made" elementFormDefault="qualified">{schema}</xs:schema></wsdl:types>
 <wsdl:message name="In"/><wsdl:message name="Out">{parts}</wsdl:message>
 <wsdl:portType name="P"><wsdl:operation name="Get"><wsdl:input message="m:In"/><wsdl:output message="m:Out"/>
 </wsdl:operation></wsdl:portType>
 <wsdl:binding name="B" type="m:P"><soap:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
  <wsdl:operation name="Get"><soap:operation soapAction=""/>
   <wsdl:input><soap:body use="{use}" namespace="urn:made"/></wsdl:input>
   <wsdl:output><soap:body use="{use}" namespace="urn:made"/></wsdl:output></wsdl:operation></wsdl:binding>
 <wsdl:service name="S"><wsdl:port name="Made" binding="m:B"><soap:address location="http://127.0.0.1/"/></wsdl:port>
 </wsdl:service></wsdl:definitions>"""


@cache
def registry() -> tuple[Contract, Schemas]:
    """Return the register's contract."""
    contract = contract_of(OWN / "registry.wsdl")
    return contract, build(contract.bundle)


def comparer(operation: str = "List", **rules: Any) -> Comparer:
    """Return a comparer of an operation of the register."""
    contract, schemas = registry()
    return Comparer(contract, operation, schemas, rules=Rules.model_validate(rules))


@cache
def made(
    schema: str,
    *,
    parts: str = '<wsdl:part name="a" element="m:Answer"/>',
    style: str = "document",
    use: str = "literal",
) -> tuple[Contract, Schemas]:
    """Return a contract of one operation, `Get`, with a schema of the namespace `urn:made`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made.wsdl"
        path.write_text(_WSDL.format(schema=schema, parts=parts, style=style, use=use), encoding="utf-8")
        contract = contract_of(path)
        return contract, build(contract.bundle)


def comparer_of(schema: str, *, rules: Rules | None = None, **given: str) -> Comparer:
    """Return a comparer of such a contract."""
    contract, schemas = made(schema, **given)
    return Comparer(contract, "Get", schemas, rules=rules)


def typed(kind: str) -> str:
    """Return a schema whose answer is one value of a type."""
    return f'<xs:element name="Answer" type="{kind}"/>'


def answer(content: str, *, attributes: str = "") -> bytes:
    """Return a reply whose Body has the element `Answer`."""
    said = 'xmlns="urn:made" xmlns:m="urn:made" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    return envelope(
        f'<Answer {said} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {attributes}>{content}</Answer>'
    )


def envelope(body: str, *, soap: str = SOAP11, header: str = "") -> bytes:
    """Return an envelope around a body."""
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{soap}">{head}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def resident(number: int = 1, **changes: str) -> str:
    """Return one resident; a field that is named is another."""
    fields = {
        "id": f"R{number:08d}",
        "name": f"Ada Igelkott {number}",
        "born": "1980-02-03",
        "died": "",
        "status": "ACTIVE",
        "country": "",
        "street": f"Ring {number}",
        "city": "Wien",
        "postcode": "1010",
        "fee": f"{number}.50",
        "modified": "2026-01-02T03:04:05Z",
        "more": "",
    }
    return _RESIDENT.format(**{**fields, **changes})


def listed(*residents: str, complete: str = "true", soap: str = SOAP11, header: str = "") -> bytes:
    """Return an answer of List."""
    said = 'xmlns:r="urn:banyan:registry" xmlns:t="urn:banyan:registry:types"'
    nil = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    inner = "".join(residents) + f"<r:complete>{complete}</r:complete>"
    return envelope(f"<r:ListResponse {said} {nil}>{inner}</r:ListResponse>", soap=soap, header=header)


def fault(code: str, text: str = "", detail: str = "", *, namespaces: str = "") -> bytes:
    """Return a fault as SOAP 1.1 has it."""
    said = f"<detail>{detail}</detail>" if detail else ""
    return envelope(
        f"<s:Fault {namespaces}><faultcode>{code}</faultcode><faultstring>{text}</faultstring>{said}</s:Fault>"
    )


def fault12(code: str, text: str = "", detail: str = "", *, namespaces: str = "") -> bytes:
    """Return a fault as SOAP 1.2 has it; the code may have subcodes after blanks."""
    value, *subcodes = code.split()
    inner = "".join(f"<s:Subcode><s:Value>{each}</s:Value>" for each in subcodes) + "</s:Subcode>" * len(subcodes)
    said = f"<s:Detail>{detail}</s:Detail>" if detail else ""
    return envelope(
        f"<s:Fault {namespaces}><s:Code><s:Value>{value}</s:Value>{inner}</s:Code>"
        f"<s:Reason><s:Text xml:lang='en'>{text}</s:Text></s:Reason>{said}</s:Fault>",
        soap=SOAP12,
    )


def told(comparison: Comparison) -> list[tuple[str, str]]:
    """Return kind and path of each difference."""
    return [(each.kind, each.path) for each in comparison.differences]
