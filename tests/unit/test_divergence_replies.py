"""Faults, types that replies name, what nobody declared, SOAP encoding, and replies that are none."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.legacy.soap.divergence.comparer import Comparer
from tests.replies import answer, comparer, comparer_of, envelope, fault, fault12, listed, registry, resident, told

UNKNOWN = '<r:UnknownResident xmlns:r="urn:banyan:registry"><r:id>R{}</r:id></r:UnknownResident>'
SOAP = 'xmlns:p="urn:p"'
TYPES = """<xs:element name="Answer" type="m:Base"/>
  <xs:complexType name="Base"><xs:sequence><xs:element name="a" type="xs:decimal"/></xs:sequence></xs:complexType>
  <xs:complexType name="More"><xs:complexContent><xs:extension base="m:Base"><xs:sequence>
  <xs:element name="b" type="xs:decimal"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>"""
MIXED = """<xs:element name="Answer"><xs:complexType mixed="true"><xs:sequence>
  <xs:element name="i" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>"""
ENCODED: Any = {"parts": '<wsdl:part name="out" type="m:Node"/>', "style": "rpc", "use": "encoded"}
NODE = """<xs:complexType name="Node"><xs:sequence><xs:element name="name" type="xs:string" form="unqualified"/>
  <xs:element name="next" type="m:Node" minOccurs="0" form="unqualified"/></xs:sequence></xs:complexType>"""
INTS = """<xs:complexType name="Ints"><xs:sequence><xs:element name="item" type="xs:int" minOccurs="0"
  maxOccurs="unbounded"/></xs:sequence></xs:complexType>"""
ENC = 'xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def test_a_fault_beside_an_answer_is_a_difference_of_its_own() -> None:
    found = comparer().compare(listed(resident()), fault("s:Server", "no database"))

    assert told(found) == [("fault", "/")]
    assert (found.left, found.right, found.differences[0].right) == ("answer", "fault", "fault Server")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (fault("s:Server"), fault12("s:Receiver")),
        (fault("s:Client"), fault12("s:Sender")),
        (fault("Client"), fault("s:Client")),
        (fault("s:Client.Authentication"), fault("s:Client.Authentication")),
        (fault("p:Late", namespaces=SOAP), fault("q:Late", namespaces='xmlns:q="urn:p"')),
        (fault12("s:Sender p:Late", namespaces=SOAP), fault12("s:Sender q:Late", namespaces='xmlns:q="urn:p"')),
        (fault("s:Client", "no", UNKNOWN.format(1)), fault12("s:Sender", "no", UNKNOWN.format(1))),
    ],
)
def test_faults_of_the_same_code_agree_in_both_versions_of_soap(left: bytes, right: bytes) -> None:
    assert told(comparer("Move").compare(left, right)) == []


@pytest.mark.parametrize(
    ("left", "right", "told_as"),
    [
        (fault("s:Server"), fault("s:Client"), ("fault", "/Fault/code")),
        (fault("p:Late", namespaces=SOAP), fault("p:Late", namespaces='xmlns:p="urn:q"'), ("fault", "/Fault/code")),
        (fault("s:Server", "one"), fault("s:Server", "two"), ("value", "/Fault/text")),
        (fault("s:Server", "", UNKNOWN.format(1)), fault("s:Server"), ("missing", "/Fault/detail")),
        (
            fault("s:Server", "", UNKNOWN.format(1)),
            fault("s:Server", "", UNKNOWN.format(2)),
            ("value", "/Fault/detail/UnknownResident[1]/id"),
        ),
    ],
)
def test_faults_that_differ_say_in_what(left: bytes, right: bytes, told_as: tuple[str, str]) -> None:
    assert told(comparer("Move").compare(left, right)) == [told_as]


def test_the_text_of_a_fault_may_differ_by_rule() -> None:
    left, right = fault("s:Server", "one"), fault("s:Server", "two")

    assert told(comparer("Move", ignore_fault_text=True).compare(left, right)) == []
    assert told(comparer("Move", ignore=["/Fault/text"]).compare(left, right)) == []


def test_another_type_is_a_difference_and_its_elements_are_compared() -> None:
    compared = comparer_of(TYPES)
    more = 'xsi:type="m:More"'

    assert told(compared.compare(answer("<a>1</a>"), answer("<a>1</a>", attributes='xsi:type="m:Base"'))) == []
    assert told(compared.compare(answer("<a>1</a>"), answer("<a>1</a>", attributes=more))) == [("type", "/Answer")]
    left, right = (answer(f"<a>1</a><b>{b}</b>", attributes=more) for b in ("2.0", "2"))
    assert told(compared.compare(left, right)) == []
    other = answer("<a>1</a><b>3</b>", attributes='xmlns:z="urn:made" xsi:type="z:More"')
    assert told(compared.compare(left, other)) == [("value", "/Answer/b")]


def test_text_beside_elements_counts_where_it_is_content() -> None:
    mixed = comparer_of(MIXED)

    assert told(mixed.compare(answer("a <i>b</i> c"), answer("a <i>b</i> d"))) == [("value", "/Answer")]
    assert told(mixed.compare(answer("a <i>b</i>"), answer("a<i>b</i>"))) == [("value", "/Answer")]
    assert told(comparer_of(TYPES).compare(answer("<a>1</a>"), answer("\n <a>1</a>x"))) == [("value", "/Answer")]


def test_the_same_name_in_another_namespace_is_told_as_such() -> None:
    right = resident().replace("<t:name>", "<r:name>").replace("</t:name>", "</r:name>")

    found = comparer().compare(listed(resident()), listed(right))

    assert told(found) == [("namespace", "/ListResponse/resident[1]/name")]


def test_what_nobody_declared_is_compared_as_it_stands() -> None:
    left, right = (listed(resident(more=f"<x><y a='{a}'>1</y></x>")) for a in "ab")

    assert told(comparer().compare(left, right)) == [("value", "/ListResponse/resident[1]/x/y/@a")]
    assert told(comparer().compare(left, listed(resident()))) == [("missing", "/ListResponse/resident[1]/x")]


def encoded(first: str, *others: str, wrapper: str = "GetResponse") -> bytes:
    said = f'xmlns:m="urn:made" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {ENC}'
    return envelope(f"<m:{wrapper} {said}>{first}</m:{wrapper}>{''.join(others)}")


def test_references_of_soap_encoding_are_followed() -> None:
    compared = comparer_of(NODE, **ENCODED)
    inline = encoded("<out><name>a</name><next><name>b</name></next></out>", wrapper="getReturn")
    shared = encoded(
        '<out href="#id0"/>',
        '<multiRef id="id0"><name>a</name><next href="#id1"/></multiRef>',
        '<multiRef id="id1"><name>b</name></multiRef>',
    )

    assert told(compared.compare(inline, shared)) == []
    assert told(compared.compare(inline, shared.replace(b">b<", b">c<"))) == [("value", "/GetResponse/out/next/name")]


def test_an_array_of_soap_encoding_is_compared_by_its_items() -> None:
    given: Any = {**ENCODED, "parts": '<wsdl:part name="out" type="m:Ints"/>'}
    compared = comparer_of(INTS, **given)
    left = encoded('<out xsi:type="enc:Array" enc:arrayType="xs:int[2]"><item>01</item><item>2</item></out>')
    right = encoded(
        '<out xsi:type="m:Ints" enc:arrayType="xs:int[2]"><x href="#q"/><y xsi:type="enc:int">2</y></out>',
        '<multiRef id="q">1</multiRef>',
    )

    assert told(compared.compare(left, right)) == []
    assert told(compared.compare(left, right.replace(b">2<", b">3<"))) == [("value", "/GetResponse/out/item[2]")]


def test_a_type_that_is_called_array_is_none_of_soap_encoding() -> None:
    schema = """<xs:element name="Answer" type="m:array"/><xs:complexType name="array"><xs:choice>
      <xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:int"/></xs:choice></xs:complexType>"""

    found = comparer_of(schema).compare(answer("<a>1</a>"), answer("<b>1</b>"))

    assert sorted(told(found)) == [("added", "/Answer/b"), ("missing", "/Answer/a")]


