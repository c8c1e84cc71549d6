"""Patterns of XML Schema: the same texts fit as in another engine, and no pattern takes its time."""

import random
import re
import time

import pytest
from elementpath.regex import translate_pattern

from contracts.errors import ContractError
from contracts.legacy.soap.automaton import is_plain, matcher
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.message.simple import FacetError, simple
from tests.wsdls import schemas_of

ATOMS = ("a", "b", "[ab]", "[^a]", ".", r"\d", r"\w", "[a-c-[b]]", r"\.", r"\p{L}")
TIMES = ("", "", "", "?", "*", "+", "{2}", "{0,2}", "{1,}", "{0}")
TYPES = """
<xs:simpleType name="List"><xs:restriction><xs:simpleType><xs:list><xs:simpleType><xs:restriction base="xs:string">
  <xs:pattern value="(a+)+b"/></xs:restriction></xs:simpleType></xs:list></xs:simpleType></xs:restriction>
</xs:simpleType>
<xs:simpleType name="Union"><xs:union memberTypes="xs:int"><xs:simpleType><xs:restriction base="xs:string">
  <xs:pattern value="(a|a)*b"/></xs:restriction></xs:simpleType></xs:union></xs:simpleType>
<xs:simpleType name="Text"><xs:restriction base="xs:string"><xs:pattern value="x"/><xs:pattern value="(a*)*b"/>
</xs:restriction></xs:simpleType>
"""


def pattern(rng: random.Random, level: int = 0) -> str:
    def atom() -> str:
        return f"({pattern(rng, level + 1)})" if level < 2 and rng.random() < 0.2 else rng.choice(ATOMS)

    branches = ("".join(atom() + rng.choice(TIMES) for _ in range(rng.randint(0, 3))) for _ in range(rng.randint(1, 2)))
    return "|".join(branches)


def test_the_same_texts_fit_as_in_pythons_engine() -> None:
    rng = random.Random(7)
    fitting = 0
    for _ in range(400):
        written = pattern(rng)
        other = re.compile(translate_pattern(written, xsd_version="1.0", back_references=False, lazy_quantifiers=False,
                                             anchors=False))  # fmt: skip
        for text in ("".join(rng.choice("abc.1\n") for _ in range(rng.randint(0, 4))) for _ in range(5)):
            fits = other.match(text) is not None
            fitting += fits

            assert matcher(written)(text) == fits, (written, text)
    assert fitting > 200


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("(a+)+b", "a" * 20_000),
        ("(a|a)*b", "a" * 20_000),
        ("((a{0,100}){0,100}){0,100}b", "a" * 2_000),
        ("(" * 48 + "a+" + ")+" * 48, "a" * 1_000 + "b"),
        (r"([\s\S]{0,500}x){0,50}y", "ayx" * 1_000),
        (r"\w+([-+.']\w+)*@\w+([-.]\w+)*\.\w+([-.]\w+)*", "a.b" * 3_000),
        ("(a{1,99999999}){1,99999999}b", "a" * 2_000),
    ],
)
def test_no_pattern_takes_its_time(written: str, text: str) -> None:
    begun = time.process_time()

    assert not matcher(written)(text)
    assert time.process_time() - begun < 5


def test_what_has_one_way_only_is_left_to_pythons_engine() -> None:
    assert [is_plain(each) for each in ("[A-Z]{2}", "[0-9]+", "a{1,5000}", "(19|20)[0-9]{2}")] == [True] * 4
    assert [is_plain(each) for each in ("(a+)+", "(a|b){2}", "a*a*", "(ab)?", "(a?){9}")] == [False] * 5


def test_what_is_no_pattern_is_an_error() -> None:
    with pytest.raises(ContractError, match="pattern"):
        matcher("(a")


@pytest.mark.parametrize("name", ["List", "Union", "Text"])
def test_values_are_checked_by_it_wherever_a_pattern_stands(name: str) -> None:
    schemas: Schemas = schemas_of(TYPES)
    kind = schemas.type(f"{{urn:t}}{name}")
    assert kind is not None
    begun = time.process_time()

    with pytest.raises(FacetError):
        simple(kind)("a" * 60)
    assert not kind.text_is_valid("a" * 60)
    assert kind.text_is_valid("aab")
    assert time.process_time() - begun < 5
