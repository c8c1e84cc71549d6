"""Elements of complex types as records: every construct of a schema, and every way in which a message deviates."""

from decimal import Decimal

import pytest

from contracts.errors import RecordError
from contracts.legacy import xml
from contracts.legacy.soap.message.deviation import DEFAULT_REFUSED, Deviation, Kind, Tolerance
from contracts.legacy.soap.message.field import Record, Typed, read_field
from contracts.legacy.soap.message.readers import Readers
from tests.wsdls import schemas_of

PERSON = """
<xs:element name="e" type="t:Person"/>
<xs:complexType name="Person">
  <xs:sequence>
    <xs:element name="id" type="xs:int"/>
    <xs:element name="name" type="xs:string" minOccurs="0"/>
    <xs:element name="died" type="xs:date" nillable="true" minOccurs="0"/>
    <xs:element name="nick" type="xs:string" minOccurs="0" maxOccurs="3"/>
    <xs:element name="kind" type="xs:string" default="natural" minOccurs="0"/>
    <xs:choice minOccurs="0"><xs:element name="phone" type="xs:string"/>
    <xs:element name="mail" type="xs:string"/></xs:choice>
  </xs:sequence>
  <xs:attribute name="lang" type="xs:language"/>
  <xs:attribute name="source" type="xs:string" default="registry"/>
</xs:complexType>
"""


def read(schema: str, inside: str, *, refused: frozenset[Kind] = DEFAULT_REFUSED) -> tuple[Typed, list[Deviation]]:
    """Read `<e>…</e>`, twice: what is remembered must not change what comes out."""
    readers = Readers(schemas_of(schema))
    declared = readers.schemas.element("{urn:t}e")
    assert declared is not None
    field = readers.field(declared, name="e", repeats=False)
    found: list[tuple[Typed, list[Deviation]]] = []
    for _ in range(2):
        text = f'<e xmlns="urn:t" xmlns:t="urn:t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"{inside}'
        element = xml.parse(text.encode())
        tolerance = Tolerance(refused, element)
        found.append((read_field(field, element, tolerance), tolerance.found))
    assert found[0] == found[1]
    return found[1]


def record(schema: str, inside: str) -> Record:
    value, deviations = read(schema, inside)
    assert deviations == []
    assert isinstance(value, dict)
    return value


def test_absent_nil_empty_and_default_are_told_apart() -> None:
    assert record(PERSON, "><id>1</id></e>") == {"@source": "registry", "id": 1}
    assert record(PERSON, '><id>1</id><name/><died xsi:nil="true"/><kind/></e>') == {
        "@source": "registry",
        "id": 1,
        "name": "",
        "died": None,
        "kind": "natural",
    }


def test_what_may_repeat_is_a_list_even_alone() -> None:
    assert record(PERSON, ' lang="de"><id>1</id><nick>a</nick></e>')["nick"] == ["a"]
    assert record(PERSON, ' lang="de"><id>1</id><nick>a</nick><nick>b</nick></e>')["nick"] == ["a", "b"]


@pytest.mark.parametrize(
    ("inside", "deviation"),
    [
        ("><id>1</id><more>2</more></e>", Deviation("unknown", "e/more", "no such element")),
        (' new="x"><id>1</id></e>', Deviation("unknown", "e/@new", "no such attribute")),
        ("><name>a</name></e>", Deviation("missing", "e/id", "at least 1")),
        ("><id>1</id><id>2</id></e>", Deviation("too-many", "e/id", "at most 1")),
        (
            "><name>a</name><id>1</id></e>",
            Deviation("content", "e", "the order or choice of id, name, died, nick, kind, phone, mail"),
        ),
        (
            "><id>1</id><phone>1</phone><mail>2</mail></e>",
            Deviation("content", "e", "the order or choice of id, name, died, nick, kind, phone, mail"),
        ),
        ("><id>x</id></e>", Deviation("value", "e/id", "an integer")),
        ("><id>99999999999</id></e>", Deviation("facet", "e/id", "a int")),
        (' lang="!"><id>1</id></e>', Deviation("facet", "e/@lang", "the pattern [a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")),
        ('><id xsi:nil="true"/></e>', Deviation("nil", "e/id", "a value, since it is not nillable")),
        (
            '><id xsi:type="t:Nobody">1</id></e>',
            Deviation("type", "e/id", "an xsi:type of the contract"),
        ),
        ("><id>1</id>stray</e>", Deviation("text", "e", "no text between elements")),
        ("><id>1<b/></id></e>", Deviation("unknown", "e/id/b", "text alone")),
        ('><id a="1">1</id></e>', Deviation("unknown", "e/id/@a", "no such attribute")),
    ],
)
def test_a_deviation_is_told_with_its_place_and_nothing_of_the_message_is_lost(
    inside: str, deviation: Deviation
) -> None:
    value, deviations = read(PERSON, inside, refused=frozenset())

    assert deviations == [deviation]
    assert isinstance(value, dict)
    assert len(value) > 1


