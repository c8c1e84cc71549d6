"""Replies in SOAP encoding: references, circles, arrays, and types that the message itself names."""

import pytest

from contracts.errors import RecordError
from contracts.legacy import xml
from contracts.legacy.soap.message.deviation import DEFAULT_REFUSED, Deviation, Kind, Tolerance
from contracts.legacy.soap.message.encoded import read_encoded
from contracts.legacy.soap.message.field import Field, Record
from contracts.legacy.soap.message.readers import Readers
from tests.wsdls import schemas_of

SCHEMA = """
<xs:complexType name="Node"><xs:sequence>
  <xs:element name="v" type="xs:int" form="unqualified"/>
  <xs:element name="next" type="t:Node" nillable="true" form="unqualified"/>
  <xs:element name="tag" type="xs:string" minOccurs="0" maxOccurs="9" form="unqualified"/>
</xs:sequence></xs:complexType>
<xs:complexType name="Measured"><xs:sequence><xs:element name="v" type="xs:int" form="unqualified"/></xs:sequence>
  <xs:attribute name="unit" type="xs:int" use="required"/></xs:complexType>
<xs:complexType name="Length"><xs:simpleContent><xs:extension base="xs:double">
  <xs:attribute name="unit" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>
"""
NAMESPACES = (
    'xmlns:t="urn:t" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:e2="http://www.w3.org/2003/05/soap-encoding"'
)


def read(
    inside: str, *, kind: str = "{urn:t}Node", refused: frozenset[Kind] = DEFAULT_REFUSED
) -> tuple[Record, list[Deviation]]:
    """Read a Body with these elements; the first is the wrapper of the answer, whose part is `result`."""
    readers = Readers(schemas_of(SCHEMA))
    found = readers.named(kind)
    assert found is not None
    body = xml.parse(f"<Body {NAMESPACES}>{inside}</Body>".encode())
    tolerance = Tolerance(refused, body[0])
    part = Field(name="result", type=found[1], lookup=readers)
    return read_encoded({"result": part}, body[0], tolerance, readers), tolerance.found


def result(inside: str, *, kind: str = "{urn:t}Node") -> object:
    record, deviations = read(inside, kind=kind)
    assert deviations == []
    return record["result"]


def test_a_value_that_is_referred_to_stands_where_it_is_meant() -> None:
    referred = '<r><result href="#a"/></r><multiRef id="a" xsi:type="t:Node"><v>1</v><next xsi:nil="true"/></multiRef>'

    assert result(referred) == {"v": 1, "next": None}
    assert result(referred.replace("href", "e2:ref").replace('"#a"', '"a"')) == {"v": 1, "next": None}
    assert result(referred.replace("xsi:nil", "xsi:null").replace('"true"', '"1"')) == {"v": 1, "next": None}


def test_a_value_that_holds_itself_ends() -> None:
    circle = (
        '<r><result href="#a"/></r><m id="a" xsi:type="t:Node"><v>1</v><next href="#b"/></m>'
        '<m id="b" xsi:type="t:Node"><v>2</v><next href="#a"/></m>'
    )

    assert result(circle) == {"v": 1, "next": {"v": 2, "next": {"#ref": "a"}}}


def test_a_value_that_is_shared_is_there_twice() -> None:
    shared_twice = '<r><result e:arrayType="t:Node[2]"><i href="#a"/><i href="#a"/></result></r><m id="a"><v>1</v></m>'

    assert result(shared_twice) == [{"v": 1}, {"v": 1}]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ('<result e:arrayType="xsd:int[3]"><i>1</i><i>2</i><i>3</i></result>', [1, 2, 3]),
        ('<result e:arrayType="xsd:int[]"><i>1</i></result>', [1]),
        ('<result e:arrayType="xsd:int[0]"/>', []),
        ('<result e:arrayType="xsd:int[2,2]"><i>1</i><i>2</i><i>3</i><i>4</i></result>', [[1, 2], [3, 4]]),
        ('<result e:arrayType="xsd:int[][1]"><i e:arrayType="xsd:int[1]"><j>1</j></i></result>', [[1]]),
        (
            '<result e:arrayType="xsd:anyType[2]"><i xsi:type="xsd:int">1</i><i xsi:type="e:string">a</i></result>',
            [1, "a"],
        ),
        ('<result e2:itemType="xsd:int" e2:arraySize="2"><i>1</i><i>2</i></result>', [1, 2]),
    ],
)
def test_an_array_is_a_list(array: str, expected: object) -> None:
    assert result(f"<r>{array}</r>", kind="{http://www.w3.org/2001/XMLSchema}anyType") == expected


