"""The contract of a service in SOAP encoding, as Axis 1.4 writes it, and replies of it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from contracts.legacy.soap.contract.bundle import Bundle, gather
from contracts.legacy.soap.contract.catalog import standard

__all__ = ["STYLE", "WSDL", "bundle", "envelope", "reply", "resident"]

STYLE = 's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" e:root="0"'
"""What Axis says of each value that stands apart."""

_LOCATION = "file:///encoded/registry.wsdl"
_NAMES = (
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
)
WSDL = """<wsdl:definitions targetNamespace="urn:legacy" xmlns:t="urn:legacy"
  xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
 <wsdl:types><xsd:schema targetNamespace="urn:legacy">
  <xsd:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>
  <xsd:complexType name="Household"><xsd:sequence>
   <xsd:element name="city" nillable="true" type="soapenc:string"/>
   <xsd:element name="head" nillable="true" type="t:Resident"/>
  </xsd:sequence></xsd:complexType>
  <xsd:complexType name="Resident"><xsd:sequence>
   <xsd:element name="id" type="xsd:string"/>
   <xsd:element name="name" nillable="true" type="soapenc:string"/>
   <xsd:element name="household" nillable="true" type="t:Household"/>
   <xsd:element name="marks" nillable="true" type="t:ArrayOfInt"/>
   <xsd:element name="lastModified" nillable="true" type="xsd:dateTime"/>
  </xsd:sequence></xsd:complexType>
  <xsd:complexType name="ArrayOfInt"><xsd:complexContent><xsd:restriction base="soapenc:Array">
   <xsd:attribute ref="soapenc:arrayType" wsdl:arrayType="xsd:int[]"/>
  </xsd:restriction></xsd:complexContent></xsd:complexType>
  <xsd:complexType name="ArrayOfResident"><xsd:complexContent><xsd:restriction base="soapenc:Array">
   <xsd:attribute ref="soapenc:arrayType" wsdl:arrayType="t:Resident[]"/>
  </xsd:restriction></xsd:complexContent></xsd:complexType>
  <xsd:complexType name="Unknown"><xsd:sequence>
   <xsd:element name="id" nillable="true" type="soapenc:int"/>
  </xsd:sequence></xsd:complexType>
  <xsd:complexType name="Page"><xsd:sequence>
   <xsd:element name="residents" type="t:ArrayOfResident"/><xsd:element name="next" type="xsd:string"/>
  </xsd:sequence></xsd:complexType>
 </xsd:schema></wsdl:types>
 <wsdl:message name="listRequest"><wsdl:part name="since" type="xsd:dateTime"/></wsdl:message>
 <wsdl:message name="listResponse"><wsdl:part name="listReturn" type="t:ArrayOfResident"/></wsdl:message>
 <wsdl:message name="pageRequest"><wsdl:part name="token" type="xsd:string"/></wsdl:message>
 <wsdl:message name="pageResponse"><wsdl:part name="pageReturn" type="t:Page"/></wsdl:message>
 <wsdl:message name="Unknown"><wsdl:part name="Unknown" type="t:Unknown"/></wsdl:message>
 <wsdl:portType name="Registry">
  <wsdl:operation name="list"><wsdl:input message="t:listRequest"/><wsdl:output message="t:listResponse"/>
   <wsdl:fault name="Unknown" message="t:Unknown"/>
  </wsdl:operation>
  <wsdl:operation name="page"><wsdl:input message="t:pageRequest"/><wsdl:output message="t:pageResponse"/>
  </wsdl:operation>
 </wsdl:portType>
 <wsdl:binding name="RegistryBinding" type="t:Registry">
  <soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
  <wsdl:operation name="list"><soap:operation soapAction=""/>
   <wsdl:input><soap:body use="encoded" namespace="urn:legacy"
    encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:input>
   <wsdl:output><soap:body use="encoded" namespace="urn:legacy"
    encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:output>
   <wsdl:fault name="Unknown"><soap:fault name="Unknown" use="encoded" namespace="urn:legacy"
    encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:fault></wsdl:operation>
  <wsdl:operation name="page"><soap:operation soapAction=""/>
   <wsdl:input><soap:body use="encoded" namespace="urn:legacy"
    encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:input>
   <wsdl:output><soap:body use="encoded" namespace="urn:legacy"
    encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:output></wsdl:operation>
 </wsdl:binding>
 <wsdl:service name="RegistryService"><wsdl:port name="Registry" binding="t:RegistryBinding">
  <soap:address location="http://127.0.0.1:9/registry"/></wsdl:port></wsdl:service>
</wsdl:definitions>
"""


def bundle() -> Bundle:
    """Return the contract; what it imports comes from the catalog."""

    def fetch(uri: str) -> bytes:
        with suppress(KeyError):
            return {_LOCATION: WSDL.encode()}[uri]
        raise FileNotFoundError(Path(uri))

    return gather(_LOCATION, root="file:///encoded/", fetch=fetch, catalog=standard)


def envelope(inside: str) -> bytes:
    """Return an envelope with these elements in its Body."""
    return f"<s:Envelope {_NAMES}><s:Body>{inside}</s:Body></s:Envelope>".encode()


def resident(number: str, inside: str = "", *, at: str) -> str:
    """Return a resident who stands apart, under an id."""
    said = f"<id xsi:type='xsd:string'>{number}</id><name xsi:type='e:string'>N{number}</name>{inside}"
    return f'<multiRef id="{at}" {STYLE} xsi:type="n:Resident" xmlns:n="urn:legacy">{said}</multiRef>'


def reply(ids: Sequence[str], apart: str) -> bytes:
    """Return the reply of `list` that refers to these."""
    items = "".join(f'<listReturn href="#{each}"/>' for each in ids)
    array = f'xsi:type="e:Array" e:arrayType="n:Resident[{len(ids)}]" xmlns:n="urn:legacy"'
    return envelope(
        f'<n:listResponse xmlns:n="urn:legacy"><listReturn {array}>{items}</listReturn></n:listResponse>{apart}'
    )