@pytest.mark.parametrize(
    ("inside", "kind", "path"),
    [
        ("><name>a</name></e>", "missing", "e/id"),
        ("><id/></e>", "value", "e/id"),
        ('><id xsi:nil="1"/></e>', "nil", "e/id"),
        ('><id xsi:type="t:X"/></e>', "type", "e/id"),
    ],
)
def test_what_would_have_to_be_guessed_is_an_error_with_its_path(inside: str, kind: Kind, path: str) -> None:
    with pytest.raises(RecordError) as raised:
        read(PERSON, inside)

    assert (raised.value.field, raised.value.code, raised.value.raw) == (path, kind, None)


def test_unknown_things_are_kept() -> None:
    value, _ = read(PERSON, ' new="x"><id>1</id><more><a>1</a></more></e>')

    assert isinstance(value, dict)
    assert value["#unknown"] == [{"@new": "x"}, {"{urn:t}more": {"a": "1"}}]


def test_a_name_in_another_namespace_is_read_and_told() -> None:
    value, deviations = read(PERSON, '><id xmlns="">1</id><x:name xmlns:x="urn:x">Ada</x:name></e>')

    assert value == {"@source": "registry", "id": 1, "name": "Ada"}
    assert deviations == [
        Deviation("namespace", "e/id", "the namespace urn:t"),
        Deviation("namespace", "e/name", "the namespace urn:t"),
    ]


def test_what_comes_too_often_is_a_list() -> None:
    value, _ = read(PERSON, "><id>1</id><id>2</id></e>", refused=frozenset())

    assert isinstance(value, dict)
    assert value["id"] == [1, 2]


SHAPES = """
<xs:element name="e" type="t:Base"/>
<xs:complexType name="Base" abstract="true"><xs:sequence><xs:element name="id" type="xs:int"/></xs:sequence>
  </xs:complexType>
<xs:complexType name="Circle"><xs:complexContent><xs:extension base="t:Base"><xs:sequence>
  <xs:element name="radius" type="xs:decimal"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="Other"><xs:sequence/></xs:complexType>
"""


def test_a_derived_type_is_read_as_itself_and_named() -> None:
    assert record(SHAPES, ' xsi:type="t:Circle"><id>1</id><radius>2.5</radius></e>') == {
        "id": 1,
        "radius": Decimal("2.5"),
        "@xsi:type": "{urn:t}Circle",
    }


@pytest.mark.parametrize(
    ("inside", "expected"),
    [("><id>1</id></e>", "an xsi:type, since Base is abstract"), (' xsi:type="t:Other"/>', "derived from Base")],
)
def test_an_abstract_type_needs_one_that_fits(inside: str, expected: str) -> None:
    with pytest.raises(RecordError, match=expected):
        read(SHAPES, inside)


def test_members_of_a_substitution_group_are_read_by_their_own_names() -> None:
    schema = """
    <xs:element name="e"><xs:complexType><xs:sequence><xs:element ref="t:shape" maxOccurs="9"/></xs:sequence>
    </xs:complexType></xs:element>
    <xs:element name="shape" abstract="true"/>
    <xs:element name="side" type="xs:int" substitutionGroup="t:shape"/>
    <xs:element name="name" type="xs:string" substitutionGroup="t:shape"/>
    """
    assert record(schema, "><side>1</side><name>a</name><side>2</side></e>") == {"side": [1, 2], "name": ["a"]}
    assert read(schema, "><shape/></e>", refused=frozenset())[1][0].kind == "unknown"


