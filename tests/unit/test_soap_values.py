"""Text of XML Schema's simple types as values: what each becomes, what is refused, and what is outside of a type."""

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.legacy.soap.message.lexical import ExactDateTime, ExactTime, ZonedDate
from contracts.legacy.soap.message.simple import FacetError, Simple, simple
from contracts.legacy.xml import parse
from tests.wsdls import schemas_of

VIENNA = timezone(timedelta(hours=2))
BUILT_IN = schemas_of("")


def built_in(name: str) -> Simple:
    kind = BUILT_IN.type(f"{{http://www.w3.org/2001/XMLSchema}}{name}")
    assert kind is not None
    return simple(kind)


def restricted(facets: str, *, base: str = "xs:string") -> Simple:
    kind = schemas_of(
        f'<xs:simpleType name="T"><xs:restriction base="{base}">{facets}</xs:restriction></xs:simpleType>'
    ).type("{urn:t}T")
    assert kind is not None
    return simple(kind)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("string", " a  b\n", " a  b\n"),
        ("normalizedString", " a\tb\n", " a b "),
        ("token", " a \t b\n", "a b"),
        ("boolean", " 1 ", True),
        ("boolean", "false", False),
        ("decimal", "+012.50", Decimal("12.50")),
        ("decimal", ".5", Decimal("0.5")),
        ("decimal", "5.", Decimal(5)),
        ("integer", "-0012345678901234567890", -12345678901234567890),
        ("unsignedByte", "255", 255),
        ("double", "1.5E3", 1500.0),
        ("float", "-INF", -math.inf),
        ("dateTime", "2020-12-31T23:59:59Z", datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("dateTime", "2020-12-31T23:59:59.25+02:00", datetime(2020, 12, 31, 23, 59, 59, 250000, tzinfo=VIENNA)),
        ("dateTime", "2020-12-31T24:00:00", datetime(2021, 1, 1)),  # noqa: DTZ001 - it has no zone
        ("dateTime", "2020-01-01T00:00:00.1000000", datetime(2020, 1, 1, microsecond=100000)),  # noqa: DTZ001
        ("date", "2020-02-29", date(2020, 2, 29)),
        ("time", "24:00:00Z", time(0, tzinfo=UTC)),
        ("time", "12:30:00.5", time(12, 30, 0, 500000)),
        ("duration", "-P1Y2M3DT4H5M6.7S", "-P1Y2M3DT4H5M6.7S"),
        ("gYear", "2020+02:00", "2020+02:00"),
        ("gMonthDay", "--12-31", "--12-31"),
        ("base64Binary", "aG k=\n", b"hi"),
        ("hexBinary", "0fB7", b"\x0f\xb7"),
        ("NMTOKENS", " a  b ", ["a", "b"]),
        ("anyURI", "urn:a", "urn:a"),
        ("anySimpleType", "a", "a"),
    ],
)
def test_text_becomes_a_value(name: str, text: str, value: object) -> None:
    found = built_in(name)(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("boolean", "True"),
        ("decimal", "1e5"),
        ("decimal", "1_000"),
        ("decimal", "NaN"),
        ("decimal", "\u0661"),
        ("decimal", ""),
        ("integer", "1.0"),
        ("integer", "1 2"),
        ("float", "nan"),
        ("double", "1,5"),
        ("dateTime", "2021-11-30"),
        ("dateTime", "2020-12-31 23:59:59"),
        ("dateTime", "20201231T235959"),
        ("dateTime", "2020-02-30T00:00:00"),
        ("dateTime", "2020-12-31T24:00:01"),
        ("dateTime", "2020-12-31T24:00:00.1"),
        ("dateTime", "0000-01-01T00:00:00"),
        ("dateTime", "9999-12-31T24:00:00"),
        ("dateTime", "2020-12-31T23:59:59+15:00"),
        ("date", "2020-1-1"),
        ("date", "12020-01-01"),
        ("date", "-0001-01-01"),
        ("time", "24:00:01"),
        ("duration", "P"),
        ("duration", "P1DT"),
        ("gYear", "77"),
        ("gMonth", "77"),
        ("base64Binary", "aGk"),
        ("hexBinary", "abc"),
    ],
)
def test_text_that_is_no_value_is_refused_without_being_shown(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"^(a|an|base64|true|nothing) ?") as raised:
        built_in(name)(text)

    assert not isinstance(raised.value, FacetError)
    assert len(text) < 2 or text not in str(raised.value)


def test_digits_and_zones_that_python_does_not_hold_are_kept() -> None:
    moment = built_in("dateTime")("2020-01-01T00:00:00.1234567Z")
    clock = built_in("time")("00:00:00.1234567+02:00")
    day = built_in("date")("2020-01-01+02:00")

    assert isinstance(moment, ExactDateTime)
    assert (moment, moment.lexical) == (datetime(2020, 1, 1, 0, 0, 0, 123456, UTC), "2020-01-01T00:00:00.1234567Z")
    assert isinstance(clock, ExactTime)
    assert (clock, clock.lexical) == (time(0, 0, 0, 123456, VIENNA), "00:00:00.1234567+02:00")
    assert isinstance(day, ZonedDate)
    assert (day, day.zone) == (date(2020, 1, 1), VIENNA)


