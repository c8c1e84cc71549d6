"""What stands where nothing should is no layout: beside nil, among elements, in a fault, beside the answer."""

from typing import Any

import pytest

from tests.replies import (
    SOAP12,
    answer,
    comparer,
    comparer_of,
    envelope,
    fault,
    fault12,
    listed,
    resident,
    told,
)

ANY = """<xs:element name="Answer"><xs:complexType><xs:sequence>
  <xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>"""
ALL = """<xs:element name="Answer"><xs:complexType><xs:all><xs:element name="a" type="xs:int"/>
  <xs:element name="b" type="xs:int"/></xs:all></xs:complexType></xs:element>"""
NILS = """<xs:element name="Answer"><xs:complexType><xs:sequence><xs:element name="exact" type="xs:dateTime"
  nillable="true" maxOccurs="3"/></xs:sequence></xs:complexType></xs:element>"""
ENCODED: Any = {"parts": '<wsdl:part name="out" type="xs:string"/>', "style": "rpc", "use": "encoded"}
DETAIL = '<r:UnknownResident xmlns:r="urn:banyan:registry"><r:id>R1</r:id></r:UnknownResident>'


@pytest.mark.parametrize("content", ["2020-01-01T00:00:00", "x", "<b/>"])
def test_what_stands_beside_nil_is_told(content: str) -> None:
    compared = comparer_of(NILS)
    nil = '<exact xsi:nil="true"/>'
    full = f'<exact xsi:nil="true">{content}</exact>'

    assert {path for _, path in told(compared.compare(answer(full), answer(nil)))} <= {
        "/Answer/exact[1]",
        "/Answer/exact[1]/b",
    }
    for left, right in ((full, nil), (nil, full), (nil + full, full + nil)):
        assert not compared.compare(answer(left), answer(right)).is_equal
    assert compared.compare(answer(nil), answer('<exact xsi:nil="1">\n</exact>')).is_equal


def test_text_that_moved_among_elements_is_told() -> None:
    compared = comparer_of(ANY)
    first, last = '<x a="1"><y/>b<z/></x>', '<x a="1">b<y/><z/></x>'

    assert told(compared.compare(answer(first), answer(last))) == [("value", "/Answer/x")]
    assert told(compared.compare(answer(first), answer('<x a="1">\n<y/> b <z/></x>'))) == []
    assert told(comparer_of(ALL).compare(answer("x<a>1</a><b>2</b>"), answer("<b>2</b>x<a>1</a>"))) == []


def in_fault(more: str, *, where: str, reply: bytes) -> bytes:
    """Return a fault with something more in front of an end tag or a start tag."""
    assert where.encode() in reply
    return reply.replace(where.encode(), more.encode() + where.encode(), 1)


@pytest.mark.parametrize(
    ("more", "where", "told_as"),
    [
        ("x", "<faultcode>", ("value", "/Fault")),
        ("x", "<faultstring>", ("value", "/Fault")),
        ("x", "<detail>", ("value", "/Fault")),
        ("x", "</s:Fault>", ("value", "/Fault")),
        ("<x/>", "</s:Fault>", ("added", "/Fault/x")),
        ("<x/>", "</faultcode>", ("added", "/Fault/x")),
        ("<faultactor>a</faultactor>", "<detail>", ("added", "/Fault/actor")),
        ("<faultcode>s:Server</faultcode>", "<detail>", ("added", "/Fault/faultcode")),
        ("<faultstring>no</faultstring>", "</s:Fault>", ("added", "/Fault/faultstring")),
        ("<detail/>", "</s:Fault>", ("added", "/Fault/detail")),
        ("<other/>", "</s:Body>", ("added", "/other")),
        ("<s:Fault/>", "</s:Body>", ("added", "/Fault")),
        ("x", "</s:Body>", ("value", "")),
        ("x", "<s:Fault", ("value", "")),
    ],
)
def test_what_stands_in_or_beside_a_fault_is_told(more: str, where: str, told_as: tuple[str, str]) -> None:
    left = fault("s:Server", "no", DETAIL)
    right = in_fault(more, where=where, reply=left)

    assert told(comparer("Move").compare(left, right)) == [told_as]
    assert not comparer("Move").compare(right, left).is_equal


@pytest.mark.parametrize(
    ("more", "where", "told_as"),
    [
        ("<s:Node>urn:n</s:Node>", "<s:Detail>", ("added", "/Fault/node")),
        ("<s:Role>urn:r</s:Role>", "<s:Detail>", ("added", "/Fault/actor")),
        ("<s:Text xml:lang='de'>nein</s:Text>", "</s:Reason>", ("cardinality", "/Fault/text[2]")),
        ("x", "</s:Code>", ("value", "/Fault")),
        ("x", "</s:Reason>", ("value", "/Fault")),
        ("<x/>", "</s:Reason>", ("added", "/Fault/x")),
        ("<x/>", "</s:Code>", ("added", "/Fault/x")),
        ("<x/>", "</s:Value>", ("added", "/Fault/x")),
        ("<s:Subcode><s:Value>a</s:Value></s:Subcode>", "</s:Code>", ("fault", "/Fault/code")),
    ],
)
def test_a_fault_of_soap_12_has_more_parts(more: str, where: str, told_as: tuple[str, str]) -> None:
    left = fault12("s:Sender", "no", DETAIL)
    right = in_fault(more, where=where, reply=left)

    assert told(comparer("Move").compare(left, right)) == [told_as]
    assert not comparer("Move").compare(right, left).is_equal


