"""What of a contract will hurt is told, each kind with its place."""

from pathlib import Path

import pytest

from contracts.legacy.soap.contract.findings import KINDS, inspect
from contracts.legacy.soap.contract.model import Finding
from contracts.legacy.soap.contract.schema import build
from tests.wsdl_edits import CODES, RESIDENT, WSDL, Edit, child, edited, schema
from tests.wsdls import OWN, contract_of

LIST_BODY = '<soap:operation soapAction="urn:banyan:registry/List"/>\n      <wsdl:input><soap:body use="literal"/>'
NAME = '<xs:element name="name" type="xs:string"/>'
SERVICE = '<wsdl:service name="RegistryService">'
PORT = '<soap:address location="http://127.0.0.1:8080/registry"/>'
COUNT = '<wsdl:part name="city" type="xs:string"/>'
BASE = '<xs:complexType name="Base"><xs:sequence/></xs:complexType>'
SUB = '<xs:complexType name="Sub"><xs:complexContent><xs:extension base="Base"/></xs:complexContent></xs:complexType>'
POLICY = (
    '<p:Policy xmlns:p="http://www.w3.org/ns/ws-policy">'
    '<s:UsernameToken xmlns:s="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"/></p:Policy>'
)
ADDRESSING = '<w:UsingAddressing xmlns:w="http://www.w3.org/2006/05/addressing/wsdl"/>'

ALWAYS = {
    "absent-or-nil": "resident.xsd:29 Resident",
    "address-local": "registry.wsdl:123 RegistryService",
    "empty-action": "registry.wsdl:101 Registry11",
    "header-parts": "registry.wsdl:92 Registry11",
    "one-way": "registry.wsdl:101 Registry11",
    "several-ports": "registry.wsdl:123 Registry11",
    "union": "codes.xsd:16 Postcode",
    "unoffered-binding": "registry.wsdl:114 Statistics11",
}
"""What the registry's contract has as it is."""

