"""Samples: valid by xmlschema and by libxml2, whatever the construct; and every variant comes up."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from xmlschema.validators import XsdComplexType

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import XSD
from contracts.legacy.soap.contract.model import Part, Use
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.sample.message import Sampler, sample
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.xml import Element, local_name
from tests.wsdls import OWN, contract_of, schemas_of, shared, shared_names
from tests.xsd_oracle import oracle

TNS = "{urn:banyan:shapes}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
SEEDS = range(60)


@cache
def shapes() -> Schemas:
    return build(contract_of(OWN / "shapes.wsdl").bundle)


@cache
def sampler() -> Sampler:
    return Sampler(shapes())


def made(name: str, seed: int, options: Options | None = None) -> Element:
    return sampler().part(Part(name="", element=TNS + name), seed=seed, options=options)


def again(element: Element) -> Element:
    return etree.fromstring(etree.tostring(element))


def found(name: str, path: str) -> set[str]:
    """Return what stands on a path in any of the samples."""
    known = {"t": TNS[1:-1], "xsi": XSI[1:-1]}
    results: list[Any] = [made(name, seed).xpath(path, namespaces=known) for seed in SEEDS]
    texts: set[str] = set()
    for result in results:
        nodes: list[Any] = [result] if isinstance(result, str) else result
        texts |= {each if isinstance(each, str) else local_name(each) for each in nodes}
    return texts


@pytest.mark.parametrize("name", ["All", "Choices", "Everything", "Keys", "NilEnds", "Text", "Thing", "Values"])
def test_each_construct_is_valid_by_both_judges(name: str, tmp_path: Path) -> None:
    judge = oracle(contract_of(OWN / "shapes.wsdl").bundle, tmp_path)
    assert judge is not None

    for seed in SEEDS:
        element = again(made(name, seed))

        assert [str(error) for error in shapes().xsd.iter_errors(element)] == []
        assert judge.validate(element), said(judge)


def test_the_same_seed_makes_the_same_sample_and_another_one_another() -> None:
    first, second = etree.tostring(made("Values", 1)), etree.tostring(made("Values", 2))

    assert first == etree.tostring(sample(shapes(), TNS + "Values", seed=1))
    assert first != second


def test_every_branch_of_a_choice_comes_up() -> None:
    assert found("Choices", "*") >= {"one", "two", "also", "left", "right", "note"}


def test_an_abstract_type_has_those_derived_from_it_and_an_abstract_element_its_substitutes() -> None:
    assert found("Everything", "shape/@xsi:type") == {"tns:Circle", "tns:Disc"}
    assert found("Everything", "circle/@xsi:type") == {"tns:Disc"}
    assert found("Everything", "t:*") == {"Red", "Green", "DarkGreen"}


def test_what_is_optional_is_there_and_is_not_there() -> None:
    assert found("All", "string(count(b))") == {"0", "1"}
    assert found("Everything", "string(count(shape[1]/@t:may))") == {"0", "1"}
    assert found("Everything", "circle/radius/@xsi:nil") == {"true"}
    assert found("Everything", "//@t:never") == set()


def test_ids_are_unique_and_every_reference_names_one() -> None:
    for seed in SEEDS:
        everything = made("Everything", seed)
        ids = [each.text for each in everything.iter("id")]
        named = {
            word for tag in ("refers", "all") for each in everything.iter(tag) for word in (each.text or "").split()
        }

        assert len(ids) == len(set(ids))
        assert named <= set(ids)
        assert named


def test_keys_differ_and_references_to_them_are_of_them() -> None:
    for seed in SEEDS:
        keys = made("Keys", seed)

        assert sorted(row.get("n") or "" for row in keys.iter("row")) == ["1", "2", "3"]
        assert {each.text for each in keys.iter("to")} <= {"1", "2", "3"}


def test_recursion_is_shown_and_ends() -> None:
    deepest = max(len([*made("Everything", seed).iter("branch")]) for seed in SEEDS)
    operands = {len([*made("Everything", seed).iter("plus")]) for seed in SEEDS}

    assert 1 < deepest < 100
    assert max(operands) > 0
    assert [local_name(each) for each in made("NilEnds", 1).iter()] == ["NilEnds", "next", "next"]


def test_recursion_without_an_end_is_an_error_that_names_the_element() -> None:
    with pytest.raises(ContractError, match="Endless: expected content of finite size"):
        made("Endless", 1)
    with pytest.raises(ContractError, match=r"Entity: expected content of finite size, found only .* a DTD"):
        made("Entity", 1)


def test_a_pattern_that_nothing_meets_is_an_error_that_names_it() -> None:
    with pytest.raises(ContractError, match=r"Impossible.*expected a text that its pattern '\[a-c\]\{3\}' and facets"):
        made("Impossible", 1)


def test_what_the_contract_has_not_is_an_error() -> None:
    with pytest.raises(ContractError, match=r"expected an element that the contract has, found .urn:banyan:shapes.No"):
        made("No", 1)
    with pytest.raises(ContractError, match="part p: expected a type that the contract has, found nothing"):
        sample(shapes(), Part(name="p", type="nothing"))


def test_as_many_items_as_are_asked_for_and_no_two_alike() -> None:
    everything = made("Everything", 1, Options(items=25))

    assert len(everything.findall("shape")) == 25
    assert len(everything.findall("circle")) == 2
    assert len({etree.tostring(each) for each in everything.findall("shape")}) == 25
    assert max(len(each.findall("branch")) for each in everything.iter("branch", "tree")) == 25


def test_mixed_content_has_text_around_its_elements() -> None:
    text = next(each for each in (made("Text", seed) for seed in SEEDS) if len(each))

    assert (text.text or "").strip()
    assert (text[0].tail or "").strip()


def test_parts_of_rpc_stand_in_their_wrapper() -> None:
    contract = contract_of(OWN / "registry.wsdl")
    count = contract.unbound["{urn:banyan:registry}Statistics11"].operations["Count"]

    [wrapper] = Sampler(build(contract.bundle)).body(count.input, seed=3)

    assert (wrapper.tag, [child.tag for child in wrapper]) == ("{urn:banyan:statistics}Count", ["city", "born"])


def test_every_message_of_every_shared_contract_is_valid(tmp_path: Path) -> None:
    counts = {"contracts": 0, "samples": 0, "by libxml2 too": 0, "arrays of SOAP encoding": 0}
    for number, name in enumerate(shared_names()):
        contract = shared(name)
        (tmp_path / str(number)).mkdir()
        judge, schemas = oracle(contract.bundle, tmp_path / str(number)), build(contract.bundle)
        maker, seeds = Sampler(schemas), range(1) if len(schemas.xsd.maps.elements) > 1000 else range(4)
        counts["contracts"] += 1
        for part, use in _parts(name):
            for seed in seeds:
                element = again(maker.part(part, seed=seed, use=use))
                counts["samples"] += 1
                if use == "encoded" and b"arrayType" in etree.tostring(element):
                    # What SOAP encoding says of arrays contradicts its own schema: no item could stand in one.
                    counts["arrays of SOAP encoding"] += 1
                    continue
                assert _problems(schemas, part, element) == [], f"{name} {part}"
                if judge is not None and part.element is not None:
                    assert judge.validate(element), f"{name} {said(judge)}"
                    counts["by libxml2 too"] += 1
    print(counts)

    assert counts["by libxml2 too"] > 5000


def test_every_element_of_every_shared_schema_is_valid_or_told_to_be_impossible(tmp_path: Path) -> None:
    impossible, count = set[str](), 0
    for number, name in enumerate(shared_names()):
        contract = shared(name)
        (tmp_path / str(number)).mkdir()
        judge, schemas = oracle(contract.bundle, tmp_path / str(number)), build(contract.bundle)
        maker, tags = Sampler(schemas), sorted(tag for tag in schemas.xsd.maps.elements if not tag.startswith(XSD))
        for tag in tags[:: 1 if len(tags) < 1000 else 20]:
            for seed in range(3):
                try:
                    element = again(maker.part(Part(name="", element=tag), seed=seed))
                except ContractError:
                    impossible.add(tag.rpartition("}")[2])
                    continue
                assert [str(error) for error in schemas.xsd.iter_errors(element)] == [], tag
                assert judge is None or judge.validate(element), f"{tag} {said(judge)}"
                count += 1
    print(f"{count} samples")

    # They name a DTD's entities, or must refer to an ID and have none.
    assert impossible == {"ENTITIES", "ENTITY", "SignedReference", "SignedReferences"}


def said(judge: etree.XMLSchema) -> str:
    log: Any = judge.error_log
    return str(log.last_error)


def _parts(name: str) -> list[tuple[Part, Use]]:
    operations = [
        operation for _, port in shared(name).ports if port.soap is not None for operation in port.operations.values()
    ]
    bodies = [body for each in operations for body in (each.input, each.output) if body is not None]
    faults: list[tuple[Part, Use]] = [
        (fault.part, fault.use) for each in operations for fault in each.faults if fault.part is not None
    ]
    headers: list[tuple[Part, Use]] = [(header.part, header.use) for body in bodies for header in body.headers]
    return [*((part, body.use) for body in bodies for part in body.parts), *headers, *faults]


def _problems(schemas: Schemas, part: Part, element: Element) -> list[str]:
    if part.element is not None:
        return [str(error) for error in schemas.xsd.iter_errors(element)]
    kind = schemas.type(part.type or "")
    assert kind is not None
    if isinstance(kind, XsdComplexType):
        given: Any = element
        return [str(error) for error in kind.iter_errors(given)]
    return [] if kind.text_is_valid(element.text or "") else [str(element.text)]


def test_a_contract_that_wants_millions_of_one_thing_is_told() -> None:
    schemas = schemas_of(
        """<xs:element name="e"><xs:complexType><xs:sequence>
        <xs:element name="a" minOccurs="5000000000" maxOccurs="unbounded"/>
        </xs:sequence></xs:complexType></xs:element>"""
    )

    with pytest.raises(ContractError, match="expected at most 100000 of one thing at a place, found 5000000000"):
        sample(schemas, "{urn:t}e")
