"""The command line: rulesets are shown, compared and applied, and calls are explained."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.ports import LogRecord
from events.topics import decision_topic, in_doubt_topic, ruleset_topic
from routers.decision import Reason
from routers.decision_record import DecisionRecord
from routers.facade.ended import Outcome
from routers.rulesets.copy import FILE, LocalCopy
from routers.rulesets.ruleset import EMPTY
from routers.stage import Side, Stage
from tests.command_line import NAMESPACE, World, append
from tests.rulesets import capability, change

TEXT = """
capabilities:
  benefits:
    salt: benefits-2026
    share: {share}
    key: {{type: digits, strip_zeros: true, max_length: 10}}
    routes:
      read: {{rest: "GET /benefits/{{id}}", key: {{path: id}}, class: safe, legacy: old, modern: new}}
      pay: {{record: pay}}
"""


def rules(world: World, share: int) -> str:
    path = world.folder / f"rules-{share}.yaml"
    path.write_text(TEXT.format(share=share))
    return str(path)


def applied(world: World, share: int, *more: str) -> int:
    ran = world.run("ruleset", "apply", rules(world, share), "--reason", f"to {share}", "--yes", "--json", *more)
    assert ran.code == 0, ran.err
    version: int = ran.json["version"]
    return version


def settings(world: World, **changes: object) -> None:
    path = world.folder / "banyan.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def test_a_ruleset_goes_from_document_to_decision(world: World) -> None:
    decide = ("route", "decide", "benefits/pay", "--key", "0000012345", "--json")
    before = world.run("ruleset", "show")
    first = applied(world, 2500, "--author", "ada")
    legacy = world.run(*decide).json
    second = applied(world, 4000)
    modern = world.run(*decide).json

    assert "no ruleset yet" in before.out
    assert (first, second) == (1, 2)
    assert (legacy["side"], legacy["bucket"], legacy["share"], legacy["version"]) == ("legacy", 3598, 2500, 1)
    assert (modern["side"], modern["stage"], modern["reason"], modern["version"]) == ("modern", "complete", "share", 2)
    assert world.run("ruleset", "show", "--version", "1", "--json").json["author"] == "ada"
    assert [each["reason"] for each in world.run("ruleset", "show", "--history", "--json").json] == [
        "to 2500",
        "to 4000",
    ]
    assert "ruleset 2 of cli.ruleset, applied by" in world.run("ruleset", "show").out
    assert "40 %" in world.run("ruleset", "show").out
    assert "to 2500" in world.run("ruleset", "show", "--history").out
    assert world.run("ruleset", "show", "--version", "3").code == 2


def test_a_difference_is_shown_and_a_dry_run_applies_nothing(world: World) -> None:
    applied(world, 2500)
    more = rules(world, 4000)

    shown = world.run("ruleset", "diff", more)
    dry = world.run("ruleset", "apply", more, "--reason", "r", "--dry-run")
    same = world.run("ruleset", "apply", rules(world, 2500), "--reason", "r", "--yes")

    assert "against ruleset 1 of cli.ruleset:" in shown.out
    assert "15 % of the cohort space (1,500 of 10,000 buckets) moves to modern" in shown.out
    assert world.run("ruleset", "diff", more, "--json").json["changes"][0]["to_modern_bp"] == 1500
    assert dry.out.splitlines()[-1] == "nothing was applied"
    assert same.out.splitlines()[-1] == "nothing changes"
    assert world.run("ruleset", "show", "--json").json["version"] == 1


def test_who_can_not_be_asked_must_say_yes(world: World) -> None:
    ran = world.run("ruleset", "apply", rules(world, 1), "--reason", "r")

    assert (ran.code, ran.err) == (
        2,
        "banyan: nobody can be asked here: look at `banyan ruleset diff`, then give --yes\n",
    )


@pytest.mark.parametrize(("answer", "end"), [(True, "ruleset 1 is applied"), (False, "nothing was applied")])
def test_at_a_terminal_one_is_asked(world: World, monkeypatch: pytest.MonkeyPatch, answer: bool, end: str) -> None:  # noqa: FBT001 - a case
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def confirm(_: str) -> bool:
        return answer

    monkeypatch.setattr("typer.confirm", confirm)

    assert world.run("ruleset", "apply", rules(world, 1), "--reason", "r").out.splitlines()[-1] == end


@pytest.mark.parametrize("given", [["--reason", " "], ["--reason", "r", "--author", "x" * 201]])
def test_a_change_without_a_reason_or_an_author_is_refused(world: World, given: list[str]) -> None:
    ran = world.run("ruleset", "apply", rules(world, 1), "--yes", *given)

    assert (ran.code, "expected a --reason" in ran.err) == (2, True)


def test_mistakes_of_a_document_end_with_2_and_warnings_do_not(world: World) -> None:
    wrong, odd = world.folder / "wrong.yaml", world.folder / "odd.yaml"
    wrong.write_text("capabilities: {a: {salt: a, shar: 1}, B: {salt: a}}\n")
    odd.write_text("capabilities: {a: {salt: a, next: off, share: 1}}\n")

    refused, warned = world.run("ruleset", "diff", str(wrong)), world.run("ruleset", "diff", str(odd))

    assert (refused.code, len(refused.err.splitlines())) == (2, 2)
    assert (warned.code, "warning: " in warned.err) == (0, True)


def test_routes_are_listed_and_shown(world: World) -> None:
    applied(world, 2500)

    listed = world.run("route", "list", "--json").json

    assert [(row["route"], row["call"], row["share"]) for row in listed] == [
        ("benefits/pay", "pay", 2500),
        ("benefits/read", "GET /benefits/{id}", 2500),
    ]
    assert "25 %" in world.run("route", "list").out
    assert world.run("route", "show", "benefits/read", "--json").json["key"] == {"path": "id"}
    assert "benefits-2026" in world.run("route", "show", "benefits/read").out


def test_a_document_decides_without_kafka(tmp_path: Path) -> None:
    world = World(tmp_path, None)  # type: ignore[arg-type] # nobody asks it
    (tmp_path / "banyan.yaml").write_text("kafka: {bootstrap_servers: '127.0.0.1:1'}\n")
    decide = ("route", "decide", "--file", rules(world, 4000), "benefits/pay")

    assert "modern" in world.run(*decide, "--key", "12345").out
    assert world.run(*decide, "--json").json["reason"] == "missing_key"
    assert world.run("route", "decide", "benefit/pay", "--file", rules(world, 1)).err.endswith(
        "did you mean 'benefits/pay'?\n"
    )
    assert world.run("route", "show", "zzz", "--file", rules(world, 1)).err.endswith("see `banyan route list`\n")


def test_the_settings_may_name_a_file_and_nothing_is_applied_then(world: World) -> None:
    facade = {
        "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
        "backends": {"old": {"url": "http://127.0.0.1:1"}, "new": {"url": "http://127.0.0.1:2"}},
        "ruleset": rules(world, 4000),
    }
    settings(world, facade=facade)

    assert world.run("ruleset", "show", "--json").json["source"] == rules(world, 4000)
    refused = world.run("ruleset", "apply", rules(world, 1), "--reason", "r", "--yes")
    assert (refused.code, "(facade.ruleset): change that" in refused.err) == (2, True)
    facade["backends"] = {"old": {"url": "http://127.0.0.1:1"}}
    settings(world, facade=facade)
    assert "routes.read.modern: the settings have no backend 'new'" in world.run("ruleset", "show").err


def test_without_kafka_the_local_copy_is_shown_with_a_warning(tmp_path: Path) -> None:
    world = World(tmp_path, None)  # type: ignore[arg-type] # nobody asks it
    (tmp_path / "banyan.yaml").write_text(
        f"kafka: {{bootstrap_servers: '127.0.0.1:1', request_timeout: 1}}\ndata: {tmp_path / 'data'}\n"
    )
    none = world.run("ruleset", "show")
    copy = LocalCopy(tmp_path / "data" / FILE)
    made = change(EMPTY, {"benefits": capability(share=4000)})
    copy.append(made, made.after(EMPTY))

    shown = world.run("ruleset", "show", "--json")
    refused = world.run("ruleset", "apply", rules(world, 1), "--reason", "r", "--yes")

    assert none.code == 1
    assert (shown.json["version"], "which may be old" in shown.err) == (1, True)
    assert "which may be old" in world.run("route", "list").err
    assert (refused.code, "nothing can be applied now" in refused.err) == (2, True)


def value(*records: DecisionRecord) -> bytes:
    return json.dumps(records).encode()


def record(request_id: str, **fields: Any) -> DecisionRecord:
    made = DecisionRecord(
        request_id, time.time_ns() // 1_000_000, "benefits/pay", None, 3598, Stage.COMPLETE, Side.MODERN,
        Reason.SHARE, 1, Outcome.ANSWERED, 200, "new", 1, "a" * 32,
    )  # fmt: skip
    return made._replace(**fields)


def test_a_call_is_explained(world: World) -> None:
    applied(world, 4000, "--author", "ada")
    doubt = {"request_id": "doubted", "at": "now", "why": "timeout", "side": "modern", "backend": "new"}
    packed = [
        value(record("other"), record("wanted", request_sha256="b" * 64, answer_sha256="c" * 64)),
        value(record("doubted", outcome=Outcome.IN_DOUBT), record("unrouted", version=0, route=None, reason=None)),
        b'{"request_id":"wanted"}',
    ]
    records = [LogRecord(key=None, value=value) for value in packed]
    asyncio.run(append(world.connection, decision_topic(NAMESPACE).name, records))
    doubts = [
        LogRecord(key=None, value=json.dumps({**doubt, "request_id": name}).encode()) for name in ("doubted", "alone")
    ]
    asyncio.run(append(world.connection, in_doubt_topic(NAMESPACE).name, doubts))

    wanted = world.run("route", "why", "wanted")

    assert "bucket 3598, below the share 4000 (40 %) of benefits" in wanted.out
    assert "applied by ada at" in wanted.out
    assert "because: to 4000" in wanted.out
    assert f"The request's body has the sha256 {'b' * 64}." in wanted.out
    assert f"The answer's body has the sha256 {'c' * 64}." in wanted.out
    assert world.run("route", "why", "wanted", "--json").json["answer_sha256"] == "c" * 64
    assert "sha256" not in world.run("route", "why", "unrouted").out
    assert "1 records of the decision topic can't be read" in wanted.err
    assert world.run("route", "why", "doubted", "--json").json["in_doubt"] == doubt
    assert "It is in doubt since now: timeout" in world.run("route", "why", "doubted", "--since", "30m").out
    assert "There was no ruleset." in world.run("route", "why", "unrouted").out
    assert json.loads(world.run("route", "why", "alone").out)["why"] == "timeout"


def test_a_call_that_nobody_knows_ends_with_2(world: World) -> None:
    assert world.run("route", "why", "none").err.startswith("banyan: no decision on request 'none' in the last 24h")
    assert world.run("route", "why", "none", "--since", "soon").code == 2


def test_the_ruleset_topic_is_in_order_whatever_its_partitions(world: World) -> None:
    """The embedded broker has four partitions; all records of a change have one key."""
    many = world.folder / "many.yaml"
    many.write_text(yaml.safe_dump({"capabilities": {f"c{n}": {"salt": f"s{n}"} for n in range(50)}}))
    ran = world.run("ruleset", "apply", str(many), "--reason", "many", "--yes", "--json")

    assert (ran.code, ran.json["version"]) == (0, 1)
    assert len(world.run("ruleset", "show", "--json").json["capabilities"]) == 50
    assert ruleset_topic(NAMESPACE).name == "cli.ruleset"