def test_all_takes_any_order_and_a_repeated_choice_any_mixture() -> None:
    all_ = """<xs:element name="e"><xs:complexType><xs:all><xs:element name="a" type="xs:int"/>
    <xs:element name="b" type="xs:int" minOccurs="0"/></xs:all></xs:complexType></xs:element>"""
    choice = """<xs:element name="e"><xs:complexType><xs:choice minOccurs="1" maxOccurs="unbounded">
    <xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:int"/></xs:choice></xs:complexType>
    </xs:element>"""

    assert record(all_, "><b>2</b><a>1</a></e>") == {"b": 2, "a": 1}
    assert record(choice, "><b>2</b><a>1</a><b>3</b></e>") == {"b": [2, 3], "a": [1]}
    assert read(all_, "><b>2</b></e>", refused=frozenset())[1] == [Deviation("missing", "e/a", "at least 1")]
    assert read(choice, "></e>", refused=frozenset())[1] == [Deviation("content", "e", "the order or choice of a, b")]


def test_wildcards_keep_what_they_stand_for_typed_where_the_contract_knows_it() -> None:
    schema = """<xs:element name="e"><xs:complexType><xs:sequence><xs:element name="id" type="xs:int"/>
    <xs:any namespace="##any" processContents="lax" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
    <xs:anyAttribute namespace="##other"/></xs:complexType></xs:element>
    <xs:element name="count" type="xs:int"/>"""

    assert record(schema, ' xmlns:x="urn:x" x:a="1"><id>1</id><count>2</count><x:z>3</x:z></e>') == {
        "id": 1,
        "#any": [{"@{urn:x}a": "1"}, {"{urn:t}count": 2}, {"{urn:x}z": "3"}],
    }


def test_mixed_content_is_kept_whole() -> None:
    schema = """<xs:element name="e"><xs:complexType mixed="true"><xs:sequence>
    <xs:element name="i" type="xs:string" minOccurs="0" maxOccurs="9"/></xs:sequence></xs:complexType></xs:element>"""

    found = record(schema, ">1 &lt; 2 <i>x</i> world</e>")

    assert found["i"] == ["x"]
    text = f"<e>{found['#mixed']}</e>".encode()
    assert "".join(map(str, xml.parse(text).itertext())) == "1 < 2 x world"


def test_simple_content_has_a_value_beside_its_attributes() -> None:
    schema = """<xs:element name="e"><xs:complexType><xs:simpleContent><xs:extension base="xs:decimal">
    <xs:attribute name="unit" use="required" type="xs:string"/></xs:extension></xs:simpleContent>
    </xs:complexType></xs:element>"""

    assert record(schema, ' unit="EUR"> 1.50 </e>') == {"@unit": "EUR", "#text": Decimal("1.50")}
    with pytest.raises(RecordError, match="e/@unit: expected the attribute"):
        read(schema, ">1</e>")


def test_a_type_that_holds_itself_is_read() -> None:
    schema = """<xs:element name="e" type="t:Node"/><xs:complexType name="Node"><xs:sequence>
    <xs:element name="v" type="xs:int"/><xs:element name="next" type="t:Node" minOccurs="0"/></xs:sequence>
    </xs:complexType>"""

    assert record(schema, "><v>1</v><next><v>2</v></next></e>") == {"v": 1, "next": {"v": 2}}
    with pytest.raises(RecordError, match="e/next/v: expected an integer"):
        read(schema, "><v>1</v><next><v>x</v></next></e>")


def test_names_that_clash_keep_their_namespaces() -> None:
    schema = """<xs:element name="id" type="xs:string"/><xs:element name="e"><xs:complexType><xs:sequence>
    <xs:element ref="t:id"/><xs:element name="id" form="unqualified" type="xs:int"/></xs:sequence>
    </xs:complexType></xs:element>"""

    assert record(schema, '><id>a</id><id xmlns="">1</id></e>') == {"{urn:t}id": "a", "id": 1}


