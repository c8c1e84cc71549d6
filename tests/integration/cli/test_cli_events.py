"""The command line: events, dead letters and traces are looked at."""

import asyncio
import json
import re

from contracts.file_end import FileDelivered
from contracts.ports import LogRecord
from events.topics import event_topic
from tests.command_line import (
    NAMESPACE,
    World,
    append,
)


def test_events_are_masked(published: World) -> None:
    shown = published.run("events", "tail", "residents", "--json").lines
    found = [event for event in shown if event["type"] != FileDelivered.type]

    assert len(found) == 24
    assert {event["key"] for event in found} == {"***"}
    assert [event["data"] for event in found if event["data"]["status"] not in {"active", "closed"}] == []
    assert {event["data"]["name"] for event in found} == {event["data"]["balance"] for event in found} == {"***"}
    assert all(event["id"].startswith("file:") and event["source"] == "/banyan/cli/residents-file" for event in found)
    assert "RESIDENT 7" not in published.run("events", "tail", "residents").out


def test_the_end_of_a_file_is_shown_as_its_contract_says(published: World) -> None:
    shown = published.run("events", "tail", "residents", "--json").lines
    ends = [event["data"] for event in shown if event["type"] == FileDelivered.type]

    assert sorted(end["partition"] for end in ends) == [0, 1, 2, 3]
    assert sum(end["partition_events"] for end in ends) == 24
    assert {(end["events"], end["records"], end["dead_letters"]) for end in ends} == {(24, 25, 1)}


def test_events_are_shown_whole_where_that_is_asked_for(published: World) -> None:
    shown = published.run("events", "tail", "residents", "--unmask", "--json").lines
    found = [event for event in shown if event["type"] != FileDelivered.type]

    assert {event["key"] for event in found} == {str(number) for number in range(2, 26)}
    assert {json.loads(event["data"])["name"] for event in found} == {f"RESIDENT {number}" for number in range(2, 26)}
    assert "RESIDENT 7" in published.run("events", "tail", "residents", "--unmask").out


def test_tail_ends_after_so_many(published: World) -> None:
    assert len(published.run("events", "tail", "residents", "--limit", "3").out.splitlines()) == 3
    assert len(published.run("events", "tail", "members", "-n", "1", "--follow", "--json").lines) == 1
    assert published.run("events", "tail", "residents", "--limit", "0").code == 2


def test_events_of_an_unknown_contract_are_masked_whole(world: World) -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/x", "type": "org.example.secret.v1"}
    foreign = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    resident = [*foreign[:3], ("ce_type", b"org.example.resident.registered.v1")]
    records = [
        LogRecord(key=b"42", value=b'{"name":"Elfrun"}', headers=foreign),
        LogRecord(key=b"42", value=None, headers=foreign),
        LogRecord(key=b"42", value=b"Elfrun", headers=[("content-type", b"text/plain")]),
        LogRecord(key=b"42", value=b'{"name":"Elfrun"}', headers=resident),
    ]
    asyncio.run(append(world.connection, event_topic(NAMESPACE, "foreign").name, records))

    first, second, third, fourth = world.run("events", "tail", "foreign", "--json").lines

    assert first["data"] == "*** (17 bytes)"
    assert second["data"] is None
    assert third["type"] == "no CloudEvent"
    assert re.fullmatch(r"\*\*\* \(\d fields against the contract\)", fourth["data"])
    assert "Elfrun" not in str([first, second, third, fourth])


def test_dead_letters_are_listed_without_their_content(published: World) -> None:
    [letter] = published.run("dlq", "list", "--json").json

    assert (letter["owner"], letter["error"], letter["bytes"]) == ("residents-file", "RecordError", 40)
    assert letter["reason"].startswith("RES-BALANCE: expected")
    assert published.run("dlq", "list", "residents-file", "--json").json == [letter]
    assert letter["reason"] in published.run("dlq", "list").out


def test_a_dead_letter_shows_its_bytes_only_where_that_is_asked_for(published: World) -> None:
    [letter] = published.run("dlq", "list", "--json").json
    show = ("dlq", "show", "residents-file", letter["id"])

    masked, whole = published.run(*show, "--json").json, published.run(*show, "--unmask", "--json").json

    raw = bytes.fromhex(whole["value"])
    assert "RESIDENT 1" in raw.decode("cp037")
    assert re.fullmatch(r"\*\*\* \(40 bytes, sha256 [0-9a-f]{16}\)", masked["value"])
    assert masked["key"] == "***"
    assert raw.hex()[:16] not in published.run(*show).out
    assert whole["value"] in published.run(*show, "--unmask").out


def test_unknown_dead_letters_end_with_2(published: World) -> None:
    assert (
        published.run("dlq", "list", "nobody").err
        == "banyan: 'nobody' has no dead letters; there are: residents-file\n"
    )
    assert published.run("dlq", "show", "residents-file", "9:9").code == 2


def test_no_dead_letters_are_told(world: World) -> None:
    assert world.run("dlq", "list").out == "no dead letters\n"


def test_the_last_trace_and_one_by_its_id_are_shown(published: World) -> None:
    last = published.run("trace", "--last", "--json")
    found = published.run("events", "tail", "residents", "--limit", "1", "--json").lines[0]
    trace_id = found["traceparent"].split("-")[1]

    one = published.run("trace", trace_id)

    assert (last.code, one.code) == (0, 0)
    assert {"name", "depth", "trace_id"} <= last.json[0].keys(), "one document, an object for each span"
    assert f"Trace {trace_id}" in one.out
    assert "send residents-file" in one.out
    assert "RESIDENT 7" not in one.out


def test_a_trace_is_named_by_one_way(published: World) -> None:
    for arguments in (["trace"], ["trace", "0" * 32, "--last"]):
        assert published.run(*arguments).err == "banyan: trace: give a trace id, or --last\n"
    assert "is not stored in" in published.run("trace", "0" * 32).err


def test_where_no_traces_are_that_is_told(world: World) -> None:
    ran = world.run("trace", "--last")

    assert (ran.code, ran.err) == (2, f"banyan: trace: no traces are stored yet in {world.folder}/data/traces.sqlite\n")


def test_a_broker_that_is_not_there_ends_with_1(published: World) -> None:
    nowhere = {"BANYAN_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "BANYAN_KAFKA__REQUEST_TIMEOUT": "1"}

    for command in (["events", "tail", "residents"], ["dlq", "list"]):
        ran = published.run(*command, **nowhere)
        assert (ran.code, ran.out) == (1, "")
        assert "embedded Kafka: not available" in ran.err