CASES: dict[str, tuple[Edit, ...]] = {
    "address-missing": (Edit(WSDL, PORT, ""),),
    "address-in-clear": (Edit(WSDL, PORT, '<soap:address location="http://registry.example/"/>'),),
    "address-other": (Edit(WSDL, PORT, '<soap:address location="REPLACE_WITH_ACTUAL_URL"/>'),),
    "not-soap": (
        Edit(
            WSDL,
            '<soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>',
            '<http:binding xmlns:http="http://schemas.xmlsoap.org/wsdl/http/" verb="GET"/>',
        ),
    ),
    "other-transport": (
        Edit(
            WSDL,
            '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>',
            '<soap:binding style="document" transport="http://www.w3.org/2010/soapjms/"/>',
        ),
    ),
    "required-extension": (Edit(WSDL, SERVICE, SERVICE + '<x:y xmlns:x="urn:x" wsdl:required="true"/>'),),
    "ws-policy": (Edit(WSDL, SERVICE, SERVICE + POLICY),),
    "ws-security-policy": (Edit(WSDL, SERVICE, SERVICE + POLICY),),
    "ws-addressing": (Edit(WSDL, SERVICE, SERVICE + ADDRESSING),),
    "rpc-encoded": (Edit(WSDL, LIST_BODY, LIST_BODY.replace("literal", "encoded")),),
    "empty-body": (Edit(WSDL, '<wsdl:part name="parameters" element="tns:Touch"/>', ""),),
    "multi-part-body": (Edit(WSDL, '<soap:header message="tns:MoveRequest" part="caller" use="literal"/>', ""),),
    "part-by-type": (
        Edit(WSDL, '<wsdl:part name="parameters" element="tns:Touch"/>', '<wsdl:part name="p" type="xs:string"/>'),
    ),
    "part-by-element": (Edit(WSDL, COUNT, '<wsdl:part name="city" element="tns:Caller"/>'),),
    "wrapper-without-namespace": (
        Edit(
            WSDL,
            '<wsdl:input><soap:body use="literal" namespace="urn:banyan:statistics"/></wsdl:input>',
            '<wsdl:input><soap:body use="literal"/></wsdl:input>',
        ),
    ),
    "missing-action": (Edit(WSDL, '<soap:operation soapAction=""/>', ""),),
    "shared-action": (
        Edit(
            WSDL,
            'soap:operation soapAction="urn:banyan:registry/Move"',
            'soap:operation soapAction="urn:banyan:registry/List"',
        ),
    ),
    "shared-root": (
        Edit(WSDL, '<wsdl:part name="parameters" element="tns:Move"/>', '<wsdl:part name="p" element="tns:List"/>'),
    ),
    "indistinguishable": (
        Edit(WSDL, '<wsdl:part name="parameters" element="tns:Move"/>', '<wsdl:part name="p" element="tns:List"/>'),
        Edit(
            WSDL,
            '<soap:operation soapAction="urn:banyan:registry/Move"/>',
            '<soap:operation soapAction="urn:banyan:registry/List"/>',
        ),
    ),
    "attachments": (
        Edit(
            WSDL,
            LIST_BODY,
            LIST_BODY.replace(
                '<soap:body use="literal"/>',
                '<m:multipartRelated xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/"><m:part><soap:body use="literal"/>'
                '</m:part><m:part><m:content part="scan" type="image/png"/></m:part></m:multipartRelated>',
            ),
        ),
    ),
    "fault-without-element": (
        Edit(WSDL, '<wsdl:part name="fault" element="tns:UnknownResident"/>', '<wsdl:part name="f" type="xs:int"/>'),
    ),
    "unresolved-reference": (Edit(RESIDENT, NAME, '<xs:element name="name" type="Nmae"/>'),),
    "missing-schema": (Edit(WSDL, COUNT, '<wsdl:part name="city" xmlns:n="urn:none" type="n:City"/>'),),
    "undeclared-import": (
        Edit(WSDL, '<xs:import namespace="urn:banyan:registry:types" schemaLocation="types/resident.xsd"/>', ""),
        Edit(
            WSDL,
            "<wsdl:types>",
            '<wsdl:types><xs:schema targetNamespace="urn:o">'
            '<xs:import namespace="urn:banyan:registry:types" schemaLocation="types/resident.xsd"/></xs:schema>',
        ),
    ),
    "import-namespace": (
        Edit(WSDL, '<xs:import namespace="urn:banyan:registry:types"', '<xs:import namespace="urn:banyan:types"'),
    ),
    "invalid-schema": (Edit(RESIDENT, NAME, '<xs:element name="name" type="xs:string" minOccurs="2"/>'),),
    "declared-twice": (
        Edit(
            WSDL,
            "<wsdl:types>",
            '<wsdl:types><xs:schema targetNamespace="urn:banyan:registry:types">'
            '<xs:simpleType name="ResidentId"><xs:restriction base="xs:int"/></xs:simpleType></xs:schema>',
        ),
    ),
    "dtd": (Edit(RESIDENT, "<xs:schema target", '<!DOCTYPE xs:schema [<!ENTITY a "b">]><xs:schema target'),),
    "no-target-namespace": (
        Edit(WSDL, "<wsdl:types>", '<wsdl:types><xs:schema><xs:element name="Free" type="xs:int"/></xs:schema>'),
    ),
    "unqualified-children": (
        Edit(
            RESIDENT,
            'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"',
            'xmlns:xs="http://www.w3.org/2001/XMLSchema"',
        ),
    ),
    "soap-array": (
        schema(
            '<xs:complexType name="Names"><xs:complexContent>'
            '<xs:restriction base="e:Array" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/"/>'
            "</xs:complexContent></xs:complexType>"
        ),
        child('<xs:element name="names" type="Names"/>'),
    ),
    "substitution-group": (
        schema('<xs:element name="Head" type="xs:string"/><xs:element name="Other" substitutionGroup="Head"/>'),
        child('<xs:element ref="Head"/>'),
    ),
    "abstract-element": (
        schema('<xs:element name="Head" abstract="true"/><xs:element name="Other" substitutionGroup="Head"/>'),
        child('<xs:element ref="Head"/>'),
    ),
    "abstract-type": (
        schema(BASE.replace("<xs:complexType", '<xs:complexType abstract="true"'), SUB),
        child('<xs:element name="base" type="Base"/>'),
    ),
    "derived-types": (schema(BASE, SUB), child('<xs:element name="base" type="Base"/>')),
    "mixed-content": (
        Edit(RESIDENT, '<xs:complexType name="Address">', '<xs:complexType name="Address" mixed="true">'),
    ),
    "wildcard": (child('<xs:any processContents="lax"/>'),),
    "any-attribute": (
        Edit(RESIDENT, '<xs:attribute name="country" type="Country" default="AT"/>', "<xs:anyAttribute/>"),
    ),
    "any-type": (child('<xs:element name="what"/>'),),
    "repeated-choice": (Edit(RESIDENT, '<xs:choice minOccurs="0">', '<xs:choice minOccurs="0" maxOccurs="9">'),),
    "repeated-sequence": (
        child('<xs:sequence maxOccurs="2"><xs:element name="a"/><xs:element name="b"/></xs:sequence>'),
    ),
    "element-again": (child('<xs:element name="id" type="ResidentId"/>'),),
    "list": (
        schema('<xs:simpleType name="Ids"><xs:list itemType="ResidentId"/></xs:simpleType>'),
        child('<xs:element name="ids" type="Ids"/>'),
    ),
    "recursive": (child('<xs:element name="parent" type="Resident" minOccurs="0"/>'),),
    "mtom": (
        child(
            '<xs:element name="photo" type="xs:base64Binary" x:expectedContentTypes="image/png"'
            ' xmlns:x="http://www.w3.org/2005/05/xmlmime"/>'
        ),
    ),
    "binary": (child('<xs:element name="photo" type="xs:base64Binary"/>'),),
    "clash": (Edit(RESIDENT, '<xs:attribute name="country"', '<xs:attribute name="city"'),),
    "awkward-name": (child('<xs:element name="date-of-birth" type="xs:date"/>'),),
    "same-name": (
        Edit(
            WSDL,
            '<xs:element name="Caller" type="xs:string"/>',
            '<xs:element name="Caller" type="tns:Status"/>'
            '<xs:simpleType name="Status"><xs:restriction base="xs:int"/></xs:simpleType>',
        ),
    ),
}


