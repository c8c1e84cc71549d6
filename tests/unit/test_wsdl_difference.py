"""What changed between two contracts is found, and whom it breaks."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.legacy.soap.contract.difference import KINDS, Change, difference
from tests.wsdl_changes import CASES, INDEPENDENT
from tests.wsdl_edits import CODES, RESIDENT, WSDL, Edit, child, edited, schema
from tests.wsdls import OWN, contract_of, shared, shared_names


def changes(folder: Path, old: Sequence[Edit], new: Sequence[Edit]) -> tuple[Change, ...]:
    before, after = contract_of(edited(folder / "old", *old)), contract_of(edited(folder / "new", *new))
    return difference(before, after)


def told(found: tuple[Change, ...]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.kind, each.about, each.verdicts) for each in found]


def test_every_kind_of_change_has_its_case() -> None:
    told = {kind for case in CASES.values() for kind, _, _ in (*case.forth, *case.back)}

    assert told | {"namespace-renamed"} == {*KINDS}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_found_and_judged(tmp_path: Path, name: str) -> None:
    case = CASES[name]

    found = changes(tmp_path, case.old, case.new)

    assert sorted(told(found)) == sorted(case.forth)
    assert all(each.place.line > 0 and each.place.uri for each in found)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.back])
def test_a_change_back_is_found_and_judged(tmp_path: Path, name: str) -> None:
    case = CASES[name]

    found = changes(tmp_path, case.new, case.old)

    assert sorted(told(found)) == sorted(case.back)
    assert all(each.place.line > 0 and each.place.uri for each in found)


@given(names=st.sets(st.sampled_from(INDEPENDENT)))
@settings(max_examples=60, deadline=None)
def test_changes_together_are_found_as_each_alone(names: set[str]) -> None:
    edits = [edit for name in sorted(names) for edit in CASES[name].new]

    with tempfile.TemporaryDirectory() as folder:
        found = changes(Path(folder), (), edits)

    assert sorted(told(found)) == sorted(each for name in names for each in CASES[name].forth)


def test_what_says_the_same_is_no_change(tmp_path: Path) -> None:
    """Prefixes, comments, formatting, order of declarations, named groups, and how documents are split."""
    path = edited(tmp_path, Edit(RESIDENT, '<xs:include schemaLocation="codes.xsd"/>', "<!-- all in one -->"))
    codes = (OWN / CODES).read_text().partition('elementFormDefault="qualified">')[2].replace("</xs:schema>", "")
    resident = (tmp_path / RESIDENT).read_text()
    choice = resident[resident.index("<xs:choice") : resident.index("</xs:choice>")] + "</xs:choice>"
    resident = resident.replace(choice, '<xs:sequence><xs:group ref="Ways" minOccurs="0"/></xs:sequence>')
    group = choice.replace(' minOccurs="0"', "", 1)
    resident = resident.replace(
        '<xs:simpleType name="ResidentId">',
        f'{codes}<xs:group name="Ways">{group}</xs:group><xs:simpleType name="ResidentId">',
    )
    resident = resident.replace("xs:", "x:").replace("xmlns:xs", "xmlns:x").replace("\n", "\n  ")
    (tmp_path / RESIDENT).write_text(resident)
    told = path.read_text().replace("tns:", "own:").replace("xmlns:tns", "xmlns:own").replace("ListRequest", "LR")
    path.write_text(told)

    assert difference(contract_of(OWN / "registry.wsdl"), contract_of(path)) == ()


def test_a_new_version_of_a_namespace_is_told_once_and_the_rest_is_compared(tmp_path: Path) -> None:
    path = edited(tmp_path, *CASES["a pattern"].new)
    for file in (WSDL, RESIDENT):
        (tmp_path / file).write_text((tmp_path / file).read_text().replace("urn:banyan:registry", "urn:banyan:r2"))

    found = difference(contract_of(OWN / WSDL), contract_of(path))

    both = ("breaking for callers", "breaking for readers")
    assert [each for each in told(found) if each[0] != "action-changed"] == [
        ("pattern-changed", "ResidentId", both),
        ("namespace-renamed", "urn:banyan:registry", both),
        ("namespace-renamed", "urn:banyan:registry:types", both),
    ]
    assert {str(each.place) for each in found if each.kind == "namespace-renamed"} == {
        "registry.wsdl:6",
        "resident.xsd:3",
    }


def test_a_namespace_that_only_names_things_in_the_contract_breaks_nobody(tmp_path: Path) -> None:
    path, start = edited(tmp_path), '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="{0}">'
    main = f'{start}<import namespace="urn:banyan:registry" location="registry.wsdl"/><message name="M"/></definitions>'
    for name in ("old", "new"):
        path.with_name(f"{name}.wsdl").write_text(main.format(f"urn:{name}"))

    found = difference(*(contract_of(path.with_name(f"{name}.wsdl")) for name in ("old", "new")))

    assert told(found) == [("namespace-renamed", "urn:old", ("note",))]


def test_a_type_in_its_place_says_the_same_as_one_with_a_name(tmp_path: Path) -> None:
    base = '<xs:complexType{0}><xs:sequence><xs:element name="b" type="xs:int"/></xs:sequence></xs:complexType>'
    named = (schema(base.format(' name="Base"')), child('<xs:element name="base" type="Base"/>'))
    inline = (child(f'<xs:element name="base">{base.format("")}</xs:element>'),)

    assert changes(tmp_path, named, inline) == ()


def test_a_changed_type_without_a_name_is_told_in_its_place(tmp_path: Path) -> None:
    address = '/>\n            <xs:element name="address"'
    edit = Edit(WSDL, f'type="t:ResidentId"{address}', f'type="xs:string"{address}')

    [found] = changes(tmp_path, (), (edit,))

    assert told((found,)) == [("type-changed", "Move/id", ("compatible",))]
    assert (found.old, found.new, str(found.place)) == ("ResidentId", "xs:string", "registry.wsdl:29")


def test_what_a_recursive_type_and_another_have_is_compared_once(tmp_path: Path) -> None:
    tree = (
        '<xs:complexType name="{0}"><xs:sequence><xs:element name="leaf" type="xs:{1}"/>'
        '<xs:element name="inner" type="{0}" minOccurs="0"/></xs:sequence></xs:complexType>'
    )
    old = (schema(tree.format("Tree", "int")), child('<xs:element name="tree" type="Tree"/>'))
    new = (schema(tree.format("Bush", "long")), child('<xs:element name="tree" type="Bush"/>'))

    assert told(changes(tmp_path, old, new)) == [("type-changed", "Resident/tree", ("breaking for readers",))]


def test_what_breaks_comes_first(tmp_path: Path) -> None:
    edits = [edit for name in INDEPENDENT for edit in CASES[name].new]

    ranks = [(not each.is_breaking, each.verdicts == ("note",)) for each in changes(tmp_path, (), edits)]

    assert ranks == sorted(ranks)


def test_every_shared_contract_is_no_change_of_itself() -> None:
    assert {name: found for name in shared_names() if (found := difference(shared(name), shared(name)))} == {}
