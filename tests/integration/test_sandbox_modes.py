"""The sandbox's modes: faults, trouble of HTTP, drift, pages, recordings, latency, and the scenario file."""

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.soap.sandbox import Sandbox, SandboxOptions, read_scenario
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Body
from contracts.legacy.soap.validity import Problem, problems
from contracts.legacy.xml import Element, canonical, local_name
from tests.sandboxes import body_of, own, post, said, sandbox

NS = "urn:banyan:pages"
FIND = f'<Find xmlns="{NS}"/>'


def every(**behaviour: Any) -> dict[str, Any]:
    return {"every": behaviour}


def find(**behaviour: Any) -> dict[str, Any]:
    return {"operations": {"Find": behaviour}}


def output() -> Body:
    body = own("pages.wsdl")[0].ports[0][1].operations["Find"].output
    assert body is not None
    return body


def wrong(answer: Element) -> list[Problem]:
    return [*problems(own("pages.wsdl")[1], output(), [answer])]


async def answers(scenario: dict[str, Any], count: int = 1) -> list[requests.Response]:
    async with sandbox("pages.wsdl", scenario) as running:
        return [await post(running.url, FIND) for _ in range(count)]


async def test_a_declared_fault_has_its_typed_detail() -> None:
    [response] = await answers(find(faults=[{"name": "refused"}]))

    fault = body_of(response)
    [detail] = fault.iterfind("detail/*")
    assert response.status_code == 500
    assert fault.findtext("faultcode") == "soap:Server"
    assert detail.tag == f"{{{NS}}}Refused"
    assert [*own("pages.wsdl")[1].xsd.iter_errors(_any(detail))] == []


@pytest.mark.parametrize("code", ["Client", "Server"])
async def test_a_fault_that_is_not_declared_has_the_code_that_is_asked_for(code: str) -> None:
    [response] = await answers(find(faults=[{"name": code}]))

    assert said(response)[0] == f"soap:{code}"


async def test_a_rate_is_a_share_of_the_calls_and_the_same_each_time() -> None:
    scenario = find(faults=[{"name": "refused", "rate": 0.5}])
    first, second = [[each.status_code for each in await answers(scenario, 40)] for _ in range(2)]

    assert first == second
    assert 8 < first.count(500) < 32


async def test_http_errors_are_none_of_soap() -> None:
    kinds = ["unavailable", "html", "empty"]
    found = {kind: (await answers(every(broken=[{"kind": kind}])))[0] for kind in kinds}

    assert {kind: each.status_code for kind, each in found.items()} == {"unavailable": 503, "html": 502, "empty": 200}
    assert found["html"].text.startswith("<!DOCTYPE html>")
    assert found["empty"].content == b""


async def test_an_answer_is_cut_off_in_the_middle() -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        await answers(every(broken=[{"kind": "cut"}]))


async def test_a_call_without_an_answer_ends_with_its_connection() -> None:
    with pytest.raises(requests.exceptions.ConnectionError, match="without response"):
        await answers(every(latency={"least": 0, "errors": 1}))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("add-element", "Unexpected child with tag .*addedLater"),
        ("rename", "V2"),
        ("reorder", "Unexpected child|not complete|character data|expected"),
        ("bad-value", ""),
        ("new-enum", "value must be one of"),
    ],
)
async def test_a_drifted_answer_is_what_the_contract_does_not_allow(kind: str, expected: str) -> None:
    for response in await answers(every(drift=[{"kind": kind}], items=3), 5):
        found = wrong(body_of(response))

        assert found
        assert any(re.search(expected, each.text) for each in found)


async def test_a_dropped_optional_element_is_allowed_and_is_not_there() -> None:
    [plain] = await answers(every(items=3))
    [response] = await answers(every(drift=[{"kind": "drop-optional"}], items=3))

    before, after = ([local_name(each) for each in body_of(answer).iter()] for answer in (plain, response))
    assert wrong(body_of(response)) == []
    assert len(after) < len(before)
    assert set(after) <= set(before)


async def test_drift_is_told_with_its_place() -> None:
    async with sandbox("pages.wsdl", every(drift=[{"kind": "rename"}])) as running:
        await post(running.url, FIND)

        [(operation, outcome)] = running.calls
    assert operation == "Find"
    assert outcome.startswith("drift rename {urn:banyan:pages}")


PAGES = {
    "items": "entries/entry",
    "total": 47,
    "size": 10,
    "offset": "page/offset",
    "limit": "page/limit",
    "token": "token",
    "next": "next",
    "count": "total",
    "complete": "last",
    "key": "id",
}


async def test_pages_by_token_hold_each_item_once() -> None:
    ids: list[str | None] = []
    token: str | None = None
    async with sandbox("pages.wsdl", find(paging=PAGES)) as running:
        for turn in range(5):
            asked = "" if token is None else f"<token>{token}</token>"
            answer = body_of(await post(running.url, f'<Find xmlns="{NS}">{asked}</Find>'))
            ids += [each.text for each in answer.iterfind("{*}entries/{*}entry/{*}id")]
            token = answer.findtext("{*}next")

            assert wrong(answer) == []
            assert (answer.findtext("{*}total"), answer.findtext("{*}last")) == ("47", "true" if turn == 4 else "false")

    assert token is None
    assert (len(ids), len(set(ids))) == (47, 47)


