"""Captured calls as events: what is read of them, what is no event, and what is a dead letter."""

import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from adapters.soap_intercept import Adapter, Config, example
from adapters.soap_intercept.example import AddressChanged, Calls, packed
from contracts.errors import ConfigError
from contracts.event import Event, Public
from contracts.intercepted import InterceptedCall, unpack
from contracts.ports import EventBatch, LogRecord, Progress

NS = 'xmlns="urn:banyan:example:addresses"'
REQUEST = (
    f"<UpdateAddress {NS}><residentId>7</residentId>"
    "<address><street>Elm Street 1</street><city>Bled</city></address></UpdateAddress>"
)
REPLY = f"<UpdateAddressResponse {NS}><version>3</version></UpdateAddressResponse>"
FAULT = (
    "<e:Fault><faultcode>e:Client</faultcode><faultstring>Ada is unknown</faultstring>"
    f"<detail><UnknownResident {NS}><residentId>7</residentId></UnknownResident></detail></e:Fault>"
)


def soap(body: str) -> bytes:
    return (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{body}</e:Body></e:Envelope>'.encode()
    )


def one(request: bytes | None = soap(REQUEST), reply: bytes | None = soap(REPLY), **facts: object) -> bytes:
    return packed("request-1", request, reply, **facts)


def reading(*records: bytes, **config: object) -> Adapter:
    adapter = Adapter.example().configured(config)
    adapter.read_captured(Calls(records))
    return adapter


async def read(adapter: Adapter, since: Progress | None = None) -> list[EventBatch]:
    return [batch async for batch in adapter.read(since or Progress())]


def values(batches: Sequence[EventBatch]) -> list[Any]:
    return [json.loads(value or b"") for batch in batches for c in batch.events for value in c.values]


def positions(batches: Sequence[EventBatch]) -> list[str]:
    return [position for batch in batches for c in batch.events for position in c.positions]


async def test_request_and_reply_make_one_event() -> None:
    [batch] = await read(reading(one(ended_ns=1_767_225_600_123_456_789)))
    [columns] = batch.events

    assert values([batch]) == [{"resident_id": "7", "street": "Elm Street 1", "city": "Bled", "version": 3}]
    assert list(columns.keys) == [b"7"]
    assert columns.time == [datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)]
    assert (columns.topic, columns.type) == ("addresses", AddressChanged.type)
    assert batch.stream == "route:address/update"
    assert batch.dead == []


class Told(Event):
    """What is known of a call."""

    type = "org.example.call.told.v1"
    topic = "told"

    id: Public[str]
    """Request id."""
    side: Public[str]
    """Side."""
    at: Public[datetime]
    """Moment."""


async def test_a_function_gets_all_that_is_known_of_a_call() -> None:
    def told(call: Any) -> Told | None:
        if call["request"]["residentId"] != "7" or call["reply"]["version"] != 3:
            return None
        return Told(id=call["call"]["request_id"], side=call["call"]["side"], at=call["call"]["at"])

    adapter = Adapter(example.CONFIG, model=Told, key="id", mapping=told)
    adapter.read_captured(Calls([one(side="modern")]))

    assert values(await read(adapter)) == [{"id": "request-1", "side": "modern", "at": "2026-01-01T00:00:00Z"}]