def test_the_one_part_of_an_answer_has_any_name_and_accessors_no_order() -> None:
    assert result("<r><return><tag>a</tag><v>1</v><tag>b</tag></return></r>") == {"v": 1, "tag": ["a", "b"]}
    assert result("<r><return><v>1</v><tag>a</tag></return></r>") == {"v": 1, "tag": ["a"]}


@pytest.mark.parametrize(
    ("inside", "deviation"),
    [
        ('<r><result href="#nobody"/></r>', Deviation("value", "r/result", "an element with the id nobody")),
        ("<r><result><v>x</v></result></r>", Deviation("value", "r/result/v", "an integer")),
        (
            '<r><result xsi:type="t:X"><v>1</v></result></r>',
            Deviation("type", "r/result", "an xsi:type of the contract"),
        ),
        ("<r><result><v>1</v><new>1</new></result></r>", Deviation("unknown", "r/result/new", "no such accessor")),
        ("<r/>", Deviation("missing", "r/result", "the part")),
        ("<r><result><v>1</v></result><result/></r>", Deviation("too-many", "r/result", "no such part")),
        (
            '<r><result e:arrayType="xsd:int[2]"><i>1</i></result></r>',
            Deviation("content", "r/result", "as many items as the array says: 2"),
        ),
        (
            '<r><result e:arrayType="xsd:int[1]"><i e:position="[4]">1</i></result></r>',
            Deviation("content", "r/result", "an array without gaps"),
        ),
    ],
)
def test_what_deviates_is_told(inside: str, deviation: Deviation) -> None:
    assert read(inside, refused=frozenset())[1] == [deviation]


def test_a_reference_to_nothing_is_refused() -> None:
    with pytest.raises(RecordError, match="r/result: expected an element with the id nobody"):
        read('<r><result href="#nobody"/></r>')


def test_values_that_double_at_each_step_are_bounded() -> None:
    steps = "".join(
        f'<m id="a{n}" e:arrayType="xsd:anyType[2]"><i href="#a{n + 1}"/><i href="#a{n + 1}"/></m>' for n in range(60)
    )

    with pytest.raises(RecordError, match="at most 100000 references"):
        read(f'<r><result href="#a0"/></r>{steps}<m id="a60" xsi:type="xsd:int">1</m>')


def test_a_large_value_that_many_share_is_bounded() -> None:
    large = "".join(f"<v>{n}</v>" for n in range(2_000))
    shared = "".join('<i href="#a"/>' for _ in range(2_000))

    with pytest.raises(RecordError, match="at most 300000 values, and 10 for each element"):
        read(f'<r><result e:arrayType="xsd:anyType[2000]">{shared}</result></r><m id="a">{large}</m>')


def test_a_value_outside_of_the_message_is_refused() -> None:
    with pytest.raises(RecordError, match="r/result: expected a value in the message itself"):
        read('<r><result href="cid:photo@example"/></r>')


def test_what_is_missing_or_superfluous_is_told() -> None:
    missing = read('<r><result><next xsi:nil="1"/></result></r>')
    nobodys = read(
        '<r><result href="#a"/></r><m id="a" xsi:type="t:Node"><v>1</v></m><m id="b" xsi:type="t:Gone">2</m><n>3</n>'
    )

    assert missing == ({"result": {"next": None}}, [Deviation("content", "r/result/v", "the accessor")])
    assert nobodys == (
        {"result": {"v": 1}, "#unknown": [{"m": {"@id": "b", "#text": "2"}}, {"n": "3"}]},
        [Deviation("unknown", f"r/{name}", "no value that nobody refers to") for name in "mn"],
    )


def test_attributes_of_a_structure_are_read_and_missed_and_those_of_the_encoding_are_not_its_own() -> None:
    given = '<r><result href="#a"/></r><m id="a" unit="3" e:root="0" %s><v>1</v></m>'

    record, deviations = read(given % "", kind="{urn:t}Measured")
    with pytest.raises(RecordError, match="@unit"):
        read((given % "").replace(' unit="3"', ""), kind="{urn:t}Measured")
    stray = read(given % 'other="1"', kind="{urn:t}Measured")

    assert (record, deviations) == ({"result": {"@unit": 3, "v": 1}}, [])
    assert stray[1] == [Deviation("unknown", "Body/m/@other", "no such attribute")]


def test_text_beside_attributes_is_typed() -> None:
    assert result('<r><result unit="m">1.5</result></r>', kind="{urn:t}Length") == {"@unit": "m", "#text": 1.5}
