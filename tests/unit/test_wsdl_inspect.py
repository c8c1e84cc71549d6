"""`banyan wsdl inspect`, as its user runs it."""

import re
from pathlib import Path

import pytest

from contracts.legacy.soap.contract.model import Part
from contracts.legacy.soap.contract.outline import Node, outline
from contracts.legacy.soap.contract.shapes import Shapes
from tests.command_line import banyan
from tests.data import real_data
from tests.wsdl_edits import RESIDENT, WSDL, Edit, child, edited, schema
from tests.wsdls import OWN, contract_of, registry_alone, shared_names

REGISTRY = str(OWN / WSDL)
UNKNOWN = Edit(RESIDENT, 'name="name" type="xs:string"', 'name="name" type="Nmae"')


def test_what_is_offered_and_what_hurts_is_shown() -> None:
    ran = banyan("wsdl", "inspect", REGISTRY)

    assert ran.code == 0
    port = "  port Registry11  SOAP 1.1  binding Registry11\n    http://127.0.0.1:8080/registry\n"
    assert f"{port}    List  document/literal\n" in ran.out
    assert '    Touch  document/literal  one-way\n      action ""\n      in     Touch\n' in ran.out
    assert "      in     Move  headers Caller\n      out    MoveResponse\n" in ran.out
    assert "      in     Count(city: string, born: date)\n" in ran.out
    assert "Will hurt (3)\n  absent-or-nil  resident.xsd:29 Resident\n    Left out or nil may be died:" in ran.out
    assert ran.out.endswith(
        "3 documents, 1 service, 3 ports, 5 operations, 8 types, 7 elements, 0 broken, 3 will hurt, 5 notes\n"
    )
    assert max(map(len, ran.out.splitlines())) <= 100


def test_what_is_broken_comes_first_and_ends_with_3(tmp_path: Path) -> None:
    ran = banyan("wsdl", "inspect", str(edited(tmp_path, UNKNOWN)))

    assert ran.code == 3
    assert "Broken (1)\n  unresolved-reference  resident.xsd:27 Nmae\n    type='Nmae' leads nowhere" in ran.out
    assert ran.out.index("Broken") < ran.out.index("Will hurt")


def test_an_operation_is_shown_with_the_shape_of_its_messages() -> None:
    ran = banyan("wsdl", "inspect", REGISTRY, "--port", "Registry11", "--operation", "Move")

    assert (
        "request: Move\n  Move\n    id: ResidentId  (xs:string; pattern R[0-9]{8})\n    address: Address\n" in ran.out
    )
    assert "      @country [0..1]: Country  (xs:string; length 2; default AT)\n      street: xs:string\n" in ran.out
    assert "      postcode: Postcode nillable  (union of positiveInteger, string)\n" in ran.out
    assert "      choice [0..1]\n        phone: xs:string\n        email: xs:string\n" in ran.out
    assert "List" not in ran.out.split("Good to know")[0]


def test_the_json_has_all_of_it() -> None:
    shown = banyan("wsdl", "inspect", REGISTRY, "--operation", "Move", "--json").json

    [service] = shown["services"]
    [port] = service["ports"]
    [move] = port["operations"]
    assert (port["name"], move["name"], move["input"]["headers"]) == (
        "Registry11",
        "Move",
        ["{urn:banyan:registry}Caller"],
    )
    assert [each["path"] for each in shown["documents"]] == ["registry.wsdl", "types/resident.xsd", "types/codes.xsd"]
    assert [each["name"] for each in shown["messages"]["request: Move"]["children"]] == ["id", "address"]
    assert shown["findings"][0] == {
        "code": "absent-or-nil",
        "severity": "hurts",
        "file": "types/resident.xsd",
        "line": 29,
        "about": "Resident",
        "text": "Left out or nil may be died: often one means unchanged, the other cleared. Keep them apart.",
    }
    assert shown["summary"]["operations"] == 1