@pytest.mark.parametrize(
    ("coding", "made"),
    [("gzip", gzip.compress), ("GZIP ", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("", bytes)],
)
async def test_content_codings_are_taken_off(coding: str, made: Any) -> None:
    [batch] = await read(reading(one(reply=made(soap(REPLY)), reply_coding=coding)))

    assert values([batch])[0]["version"] == 3


async def test_an_envelope_among_mime_parts_is_read() -> None:
    part = b'--b\r\nContent-Type: application/xop+xml; type="text/xml"\r\n\r\n' + soap(REQUEST) + b"\r\n--b--\r\n"
    told = 'multipart/related; boundary="b"; type="application/xop+xml"'
    [batch] = await read(reading(one(request=part, request_type=told)))

    assert values([batch])[0]["city"] == "Bled"


async def test_a_call_that_is_told_again_has_the_id_that_it_had() -> None:
    other = soap(REQUEST.replace("Elm", "Oak"))
    spans = [f"00-{'1' * 32}-{number * 16}-00" for number in "234"]
    calls = one(traceparent=spans[0]), one(traceparent=spans[1]), one(request=other, traceparent=spans[2])

    [batch] = await read(reading(b"".join(calls)))
    [apart] = await read(reading(b"".join(calls), identity="call"))

    first, again, another = positions([batch])
    assert first == again != another
    assert all(position.startswith("request-1.") for position in (first, another))
    assert positions([apart]) == [span[3:-3].replace("-", ".") for span in spans]


@pytest.mark.parametrize(
    ("call", "config"),
    [
        (one(reply=soap(FAULT)), {}),
        (one(reply=soap(FAULT), status=500), {}),
        (one(reply=None, status=0, outcome="in_doubt"), {}),
        (one(side="modern"), {"side": "legacy"}),
    ],
)
async def test_faults_failures_and_the_other_side_are_no_events(call: bytes, config: dict[str, object]) -> None:
    """The place moves on all the same; nothing of it is read again."""
    adapter = reading(call, **config)
    [batch] = await read(adapter)
    again = await read(adapter, Progress(checkpoints={batch.stream: batch.checkpoint}))

    assert (list(batch.events), list(batch.dead), again) == ([], [], [])


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (one(request=None, request_bytes=10**6), "RecordError", "request: expected a body that was kept"),
        (one(reply=None, reply_bytes=10**6), "RecordError", "reply: expected a body that was kept"),
        (one(reply=b"\x1f\x8b", reply_coding="gzip"), "RecordError", "reply: expected a body of the coding gzip"),
        (one(reply=gzip.compress(soap(REPLY))[:-9], reply_coding="gzip"), "RecordError", "to its end"),
        (one(reply=b"x", reply_coding="br"), "RecordError", "a content coding of gzip, deflate or none, found b'br'"),
        (one(reply=gzip.compress(bytes(10**6)), reply_coding="gzip"), "RecordError", "at most 100000 bytes"),
        (one(reply=b"<html>Ada</html>"), "LegacyUnavailableError", "found HTML"),
        (one(request=soap("<Other/>")), "LegacyUnavailableError", "UpdateAddress in the SOAP Body, found Other"),
        (one(request=b"--b--", request_type="multipart/related; boundary=b"), "RecordError", "request: expected"),
        (one(reply=soap(REPLY.replace("3", "three"))), "RecordError", "version"),
        (one(request=soap(REQUEST.replace("<residentId>7</residentId>", ""))), "RecordError", "residentId"),
        (one(request=soap(REQUEST.replace("7", " "))), "RecordError", "resident_id"),
        (one(request=b'<!DOCTYPE a [<!ENTITY b "c">]>' + soap(REQUEST)), "LegacyUnavailableError", "DTD"),
    ],
)
async def test_what_cant_be_read_is_a_dead_letter_with_the_whole_call(call: bytes, error: str, reason: str) -> None:
    [batch] = await read(reading(call + one(), most_bytes=100_000))
    [letter] = batch.dead

    assert (letter.error, letter.value) == (error, call)
    assert reason in letter.reason
    assert "Ada" not in letter.reason
    assert letter.attributes["request_id"] == "request-1"
    assert len(values([batch])) == 1


async def test_a_record_that_is_no_pack_is_a_dead_letter_and_ends_nothing() -> None:
    first, second = await read(reading(one()[:-1], one()))

    assert ([letter.value for letter in first.dead], first.events) == ([one()[:-1]], ())
    assert len(values([second])) == 1


async def test_deviations_are_told_and_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    more = soap(REPLY.replace("</UpdateAddressResponse>", "<colour>red</colour></UpdateAddressResponse>"))
    [batch] = await read(reading(one(reply=more)))

    assert values([batch])[0]["version"] == 3
    printed = "".join(capsys.readouterr())
    assert "call deviates from its contract" in printed
    assert "colour" in printed
    assert "red" not in printed


