"""Known changes of the registry's contract: of what it offers, and of its elements and types."""

from typing import Final

from tests.wsdl_case import BOTH, CALLERS, FINE, NOTE, READERS, Case
from tests.wsdl_edits import CODES, RESIDENT, WSDL, Edit, child, schema
from tests.wsdl_offer_changes import OFFER

NAME = '<xs:element name="name" type="xs:string"/>'
STREET = '<xs:element name="street" type="xs:string"/>'
SINCE = '<xs:element name="changedSince" type="xs:dateTime" minOccurs="0"/>'
COUNTRY = '<xs:attribute name="country" type="Country" default="AT"/>'
CHOICE = '<xs:choice minOccurs="0">'
PHONE = '<xs:element name="phone" type="xs:string"/>'
BASE = '<xs:complexType name="Base"><xs:sequence><xs:element name="b" type="xs:int"/></xs:sequence></xs:complexType>'
MID = (
    '<xs:complexType name="Mid"><xs:complexContent><xs:extension base="Base"><xs:sequence>'
    '<xs:element name="m" type="xs:int"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>'
)
USE_BASE = child('<xs:element name="base" type="Base"/>')
HEAD = '<xs:element name="Head" type="xs:string"/>'
USE_HEAD = child('<xs:element ref="Head"/>')
ANY = '<xs:any namespace="##other" processContents="strict" minOccurs="0"/>'
PHOTO = '<xs:element name="photo" type="xs:base64Binary"/>'
XMIME = ' x:expectedContentTypes="image/png" xmlns:x="http://www.w3.org/2005/05/xmlmime"'