def test_a_folder_stands_for_the_wsdl_that_no_other_imports(tmp_path: Path) -> None:
    folder = registry_alone(tmp_path)
    (folder / "types" / "main.wsdl").write_text(
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import namespace="urn:banyan:registry"'
        ' location="../registry.wsdl"/></definitions>'
    )

    ran = banyan("wsdl", "inspect", str(folder))

    assert ran.code == 0
    assert ran.out.startswith("main.wsdl")
    assert "service RegistryService" in ran.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["--port", "Registry13"],
            "expected --port with one of: Registry11, Registry12, Statistics11; found Registry13",
        ),
        (["--service", "R"], "expected --service with one of: RegistryService; found R"),
        (["--port", "Registry12", "--operation", "Move"], "expected --operation with one of: List; found Move"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(arguments: list[str], problem: str) -> None:
    ran = banyan("wsdl", "inspect", REGISTRY, *arguments)

    assert (ran.code, ran.err) == (2, f"banyan: {problem}\n")


def test_a_folder_of_several_or_none_is_refused(tmp_path: Path) -> None:
    none = banyan("wsdl", "inspect", str(tmp_path))
    for name in ("a.wsdl", "b.wsdl"):
        (tmp_path / name).write_text('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>')
    several = banyan("wsdl", "inspect", str(tmp_path))

    assert none.err == f"banyan: {tmp_path}: expected a WSDL (*.wsdl), found none\n"
    assert "expected one WSDL that no other imports, found a.wsdl, b.wsdl" in several.err
    assert {none.code, several.code} == {2}


def test_many_of_a_kind_are_summarised_unless_all_are_wanted(tmp_path: Path) -> None:
    uses = [f'<xs:element name="t{each}" type="T{each}"/>' for each in range(9)]
    types = [
        f'<xs:complexType name="T{each}" mixed="true"><xs:sequence><xs:element name="a-{each}" type="xs:int"/>'
        "</xs:sequence></xs:complexType>\n"
        for each in range(9)
    ]
    path = str(edited(tmp_path, schema(*types), child(*uses)))

    short, everything = banyan("wsdl", "inspect", path).out, banyan("wsdl", "inspect", path, "--all").out

    assert re.search(r"  awkward-name  5 more \(--all shows them\): resident.xsd:\d+ T4, \d+ T5, \d+ T6", short)
    assert (short.count("No names for fields"), everything.count("No names for fields")) == (4, 9)
    assert (short.count("Text stands between"), everything.count("Text stands between")) == (1, 1)


def test_ports_of_one_binding_are_shown_with_its_operations_once(tmp_path: Path) -> None:
    path = edited(
        tmp_path, Edit(WSDL, 'name="Registry12" binding="tns:Registry12"', 'name="B" binding="tns:Registry11"')
    )

    ran = banyan("wsdl", "inspect", str(path))

    port = "  port B  SOAP 1.1  binding Registry11\n    http://127.0.0.1:8080/registry12\n"
    assert f"{port}    operations as of port Registry11\n" in ran.out


def test_schemas_that_cannot_be_built_are_told_and_the_rest_is_shown(tmp_path: Path) -> None:
    ran = banyan("wsdl", "inspect", str(edited(tmp_path, Edit(RESIDENT, 'base="xs:int"', 'base="Address"'))))

    assert ran.err.startswith("banyan: the schemas are not checked: ")
    assert "service RegistryService" in ran.out


def test_a_type_that_holds_itself_is_opened_once(tmp_path: Path) -> None:
    path = edited(tmp_path, child('<xs:element name="parent" type="Resident" minOccurs="0"/>'))
    shapes = Shapes(contract_of(path).bundle)

    [resident] = outline(shapes, Part(name="p", element="{urn:banyan:registry}MoveResponse")).children

    assert [each for each in resident.children if each.name == "parent"] == [
        Node(
            name="parent",
            namespace="urn:banyan:registry:types",
            type="Resident",
            occurs="0..1",
            facets=("as above",),
        )
    ]


AWKWARD = {
    "wsdl_xxe_import_main.wsdl": "broken missing-import",
    "hello_world_services.wsdl": "broken missing-import",
    "DoubleItX509.wsdl": "broken missing-import",
    "header_doc_lit.wsdl": "note header-parts",
    "header_rpc_lit.wsdl": "note header-parts",
    "swa-mime.wsdl": "hurts attachments",
    "no_body_parts.wsdl": "hurts attachments",
    "http.wsdl": "hurts not-soap",
    "example-adapter.wsdl": "broken missing-header",
    "CardService.wsdl": "hurts dtd",
    "svc.wsdl": "hurts soap-array",
    "say_hello_rpcenc.wsdl": "hurts rpc-encoded",
    "EPCglobal-epcis-query-1_2.wsdl": "hurts wildcard",
    "soap.wsdl": "broken indistinguishable",
}
"""What must be told of the shared contracts that are awkward on purpose."""


def test_every_shared_contract_is_inspected_and_the_awkward_ones_are_told_of() -> None:
    folder, seen = real_data("wsdl"), dict[str, set[str]]()
    for name in shared_names():
        ran = banyan("wsdl", "inspect", str(folder / name), "--root", str(folder / name.partition("/")[0]), "--json")
        assert ran.code in {0, 3}, ran.err
        found = {f"{each['severity']} {each['code']}" for each in ran.json["findings"]}
        assert (ran.code == 3) == any(each.startswith("broken") for each in found)
        seen[name.rpartition("/")[2]] = found

    missing = {name: wanted for name, wanted in AWKWARD.items() if wanted not in seen[name]}
    assert missing == {}


def test_the_largest_shared_contract_is_summarised() -> None:
    path = real_data("wsdl/hooklift+gowsdl") / "fixtures" / "vboxweb.wsdl"

    ran = banyan("wsdl", "inspect", str(path))

    assert "(1158 in all, --all shows them)" in " ".join(ran.out.split())
    assert len(ran.out.splitlines()) < 100
