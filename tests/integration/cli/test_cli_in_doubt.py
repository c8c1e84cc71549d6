"""The command line: what is in doubt, and what the modern side is owed, is listed and shown."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.ports import LogRecord
from events.topics import in_doubt_topic
from routers.facade.process.spool import Spool
from tests.command_line import NAMESPACE, World, append

NOW = datetime.now(UTC)


def record(request_id: str, *, minutes_ago: int, **fields: Any) -> LogRecord:
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat(timespec="milliseconds")
    value = {
        "request_id": request_id, "route": "address/change", "class": "unsafe", "key_hash": "ab" * 16,
        "side": "modern", "backend": "new", "at": at, "why": "timeout", "trace_id": "c" * 32, **fields,
    }  # fmt: skip
    return LogRecord(key=request_id.encode(), value=json.dumps(value).encode())


def publish(world: World, *records: LogRecord) -> None:
    asyncio.run(append(world.connection, in_doubt_topic(NAMESPACE).name, records))


OWED = {"class": "idempotent", "side": "legacy", "backend": "old", "why": "owed_to_modern:closed"}


def test_what_is_in_doubt_is_listed_the_newest_first_and_once(world: World) -> None:
    older = record("older-one", minutes_ago=5)
    publish(world, record("owed-one", minutes_ago=3, **OWED), older, older, record("newest-one", minutes_ago=1))

    listed = world.run("in-doubt", "list", "--json").json
    owed = world.run("in-doubt", "list", "--owed", "--json").json
    plain = world.run("in-doubt", "list")

    assert [each["request_id"] for each in listed] == ["newest-one", "owed-one", "older-one"]
    assert [(each["owed"], each["why"], each["class"], each["side"]) for each in listed] == [
        (False, "timeout", "unsafe", "modern"),
        (True, "closed", "idempotent", "legacy"),
        (False, "timeout", "unsafe", "modern"),
    ]
    assert owed == [listed[1]]
    assert (listed[0]["backend"], listed[0]["trace_id"], listed[0]["route"]) == ("new", "c" * 32, "address/change")
    assert "ab" * 16 not in plain.out
    assert [line.split()[1:4] for line in plain.out.splitlines()[1:]] == [
        ["newest-one", "in", "doubt"],
        ["owed-one", "owed", "address/change"],
        ["older-one", "in", "doubt"],
    ]


def test_the_list_is_whole_at_80_columns(world: World) -> None:
    publish(world, record("0123456789ab-0001", minutes_ago=1))

    lines = world.run("in-doubt", "list", COLUMNS="80").out.splitlines()

    assert max(map(len, lines)) <= 80
    assert all(word in "\n".join(lines) for word in ("0123456789ab-0001", "c" * 32, "address/change", "timeout"))


def test_a_call_in_doubt_is_shown_with_what_is_known(world: World) -> None:
    publish(world, record("owed-one", minutes_ago=3, **OWED), record("other", minutes_ago=1))

    [shown] = world.run("in-doubt", "show", "owed-one", "--json").json
    plain = world.run("in-doubt", "show", "owed-one")

    assert (shown["request_id"], shown["key_hash"], shown["owed"]) == ("owed-one", "ab" * 16, True)
    assert "The modern side is owed this write since" in plain.out
    assert plain.out.endswith("`banyan route why owed-one` tells why it went where it went.\n")
    unknown = world.run("in-doubt", "show", "owed")
    assert (unknown.code, "nothing is in doubt of request 'owed'" in unknown.err) == (2, True)


def test_nothing_in_doubt_is_a_sentence(world: World) -> None:
    assert world.run("in-doubt", "list", "--since", "24h").out == "nothing in doubt in the last 24h\n"
    assert world.run("in-doubt", "list", "--since", "soon").code == 2


def test_what_can_not_be_read_or_is_still_on_the_disk_is_said(world: World) -> None:
    publish(world, record("one-of-them", minutes_ago=1), LogRecord(key=b"x", value=b"{}"))
    Spool(world.folder / "data" / "facade" / "in-doubt").keep([record("two", minutes_ago=1)])

    ran = world.run("in-doubt", "list", "--json")

    assert [each["request_id"] for each in ran.json] == ["one-of-them"]
    assert "1 records of the in-doubt topic can't be read" in ran.err
    assert "1 more wait on the disk of this machine until Kafka takes them" in ran.err