async def test_pages_by_offset_and_limit_hold_each_item_once_and_are_the_same_items() -> None:
    async with sandbox("pages.wsdl", find(paging=PAGES)) as running:

        async def page(offset: int, limit: int) -> list[bytes]:
            asked = f"<page><offset>{offset}</offset><limit>{limit}</limit></page>"
            answer = body_of(await post(running.url, f'<Find xmlns="{NS}">{asked}</Find>'))
            return [canonical(each) for each in answer.iterfind("{*}entries/{*}entry")]

        sevens = [item for offset in range(0, 49, 7) for item in await page(offset, 7)]
        whole = await page(0, 1000)
        beyond = await page(60, 10)

    assert sevens == whole
    assert len(set(whole)) == 47
    assert beyond == []


async def test_latency_is_slept_between_its_bounds() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with sandbox("pages.wsdl", every(latency={"least": 0.05, "most": 2}), sleep=sleep) as running:
        for _ in range(20):
            await post(running.url, FIND)

    assert len(set(slept)) > 10
    assert all(0.05 <= each <= 2 for each in slept)


async def test_what_was_recorded_is_answered_again_and_all_else_is_sampled(tmp_path: Path) -> None:
    first, second, third = (f'<Find xmlns="{NS}"><token>{token}</token></Find>' for token in "abc")
    async with sandbox("pages.wsdl", {"seed": 1}, record=tmp_path) as running:
        kept = [(await post(running.url, each)).content for each in (first, second)]
    async with sandbox("pages.wsdl", {"seed": 2}, recorded=tmp_path) as running:
        again = [(await post(running.url, each)).content for each in (first, second)]
        other = (await post(running.url, third)).content
        outcomes = [outcome for _, outcome in running.calls]

    assert again == kept
    assert other not in kept
    assert outcomes == ["recorded 00001-Find", "recorded 00002-Find", "answer"]


async def test_a_recorded_call_may_be_found_by_declared_fields(tmp_path: Path) -> None:
    page = "<page><offset>{}</offset><limit>7</limit></page><token>t</token>"
    async with sandbox("pages.wsdl", record=tmp_path) as running:
        kept = (await post(running.url, f'<Find xmlns="{NS}">{page.format(1)}</Find>')).content
    async with sandbox("pages.wsdl", find(match=["token", "page/limit"]), recorded=tmp_path) as running:
        again = (await post(running.url, f'<Find xmlns="{NS}">{page.format(2)}</Find>')).content
        other = (await post(running.url, FIND)).content

    assert again == kept != other


def test_recordings_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.request.xml").write_text("<a/>")
    refused: list[str] = []
    for _ in range(2):
        with pytest.raises(ConfigError) as error:
            Sandbox(*own("pages.wsdl"), SandboxOptions(recorded=tmp_path))
        refused.append(str(error.value))
        (tmp_path / "a.answer.xml").write_text("<a/>")

    assert "expected a.answer.xml beside it" in refused[0]
    assert "expected a SOAP envelope, found a" in refused[1]


def test_a_scenario_file_is_read_and_options_go_over_it(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "seed: 4\nevery: {items: 2, latency: {least: PT0.1S}}\noperations: {Find: {faults: [{name: refused}]}}\n"
    )

    scenario = read_scenario(file, {"seed": 5, "every": {"items": 3}})

    assert (scenario.seed, scenario.every.items) == (5, 3)
    assert scenario.behaviour("Find").items == 3
    assert [each.name for each in scenario.behaviour("Find").faults] == ["refused"]
    assert scenario.behaviour("Other").faults == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every: {item: 2}", r"scenario.yaml:1: every.item: unknown setting; did you mean 'items'\?"),
        (
            "every:\n  drift: [{kind: renam}]",
            r"scenario.yaml:2: every.drift.0.kind: input should be .*did you mean 'rename'",
        ),
        ("every: {latency: {least: 2, most: 1}}", "expected most to be at least as long as least"),
        ("every: {broken: [{kind: empty, rate: 2}]}", "less than or equal to 1"),
    ],
)
def test_a_scenario_that_is_wrong_names_the_line(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=expected):
        read_scenario(file, {})


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ({"operations": {"Fnd": {}}}, "operations.Fnd: expected one of Find"),
        (find(faults=[{"name": "no"}]), "operations.Find.faults: expected one of refused, Client, Server, found no"),
        (find(paging={"items": "entries/nothing"}), "paging.items: expected a repeated element, found entries/nothing"),
        (find(paging={"items": "entries"}), "paging.items: expected a repeated element, found entries"),
    ],
)
def test_a_scenario_that_does_not_fit_the_contract_is_refused(scenario: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        Sandbox(*own("pages.wsdl"), SandboxOptions(scenario=read_scenario(None, scenario)))


async def test_an_answer_that_can_not_be_made_is_a_fault_that_says_so() -> None:
    paging = {**PAGES, "key": "kind"}
    [response] = await answers(find(paging=paging))

    assert "the sandbox has no answer: paging.key: expected kind in each item, with 3 values" in said(response)[1]


def _any(value: Any) -> Any:
    return value