def test_a_circle_of_references_ends() -> None:
    compared = comparer_of(NODE, **ENCODED)
    left, right = (
        encoded('<out href="#a"/>', f'<multiRef id="a"><name>{name}</name><next href="#a"/></multiRef>')
        for name in ("x", "y")
    )

    assert told(compared.compare(left, right)) == [("value", "/GetResponse/out/name")]
    assert compared.compare(left, left.replace(b"<name>", b"<name >")).is_equal


def test_references_that_stand_for_very_many_elements_can_not_be_read() -> None:
    pairs = "<xs:complexType name='Node'><xs:sequence><xs:any maxOccurs='unbounded'/></xs:sequence></xs:complexType>"
    levels = [f'<multiRef id="n{n}"><x href="#n{n + 1}"/><y href="#n{n + 1}"/></multiRef>' for n in range(40)]
    left = encoded('<out href="#n0"/>', *levels, '<multiRef id="n40">1</multiRef>')

    found = comparer_of(pairs, **ENCODED).compare(left, left.replace(b">1<", b">2<"))

    assert told(found) == [("unreadable", "/")]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "expected a SOAP envelope, found nothing"),
        (b"  \n", "expected a SOAP envelope, found nothing"),
        (b"<html><body>Wartung</body></html>", "expected a SOAP envelope, found HTML"),
        (b"<!DOCTYPE html><html/>", "expected a SOAP envelope, found HTML"),
        (listed() + b"<a/>", "expected well-formed XML: Extra content at the end of the document, line 1, column 277"),
        (b"Service Unavailable", "expected a SOAP envelope, found no XML"),
        (b'{"a": 1}', "expected a SOAP envelope, found no XML"),
        (b"<a/>", "expected a SOAP envelope, found another element"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "expected no DTD, found one"),
        (b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>', "expected a SOAP Body, found none"),
    ],
)
def test_what_is_no_reply_is_told_and_never_agrees(reply: bytes, reason: str) -> None:
    found = comparer().compare(reply, listed())

    assert told(found) == [("unreadable", "/")]
    assert (found.differences[0].left, found.differences[0].right) == (reason, "an answer")
    assert not comparer().compare(reply, reply).is_equal


