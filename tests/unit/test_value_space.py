"""The judge of the corpus is itself right: pairs of texts from XML Schema part 2, equal and not."""

import pytest
from xmlschema.validators import XsdSimpleType

from tests.value_space import Scope, value
from tests.wsdls import schemas_of

XS = "{http://www.w3.org/2001/XMLSchema}"
SCHEMAS = schemas_of("")
SCOPE: Scope = {"p": "urn:p", "q": "urn:p", "r": "urn:r"}

SAME = [
    ("decimal", "+01.50", "1.5"),
    ("decimal", "-0", "0"),
    ("int", " 007\n", "7"),
    ("float", "16777217", "1.6777216E7"),
    ("double", "INF", " INF "),
    ("boolean", "1", "true"),
    ("dateTime", "2020-01-01T24:00:00Z", "2020-01-02T00:00:00.000Z"),
    ("dateTime", "2020-01-01T00:30:00+01:00", "2019-12-31T23:30:00Z"),
    ("dateTime", "2020-03-01T00:00:00+14:00", "2020-02-29T10:00:00Z"),
    ("date", "2020-01-01+00:00", "2020-01-01Z"),
    ("gMonthDay", "--02-29Z", "--02-29-00:00"),
    ("duration", "P1Y", "P12M"),
    ("duration", "P1DT60S", "PT24H1M"),
    ("hexBinary", "0aFf", "0AfF"),
    ("base64Binary", "QUJD\nRA==", "QUJDRA=="),
    ("QName", "p:a", "q:a"),
    ("token", " a  b", "a b"),
    ("normalizedString", "a\tb", "a b"),
    ("NMTOKENS", "a b", " a  b "),
]
OTHER = [
    ("decimal", "1.0000000000000000000000000000001", "1.0000000000000000000000000000002"),
    ("integer", "9007199254740993", "9007199254740992"),
    ("double", "16777217", "16777216"),
    ("boolean", "1", "0"),
    ("dateTime", "2020-01-01T00:00:00.1234567Z", "2020-01-01T00:00:00.1234568Z"),
    ("dateTime", "2020-01-01T00:00:00", "2020-01-01T00:00:00Z"),
    ("dateTime", "-0044-03-15T00:00:00Z", "0044-03-15T00:00:00Z"),
    ("time", "10:00:00Z", "10:00:00+01:00"),
    ("duration", "P1M", "P30D"),
    ("duration", "PT1S", "-PT1S"),
    ("base64Binary", "QUJD", "QUJE"),
    ("QName", "p:a", "r:a"),
    ("string", "a ", "a"),
    ("normalizedString", "a  b", "a b"),
    ("NMTOKENS", "a b", "b a"),
    ("int", "x", "1"),
]


def built_in(name: str) -> XsdSimpleType:
    kind = SCHEMAS.type(XS + name)
    assert isinstance(kind, XsdSimpleType)
    return kind


@pytest.mark.parametrize(("name", "left", "right"), SAME)
def test_two_texts_of_one_value_are_equal(name: str, left: str, right: str) -> None:
    assert value(built_in(name), left, SCOPE) == value(built_in(name), right, SCOPE)


@pytest.mark.parametrize(("name", "left", "right"), OTHER)
def test_two_values_are_not(name: str, left: str, right: str) -> None:
    assert value(built_in(name), left, SCOPE) != value(built_in(name), right, SCOPE)
