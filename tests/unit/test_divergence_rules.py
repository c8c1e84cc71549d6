"""Rules say what is no divergence; one for what the contract has not is refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.errors import ConfigError
from contracts.legacy.soap.divergence.rules import Rules, load_rules
from tests.replies import answer, comparer, comparer_of, envelope, listed, resident, told, typed

NIL = '<t:died xsi:nil="true"/>'
EMPTY = "<t:phone/>"
MANY = """<xs:element name="Answer"><xs:complexType><xs:sequence>{}</xs:sequence>
  <xs:attribute name="unit" type="xs:string" default="EUR"/></xs:complexType></xs:element>"""

LIMIT = '<xs:element name="limit" type="xs:int" default="100" minOccurs="0"/>'


def one(left: str, right: str, **rules: Any) -> list[tuple[str, str]]:
    """Compare two lists of one resident."""
    return told(comparer(**rules).compare(listed(left), listed(right)))


def test_what_is_ignored_never_shows() -> None:
    left, right = resident(name="Ada", fee="1"), resident(name="Grace", fee="2")

    assert one(left, right) == [("value", "/ListResponse/resident[1]/name"), ("value", "/ListResponse/resident[1]/fee")]
    assert one(left, right, ignore=["/ListResponse/resident/name"]) == [("value", "/ListResponse/resident[1]/fee")]
    assert one(left, right, ignore=["/ListResponse/*/name", "//fee"]) == []
    assert one(left, right, ignore=["/ListResponse/resident/*"]) == []
    assert one(left, "", ignore=["//resident"]) == []


def test_attributes_are_ignored_by_their_names() -> None:
    left, right = resident(), resident(country=' country="DE"')

    assert one(left, right) == [("value", "/ListResponse/resident[1]/address/@country")]
    assert one(left, right, ignore=["//address/@country"]) == []
    assert one(left, right, ignore=["//@*"]) == []


def test_nil_and_absent_differ_unless_a_rule_equates_them() -> None:
    path = "/ListResponse/resident[1]/died"

    assert one(resident(died=NIL), resident()) == [("nil", path)]
    assert one(resident(died=NIL), resident(died="<t:died>2020-01-01</t:died>")) == [("nil", path)]
    assert one(resident(died=NIL), resident(), nil_is_absent=["//died"]) == []
    assert one(resident(), resident(died=NIL), nil_is_absent=["//died"]) == []
    assert one(resident(died=NIL), resident(died="<t:died>2020-01-01</t:died>"), nil_is_absent=["//died"]) == [
        ("nil", path)
    ]


def test_nil_with_a_value_is_no_absent_one() -> None:
    said = '<t:died xsi:nil="true">2020-01-01</t:died>'

    assert one(resident(died=said), resident(), nil_is_absent=["//died"]) == [("nil", "/ListResponse/resident[1]/died")]
    assert one(resident(died=said), resident(died=NIL)) == [("value", "/ListResponse/resident[1]/died")]


def test_empty_and_absent_differ_unless_a_rule_equates_them() -> None:
    path = "/ListResponse/resident[1]/phone"

    assert one(resident(more=EMPTY), resident()) == [("missing", path)]
    assert one(resident(more=EMPTY), resident(), empty_is_absent=["//phone"]) == []
    assert one(resident(more="<t:phone>1</t:phone>"), resident(), empty_is_absent=["//phone"]) == [("missing", path)]


def test_an_absent_attribute_and_an_empty_element_mean_their_default() -> None:
    compared = comparer_of(MANY.format(LIMIT))

    assert told(compared.compare(answer(""), answer("", attributes='unit="EUR"'))) == []
    assert told(compared.compare(answer(""), answer("", attributes='unit="CHF"'))) == [("value", "/Answer/@unit")]
    assert told(compared.compare(answer("<limit/>"), answer("<limit>0100</limit>"))) == []
    assert told(compared.compare(answer("<limit/>"), answer("<limit>99</limit>"))) == [("value", "/Answer/limit")]
    assert told(compared.compare(answer("<limit>0100</limit>"), answer(""))) == [("missing", "/Answer/limit")]
    assert told(compared.compare(answer(""), answer("<limit/>"))) == [("added", "/Answer/limit")]


def test_an_absent_element_means_its_default_by_rule() -> None:
    rules = Rules(absent_is_default=("/Answer/limit",))
    compared = comparer_of(MANY.format(LIMIT), rules=rules)

    assert told(compared.compare(answer("<limit>0100</limit>"), answer(""))) == []
    assert told(compared.compare(answer(""), answer("<limit/>"))) == []
    assert told(compared.compare(answer("<limit>99</limit>"), answer(""))) == [("value", "/Answer/limit")]


def test_a_rule_for_the_default_of_what_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="absent_is_default: /Answer/limits: /Answer has no limits"):
        comparer_of(MANY.format(LIMIT), rules=Rules(absent_is_default=("/Answer/limits",)))


@pytest.mark.parametrize(
    ("tolerance", "left", "right", "agrees"),
    [
        ({"absolute": "0.01"}, "1.50", "1.51", True),
        ({"absolute": "0.01"}, "1.50", "1.511", False),
        ({"relative": "0.1"}, "100", "90", True),
        ({"relative": "0.1"}, "100", "89", False),
        ({"seconds": 60}, "1.50", "1.51", False),
    ],
)
def test_numbers_may_lie_apart_as_far_as_a_rule_says(
    tolerance: dict[str, Any], left: str, right: str, *, agrees: bool
) -> None:
    found = one(resident(fee=left), resident(fee=right), tolerances=[{"path": "//fee", **tolerance}])

    assert (found == []) is agrees


@pytest.mark.parametrize(
    ("kind", "left", "right", "agrees"),
    [
        ("xs:dateTime", "2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z", True),
        ("xs:dateTime", "2026-01-02T03:04:05Z", "2026-01-02T03:05:05.1Z", False),
        ("xs:dateTime", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05", False),
        ("xs:time", "23:59:30Z", "00:00:30Z", True),
        ("xs:duration", "PT1M", "PT2M", True),
        ("xs:duration", "PT30S", "-PT30S", True),
        ("xs:duration", "P1M", "P2M", False),
        ("xs:double", "1", "INF", False),
    ],
)
def test_times_may_lie_apart_as_far_as_a_rule_says(kind: str, left: str, right: str, *, agrees: bool) -> None:
    rules = Rules.model_validate({"tolerances": [{"path": "/Answer", "seconds": 60, "absolute": 1}]})

    assert comparer_of(typed(kind), rules=rules).compare(answer(left), answer(right)).is_equal is agrees


def test_a_number_of_a_union_may_lie_apart_too() -> None:
    rule = [{"path": "//postcode", "absolute": 5}]

    assert one(resident(postcode="1010"), resident(postcode="1015"), tolerances=rule) == []
    assert one(resident(postcode="1010"), resident(postcode="1016"), tolerances=rule) != []
    assert one(resident(postcode="1010"), resident(postcode="unknown"), tolerances=rule) != []


def test_items_whose_values_lie_apart_are_still_matched() -> None:
    items = [resident(number) for number in range(300)]
    rounded = [resident(number, fee=f"{number}.51") for number in range(300)]
    compared = comparer(tolerances=[{"path": "//fee", "absolute": "0.01"}])

    found = compared.compare(listed(*items), listed(*rounded[:7], *rounded[8:], resident(999)))

    assert told(found) == [("missing", "/ListResponse/resident[8]"), ("added", "/ListResponse/resident[300]")]


@pytest.mark.parametrize(
    ("zone", "left", "right", "agrees"),
    [
        ("Z", "2026-07-01T12:00:00", "2026-07-01T12:00:00Z", True),
        ("+02:00", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z", True),
        ("Europe/Vienna", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z", True),
        ("Europe/Vienna", "2026-01-01T12:00:00", "2026-01-01T11:00:00Z", True),
        ("Europe/Vienna", "2026-01-01T12:00:00", "2026-01-01T10:00:00Z", False),
        (None, "2026-07-01T12:00:00", "2026-07-01T12:00:00Z", False),
    ],
)
def test_times_without_a_zone_have_the_default_one(zone: str | None, left: str, right: str, *, agrees: bool) -> None:
    found = one(resident(modified=left), resident(modified=right), default_zone=zone)

    assert (found == []) is agrees


@pytest.mark.parametrize(("zone", "agrees"), [("+02:00", True), ("Europe/Vienna", False)])
def test_a_time_of_any_day_has_an_offset_but_no_region(zone: str, *, agrees: bool) -> None:
    compared = comparer_of(typed("xs:time"), rules=Rules(default_zone=zone))

    assert compared.compare(answer("12:00:00"), answer("10:00:00Z")).is_equal is agrees


def test_texts_may_differ_in_case_blanks_and_composition() -> None:
    left, right = resident(name="  ADA  Zo\u00eb "), resident(name="Ada zoe\u0308")
    rule = {"path": "//name", "casefold": True, "trim": True, "nfc": True}

    assert one(left, right, texts=[rule]) == []
    for name in ("casefold", "trim", "nfc"):
        assert one(left, right, texts=[{**rule, name: False}]) == [("value", "/ListResponse/resident[1]/name")]


def test_headers_are_counted_and_compared_only_by_rule() -> None:
    left, right = (listed(header=f'<w:Id xmlns:w="urn:w">{n}</w:Id><w:At xmlns:w="urn:w">1</w:At>') for n in (1, 2))

    assert comparer().compare(left, right).headers_ignored == 4
    found = comparer(headers=["Id"]).compare(left, right)
    assert (told(found), found.headers_ignored) == ([("value", "/Header/Id")], 2)
    assert told(comparer(headers=["*"], ignore=["/Header/Id"]).compare(left, right)) == []


def test_only_so_many_differences_are_kept() -> None:
    left, right = (listed(*(resident(number, name=name) for number in range(50))) for name in ("a", "b"))

    found = comparer(max_differences=7).compare(left, right)

    assert (len(found.differences), found.is_truncated) == (7, True)


def test_a_path_that_the_contract_has_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        comparer(
            ignore=["/ListResponse/resident/bron", "//bron", "//address/@land"],
            unordered=[{"path": "/ListResponse/resident", "key": "nr"}],
        )

    bron, deep, land, key = caught.value.problems
    assert bron.startswith(
        "ignore: /ListResponse/resident/bron: /ListResponse/resident has no bron; there are: id, name"
    )
    assert deep.startswith("ignore: //bron: the Body has no bron; there are: ListResponse,")
    assert land == "ignore: //address/@land: //address has no @land; there are: @country"
    assert key.startswith("unordered.0.key: /ListResponse/resident/nr: /ListResponse/resident has no nr; there are: id")


@pytest.mark.parametrize("path", ["", "born", "/a/", "/a[1]", "/@a/b", "/a b", "///a", "/{urn:a}b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="expected a path like"):
        Rules(ignore=(path,))


def test_rules_are_read_from_a_file_and_every_mistake_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("ignore: ['//lastModified']\nunordered:\n  - path: /ListResponse/resident\n    key: id\n")
    assert load_rules(path).unordered[0].key == ("id",)

    path.write_text("ignore: ['//lastModified']\nignored: 1\ntolerances:\n  - path: //fee\n")
    with pytest.raises(ConfigError) as caught:
        load_rules(path)

    assert len(caught.value.problems) == 2
    assert all("rules.yaml:" in problem for problem in caught.value.problems)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="default_zone: expected Z, an offset like"):
        comparer(default_zone="Europe/Atlantis")


def test_an_operation_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no operation Lits in Registry; there are: List, Move, Touch, Count"):
        comparer("Lits")


def test_a_rule_for_a_wildcard_reaches_what_nobody_declared() -> None:
    schema = MANY.format('<xs:any processContents="lax" namespace="##any" minOccurs="0" maxOccurs="unbounded"/>')
    left, right = answer("<x><y>1</y><z/></x>"), answer("<x><y>2</y><z/></x>")

    assert told(comparer_of(schema).compare(left, right)) == [("value", "/Answer/x/y")]
    assert told(comparer_of(schema, rules=Rules(ignore=("/Answer/x/y",))).compare(left, right)) == []
    assert told(comparer_of(schema).compare(left, answer("<x>\n<y>1</y> <z></z></x>"))) == []


def test_rules_reach_the_parts_of_rpc() -> None:
    left, right = (
        envelope(f'<c:CountResponse xmlns:c="urn:banyan:statistics"><count>{n}</count></c:CountResponse>')
        for n in (1, 2)
    )

    assert told(comparer("Count").compare(left, right)) == [("value", "/CountResponse/count")]
    assert told(comparer("Count", ignore=["/CountResponse/count"]).compare(left, right)) == []
