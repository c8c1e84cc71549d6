"""The command line: the way back to an older ruleset, and the guard against drawing people anew."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.rules import FILE_COPY
from routers.rulesets.copy import LocalCopy
from routers.rulesets.ruleset import EMPTY
from tests.command_line import World
from tests.rulesets import capability, change


def rules(world: World, **fields: Any) -> str:
    path = world.folder / f"rules-{len(list(world.folder.glob('rules-*')))}.yaml"
    benefits = {"salt": "benefits-2026", "routes": {"pay": {"record": "pay"}}, **fields}
    path.write_text(yaml.safe_dump({"capabilities": {"benefits": benefits}}))
    return str(path)


def apply(world: World, file: str, *more: str) -> int:
    ran = world.run("ruleset", "apply", file, "--reason", "r", "--yes", "--json", *more)
    assert ran.code == 0, ran.err
    version: int = ran.json["version"]
    return version


def settings(world: World, **changes: object) -> None:
    path = world.folder / "banyan.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def facade(**more: Any) -> dict[str, Any]:
    return {
        "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
        "backends": {"old": {"url": "http://127.0.0.1:1"}, "new": {"url": "http://127.0.0.1:2"}},
        **more,
    }


def test_the_way_back_is_a_version_of_its_own(world: World) -> None:
    for share in (2500, 4000, 9000):
        apply(world, rules(world, share=share))

    dry = world.run("ruleset", "rollback", "1", "--reason", "too many errors", "--dry-run")
    back = world.run("ruleset", "rollback", "1", "--reason", "too many errors", "--author", "ada", "--yes", "--json")
    history = world.run("ruleset", "show", "--history", "--json").json
    again = world.run("ruleset", "rollback", "1", "--reason", "twice", "--yes")

    assert "65 % of the cohort space (6,500 of 10,000 buckets) moves to legacy" in dry.out
    assert dry.out.splitlines()[-1] == "nothing was applied"
    assert (back.json["applied"], back.json["version"], back.json["changes"][0]["to_legacy_bp"]) == (True, 4, 6500)
    assert [each["version"] for each in history] == [1, 2, 3, 4]
    assert history[3]["previous"] == history[2]["hash"]
    assert (history[3]["author"], history[3]["reason"]) == ("ada", "back to ruleset 1: too many errors")
    shares = [world.run("ruleset", "show", "--json", "--version", v).json["capabilities"] for v in ("1", "4")]
    assert shares[0] == shares[1]
    assert again.out.splitlines()[-1] == "nothing changes"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("9", "--reason", "r", "--yes"), "has no such version; the newest there is 1"),
        (("1", "--reason", " ", "--yes"), "expected a --reason"),
        (("0", "--reason", "r", "--yes"), "Input should be greater than or equal to 1"),
        (("1", "--reason", "x" * 2000, "--yes"), "expected a --reason"),
    ],
)
def test_what_can_not_be_gone_back_to_is_refused(world: World, given: tuple[str, ...], said: str) -> None:
    apply(world, rules(world, share=1))

    ran = world.run("ruleset", "rollback", *given)

    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_nobody_goes_back_without_being_asked(world: World) -> None:
    for share in (1, 2):
        apply(world, rules(world, share=share))

    ran = world.run("ruleset", "rollback", "1", "--reason", "r")

    assert (ran.code, "nobody can be asked here" in ran.err) == (2, True)
    assert world.run("ruleset", "show", "--json").json["version"] == 2


def test_an_old_version_whose_backend_is_gone_is_refused(world: World) -> None:
    read = {"rest": "GET /{id}", "key": {"path": "id"}, "legacy": "older", "modern": "new"}
    apply(world, rules(world, routes={"read": read}))
    apply(world, rules(world))
    settings(world, facade=facade())

    ran = world.run("ruleset", "rollback", "1", "--reason", "r", "--yes")

    assert ran.code == 2
    assert "capabilities.benefits.routes.read.legacy: the settings have no backend 'older'" in ran.err


def test_another_salt_under_people_needs_a_word(world: World) -> None:
    apply(world, rules(world, share=2500))
    other = rules(world, share=2500, salt="other")

    diff = world.run("ruleset", "diff", other)
    refused = world.run("ruleset", "apply", other, "--reason", "r", "--yes")
    dry = world.run("ruleset", "apply", other, "--reason", "r", "--dry-run")

    assert "warning: this would be refused: capabilities.benefits: the salt changes" in diff.err
    assert "(1,875 of 10,000 buckets) moves to modern" in diff.out
    assert (refused.code, refused.err.strip().endswith("if it is meant, give --redraw benefits")) == (2, True)
    assert (dry.code, "3,750 of 10,000 buckets would change side" in dry.err) == (2, True)
    assert world.run("ruleset", "show", "--json").json["version"] == 1

    assert apply(world, other, "--redraw", "benefits") == 2
    back = world.run("ruleset", "rollback", "1", "--reason", "r", "--yes")
    assert (back.code, "give --redraw benefits" in back.err) == (2, True)
    assert world.run("ruleset", "rollback", "1", "--reason", "r", "--yes", "--redraw", "benefits").code == 0


def test_a_declaration_in_the_document_is_a_word_too(world: World) -> None:
    apply(world, rules(world, share=2500))
    other = rules(world, share=2500, salt="other")
    declaration = world.run("ruleset", "diff", other).err.split("`")[1].replace("...", "it was guessed")
    with Path(other).open("a") as file:
        file.write(declaration + "\n")

    assert world.run("ruleset", "diff", other).err == ""
    assert apply(world, other) == 2


def test_rules_in_a_file_are_compared_with_what_the_facade_runs(world: World) -> None:
    file = Path(rules(world, share=4000))
    settings(world, facade=facade(ruleset=str(file)))
    first = world.run("ruleset", "diff")
    copy = LocalCopy(world.folder / "data" / "facade" / FILE_COPY)
    made = change(EMPTY, {"benefits": capability(share=2500, key={})})
    copy.append(made, made.after(EMPTY))

    edited = world.run("ruleset", "diff")
    given = world.run("ruleset", "diff", rules(world, share=2500, salt="other"))

    assert "which no façade has written yet" in first.out
    assert "+ benefits: added" in first.out
    assert f"against ruleset 1 of {copy.path}:" in edited.out
    assert "15 % of the cohort space (1,500 of 10,000 buckets) moves to modern" in edited.out
    assert "this would be refused" in given.err
    shown = world.run("route", "list", "--json")
    assert f"the façade last ran ruleset 1 of {copy.path}, and {file} may differ" in shown.err
    assert shown.json[0]["share"] == 4000
    file.write_text(file.read_text().replace("benefits-2026", "another"))
    [checked] = world.run("facade", "check", "--json").json["ruleset"]
    assert checked.startswith(f"{file}: capabilities.benefits: the salt changes from 'benefits-2026' to 'another'")
    refused = world.run("ruleset", "rollback", "1", "--reason", "r", "--yes")
    assert (refused.code, "(facade.ruleset): change that" in refused.err) == (2, True)
    copy.path.write_bytes(b"damaged\n")
    damaged = world.run("route", "list")
    assert (damaged.code, "the façade last ran what can't be read" in damaged.err) == (0, True)


def test_without_a_file_there_is_nothing_to_compare(world: World) -> None:
    ran = world.run("ruleset", "diff")

    assert (ran.code, "name the document to compare" in ran.err) == (2, True)