def test_fixed_values_are_checked_and_anything_is_kept() -> None:
    schema = """<xs:element name="e"><xs:complexType><xs:sequence><xs:element name="v" type="xs:string" fixed="1"/>
    <xs:element name="x" type="xs:anyType"/></xs:sequence></xs:complexType></xs:element>"""

    assert record(schema, "><v/><x><a>1</a></x></e>") == {"v": "1", "x": {"a": "1"}}
    assert read(schema, "><v>2</v><x/></e>")[1] == [Deviation("facet", "e/v", "the fixed value 1")]


def test_attributes_that_clash_keep_their_namespaces() -> None:
    schema = """<xs:attribute name="lang" type="xs:string"/><xs:element name="e"><xs:complexType>
    <xs:attribute name="lang" type="xs:string"/><xs:attribute ref="t:lang" use="required"/>
    </xs:complexType></xs:element>"""

    assert record(schema, ' lang="de" t:lang="en"/>') == {"@lang": "de", "@{urn:t}lang": "en"}
    with pytest.raises(RecordError, match=r"e/@\{urn:t\}lang: expected the attribute"):
        read(schema, ' lang="de"/>')


@pytest.mark.parametrize("other", ["xs:string", "xs:date", "t:Person"])
def test_a_simple_type_is_replaced_by_one_that_is_derived_from_it_alone(other: str) -> None:
    with pytest.raises(RecordError, match="e/id: expected an xsi:type that is derived from int"):
        read(PERSON, f'><id xsi:type="{other}" xmlns:xs="http://www.w3.org/2001/XMLSchema">1</id></e>')
    found, _ = read(PERSON, '><id xsi:type="xs:short" xmlns:xs="http://www.w3.org/2001/XMLSchema">1</id></e>')
    assert found == {"@source": "registry", "id": 1}


def test_content_beside_nil_is_told() -> None:
    value, deviations = read(PERSON, '><id>1</id><died xsi:nil=" true ">2020-01-01</died></e>', refused=frozenset())

    assert deviations == [Deviation("nil", "e/died", "nothing in it")]
    assert isinstance(value, dict)
    assert value["died"] is None


def test_many_equal_elements_that_nobody_knows_are_read_in_linear_time() -> None:
    many = "<more>" + "<b/>" * 100_000 + "</more>"

    value, _ = read(PERSON, f"><id>1</id>{many}</e>")

    assert isinstance(value, dict)
    assert value["#unknown"] == [{"{urn:t}more": {"b": [""] * 100_000}}]


def test_text_beside_attributes_has_a_default_and_a_fixed_value_too() -> None:
    schema = """<xs:complexType name="Money"><xs:simpleContent><xs:extension base="xs:decimal">
      <xs:attribute name="unit" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>
    <xs:element name="e"><xs:complexType><xs:sequence>
      <xs:element name="fee" type="t:Money" default="1.50"/><xs:element name="rate" type="t:Money" fixed="2.0"/>
    </xs:sequence></xs:complexType></xs:element>"""

    empty = read(schema, '><fee unit="EUR"/><rate/></e>')
    same = read(schema, "><fee>3</fee><rate>2.00</rate></e>")
    other = read(schema, "><fee>3</fee><rate>2.01</rate></e>")

    assert empty == ({"fee": {"@unit": "EUR", "#text": Decimal("1.50")}, "rate": {"#text": Decimal("2.0")}}, [])
    assert same == ({"fee": {"#text": Decimal(3)}, "rate": {"#text": Decimal("2.00")}}, [])
    assert other[1] == [Deviation("facet", "e/rate", "the fixed value 2.0")]


def test_a_space_that_is_none_of_xml_is_text() -> None:
    schema = """<xs:element name="e"><xs:complexType><xs:sequence><xs:element name="v" type="xs:int"/></xs:sequence>
    </xs:complexType></xs:element>"""

    assert read(schema, ">\n <v>1</v>\t</e>") == ({"v": 1}, [])
    assert read(schema, "><v>1</v>\u00a0</e>") == (
        {"v": 1, "#text": "\u00a0"},
        [Deviation("text", "e", "no text between elements")],
    )