def test_another_language_of_a_reason_is_told() -> None:
    left = fault12("s:Sender", "no")
    german, without = left.replace(b"'en'", b"'de'"), left.replace(b" xml:lang='en'", b"")

    assert told(comparer("Move").compare(left, german)) == [("value", "/Fault/text/@lang")]
    assert told(comparer("Move").compare(left, without)) == [("missing", "/Fault/text/@lang")]
    assert told(comparer("Move", ignore=["/Fault/text/@lang"]).compare(left, german)) == []
    assert told(comparer("Move", ignore_fault_text=True).compare(left, german)) == []
    assert told(comparer("Move").compare(fault("s:Client", "no"), german)) == []


def test_the_text_of_a_fault_in_one_more_language_may_differ_by_rule() -> None:
    left = fault12("s:Sender", "no")
    right = in_fault("<s:Text xml:lang='de'>nein</s:Text>", where="</s:Reason>", reply=left)

    assert told(comparer("Move", ignore_fault_text=True).compare(left, right)) == []
    assert told(comparer("Move", ignore=["/Fault/text"]).compare(left, right)) == []


def test_very_many_subcodes_are_compared_to_the_last() -> None:
    left, right = (fault12("s:Sender" + " m:a" * 20 + f" m:{last}", namespaces='xmlns:m="urn:m"') for last in "xy")

    assert told(comparer("Move").compare(left, right)) == [("fault", "/Fault/code")]


@pytest.mark.parametrize("namespace", ["http://schemas.xmlsoap.org/soap/envelope/", SOAP12])
@pytest.mark.parametrize(
    ("more", "where", "told_as"),
    [
        ("<x/>", "</s:Envelope>", ("added", "/Envelope/x")),
        ("x", "</s:Envelope>", ("value", "/Envelope")),
        ("<x/>", "<s:Body>", ("added", "/Envelope/x")),
        ("<s:Body/>", "</s:Envelope>", ("added", "/Envelope/Body")),
        ("<s:Header/>", "</s:Envelope>", ("added", "/Envelope/Header")),
    ],
)
def test_what_stands_in_the_envelope_beside_the_body_is_told(
    namespace: str, more: str, where: str, told_as: tuple[str, str]
) -> None:
    left = listed(resident(), soap=namespace, header="<a/>")
    right = in_fault(more, where=where, reply=left)

    assert told(comparer().compare(left, right)) == [told_as]
    assert not comparer().compare(right, left).is_equal


def test_what_is_in_both_envelopes_is_compared() -> None:
    left, right = (listed().replace(b"</s:Envelope>", f"<x>{x}</x></s:Envelope>".encode()) for x in "ab")
    moved = listed().replace(b"<s:Body>", b"<x>a</x><s:Body>")

    assert told(comparer().compare(left, right)) == [("value", "/Envelope/x")]
    assert told(comparer().compare(left, moved)) == [("order", "/Envelope/Body")]
    assert told(comparer().compare(left, left.replace(b"</s:Body>", b"</s:Body >"))) == []
    assert told(comparer(ignore=["/Envelope/x"]).compare(left, right)) == []
    assert told(comparer(ignore=["/Envelope/x"]).compare(left, listed())) == []


def encoded(*others: str, out: str = "<out>a</out>") -> bytes:
    """Return an answer in SOAP encoding, with others behind it."""
    return envelope(f'<m:GetResponse xmlns:m="urn:made">{out}</m:GetResponse>{"".join(others)}')


def test_what_no_reference_points_to_is_told_in_a_reply_of_soap_encoding() -> None:
    compared = comparer_of("", **ENCODED)
    target, reference = '<multiRef id="a">a</multiRef>', '<out href="#a"/>'

    assert told(compared.compare(encoded(), encoded(target, out=reference))) == []
    assert told(compared.compare(encoded(), encoded("<x/>"))) == [("added", "/x")]
    assert told(compared.compare(encoded(), encoded(target))) == [("added", "/multiRef")]
    assert told(compared.compare(encoded(), encoded(target.replace(">a<", '><x href="#a"/><')))) == [
        ("added", "/multiRef")
    ]
    assert told(compared.compare(encoded(), encoded("x"))) == [("value", "")]
    assert told(compared.compare(encoded(target, out=reference), encoded(target, target, out=reference))) == [
        ("added", "/multiRef")
    ]
    assert told(compared.compare(encoded("x"), encoded("x", target, out=reference))) == []


def test_an_element_that_is_called_like_a_part_of_a_fault_is_none() -> None:
    left = fault("s:Server", "no")

    assert told(
        comparer("Move").compare(left, fault("s:Server").replace(b"</s:Fault>", b"<text>no</text></s:Fault>"))
    ) == [("namespace", "/Fault/text")]


def test_what_stands_in_an_ignored_part_of_a_fault_is_ignored() -> None:
    left = fault12("s:Sender", "no", DETAIL)
    right = in_fault("x<x/>", where="</s:Reason>", reply=left)

    assert told(comparer("Move", ignore=["/Fault/text"]).compare(left, right)) == []
    assert told(comparer("Move", ignore=["/Fault"]).compare(left, right)) == []
