"""Texts for simple types: every pattern and facet, always what the type takes, or an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xmlschema import XMLSchema10
from xmlschema.validators import XsdSimpleType

from contracts.errors import ContractError
from contracts.legacy.soap.pattern import parse
from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.sample.text import write


def restricted(base: str, facets: str) -> XsdSimpleType:
    schema = XMLSchema10(
        f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="T">
        <xs:restriction base="xs:{base}">{facets}</xs:restriction></xs:simpleType></xs:schema>"""
    )
    kind = schema.types["T"]
    assert isinstance(kind, XsdSimpleType)
    return kind


def patterned(pattern: str, base: str = "string", more: str = "") -> XsdSimpleType:
    return restricted(base, f'<xs:pattern value="{pattern}"/>{more}')


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}",
        r"\d+\.\d{2}",
        r"[a-zA-Z0-9_\.\+\-]+@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*",
        r"[\i-[:]][\c-[:]]*",
        "[a-z-[aeiou]]{5}",
        "[^a-z]{3}",
        r"\p{Lu}\p{Ll}+",
        r"\P{L}{2}",
        r"\p{IsGreek}{3}",
        r"[\p{L}\d]{4}",
        r"\s?\S\w\W\D",
        "(ab|cd|)x{0}y?",
        "((a|b){2}c)*d",
        ".{4,72}",
        "a^b$",
        "[+-]?[0-9]{0,3}",
        r"[\-a]b",
        r"\(\)\[\]\{\}\|\\\?\*\+\.\n",
        "[0-9]{1,2}\\.[0-9]{1,2}(-25[0-5]|-2[0-4][0-9]|-[0-1]?[0-9]?[0-9]){0,1}",
        "(true|false)",
        "([0-9]{3}-){2,}[A-F]",
    ],
)
def test_a_pattern_of_xml_schema_is_met(pattern: str) -> None:
    kind = patterned(pattern)

    for seed in range(20):
        assert kind.text_is_valid(write(kind, "value", Draw.of(seed)).text)


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a{x}", "a{1", r"\p", "a|(b", "(" * 60 + ")" * 60])
def test_a_pattern_that_is_none_is_an_error_with_the_place(pattern: str) -> None:
    with pytest.raises(ContractError, match=r"expected .* at character \d+"):
        parse(pattern)


def test_patterns_of_several_levels_all_hold() -> None:
    schema = XMLSchema10(
        """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
        <xs:simpleType name="A">
          <xs:restriction base="xs:token"><xs:pattern value="[a-f0-9]+"/></xs:restriction>
        </xs:simpleType>
        <xs:simpleType name="T">
          <xs:restriction base="A"><xs:pattern value="[d-z]{2}\\d"/></xs:restriction>
        </xs:simpleType>
        </xs:schema>"""
    )
    kind = schema.types["T"]
    assert isinstance(kind, XsdSimpleType)

    assert {kind.text_is_valid(write(kind, "value", Draw.of(seed)).text) for seed in range(30)} == {True}


@pytest.mark.parametrize(
    ("base", "facets"),
    [
        ("decimal", '<xs:minExclusive value="0"/><xs:maxExclusive value="0.001"/>'),
        ("decimal", '<xs:minInclusive value="-1e0"/>'.replace("-1e0", "-0.5") + '<xs:maxInclusive value="-0.25"/>'),
        ("decimal", '<xs:totalDigits value="2"/><xs:fractionDigits value="2"/><xs:maxExclusive value="1"/>'),
        ("integer", '<xs:minInclusive value="123456789012345678901234567890"/>'),
        ("int", '<xs:maxInclusive value="-2147483648"/>'),
        ("unsignedByte", '<xs:minExclusive value="254"/>'),
        ("double", '<xs:minInclusive value="1e3"/><xs:maxInclusive value="1001"/>'),
        ("float", '<xs:maxExclusive value="-2"/>'),
        ("date", '<xs:minInclusive value="1815-12-10"/><xs:maxInclusive value="1815-12-10"/>'),
        ("dateTime", '<xs:minExclusive value="2050-01-01T00:00:00Z"/>'),
        ("dateTime", '<xs:pattern value=".*Z"/>'),
        ("date", '<xs:pattern value="[0-9]{4}-[0-9]{2}-[0-9]{2}"/>'),
        ("time", '<xs:maxExclusive value="06:00:00"/>'),
        ("gYear", '<xs:minExclusive value="2100"/>'),
        ("gYear", '<xs:pattern value="19[0-9][0-9]"/>'),
        ("duration", '<xs:minInclusive value="P400D"/>'),
        ("string", '<xs:length value="0"/>'),
        ("string", '<xs:length value="1"/>'),
        ("string", '<xs:minLength value="500"/>'),
        ("string", '<xs:whiteSpace value="collapse"/><xs:minLength value="30"/><xs:maxLength value="31"/>'),
        ("NCName", '<xs:maxLength value="3"/>'),
        ("language", '<xs:pattern value="[a-z]{2}-[A-Z]{2}"/>'),
        ("anyURI", '<xs:pattern value="urn:oid:[0-9.]+"/>'),
        ("base64Binary", '<xs:length value="33"/>'),
        ("hexBinary", '<xs:minLength value="3"/><xs:maxLength value="3"/>'),
        ("boolean", '<xs:pattern value="[01]"/>'),
        ("NMTOKENS", '<xs:length value="7"/>'),
        ("string", '<xs:enumeration value="only this"/>'),
        ("ID", '<xs:maxLength value="4"/>'),
    ],
)
def test_facets_are_met(base: str, facets: str) -> None:
    kind = restricted(base, facets)

    for seed in range(20):
        assert kind.text_is_valid(write(kind, "value", Draw.of(seed)).text)


@pytest.mark.parametrize(
    ("base", "facets"),
    [
        ("string", '<xs:pattern value="a{5}"/><xs:length value="4"/>'),
        ("int", '<xs:pattern value="x"/>'),
        ("date", '<xs:pattern value="2024-02-30"/>'),
    ],
)
def test_what_nothing_meets_is_an_error_and_no_wrong_value(base: str, facets: str) -> None:
    with pytest.raises(
        ContractError, match=r"value \(T\): expected a text that its pattern .* found none in 1500 tries"
    ):
        write(restricted(base, facets), "value", Draw.of(1))


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**4), st.integers(0, 3))
def test_a_number_is_within_any_bounds(low: int, width: int, seed: int) -> None:
    kind = restricted("decimal", f'<xs:minInclusive value="{low}"/><xs:maxInclusive value="{low + width}"/>')

    assert low <= float(write(kind, "amount", Draw.of(seed)).text) <= low + width


def test_texts_fit_their_names() -> None:
    kind = restricted("string", "")

    assert "@" in write(kind, "emailAddress", Draw.of(1)).text
    assert write(kind, "phone", Draw.of(1)).text.startswith("+43 1 ")
