"""Decisions for other code: the same as every channel's, in any process, with Kafka and without."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import ConfigError
from events.embedded import EmbeddedKafka
from events.log import KafkaLog
from events.topics import ruleset_topic
from hub.decisions import Decisions
from hub.settings import Settings
from routers.decision import Reason, decide
from routers.rulesets.chain import Chain
from routers.rulesets.document import read_rules
from routers.rulesets.log import apply
from routers.rulesets.ruleset import Ruleset
from routers.stage import Side
from tests.rulesets import capability, change

PAY = "benefits/pay"
NOWHERE = {"bootstrap_servers": "127.0.0.1:9"}
SOON = timedelta(milliseconds=200)
RULES = """
capabilities:
  benefits:
    salt: benefits-2026
    key: {{type: digits, strip_zeros: true, max_length: 10}}
    share: {share}
    routes:
      pay: {{record: pay}}
"""
OTHER_PROCESS = """
import json, sys
from pathlib import Path
from hub.decisions import Decisions
from hub.settings import load

with Decisions(load(Path("banyan.yaml"), environ={}), name=sys.argv[1]) as decisions:
    print(json.dumps([decisions.decide("benefits/pay", str(number))[1:] for number in range(1000)]))
"""


def of_a_file(folder: Path, *, share: int = 2500) -> Settings:
    """Return settings whose rules are in a file, and write both."""
    (folder / "rules.yaml").write_text(RULES.format(share=share))
    backend = {"url": "http://127.0.0.1:9"}
    values: dict[str, Any] = {
        "data": str(folder / "data"),
        "kafka": NOWHERE,
        "facade": {
            "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
            "backends": {"old": backend},
            "ruleset": str(folder / "rules.yaml"),
        },
    }
    (folder / "banyan.yaml").write_text(yaml.safe_dump(values))
    return Settings.model_validate(values)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_process_and_every_start_decides_the_same(tmp_path: Path) -> None:
    of_a_file(tmp_path)
    ruleset = Ruleset.restored(
        {n: (1, c) for n, c in read_rules(tmp_path / "rules.yaml").capabilities.items()}, version=1, hash_=""
    )
    expected = [[*decide(ruleset, PAY, f"{number:010d}")[1:]] for number in range(1000)]

    def told(name: str) -> list[list[object]]:
        command = [sys.executable, "-c", OTHER_PROCESS, name]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        found: list[list[object]] = json.loads(ran.stdout)
        return found

    assert told("letters") == told("portal") == told("letters") == expected
    assert 150 < sum(decision[0] == "modern" for decision in expected) < 350


def test_a_change_of_the_file_is_in_force_soon_and_told(tmp_path: Path) -> None:
    changed = threading.Event()
    with Decisions(of_a_file(tmp_path, share=0)) as decisions:
        decisions.watch(changed.set)
        before = decisions.ruleset
        assert decisions.decide(PAY, "42").side is Side.LEGACY

        (tmp_path / "rules.yaml").write_text(RULES.format(share=10_000))

        assert changed.wait(20)
        eventually(lambda: decisions.decide(PAY, "42").side is Side.MODERN)
        assert decide(before, PAY, "42").side is Side.LEGACY
        assert not decisions.problems


def test_a_wrong_edit_changes_nothing_and_is_told(tmp_path: Path) -> None:
    with Decisions(of_a_file(tmp_path, share=10_000)) as decisions:
        (tmp_path / "rules.yaml").write_text(RULES.format(share=10_001))

        eventually(lambda: bool(decisions.problems))
        assert decisions.decide(PAY, "42").side is Side.MODERN
        assert "share" in decisions.problems[0]


async def test_rules_on_the_topic_are_followed_and_outlast_kafka_and_a_restart(tmp_path: Path) -> None:
    with EmbeddedKafka() as connection:
        settings = Settings(kafka=connection, data=tmp_path, namespace="test")
        topic = ruleset_topic("test")
        async with KafkaLog(connection, topics=[topic]) as log:
            chain = Chain()
            await apply(log, topic.name, {"benefits": capability(share=0)}, author="ada", reason="r", base=chain)
            with Decisions(settings) as decisions:
                assert (decisions.decide(PAY, "42").side, decisions.ruleset.version) == (Side.LEGACY, 1)

                wanted = {"benefits": capability(share=10_000)}
                await apply(log, topic.name, wanted, author="ada", reason="r", base=chain)

                eventually(lambda: decisions.decide(PAY, "42").side is Side.MODERN)
    with Decisions(settings.model_copy(update={"kafka": connection.model_validate(NOWHERE)}), patience=SOON) as later:
        assert (later.decide(PAY, "42").side, later.ruleset.version) == (Side.MODERN, 2)
        eventually(lambda: bool(later.problems))


def _has(decisions: Decisions, share: int) -> bool:
    found = decisions.ruleset.capabilities.get("benefits")
    return found is not None and found.share == share


def test_a_watcher_that_fails_does_not_end_the_following(tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("the loop is closed")

    with Decisions(of_a_file(tmp_path, share=0)) as decisions:
        decisions.watch(fail)
        for share in (5_000, 10_000):
            (tmp_path / "rules.yaml").write_text(RULES.format(share=share))
            eventually(partial(_has, decisions, share))
        assert not decisions.problems


def test_without_any_rules_legacy_answers(tmp_path: Path) -> None:
    settings = Settings.model_validate({"kafka": NOWHERE, "data": tmp_path})
    started = time.monotonic()

    with Decisions(settings, patience=SOON) as decisions:
        decision = decisions.decide("any/route", "42")

    assert (decision.side, decision.reason, decision.version) == (Side.LEGACY, Reason.NO_ROUTE, 0)
    assert time.monotonic() - started < 60


def test_an_unknown_route_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    with (
        Decisions(of_a_file(tmp_path)) as decisions,
        pytest.raises(ConfigError, match=r"ruleset 1 has no route 'benefits/pya'; did you mean 'benefits/pay'\?"),
    ):
        decisions.decide("benefits/pya", "42")


def test_a_call_with_several_keys_is_modern_only_where_all_are(tmp_path: Path) -> None:
    with Decisions(of_a_file(tmp_path)) as decisions:
        by_side = {decisions.decide(PAY, str(number)).side: str(number) for number in range(100)}
        legacy, modern = by_side[Side.LEGACY], by_side[Side.MODERN]

        assert decisions.decide(PAY, modern, modern).side is Side.MODERN
        assert decisions.decide(PAY, modern, legacy).reason is Reason.SEVERAL_KEYS
        assert decisions.decide(PAY).reason is decisions.decide(PAY, None).reason is Reason.MISSING_KEY


def test_two_with_one_name_are_refused_and_the_name_is_free_again_after(tmp_path: Path) -> None:
    settings = of_a_file(tmp_path)
    with Decisions(settings), pytest.raises(ConfigError, match="another process follows the rules by this name"):
        Decisions(settings).__enter__()
    with Decisions(settings), Decisions(settings, name="other") as other:
        assert other.decide(PAY, "42").version == 1
    with pytest.raises(ConfigError, match=r"name '\.\./x': expected a-z"):
        Decisions(settings, name="../x")


def test_no_thread_stays(tmp_path: Path) -> None:
    before = threading.active_count()

    for _ in range(3):
        with Decisions(of_a_file(tmp_path)):
            pass

    eventually(lambda: threading.active_count() == before)


def test_damaged_rules_of_its_own_are_had_anew(tmp_path: Path) -> None:
    settings = of_a_file(tmp_path)
    (tmp_path / "data/decisions").mkdir(parents=True)
    made = change(Ruleset(version=0, hash="0" * 64), {"benefits": capability(share=1)})
    (tmp_path / "data/decisions/decisions.jsonl").write_text(f"{made!r}\n")

    with Decisions(settings) as decisions:
        assert decisions.ruleset.capabilities["benefits"].share == 2500