@pytest.mark.parametrize(
    "body",
    [
        "<a>" * 200 + "</a>" * 200,
        "<a>" * 5000 + "</a>" * 5000,
        "<a/>" * 600_000,
        f"<a b='{'x' * 11_000_000}'/>",
        "<a><b/></c>",
        "<a>&#0;</a>",
    ],
)
def test_a_reply_beyond_the_limits_raises_nothing(body: str) -> None:
    found = comparer().compare(envelope(body), listed())

    assert not found.is_equal


def test_the_limits_can_be_set() -> None:
    contract, schemas = registry()
    small = Comparer(contract, "List", schemas, most_bytes=100, most_elements=5)

    assert told(small.compare(listed(resident()), listed(resident()))) == [("unreadable", "/")]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"<s:Envelope", b"<?xml version='1.0' encoding='"]))
def test_no_bytes_raise(data: bytes, head: bytes) -> None:
    assert not comparer().compare(head + data, listed()).is_equal


def test_a_call_without_an_answer_agrees_where_both_are_empty() -> None:
    assert comparer("Touch").compare(b"", b"").is_equal
    assert told(comparer("Touch").compare(b"", fault("s:Server"))) == [("unreadable", "/")]


@pytest.mark.parametrize("name", ["www.example.com/x", "my-namespace", "a b", "%", "http://[", ""])
def test_namespaces_that_have_no_canonical_form_are_compared_by_type(name: str) -> None:
    left = listed(resident(more=f'<t:phone xmlns:q="{name or "q"}" xmlns="{name}">1</t:phone>'))

    assert told(comparer().compare(left, left.replace(b">1.50<", b">1.5<").replace(b"<s:Body>", b"<s:Body >"))) == []
    found = comparer().compare(left, left.replace(b">1<", b">2<"))
    assert told(found) == [("value", "/ListResponse/resident[1]/phone")]