@pytest.mark.parametrize("chunk", [1, 2, 500])
async def test_it_goes_on_within_a_record(chunk: int) -> None:
    calls = [packed(f"request-{number}", soap(REQUEST), soap(REPLY)) for number in range(5)]
    adapter = reading(b"".join(calls[:3]), b"".join(calls[3:]), chunk_calls=chunk)
    batches = await read(adapter)
    ids = positions(batches)

    for published in range(1, len(batches)):
        checkpoint = batches[published - 1].checkpoint
        rest = await read(adapter, Progress(checkpoints={"route:address/update": checkpoint}))
        assert positions(batches[:published]) + positions(rest) == ids
    assert [batch.more for batch in batches].count(False) == 2


async def test_what_was_deleted_before_it_was_read_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Later(Calls):
        @override
        async def read(
            self, route: str, *, after: Mapping[int, int], follow: bool = False
        ) -> AsyncGenerator[LogRecord]:
            del after
            async for record in super().read(route, after={}, follow=follow):
                yield replace(record, offset=record.offset + 9)

    adapter = reading()
    adapter.read_captured(Later([one()]))
    [batch] = await read(adapter, Progress(checkpoints={adapter.stream: b'{"0": [4, 0]}'}))

    assert len(values([batch])) == 1
    printed = "".join(capsys.readouterr())
    assert "captured calls were deleted before they were read" in printed
    assert "5" in printed.partition("records")[2]


async def test_another_topic_of_the_same_name_is_refused() -> None:
    class Anew(Calls):
        @override
        async def read(
            self, route: str, *, after: Mapping[int, int], follow: bool = False
        ) -> AsyncGenerator[LogRecord]:
            del after
            async for record in super().read(route, after={}, follow=follow):
                yield record

    adapter = reading()
    adapter.read_captured(Anew([one()]))

    with pytest.raises(ConfigError, match="begins anew at 0, and 4 is next"):
        await read(adapter, Progress(checkpoints={adapter.stream: b'{"0": [4, 0]}'}))


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("residentId", "expected request, reply or call, and a path in it"),
        ("request", "expected request, reply or call"),
        ("request/resident", "the request has no resident; there are: address, remark, residentId"),
        ("reply/versions", "the reply has no versions"),
        ("request/address/zip", "no zip; there are: city, street, validFrom"),
        ("request/remark/text", "remark may be there several times"),
        ("call/key", "of a call there are: at, backend, request_id"),
    ],
)
async def test_a_mapping_names_what_the_contract_has(field: str, problem: str) -> None:
    mapping = {**example.MAPPING, "street": field}
    adapter = Adapter(example.CONFIG, model=AddressChanged, key="resident_id", mapping=mapping)
    adapter.read_captured(Calls())

    [told] = await adapter.check()

    assert f"mapping of {field}" in told
    assert problem in told
    with pytest.raises(ConfigError):
        await read(adapter)


async def test_it_says_who_gives_it_calls() -> None:
    adapter = Adapter(example.CONFIG, model=AddressChanged, key="resident_id", mapping=example.MAPPING)

    with pytest.raises(ConfigError, match="banyan run"):
        await read(adapter)


async def test_a_contract_without_the_operation_is_told() -> None:
    told = await Adapter.example().configured({"operation": "DropAddress"}).check()
    missing = await Adapter.example().configured({"wsdl": str(Path(__file__).with_name("none.wsdl"))}).check()

    assert "no operation DropAddress; there are: UpdateAddress" in told[0]
    assert "none.wsdl" in missing[0]


def test_the_examples_calls_are_packed_as_a_facade_packs_them() -> None:
    calls: list[InterceptedCall] = [call for record in Calls().records for call in unpack(record)]

    assert [call.request_id for call in calls] == [f"call-000{number}" for number in range(1, 5)]
    assert Config.model_validate(dict(example.CONFIG)) == example.CONFIG