def found(path: Path) -> tuple[Finding, ...]:
    contract = contract_of(path)
    return inspect(contract, build(contract.bundle))


def test_the_registry_has_what_it_has_and_no_more() -> None:
    told = found(OWN / "registry.wsdl")

    assert {each.code: f"{each.place} {each.about}" for each in told} == ALWAYS
    assert len(told) == len(ALWAYS)


def test_every_kind_of_finding_has_its_case() -> None:
    assert {*CASES, *ALWAYS} == {*KINDS}


@pytest.mark.parametrize("code", sorted(CASES))
def test_what_hurts_is_told_with_its_place(tmp_path: Path, code: str) -> None:
    told = [each for each in found(edited(tmp_path, *CASES[code])) if each.code == code]

    assert len(told) == 1
    assert told[0].severity == KINDS[code][0]
    assert told[0].place.line > 0
    assert "{" not in told[0].text


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (
            Edit(RESIDENT, NAME, '<xs:element ref="nmae"/>'),
            "ref='nmae' leads nowhere: the namespace urn:banyan:registry:types has no element nmae",
        ),
        (
            Edit(RESIDENT, NAME, '<xs:group ref="Nmae"/>'),
            "ref='Nmae' leads nowhere: the namespace urn:banyan:registry:types has no group Nmae",
        ),
        (Edit(RESIDENT, NAME, '<xs:element name="name" type="xs:strng"/>'), "type='xs:strng' leads nowhere"),
        (Edit(RESIDENT, NAME, '<xs:element name="name" type="y:string"/>'), "the prefix y is not declared"),
        (
            Edit(CODES, '<xs:union memberTypes="xs:positiveInteger">', '<xs:union memberTypes="Number">'),
            "memberTypes='Number' leads nowhere",
        ),
        (Edit(WSDL, 'type="t:Limit"', 'type="t:Limt"'), "has no type Limt"),
        (
            Edit(WSDL, 'name="fault" element="tns:UnknownResident"', 'name="fault" element="tns:Unknown"'),
            "part fault of Move leads nowhere",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_broken(tmp_path: Path, edit: Edit, text: str) -> None:
    """The package xmlschema takes anything in its place, and says nothing."""
    [told] = [each for each in found(edited(tmp_path, edit)) if each.severity == "broken"]

    assert told.code == "unresolved-reference"
    assert text in told.text
    assert told.place.line > 0


def test_an_included_schema_without_a_namespace_has_that_of_the_one_that_includes_it(tmp_path: Path) -> None:
    told = found(edited(tmp_path, Edit(RESIDENT, '<xs:include schemaLocation="codes.xsd"/>', "")))

    assert {each.about for each in told if each.code == "unresolved-reference"} == {
        "Amount",
        "Country",
        "Postcode",
        "Status",
    }


def test_what_no_operation_reaches_does_not_hurt(tmp_path: Path) -> None:
    told = found(edited(tmp_path, schema('<xs:complexType name="Never" mixed="true"><xs:sequence/></xs:complexType>')))

    assert {each.code for each in told} == {*ALWAYS}


def test_a_type_that_holds_itself_by_others_is_recursive(tmp_path: Path) -> None:
    who = '<xs:sequence><xs:element name="who" type="Resident"/></xs:sequence>'
    house = f'<xs:complexType name="House">{who}</xs:complexType>'
    told = found(edited(tmp_path, schema(house), child('<xs:element name="house" type="House"/>')))

    assert {each.about: each.text.partition(":")[0] for each in told if each.code == "recursive"} == {
        "House": "It can hold itself (who)",
        "Resident": "It can hold itself (house)",
    }


def test_what_the_wsdl_itself_has_wrong_is_among_it(tmp_path: Path) -> None:
    bound = '<wsdl:operation name="Touch">\n      <soap:operation soapAction=""/>'
    twice = '<wsdl:operation name="List"><soap:operation soapAction=""/><wsdl:input/></wsdl:operation>'
    header = 'message="tns:MoveRequest" part="caller"'

    told = found(edited(tmp_path, Edit(WSDL, bound, twice + bound), Edit(WSDL, header, header.replace("caller", "x"))))

    assert {each.code: each.severity for each in told if each.code in {"overloaded", "missing-header"}} == {
        "overloaded": "hurts",
        "missing-header": "broken",
    }


def test_of_one_operation_only_what_it_has_is_told() -> None:
    contract = contract_of(OWN / WSDL)

    told = inspect(contract, build(contract.bundle), operation="Touch")

    assert {each.code for each in told} == {
        "address-local",
        "empty-action",
        "one-way",
        "several-ports",
        "unoffered-binding",
    }


def test_the_worst_comes_first(tmp_path: Path) -> None:
    told = found(edited(tmp_path, *CASES["unresolved-reference"]))

    assert [each.severity for each in told] == sorted(
        (each.severity for each in told), key=["broken", "hurts", "note"].index
    )