CASES: Final[dict[str, Case]] = {
    **OFFER,
    # Elements: a resident is in answers only, an address in both, a limit in requests only.
    "an optional element in answers": Case(
        new=(child('<xs:element name="x" type="xs:int" minOccurs="0"/>'),),
        forth=(("element-added", "Resident/x", READERS),),
        back=(("element-removed", "Resident/x", FINE),),
    ),
    "an optional element in both": Case(
        new=(Edit(RESIDENT, STREET, STREET + '<xs:element name="x" type="xs:int" minOccurs="0"/>'),),
        forth=(("element-added", "Address/x", READERS),),
        back=(("element-removed", "Address/x", CALLERS),),
    ),
    "a required element in both": Case(
        new=(Edit(RESIDENT, STREET, STREET + '<xs:element name="x" type="xs:int"/>'),),
        forth=(("element-added", "Address/x", BOTH),),
        back=(("element-removed", "Address/x", BOTH),),
    ),
    "a required element in requests": Case(
        new=(Edit(WSDL, SINCE, SINCE + '<xs:element name="x" type="xs:int"/>'),),
        forth=(("element-added", "List/x", CALLERS),),
        back=(("element-removed", "List/x", CALLERS),),
    ),
    "a renamed element": Case(
        new=(Edit(RESIDENT, STREET, '<xs:element name="road" type="xs:string"/>'),),
        forth=(("element-renamed", "Address/street", BOTH),),
    ),
    "elements without their namespace": Case(
        new=(Edit(RESIDENT, 'elementFormDefault="qualified"', ""),),
        forth=(
            ("namespace-changed", "Address", BOTH),
            ("namespace-changed", "Resident", READERS),
            ("namespace-changed", "Resident/choice", READERS),
        ),
    ),
    "a choice": Case(
        new=(child('<xs:choice minOccurs="0"><xs:element name="x"/><xs:element name="y"/></xs:choice>'),),
        forth=(("group-added", "Resident/choice(x, y)", READERS),),
        back=(("group-removed", "Resident/choice(x, y)", FINE),),
    ),
    "a branch": Case(
        new=(Edit(RESIDENT, PHONE, PHONE + '<xs:element name="fax" type="xs:int"/>'),),
        forth=(("branch-added", "Resident/choice/fax", READERS),),
        back=(("branch-removed", "Resident/choice/fax", FINE),),
    ),
    "the order": Case(
        new=(Edit(RESIDENT, NAME, ""), child(NAME)),
        forth=(("order-changed", "Resident", READERS),),
    ),
    "a choice that is a sequence": Case(
        new=(Edit(RESIDENT, CHOICE, '<xs:sequence minOccurs="0">'), Edit(RESIDENT, "</xs:choice>", "</xs:sequence>")),
        forth=(("model-changed", "Resident/sequence", READERS),),
    ),
    "occurrence": Case(
        new=(Edit(RESIDENT, 'minOccurs="0" maxOccurs="5"', 'minOccurs="0" maxOccurs="unbounded"'),),
        forth=(("occurrence-widened", "Resident/nickname", READERS),),
        back=(("occurrence-narrowed", "Resident/nickname", FINE),),
    ),
    "occurrence in both": Case(
        new=(Edit(RESIDENT, STREET, STREET.replace("/>", ' minOccurs="0"/>')),),
        forth=(("occurrence-widened", "Address/street", READERS),),
        back=(("occurrence-narrowed", "Address/street", CALLERS),),
    ),
    "occurrence both ways": Case(
        new=(Edit(RESIDENT, 'minOccurs="0" maxOccurs="5"', 'minOccurs="1" maxOccurs="6"'),),
        forth=(("occurrence-changed", "Resident/nickname", READERS),),
    ),
    "occurrence of a choice": Case(
        new=(Edit(RESIDENT, CHOICE, "<xs:choice>"),),
        forth=(("occurrence-narrowed", "Resident/choice", FINE),),
        back=(("occurrence-widened", "Resident/choice", READERS),),
    ),
    "nil": Case(
        new=(Edit(RESIDENT, STREET, STREET.replace("/>", ' nillable="true"/>')),),
        forth=(("nillable-added", "Address/street", READERS),),
        back=(("nillable-removed", "Address/street", CALLERS),),
    ),
    "a default": Case(
        new=(Edit(WSDL, 'default="100"', 'default="200"'),),
        forth=(("default-changed", "List/limit", NOTE),),
    ),
    "a fixed value": Case(
        new=(Edit(RESIDENT, STREET, STREET.replace("/>", ' fixed="x"/>')),),
        forth=(("fixed-changed", "Address/street", CALLERS),),
        back=(("fixed-changed", "Address/street", READERS),),
    ),
    "an abstract type": Case(
        old=(schema(BASE, MID), USE_BASE),
        new=(schema(BASE.replace("<xs:complexType ", '<xs:complexType abstract="true" '), MID), USE_BASE),
        forth=(("abstract-added", "Base", FINE),),
        back=(("abstract-removed", "Base", READERS),),
    ),
    "a member of a substitution group": Case(
        old=(schema(HEAD), USE_HEAD),
        new=(schema(HEAD, '<xs:element name="Other" substitutionGroup="Head"/>'), USE_HEAD),
        forth=(("substitute-added", "Head", READERS),),
        back=(("substitute-removed", "Head", FINE),),
    ),
    "an attribute": Case(
        new=(Edit(RESIDENT, COUNTRY, COUNTRY + '<xs:attribute name="x" type="xs:int"/>'),),
        forth=(("attribute-added", "Address/@x", READERS),),
        back=(("attribute-removed", "Address/@x", CALLERS),),
    ),
    "a required attribute": Case(
        new=(Edit(RESIDENT, COUNTRY, COUNTRY + '<xs:attribute name="x" use="required"/>'),),
        forth=(("attribute-added", "Address/@x", BOTH),),
        back=(("attribute-removed", "Address/@x", BOTH),),
    ),
    "an attribute that is required": Case(
        old=(Edit(RESIDENT, COUNTRY, '<xs:attribute name="country" type="Country"/>'),),
        new=(Edit(RESIDENT, COUNTRY, '<xs:attribute name="country" type="Country" use="required"/>'),),
        forth=(("attribute-required", "Address/@country", CALLERS),),
        back=(("attribute-optional", "Address/@country", READERS),),
    ),
    "a wildcard": Case(
        new=(child(ANY.replace("strict", "lax")),),
        forth=(("wildcard-added", "Resident/any", READERS),),
        back=(("wildcard-removed", "Resident/any", FINE),),
    ),
    "another wildcard": Case(
        old=(child(ANY),),
        new=(child(ANY.replace("strict", "lax")),),
        forth=(("wildcard-changed", "Resident/any", READERS),),
        back=(("wildcard-changed", "Resident/any", FINE),),
    ),
    "media types": Case(
        old=(child(PHOTO),),
        new=(child(PHOTO.replace("/>", XMIME + "/>")),),
        forth=(("media-changed", "Resident/photo", NOTE),),
    ),
    # Types.
    "a wider type": Case(
        new=(Edit(RESIDENT, '<xs:restriction base="xs:int">', '<xs:restriction base="xs:long">'),),
        forth=(("type-changed", "Limit", FINE),),
        back=(("type-changed", "Limit", CALLERS),),
    ),
    "another type": Case(
        new=(Edit(RESIDENT, NAME, '<xs:element name="name" type="Status"/>'),),
        forth=(("type-changed", "Resident/name", FINE),),
        back=(("type-changed", "Resident/name", READERS),),
    ),
    "a type with another name": Case(
        old=(schema(BASE), child('<xs:element name="b" type="Base"/>')),
        new=(schema(BASE.replace('"Base"', '"Basis"')), child('<xs:element name="b" type="Basis"/>')),
        forth=(("type-renamed", "Resident/b", NOTE),),
    ),
    "another base with the same content": Case(
        old=(schema(BASE, MID), child('<xs:element name="mid" type="Mid"/>')),
        new=(
            schema(BASE.replace('"Base"', '"Basis"'), MID.replace('"Base"', '"Basis"')),
            child('<xs:element name="mid" type="Mid"/>'),
        ),
        forth=(("base-changed", "Mid", NOTE),),
    ),
    "a derived type": Case(
        old=(schema(BASE), USE_BASE),
        new=(schema(BASE, MID), USE_BASE),
        forth=(("derived-type-added", "Base", READERS),),
        back=(("derived-type-removed", "Base", FINE),),
    ),
    "mixed content": Case(
        new=(Edit(RESIDENT, '<xs:complexType name="Address">', '<xs:complexType name="Address" mixed="true">'),),
        forth=(("mixed-added", "Address", READERS),),
        back=(("mixed-removed", "Address", CALLERS),),
    ),
    "a facet": Case(
        new=(Edit(RESIDENT, '<xs:maxInclusive value="1000"/>', '<xs:maxInclusive value="500"/>'),),
        forth=(("facet-tightened", "Limit", CALLERS),),
        back=(("facet-loosened", "Limit", FINE),),
    ),
    "a facet of answers": Case(
        new=(Edit(CODES, '<xs:totalDigits value="9"/>', '<xs:totalDigits value="11"/>'),),
        forth=(("facet-loosened", "Amount", READERS),),
        back=(("facet-tightened", "Amount", FINE),),
    ),
    "a length": Case(
        new=(Edit(CODES, '<xs:length value="2"/>', '<xs:length value="3"/>'),),
        forth=(("facet-changed", "Country", BOTH),),
    ),
    "a pattern": Case(
        new=(Edit(RESIDENT, "R[0-9]{8}", "R[0-9]{9}"),),
        forth=(("pattern-changed", "ResidentId", BOTH),),
    ),
    "values": Case(
        new=(Edit(CODES, '<xs:enumeration value="MOVED"/>', '<xs:enumeration value="GONE"/>'),),
        forth=(("values-added", "Status", READERS), ("values-removed", "Status", FINE)),
        back=(("values-added", "Status", READERS), ("values-removed", "Status", FINE)),
    ),
    "an enumeration": Case(
        new=(Edit(CODES, '<xs:length value="2"/>', '<xs:length value="2"/><xs:enumeration value="AT"/>'),),
        forth=(("enumeration-added", "Country", CALLERS),),
        back=(("enumeration-removed", "Country", READERS),),
    ),
    "a member of a union": Case(
        new=(Edit(CODES, '"xs:positiveInteger"', '"xs:positiveInteger xs:date"'),),
        forth=(("member-added", "Postcode", READERS),),
        back=(("member-removed", "Postcode", CALLERS),),
    ),
}

INDEPENDENT: Final = (
    "an address",
    "an action",
    "a part",
    "a use",
    "an optional element in answers",
    "a renamed element",
    "a branch",
    "occurrence",
    "a default",
    "an attribute",
    "a wider type",
    "a facet",
    "a facet of answers",
    "a length",
    "a pattern",
    "values",
    "mixed content",
    "a member of a union",
    "a required element in requests",
    "a service",
)
"""Cases that do not touch each other, so that any of them together are found as each alone."""
