"""The command line: rules are compared with the contracts that the façade serves, before they decide anything."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from hub.rule_fit import ComparedRulesets
from hub.settings import load
from routers.rulesets.copy import FILE
from routers.rulesets.file import RulesetFile
from tests.command_line import World
from tests.wsdls import OWN

NAMESPACES = {"k": "urn:banyan:keys"}
RIGHT = "Body/k:findCases/request/personId"


def rules(world: World, *, xpath: str = RIGHT, **route: Any) -> Path:
    given = {"soap": "k:findCases", "key": {"xpath": xpath}, "legacy": "old", "modern": "new", **route}
    path = world.folder / f"rules-{len(list(world.folder.glob('rules-*')))}.yaml"
    document = {"namespaces": NAMESPACES, "capabilities": {"cases": {"salt": "s", "routes": {"find": given}}}}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def serve(world: World, *, path: str = "/cases", wsdl: str = str(OWN / "rules/keys.wsdl"), **more: Any) -> None:
    served = {path: {"wsdl": wsdl, **({"ports": more.pop("ports")} if "ports" in more else {})}}
    facade = {
        "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old", "contracts": served}},
        "backends": {"old": {"url": "http://127.0.0.1:1"}, "new": {"url": "http://127.0.0.1:2"}},
        **more,
    }
    file = world.folder / "banyan.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "facade": facade}))


def test_a_key_in_the_wrong_namespace_is_refused_with_the_right_spelling(world: World) -> None:
    serve(world)
    wrong = rules(world, xpath="Body/k:findCases/k:request/k:personId")

    shown = world.run("ruleset", "diff", str(wrong))
    refused = world.run("ruleset", "apply", str(wrong), "--reason", "r", "--yes")
    applied = world.run("ruleset", "apply", str(rules(world)), "--reason", "r", "--yes")

    where = f"{wrong}:10: capabilities.cases.routes.find.key.xpath: "
    assert shown.code == 0
    assert f"banyan: warning: this would be refused: {where}'Body/k:findCases/k:request/k:personId'" in shown.err
    assert refused.code == 2
    assert f"banyan: {where}" in refused.err
    assert refused.err.endswith(f"did you mean '{RIGHT}'?\n")
    assert (applied.code, applied.err) == (0, "")


def test_what_the_contract_leaves_open_is_a_warning(world: World) -> None:
    serve(world)
    open_ = rules(world, xpath="Body/k:findCases/more/id")

    applied = world.run("ruleset", "apply", str(open_), "--reason", "r", "--yes")

    assert applied.code == 0
    assert "banyan: warning: " in applied.err
    assert "so it may be one of those" in applied.err


def test_a_contract_that_can_not_be_read_keeps_no_rules_back(world: World) -> None:
    serve(world, wsdl=str(world.folder / "gone.wsdl"))

    applied = world.run("ruleset", "apply", str(rules(world)), "--reason", "r", "--yes")

    assert applied.code == 0
    assert "warning: the rules are not compared with a contract: " in applied.err
    assert "gone.wsdl: No such file or directory" in applied.err


def test_check_compares_rules_of_a_file_and_of_the_topic(world: World) -> None:
    wrong = rules(world, soap="k:findCase", key={"header": "X-Person"})
    assert world.run("ruleset", "apply", str(wrong), "--reason", "before there was a contract", "--yes").code == 0

    serve(world)
    topic = world.run("facade", "check", "--json")
    serve(world, ruleset=str(wrong))
    file = world.run("facade", "check", "--json")

    said = (
        "capabilities.cases.routes.find.soap: no contract that the façade serves has {!r} as the child of a Body; did "
        "you mean {!r}? (if it is of another service, serve the contract of that one, too)"
    )
    k = "{urn:banyan:keys}"
    assert topic.json["ruleset"] == [said.format(f"{k}findCase", f"{k}findCases")]
    assert file.json["ruleset"] == [f"{wrong}:8: " + said.format("k:findCase", "k:findCases")]
    assert (topic.code, file.code) == (1, 1)


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ({"path": "/registry"}, {"Cases": "/registry", "Cases12": "/registry", "Counts": "/registry"}),
        ({"ports": {"Counts": "/counts"}}, {"Counts": "/counts"}),
        ({"wsdl": str(OWN / "registry.wsdl")}, {}),
        ({}, {}),
    ],
)
def test_check_warns_of_a_path_that_is_not_the_services_own(
    world: World, given: dict[str, Any], called: dict[str, str]
) -> None:
    serve(world, ruleset=str(rules(world)), **given)

    checked = world.run("facade", "check", "--json")

    path = given.get("path", "/cases")
    assert checked.json[f"contract {path} of main"] == []
    assert [line for line in checked.err.splitlines() if "contract " in line and " port " in line] == [
        f"banyan: warning: contract {path} of main: port {port}: callers who load the contract here call {at}, and "
        "the backend gets that path; the service's own, as its contract says, is /cases: serve it there, unless the "
        "backend answers at both"
        for port, at in called.items()
    ]


async def test_a_facade_logs_once_what_does_not_fit(world: World) -> None:
    file = rules(world, xpath="Body/k:findCases/k:request/k:personId")
    serve(world, ruleset=str(file))
    facade = load(world.folder / "banyan.yaml", environ={}).facade
    assert facade is not None
    compared = ComparedRulesets(RulesetFile(file, copy=world.folder / FILE, backends=facade.backends), facade)

    with structlog.testing.capture_logs() as logged:
        await followed(compared, 1)
        file.write_text(file.read_text().replace("salt: s", "salt: s\n    description: d"))
        await followed(compared, 2)

    [entry] = [each for each in logged if each["event"] == "a rule does not fit the contracts that are served"]
    assert entry["field"] == "capabilities.cases.routes.find.key.xpath"
    assert entry["certain"] is True


async def followed(rulesets: ComparedRulesets, until: int) -> None:
    """Follow them until a version is in force."""
    reached = asyncio.Event()

    def tell(_packed: bytes, version: int) -> None:
        if version == until:
            reached.set()

    following = asyncio.create_task(rulesets.run(tell))
    await asyncio.wait_for(reached.wait(), 10)
    following.cancel()
    await asyncio.wait({following})


def test_a_name_that_the_service_of_a_listener_without_contracts_may_have_is_a_warning(world: World) -> None:
    serve(world)
    file = world.folder / "banyan.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["facade"]["listeners"]["other"] = {"address": "127.0.0.1:0", "legacy": "old"}
    file.write_text(yaml.safe_dump(settings))

    applied = world.run(
        "ruleset", "apply", str(rules(world, xpath="Body/k:another/id", soap="k:another")), "--reason", "r", "--yes"
    )

    assert applied.code == 0, applied.err
    assert "has 'k:another' as the child of a Body" in applied.err
