"""The command line: help, usage, keys, and by which code it ends."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import BrokerUnavailableError, ConfigError, FencedError, LegacyFaultError
from contracts.keys import BUCKETS
from hub.cli import root
from tests.command_line import BANYAN, GUIDE, Ran, banyan


def commands() -> list[Sequence[str]]:
    """Return every command with its groups."""

    def below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, (*path, name))

    return list(below(typer.main.get_command(root.app), ()))


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_says_what_it_does(path: Sequence[str]) -> None:
    ran = banyan(*path, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.lstrip().startswith(" ".join(["Usage: banyan", *path]))
    assert re.search(r"\n  \S.*[.:;)]", ran.out)


def test_the_console_script_is_ours() -> None:
    ran = subprocess.run([BANYAN, "--help"], capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.lstrip().startswith("Usage: banyan")


def test_the_console_script_ends_with_2_and_a_sentence_for_each_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "banyan.yaml").write_text("namespase: x\nlog_level: y\n")

    ran = subprocess.run(
        [BANYAN, "adapter", "list"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in sorted(ran.stderr.splitlines())] == [
        ["banyan", "banyan.yaml:1"],
        ["banyan", "banyan.yaml:2"],
    ]


@pytest.mark.parametrize("arguments", [["nonsense"], ["adapter", "run"], ["key", "bucket", "1"], ["run", "--once"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    ran = banyan(*arguments)

    assert ran.code == 2
    assert "Usage: banyan" in ran.err


@given(key=st.text(st.characters(exclude_categories=["Cs", "Cc"])).filter(lambda key: key[:1] != "-"))
def test_a_bucket_is_what_the_formula_says(key: str) -> None:
    expected = xxhash.xxh32(f"{key}:benefits-2026".encode(), seed=0).intdigest() % 10_000

    assert banyan("key", "bucket", "--salt", "benefits-2026", key, "--json").json == {key: expected}
    assert 0 <= expected < BUCKETS


def test_buckets_agree_with_the_published_vectors() -> None:
    rows = re.findall(
        r"^\| (\(empty\)|`[^`]+`) \| `([^`]+)` \| (\d+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    vectors = [("" if key == "(empty)" else key.strip("`"), salt, int(bucket)) for key, salt, bucket in rows]

    assert len(vectors) >= 5
    for key, salt, bucket in vectors:
        assert banyan("key", "bucket", "--salt", salt, key, "--json").json == {key: bucket}


def test_keys_are_shown_as_they_are_whatever_brackets_and_colons_they_have() -> None:
    ran = banyan("key", "bucket", "--salt", "a", "[/x]", "[red]y", ":key:", "1")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["key", "[/x]", "[red]y", ":key:", "1"]


@pytest.mark.parametrize("salt", ["", "a b", "ä", "a:b"])
def test_a_salt_that_is_none_ends_with_2(salt: str) -> None:
    ran = banyan("key", "bucket", "--salt", salt, "12345")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"banyan: --salt: salt {salt!r}: expected one or more of A-Z a-z 0-9 . _ -\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError(["first", "second"]), 2, "banyan: first\nbanyan: second\n"),
        (FencedError("a", instance="1", newer="2"), 4, "banyan: a: instance 1 stopped: "),
        (BrokerUnavailableError("Kafka", reason="closed"), 1, "banyan: Kafka: not available: closed\n"),
        (LegacyFaultError("registry", code="Client", text="Elfrun"), 1, "banyan: registry: fault Client\n"),
    ],
)
def test_an_error_ends_the_process_with_its_code(
    error: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        raise error

    monkeypatch.setattr(root, "app", command)

    ran = banyan()

    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(said)


def test_what_ends_well_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root, "app", lambda: None)

    assert banyan() == Ran(0, "", "")
