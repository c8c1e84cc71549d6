"""The sandbox as different callers and façades come to it: other bytes, other paths, headers, recordings of trouble."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from zeep.exceptions import Fault

from adapters.soap.sandbox.meaning import meaning
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.xml import parse
from tests.sandboxes import TNS, body_of, enveloped, own, post, said, sandbox
from tests.wsdls import shared

LIST = f'<List xmlns="{TNS}"><limit>5</limit></List>'
MOVE = (
    f'<Move xmlns="{TNS}" xmlns:t="urn:banyan:registry:types"><id>R12345678</id><address><t:street>a</t:street>'
    "<t:city>b</t:city><t:postcode>1</t:postcode></address></Move>"
)
FIND = '<Find xmlns="urn:banyan:pages"/>'


@pytest.mark.parametrize(
    "other",
    [
        f'<r:List xmlns:r="{TNS}"><r:limit>5</r:limit></r:List>',
        f'\n  <List xmlns="{TNS}">\n    <limit> 5 </limit>\n  </List>\n',
        f'<List xmlns="{TNS}" xmlns:unused="urn:x"><!-- five --><limit>5</limit></List>',
        (
            f'<List xmlns="{TNS}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b">'
            "<limit>5</limit></List>"
        ),
    ],
)
async def test_the_same_request_in_other_bytes_has_the_same_answer(other: str, tmp_path: Path) -> None:
    async with sandbox(record=tmp_path) as running:
        first = (await post(running.url, LIST)).content
        second = (await post(running.url, other)).content
    async with sandbox(scenario={"seed": 1}, recorded=tmp_path) as running:
        recorded = (await post(running.url, other)).content

    assert first == second == recorded


async def test_a_type_that_is_said_is_the_same_whatever_its_prefix() -> None:
    def typed(prefix: str) -> str:
        return (
            f'<List xmlns="{TNS}" xmlns:{prefix}="urn:banyan:registry:types" '
            f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><limit i:type="{prefix}:Limit">5</limit></List>'
        )

    async with sandbox() as running:
        answers = {(await post(running.url, typed(prefix))).content for prefix in ("a", "b")}

    assert len(answers) == 1


def test_what_a_request_says_is_its_names_and_values_in_their_order() -> None:
    said_alike = meaning(parse(b"<x b='2' a=' 1 '><y> one\n two </y><z/></x>"))
    others = [
        b"<x b='2' a='1'><z/><y>one two</y></x>",
        b"<x b='2'><y>one two</y><z/></x>",
        b"<x a='1' b='2'><y>one</y><z/></x>",
    ]

    assert said_alike == meaning(parse(b"<x a='1' b='2'>\n<y>one two</y>\n<z></z>\n</x>"))
    assert said_alike not in [meaning(parse(each)) for each in others]


@pytest.mark.parametrize("path", ["registry", "hub/registry", "RegistryService/Registry11", "x/Registry11"])
async def test_a_call_at_a_path_that_ends_like_a_ports_is_answered(path: str) -> None:
    async with sandbox() as running:
        assert (await post(running.url + path, LIST)).status_code == 200
        other = await post(running.url + path, f'<Count xmlns="{TNS}"/>')

    assert "expected one of" in said(other)[1]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_call_at_any_other_path_gets_a_fault_that_says_what_there_is(version: Any) -> None:
    async with sandbox() as running:
        response = await post(running.url + "elsewhere", LIST, version=version)

    fault = body_of(response)
    text = fault.findtext("faultstring") if version == "1.1" else fault.findtext("{*}Reason/{*}Text")
    assert response.status_code == 404
    assert fault.tag.endswith("}Fault")
    assert text is not None
    assert text.startswith("no path /elsewhere: expected one of /, ")
    assert "/registry12" in text


async def test_zeep_is_told_by_a_fault_too() -> None:
    library: Any = zeep  # it has no types
    async with sandbox() as running:

        def call() -> str:
            with requests.Session() as session:
                client = library.Client(running.url + "?wsdl", transport=library.Transport(session=session))
                service = client.create_service(f"{{{TNS}}}Registry11", running.url + "elsewhere")
                with pytest.raises(Fault) as caught:
                    service.List(limit=5)
                return str(caught.value)

        assert (await asyncio.to_thread(call)).startswith("no path /elsewhere: expected one of /, ")


@pytest.mark.parametrize("kind", ["unavailable", "html", "empty", "cut"])
async def test_trouble_of_http_is_not_recorded(kind: str, tmp_path: Path) -> None:
    scenario = {"every": {"broken": [{"kind": kind, "rate": 0.5}]}}
    async with sandbox("pages.wsdl", scenario, record=tmp_path) as running:
        for token in range(12):
            try:
                await post(running.url, FIND.replace("/>", f"><token>{token}</token></Find>"))
            except requests.exceptions.RequestException:
                assert kind == "cut"
        answered = running.calls["Find", "answer"]
    async with sandbox("pages.wsdl", recorded=tmp_path):
        assert 0 < len(answers_in(tmp_path)) == answered < 12


async def test_a_call_that_gets_no_answer_is_not_recorded(tmp_path: Path) -> None:
    async with sandbox("pages.wsdl", {"every": {"latency": {"least": 0, "errors": 1}}}, record=tmp_path) as running:
        with pytest.raises(requests.exceptions.ConnectionError):
            await post(running.url, FIND)

    assert answers_in(tmp_path) == []


def answers_in(folder: Path) -> list[Path]:
    return [*folder.glob("*.answer.xml")]


def moving(header: str) -> bytes:
    return enveloped(MOVE).replace(b"<s:Body>", f"<s:Header>{header}</s:Header><s:Body>".encode())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f'<Caller xmlns="{TNS}">me</Caller>', None),
        (f'<Other xmlns="urn:x"/><Caller xmlns="{TNS}">me</Caller>', None),
        ("", f"Header: expected {{{TNS}}}Caller, found none"),
        (f'<Caller xmlns="{TNS}"><a/></Caller>', "Header/"),
        ('<Caller xmlns="urn:x"/>', f"Header: expected {{{TNS}}}Caller, found none"),
    ],
)
async def test_declared_headers_are_checked_where_that_is_asked_for(header: str, expected: str | None) -> None:
    async with sandbox() as running:
        assert (await post(running.url, moving(header))).status_code == 200
    async with sandbox(scenario={"every": {"check_headers": True}}) as running:
        response = await post(running.url, moving(header))
        plain = await post(running.url, LIST)  # which declares none

    assert plain.status_code == 200
    if expected is None:
        assert response.status_code == 200
    else:
        assert said(response)[0] == "soap:Client"
        assert said(response)[1].startswith(expected)


def test_a_list_that_may_be_empty_is_there_unless_none_are_asked_for() -> None:
    contract, schemas = own("registry.wsdl")
    output = contract.ports[0][1].operations["List"].output
    assert output is not None
    sampler = Sampler(schemas)

    def counts(options: Options | None = None) -> set[int]:
        answers = (sampler.body(output, seed=seed, options=options)[0] for seed in range(40))
        return {len(answer.findall("{*}resident")) for answer in answers}

    assert counts() == {1, 2, 3}
    assert counts(Options(items=0)) == {0}


def test_answers_of_a_real_contract_have_their_lists() -> None:
    name = "navikt+tjenestespesifikasjoner/sykmeldingv1-tjenestespesifikasjon/src/main/wsdl/no/nav/tjeneste/virksomhet/"
    contract = shared(name + "sykmelding/v1/Binding.wsdl")
    operation = contract.ports[0][1].operations["hentSykmeldingListe"]
    assert operation.output is not None
    sampler = Sampler(build(contract.bundle))

    answers = [sampler.body(operation.output, seed=seed)[0] for seed in range(12)]

    assert all(answer.findall(".//{*}meldingListe") for answer in answers if answer.find("{*}response") is not None)
    assert any(answer.find("{*}response") is not None for answer in answers)