@pytest.mark.parametrize(
    ("facets", "base", "right", "wrong", "expected"),
    [
        ('<xs:enumeration value="A"/><xs:enumeration value="B"/>', "xs:string", "B", "C", "one of A, B"),
        ('<xs:enumeration value="1.0"/>', "xs:decimal", "1", "2", "one of 1.0"),
        ('<xs:enumeration value="2020-01-01"/>', "xs:date", "2020-01-01", "2020-01-02", "one of 2020-01-01"),
        ('<xs:pattern value="[A-Z]{2}"/><xs:pattern value="\\d"/>', "xs:string", "7", "ab", "the pattern"),
        ('<xs:pattern value="\\i\\c*"/>', "xs:string", "a-1", "1a", "the pattern"),
        ('<xs:length value="2"/>', "xs:string", "ab", "abc", "exactly 2 long"),
        ('<xs:length value="2"/>', "xs:hexBinary", "0102", "01", "exactly 2 long"),
        ('<xs:minLength value="2"/>', "xs:string", "ab", "a", "at least 2 long"),
        ('<xs:maxLength value="2"/>', "xs:NMTOKENS", "a b", "a b c", "at most 2 long"),
        ('<xs:minInclusive value="5"/>', "xs:int", "5", "4", "at least 5"),
        ('<xs:maxExclusive value="5"/>', "xs:decimal", "4.99", "5.0", "less than 5"),
        ('<xs:minExclusive value="2020-01-01"/>', "xs:date", "2020-01-02", "2020-01-01", "more than 2020-01-01"),
        ('<xs:maxInclusive value="1E3"/>', "xs:double", "1000", "1000.1", "at most 1E3"),
        ('<xs:totalDigits value="3"/>', "xs:decimal", "012.50", "12.51", "at most 3 digits"),
        ('<xs:fractionDigits value="1"/>', "xs:decimal", "1.50", "1.51", "at most 1 digits behind the point"),
    ],
)
def test_what_a_type_does_not_allow_is_told_with_the_value(
    facets: str, base: str, right: str, wrong: str, expected: str
) -> None:
    read = restricted(facets, base=base)
    read(right)

    with pytest.raises(FacetError, match=expected) as raised:
        read(wrong)

    assert raised.value.value == built_in(base.removeprefix("xs:"))(wrong)


def test_facets_of_every_step_hold() -> None:
    kind = schemas_of(
        """<xs:simpleType name="A"><xs:restriction base="xs:int">
             <xs:minInclusive value="1"/></xs:restriction></xs:simpleType>
           <xs:simpleType name="B"><xs:restriction base="t:A">
             <xs:maxInclusive value="9"/></xs:restriction></xs:simpleType>"""
    ).type("{urn:t}B")
    assert kind is not None
    read = simple(kind)

    assert read(" 9 ") == 9
    for wrong in ("0", "10", "99999999999"):
        with pytest.raises(FacetError):
            read(wrong)


def test_a_union_takes_the_first_member_that_fits() -> None:
    kind = schemas_of(
        '<xs:simpleType name="U"><xs:union memberTypes="xs:int xs:date xs:boolean"/></xs:simpleType>'
        '<xs:simpleType name="L"><xs:list itemType="t:U"/></xs:simpleType>'
    )
    union, items = kind.type("{urn:t}U"), kind.type("{urn:t}L")
    assert union is not None
    assert items is not None

    assert [simple(union)(text) for text in ("1", "2020-01-01", "true")] == [1, date(2020, 1, 1), True]
    assert simple(items)(" 1 true ") == [1, True]
    with pytest.raises(ValueError, match="one of: int, date, boolean"):
        simple(union)("x")


def test_named_members_of_a_union_come_before_those_that_stand_inside() -> None:
    kind = schemas_of(
        """<xs:simpleType name="U"><xs:union memberTypes="xs:int"><xs:simpleType>
        <xs:restriction base="xs:string"><xs:enumeration value="1"/><xs:enumeration value="x"/></xs:restriction>
        </xs:simpleType></xs:union></xs:simpleType>"""
    ).type("{urn:t}U")
    assert kind is not None

    assert [simple(kind)(text) for text in ("1", "x")] == [1, "x"]


def test_values_that_were_right_are_remembered_and_wrong_ones_are_not() -> None:
    read = restricted('<xs:maxLength value="3"/>')
    read("abc")
    with pytest.raises(FacetError):
        read("abcd")

    assert read.known == {"abc": "abc"}


