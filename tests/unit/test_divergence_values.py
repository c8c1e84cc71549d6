"""Values are compared by their type: what means the same is no difference, what means another thing is one."""

import pytest

from tests.replies import answer, comparer_of, told, typed

EQUAL = [
    ("xs:integer", "+1", "01"),
    ("xs:nonNegativeInteger", "-0", "0"),
    ("xs:decimal", "1.0", "+001.00"),
    ("xs:decimal", "-0", "0.0"),
    ("xs:decimal", ".5", "0.50"),
    ("xs:decimal", "123456789012345678901234567890.10", "123456789012345678901234567890.1"),
    ("xs:int", "007", " 7\n"),
    ("xs:boolean", "1", "true"),
    ("xs:boolean", "0", " false "),
    ("xs:double", "1e2", "100.0"),
    ("xs:double", "INF", "1e999"),
    ("xs:double", "NaN", " NaN"),
    ("xs:float", "1.1", "1.10000002384"),
    ("xs:dateTime", "2020-01-01T12:00:00Z", "2020-01-01T13:00:00.000+01:00"),
    ("xs:dateTime", "2019-12-31T24:00:00", "2020-01-01T00:00:00"),
    ("xs:dateTime", "2020-02-29T23:59:59.1234567Z", "2020-03-01T00:59:59.12345670+01:00"),
    ("xs:dateTime", "-0044-03-15T00:00:00Z", "-0044-03-15T01:00:00+01:00"),
    ("xs:dateTime", "12020-01-01T00:00:00Z", "12019-12-31T23:00:00-01:00"),
    ("xs:date", "2020-01-01Z", "2020-01-01+00:00"),
    ("xs:time", "00:30:00+01:00", "23:30:00Z"),
    ("xs:time", "24:00:00", "00:00:00"),
    ("xs:gYear", "2020Z", "2020-00:00"),
    ("xs:gMonth", "--12", "--12--"),
    ("xs:duration", "P1Y", "P12M"),
    ("xs:duration", "P1D", "PT24H"),
    ("xs:duration", "-PT0S", "PT0.0S"),
    ("xs:base64Binary", "QUJD REVG", "QUJDREVG\n"),
    ("xs:hexBinary", "0aFF", "0AfF"),
    ("xs:QName", "m:a", "a"),
    ("xs:token", " a  b ", "a b"),
    ("xs:normalizedString", "a\tb", "a b"),
    ("xs:anyURI", " urn:a ", "urn:a"),
    ("xs:NMTOKENS", "a  b", "a b"),
]
DIFFERENT = [
    ("xs:integer", "1", "1.0"),  # no integer has a point
    ("xs:int", "1", "1."),
    ("xs:unsignedByte", "0", "0.0"),
    ("xs:anySimpleType", "a", "a "),
    ("xs:anySimpleType", "", " "),
    ("xs:decimal", "1.0", "1.01"),
    ("xs:decimal", "1", "1e0"),  # no decimal has an exponent
    ("xs:decimal", "1", "-1"),
    ("xs:decimal", "12345678901234567890.1", "12345678901234567890.2"),
    ("xs:double", "0.1", "0.10000000000000002"),
    ("xs:dateTime", "2020-01-01T12:00:00Z", "2020-01-01T12:00:00"),
    ("xs:dateTime", "2020-01-01T12:00:00.1234567Z", "2020-01-01T12:00:00.123456Z"),
    ("xs:date", "2020-01-01", "2020-01-01Z"),
    ("xs:date", "2020-01-01+01:00", "2020-01-01Z"),
    ("xs:date", "2020-02-30", "2020-03-01"),
    ("xs:duration", "P1M", "P30D"),
    ("xs:duration", "PT1S", "-PT1S"),
    ("xs:string", "a", "a "),
    ("xs:string", "", " "),
    ("xs:string", "A", "a"),
    ("xs:token", "a\u00a0b", "a b"),  # no blank for XML
    ("xs:base64Binary", "QUJD", "qUJD"),
    ("xs:QName", "m:a", "xs:a"),
    ("xs:NMTOKENS", "a b", "b a"),
    ("xs:int", "1", "many"),
    ("xs:int", "\u0661", "1"),  # an Arabic digit is none of XML Schema
]


@pytest.mark.parametrize(("kind", "left", "right"), EQUAL)
def test_the_same_value_written_in_another_way_is_no_difference(kind: str, left: str, right: str) -> None:
    compared = comparer_of(typed(kind))

    assert told(compared.compare(answer(left), answer(right))) == []
    assert told(compared.compare(answer(right), answer(left))) == []


@pytest.mark.parametrize(("kind", "left", "right"), DIFFERENT)
def test_another_value_is_a_difference(kind: str, left: str, right: str) -> None:
    compared = comparer_of(typed(kind))

    assert told(compared.compare(answer(left), answer(right))) == [("value", "/Answer")]
    assert told(compared.compare(answer(right), answer(left))) == [("value", "/Answer")]


def test_a_prefix_that_means_another_namespace_is_another_name() -> None:
    compared = comparer_of(typed("xs:QName"))
    left, right = (answer("p:a", attributes=f'xmlns:p="urn:{name}"') for name in ("one", "two"))

    assert told(compared.compare(left, right)) == [("value", "/Answer")]


def test_a_list_is_compared_by_its_items() -> None:
    schema = '<xs:element name="Answer"><xs:simpleType><xs:list itemType="xs:decimal"/></xs:simpleType></xs:element>'

    assert told(comparer_of(schema).compare(answer("1 2.0"), answer("1.0  2"))) == []
    assert told(comparer_of(schema).compare(answer("1 2"), answer("2 1"))) == [("value", "/Answer")]


def test_a_union_is_compared_by_the_member_that_fits() -> None:
    union = '<xs:simpleType><xs:union memberTypes="xs:int xs:token"/></xs:simpleType>'
    compared = comparer_of(f'<xs:element name="Answer">{union}</xs:element>')

    assert told(compared.compare(answer("007"), answer("7"))) == []
    assert told(compared.compare(answer("007a"), answer("7a"))) == [("value", "/Answer")]


def test_values_that_are_not_of_their_type_agree_where_their_texts_do() -> None:
    compared = comparer_of(typed("xs:date"))

    assert told(compared.compare(answer("soon"), answer(" soon "))) == []
    assert told(compared.compare(answer("soon"), answer("later"))) == [("value", "/Answer")]
