"""Schemas that go in circles or grow without end are inspected and compared all the same, in bounded time."""

from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.legacy.soap.contract.difference import difference
from contracts.legacy.soap.contract.findings import inspect
from contracts.legacy.soap.contract.model import Contract, Part
from contracts.legacy.soap.contract.outline import outline
from contracts.legacy.soap.contract.shapes import Shapes
from tests.wsdl_edits import child, edited, schema
from tests.wsdls import contract_of


def typed(name: str, content: str) -> str:
    return f'<xs:complexType name="{name}">{content}</xs:complexType>'


def extending(base: str) -> str:
    return f'<xs:complexContent><xs:extension base="{base}"/></xs:complexContent>'


def union(number: int) -> str:
    below = f"U{number + 1}"
    return f'<xs:simpleType name="U{number}"><xs:union memberTypes="{below} xs:int {below}"/></xs:simpleType>'


def group(number: int) -> str:
    twice = f'<xs:group ref="G{number + 1}"/>' * 2
    return f'<xs:group name="G{number}"><xs:sequence>{twice}</xs:sequence></xs:group>'


TEXT = '<xs:sequence><xs:element name="x" type="X"/></xs:sequence>'
CASES = {
    "types that extend each other": (typed("A", extending("B")), typed("B", extending("A"))),
    "a type that extends itself": (typed("A", extending("A")),),
    "a group in itself": (
        '<xs:group name="G"><xs:sequence><xs:group ref="G"/></xs:sequence></xs:group>',
        typed("A", '<xs:group ref="G"/>'),
    ),
    "attribute groups in each other": (
        '<xs:attributeGroup name="P"><xs:attributeGroup ref="Q"/></xs:attributeGroup>',
        '<xs:attributeGroup name="Q"><xs:attributeGroup ref="P"/></xs:attributeGroup>',
        typed("A", '<xs:attributeGroup ref="P"/>'),
    ),
    "a restriction of itself": ('<xs:simpleType name="X"><xs:restriction base="X"/></xs:simpleType>', typed("A", TEXT)),
    "a union of itself": ('<xs:simpleType name="X"><xs:union memberTypes="X"/></xs:simpleType>', typed("A", TEXT)),
    "a list of itself": ('<xs:simpleType name="X"><xs:list itemType="X"/></xs:simpleType>', typed("A", TEXT)),
    "heads of each other": (
        '<xs:element name="E" substitutionGroup="F"/><xs:element name="F" substitutionGroup="E"/>',
        typed("A", '<xs:sequence><xs:element ref="E"/></xs:sequence>'),
    ),
    "names that are empty": (
        '<xs:element/><xs:element name="E" substitutionGroup=""/><xs:simpleType/>',
        typed("A", '<xs:sequence><xs:element/><xs:element ref=""/><xs:element name="" type=""/></xs:sequence>'),
    ),
    "bounds that are no numbers": (typed("A", '<xs:sequence minOccurs="x" maxOccurs="-1"><xs:any/></xs:sequence>'),),
    "bases that are not said": (typed("A", "<xs:complexContent><xs:extension/></xs:complexContent>"),),
    "unions of unions": (*(union(each) for each in range(40)), typed("A", TEXT.replace('"X"', '"U0"'))),
    "a chain of types": (
        *(typed(f"C{each}", TEXT.replace('"X"', f'"C{each + 1}"')) for each in range(1500)),
        typed("A", TEXT.replace('"X"', '"C0"')),
    ),
    "types that all hold each other": (
        *(
            typed(
                f"R{each}",
                "<xs:sequence>"
                + "".join(f'<xs:element name="e{to}" type="R{to}"/>' for to in range(40))
                + "</xs:sequence>",
            )
            for each in range(40)
        ),
        typed("A", TEXT.replace('"X"', '"R0"')),
    ),
}


def contract(folder: Path, *declarations: str) -> Contract:
    return contract_of(edited(folder, schema(*declarations), child('<xs:element name="a" type="A"/>')))


@pytest.mark.parametrize("name", CASES)
def test_what_goes_in_circles_is_inspected_and_compared(tmp_path: Path, name: str) -> None:
    made = contract(tmp_path, *CASES[name])

    tree = outline(Shapes(made.bundle), Part(name="p", element="{urn:banyan:registry}MoveResponse"))

    assert "absent-or-nil" in {each.code for each in inspect(made, None)}
    assert difference(made, made) == ()
    assert len(repr(tree)) < 2_000_000


def test_groups_that_double_with_each_other_are_refused(tmp_path: Path) -> None:
    made = contract(tmp_path, *(group(each) for each in range(30)), typed("A", '<xs:group ref="G0"/>'))

    with pytest.raises(ContractError, match="expected at most 10000 references to groups in a type"):
        inspect(made, None)