def test_no_more_values_are_remembered_than_a_bound() -> None:
    read = built_in("int")
    for number in range(5000):
        read(str(number))

    assert len(read.known) == 2048


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_decimal_comes_back(value: Decimal) -> None:
    assert built_in("decimal")(format(value, "f")) == value


@given(st.datetimes(timezones=st.just(UTC) | st.none()))
def test_every_moment_comes_back(value: datetime) -> None:
    assert built_in("dateTime")(value.isoformat().replace("+00:00", "Z")) == value


def test_digits_are_counted_however_many_there_are() -> None:
    read = restricted('<xs:totalDigits value="29"/><xs:fractionDigits value="28"/>', base="xs:decimal")

    assert read("9" * 29) == Decimal("9" * 29)
    for wrong in ("0." + "1" * 29, "1" * 1_000_001):
        with pytest.raises(FacetError):
            read(wrong)


@pytest.mark.parametrize(
    ("base", "facet", "right", "wrong"),
    [
        ("duration", "enumeration P1Y", ["P12M", "P1Y"], ["P365D"]),
        ("duration", "minInclusive P1Y", ["P12M", "P367D", "P365D"], ["P364D", "P11M", "PT1S"]),
        ("duration", "maxExclusive P10D", ["P9D", "PT1H", "-P1Y"], ["P10D", "PT240H", "P1Y"]),
        ("gYear", "enumeration 2020Z", ["2020+00:00"], ["2020", "2020+01:00"]),
        ("gYear", "maxInclusive 9999", ["10000"[1:], "9999"], ["10000"]),
        ("gYearMonth", "minInclusive 2020-02", ["2020-02", "10000-01"], ["2020-01"]),
        ("gMonth", "minInclusive --02", ["--02", "--12"], ["--01"]),
        ("gDay", "maxInclusive ---09", ["---09"], ["---10"]),
        ("gMonthDay", "minExclusive --02-29", ["--03-01"], ["--02-29", "--02-28"]),
        ("date", "enumeration 2020-01-01Z", ["2020-01-01+00:00"], ["2020-01-01+01:00", "2020-01-01"]),
        ("date", "minInclusive 2020-01-01Z", ["2020-01-01+00:00", "2020-01-01"], ["2020-01-01+01:00", "2019-12-30"]),
        ("dateTime", "maxInclusive 2020-01-01T00:00:00Z", ["2020-01-01T01:00:00+02:00"], ["2020-01-01T00:00:00-01:00"]),
        ("time", "maxInclusive 05:00:00Z", ["00:00:00-05:00", "24:00:00Z"], ["23:00:00-05:00"]),
        ("decimal", "enumeration 1.0", ["1", "+1.00"], ["1.01"]),
        ("double", "enumeration NaN", ["NaN"], ["0"]),
        ("base64Binary", "enumeration aGk=", ["aG k="], ["aGkh"]),
    ],
)
def test_facets_compare_values_and_not_their_texts(base: str, facet: str, right: list[str], wrong: list[str]) -> None:
    name, limit = facet.split(" ")
    kind = restricted(f'<xs:{name} value="{limit}"/>', base=f"xs:{base}")

    for text in right:
        kind(text)
    for text in wrong:
        with pytest.raises(FacetError):
            kind(text)


def test_lists_and_names_are_listed_by_their_values() -> None:
    schemas = schemas_of("""
      <xs:simpleType name="Pair"><xs:restriction><xs:simpleType><xs:list itemType="xs:decimal"/></xs:simpleType>
        <xs:enumeration value="1.0 2"/></xs:restriction></xs:simpleType>
      <xs:simpleType name="Code"><xs:restriction base="xs:QName">
        <xs:enumeration xmlns:q="urn:q" value="q:a"/></xs:restriction></xs:simpleType>
      <xs:simpleType name="Codes"><xs:list itemType="t:Code"/></xs:simpleType>
      <xs:simpleType name="Either"><xs:union memberTypes="xs:int t:Codes"/></xs:simpleType>""")
    pair, code, either = (schemas.type(f"{{urn:t}}{name}") for name in ("Pair", "Code", "Either"))
    assert pair is not None
    assert code is not None
    assert either is not None

    assert simple(pair)(" 1  2.00") == [Decimal(1), Decimal(2)]
    with pytest.raises(FacetError):
        simple(pair)("1 3")
    with pytest.raises(ValueError, match="a decimal"):
        simple(pair)("1\u00a02")
    reader = simple(code)
    for prefix, namespace in (("q", "urn:q"), ("x", "urn:q")):
        assert reader(f"{prefix}:a", parse(f'<e xmlns:{prefix}="{namespace}"/>'.encode())) == f"{prefix}:a"
    for inside in (reader, simple(either)):
        inside("q:a", parse(b'<e xmlns:q="urn:q"/>'))
        with pytest.raises(FacetError):
            inside("q:a", parse(b'<e xmlns:q="urn:other"/>'))
