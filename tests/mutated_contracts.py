"""Contracts whose answers the corpus changes: ours always, with an operation for each construct of XML Schema."""

from functools import cache
from typing import Final

from contracts.legacy.soap.contract.bundle import Bundle, Document
from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.wsdl import read_contract
from tests.wsdls import OWN

_ANSWERS: Final = ("All", "Choices", "Everything", "Keys", "Text", "Values", "Thing", "More", "Tree")
_SOAP12: Final = 'xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
_FAULTS: Final = (
    '<wsdl:fault name="no" message="tns:No"/>',
    '<wsdl:fault name="no"><soap:fault name="no" use="literal"/></wsdl:fault>',
)
_MORE: Final = """
  <xs:complexType name="Person"><xs:sequence>
    <xs:element name="name" type="xs:string"/><xs:element name="note" type="xs:normalizedString" minOccurs="0"/>
  </xs:sequence><xs:attribute name="grade" type="xs:float" form="unqualified"/></xs:complexType>
  <xs:complexType name="Worker"><xs:complexContent><xs:extension base="tns:Person">
    <xs:sequence><xs:element name="pay" type="xs:decimal" minOccurs="0"/></xs:sequence>
  </xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="Chief"><xs:complexContent><xs:extension base="tns:Worker"/></xs:complexContent></xs:complexType>
  <xs:element name="Tree" type="tns:Tree"/>
  <xs:element name="More"><xs:complexType><xs:sequence>
    <xs:element name="person" type="tns:Person" minOccurs="0" maxOccurs="4"/>
    <xs:element name="floats"><xs:simpleType><xs:list itemType="xs:float"/></xs:simpleType></xs:element>
    <xs:element name="flags"><xs:simpleType><xs:list itemType="xs:boolean"/></xs:simpleType></xs:element>
    <xs:element name="names"><xs:simpleType><xs:list itemType="xs:QName"/></xs:simpleType></xs:element>
    <xs:element name="level" nillable="true" minOccurs="0"><xs:simpleType><xs:restriction base="xs:short">
      <xs:enumeration value="1"/><xs:enumeration value="2"/><xs:enumeration value="30"/>
    </xs:restriction></xs:simpleType></xs:element>
    <xs:element name="exact" type="xs:dateTime" nillable="true" maxOccurs="3"/>
    <xs:element name="clock" type="xs:time"/>
    <xs:element name="month" type="xs:gMonth"/>
    <xs:element name="day" type="xs:gDay"/>
    <xs:element name="big" type="xs:unsignedLong"/>
    <xs:element name="huge" type="xs:integer"/>
    <xs:element name="exactly" type="xs:decimal"/>
    <xs:element name="line" type="xs:normalizedString"/>
    <xs:element name="word" type="xs:token"/>
    <xs:element name="free" type="xs:string" minOccurs="0"/>
    <xs:element name="mark" type="xs:QName" maxOccurs="2"/>
    <xs:element name="mixed" minOccurs="0"><xs:complexType mixed="true"><xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:element name="b" type="xs:string"/><xs:element name="i" type="xs:int"/>
    </xs:choice></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
"""


@cache
def constructs() -> Contract:
    """Return a contract with an operation for each construct, called like the element that it answers with."""
    text = (OWN / "shapes.wsdl").read_text().replace("</xs:schema>", _MORE + "</xs:schema>", 1)
    text = text.replace("</wsdl:definitions>", "".join(_pieces()) + "</wsdl:definitions>")
    document = Document(uri="file:///constructs.wsdl", data=text.encode())
    return read_contract(Bundle(start=document.uri, root="file:///", documents={document.uri: document}))


def _pieces() -> list[str]:
    messages = ['<wsdl:message name="Ask"><wsdl:part name="ask" element="tns:Red"/></wsdl:message>']
    messages += ['<wsdl:message name="No"><wsdl:part name="no" element="tns:More"/></wsdl:message>']
    offered, bound = "", ""
    for name in _ANSWERS:
        messages.append(f'<wsdl:message name="{name}"><wsdl:part name="all" element="tns:{name}"/></wsdl:message>')
        offered += (
            f'<wsdl:operation name="{name}"><wsdl:input message="tns:Ask"/><wsdl:output message="tns:{name}"/>'
            f"{_FAULTS[0] if name == 'More' else ''}</wsdl:operation>"
        )
        literal = '<soap:body use="literal"/>'
        bound += (
            f'<wsdl:operation name="{name}"><soap:operation soapAction="urn:{name}"/>'
            f"<wsdl:input>{literal}</wsdl:input><wsdl:output>{literal}</wsdl:output>"
            f"{_FAULTS[1] if name == 'More' else ''}</wsdl:operation>"
        )
    binding = '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
    address = '<soap:address location="http://127.0.0.1:1/"/>'
    port = f'<wsdl:port name="All" binding="tns:All">{address}</wsdl:port>'
    again = _in_soap12(binding + _of_more(bound), port)
    return [
        *messages,
        f'<wsdl:portType name="All">{offered}</wsdl:portType>',
        f'<wsdl:binding name="All" type="tns:All">{binding}{bound}</wsdl:binding>',
        f'<wsdl:portType name="More">{_of_more(offered)}</wsdl:portType>',
        f'<wsdl:binding name="More" type="tns:More" {_SOAP12}>{again[0]}</wsdl:binding>',
        f'<wsdl:service name="All">{port}{again[1]}</wsdl:service>',
    ]


def _of_more(operations: str) -> str:
    """Return the operation that has a fault."""
    return operations[
        operations.index('<wsdl:operation name="More">') : operations.index('<wsdl:operation name="Tree">')
    ]


def _in_soap12(binding: str, port: str) -> tuple[str, str]:
    """Return a binding and its port for SOAP 1.2."""
    there = port.replace('"All"', f'"More" {_SOAP12}').replace("tns:All", "tns:More")
    return binding.replace("<soap:", "<soap12:"), there.replace("<soap:", "<soap12:")
