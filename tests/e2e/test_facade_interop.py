"""Callers that are not ours, through the façade, to a JAX-WS server and its modern twin: nothing is changed on the way.

Three SOAP stacks (zeep, Node.js, PHP) call. All that they send and get is compared with what the side says when it is
asked directly with the same bytes.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests

from tests import jaxws_server
from tests.certificates import certificates
from tests.soap_clients import callers
from tests.soap_clients.callers import CALLERS, Call, Job, zeep_calls
from tests.soap_clients.recorder import ask
from tests.soap_clients.world import BORN, BROKEN, KEYS, MOVED, UNKNOWN, Tls, World, running, same
from tests.soap_twin import NAMESPACE

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = {"zeep": b"<soap-env:Envelope", "node": b"<soap:Envelope", "php": b"<SOAP-ENV:Envelope"}
MEDIA = {"1.1": b"text/xml", "1.2": b"application/soap+xml"}


def read(number: str, **more: Any) -> Call:
    return Call(operation="ReadResident", arguments={"id": number}, **more)


def change(number: str, street: str = "Feigenweg 1") -> Call:
    header = f'<r:Caller xmlns:r="{NAMESPACE}"><resident>{number}</resident></r:Caller>'
    return Call(
        operation="ChangeAddress", arguments={"id": number, "street": street, "city": "Luftwurz"}, header=header
    )


def listing(number: str, since: str = "2026-01-02T00:00:00Z") -> Call:
    return Call(operation="ListResidents", arguments={"modifiedSince": since}, http={"X-Resident": number})


def resident(number: str, city: str = "Altfeigen") -> dict[str, Any]:
    """Return what every caller makes of a resident."""
    modified = "2026-01-02T03:04:05.1234567Z"
    return {
        "id": number, "name": f"Åse & <{number}>", "city": city, "born": BORN.get(number), "modified": modified,
    }  # fmt: skip


def fault(text: str, *, version: str, about: str | None = None, client: bool = False) -> dict[str, Any]:
    """Return what every caller makes of a fault."""
    codes = {"1.1": ("Server", "Client"), "1.2": ("Receiver", "Sender")}
    return {"fault": {"code": codes[version][client], "text": text, "about": about}}


@pytest.fixture(autouse=True, scope="module")
def tools() -> None:
    reason = jaxws_server.unavailable() or callers.unavailable()
    if reason is not None:
        pytest.skip(reason)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    async with running(tmp_path_factory.mktemp("interop")) as there:
        yield there


@pytest.mark.parametrize("share", [0, 5_000, 10_000])
async def test_three_callers_get_unchanged_answers_from_the_side_decided_on(world: World, share: int) -> None:
    await world.share(share)

    for number, caller in enumerate(CALLERS):
        keys = KEYS[number::3]
        results, exchanges = await world.call(caller, [read(key) for key in keys])

        assert results == [{"answer": resident(key)} for key in keys]
        assert all(PREFIX[caller] in each.request.body for each in exchanges)
        await world.assert_unchanged(exchanges, world.decided("read", keys))
        await world.assert_alike(exchanges[:20])


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_lists_and_faults_come_through_in_both_versions_of_soap(world: World, caller: str, version: str) -> None:
    await world.share(5_000)
    keys = KEYS[:6]
    lists = [*(listing(key) for key in keys), *(listing(key, since="2099-01-01T00:00:00Z") for key in keys)]
    expected = [*world.decided("list", [*keys, *keys]), *world.decided("read", [UNKNOWN, BROKEN, *keys])]
    assert set(expected[:6]) == {"legacy", "modern"}

    calls = [*lists, *(read(key) for key in (UNKNOWN, BROKEN, *keys))]
    results, exchanges = await world.call(caller, calls, version=version)

    for result in results[:6]:
        assert [each for each in result["answer"] if each["id"] in BORN] == [resident(key) for key in BORN]
    assert results[6:12] == [{"answer": []}] * 6
    assert results[12] == fault("nobody has this number", version=version, about=UNKNOWN)
    assert results[13] == fault("the database is closed", version=version)
    assert results[14:] == [{"answer": resident(key)} for key in keys]
    assert all(each.request.one(b"content-type").startswith(MEDIA[version]) for each in exchanges)
    assert [each.answer.status for each in exchanges] == [200] * 12 + [500] * 2 + [200] * 6
    await world.assert_unchanged(exchanges, expected)
    await world.assert_alike(exchanges[6:])


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_changes_go_to_the_side_of_the_key_in_the_soap_header(world: World, caller: str, version: str) -> None:
    await world.share(5_000)
    expected = world.decided("change", MOVED)
    assert set(expected) == {"legacy", "modern"}

    calls = [change(key, street=f"Weg <{caller}> {version}") for key in MOVED]
    results, exchanges = await world.call(caller, calls, version=version)

    address, typed = f"Weg <{caller}> {version}, Luftwurz", {"accepted": True, "fee": 12.5, "validFrom": "2026-12-01"}
    assert results == [{"answer": {"id": key, "address": address, **typed}} for key in MOVED]
    await world.assert_unchanged(exchanges, expected)
    await world.assert_alike(exchanges)


async def test_a_change_is_made_on_one_side_and_read_from_there(world: World) -> None:
    await world.share(5_000)
    await world.call("php", [change(key, street="An der Mauer") for key in MOVED])
    results, exchanges = await world.call("node", [read(key) for key in MOVED])

    assert [each["answer"]["city"] for each in results] == ["Luftwurz"] * 6
    await world.assert_unchanged(exchanges, world.decided("read", MOVED))


async def test_the_contract_comes_through_from_legacy(world: World) -> None:
    await world.share(5_000)
    host = f"Host: {world.front.address}\r\n".encode()
    for target in (b"/registry?wsdl", b"/registry?xsd=1", b"/registry12?wsdl"):
        request = b"GET " + target + b" HTTP/1.1\r\n" + host + b"\r\n"
        [through] = await ask(world.front.address, [request])
        [direct] = await ask(world.sides["legacy"].target, [request])

        assert same(through, direct)
        assert (b"urn:banyan:testing:registry" in through.body) is (through.status == 200)
    assert world.sides["modern"].taken() == []


@pytest.mark.parametrize(
    ("caller", "style", "sides"),
    [
        ("node", "chunked", ("legacy", "modern")),
        ("node", "mtom", ("legacy", "modern")),
        ("node", "gzip", ("modern",)),  # the JAX-WS server can't unpack requests
        ("php", "gzip", ("modern",)),
    ],
)
async def test_other_ways_to_write_a_body_reach_the_side_as_they_are(
    world: World, caller: str, style: str, sides: tuple[str, ...]
) -> None:
    await world.share(5_000)
    keys = [key for key, side in zip(KEYS, world.decided("read", KEYS), strict=True) if side in sides][:10]

    results, exchanges = await world.call(caller, [read(key) for key in keys], style=style)

    assert results == [{"answer": resident(key)} for key in keys]
    await world.assert_unchanged(exchanges, world.decided("read", keys))
    marks = {
        "chunked": b"Expect: 100-continue", "mtom": b"multipart/related", "gzip": b"Content-Encoding: gzip",
    }  # fmt: skip
    assert all(marks[style] in each.request.raw for each in exchanges)
    if style == "gzip":
        assert all(each.answer.one(b"content-encoding") == b"gzip" for each in exchanges)


async def test_an_envelope_without_prefixes_is_understood(world: World) -> None:
    await world.share(5_000)
    decided = world.decided("read", KEYS)
    keys = [KEYS[decided.index(side)] for side in ("legacy", "modern")]
    bodies = [
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>'
        f'<ReadResident xmlns="{NAMESPACE}"><id xmlns=""> 000{key}\n</id></ReadResident></Body></Envelope>'
        for key in keys
    ]
    head = f"POST /registry HTTP/1.1\r\nHost: {world.front.address}\r\nContent-Type: text/xml\r\nSOAPAction: urn:read"
    world.taken()
    answers = await ask(
        world.front.address, [f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode() for body in bodies]
    )

    assert [each.status for each in answers] == [500, 500]  # for the sides, zeros and blanks make another number
    await world.assert_unchanged(world.front.taken(), ["legacy", "modern"])


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_an_action_of_another_operation_is_a_fault_that_every_caller_reads(
    world: World, caller: str, version: str
) -> None:
    await world.share(5_000)
    results, exchanges = await world.call(caller, [read(KEYS[0], action="urn:change"), read(KEYS[1])], version=version)

    text = "The SOAP action names another operation than the Body; send the action of the operation in the Body."
    refused = fault(text, version=version, about="façade", client=True)
    assert results == [refused, {"answer": resident(KEYS[1])}]
    assert [each.answer.status for each in exchanges] == [{"1.1": 500, "1.2": 400}[version], 200]
    assert sum(map(len, world.taken().values())) == 1


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_call_without_a_fit_key_is_refused_where_that_is_declared(
    world: World, caller: str, version: str
) -> None:
    await world.share(5_000)
    nobody = Call(operation="ListResidents", arguments={})
    results, _ = await world.call(caller, [read("Elf"), read(""), nobody], version=version)

    text = "The call has no key of the form that this service needs; send it as the contract says."
    assert results == [fault(text, version=version, about="façade", client=True)] * 3
    assert world.taken() == {"legacy": [], "modern": []}


async def test_a_call_without_a_fit_key_goes_to_legacy_where_nothing_is_declared(world: World) -> None:
    await world.share(10_000, unfit_key="legacy")
    results, exchanges = await world.call("php", [read("Elf"), Call(operation="ListResidents", arguments={})])

    assert results[0] == fault("nobody has this number", version="1.1", about="Elf")
    await world.assert_unchanged(exchanges, ["legacy", "legacy"])


async def test_a_soap_action_beside_the_action_of_soap_1_2_may_not_name_another_operation(world: World) -> None:
    await world.share(5_000)
    _, [exchange] = await world.call("php", [read(KEYS[0])], version="1.2")
    head, _, body = exchange.request.raw.partition(b"\r\n\r\n")
    assert b'action="urn:read"' in head

    [answer] = await ask(world.front.address, [head + b'\r\nSOAPAction: "urn:change"\r\n\r\n' + body])

    assert answer.status == 400


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    files = certificates(tmp_path_factory.mktemp("tls"), "facade", "backend", "client")
    backend = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    backend.load_cert_chain(*files["backend"])
    backend.load_verify_locations(files["ca"][0])
    backend.verify_mode = ssl.CERT_REQUIRED
    return Tls(
        towards_callers=dict(zip(("certificate", "key"), files["facade"], strict=True)),
        towards_backend={"ca": files["ca"][0], **dict(zip(("certificate", "key"), files["client"], strict=True))},
        backend=backend,
    )


async def test_tls_on_both_ends_with_a_certificate_towards_the_backend(world: World, tmp_path: Path, tls: Tls) -> None:
    targets = {name: side.target for name, side in world.sides.items()}
    async with running(tmp_path, tls=tls, targets=targets) as secured:
        await secured.share(5_000)
        address = f"https://{secured.facade.addresses['main']}/registry"
        session = requests.Session()
        session.verify = tls.towards_backend["ca"]
        job = Job(wsdl=f"{address}?wsdl", calls=[read(key) for key in KEYS[:50]])
        results = await asyncio.to_thread(zeep_calls, job, session=session, address=address)

        assert results == [{"answer": resident(key)} for key in KEYS[:50]]
        decided = secured.decided("read", KEYS[:50])
        assert {name: len(calls) for name, calls in secured.taken().items()} == {
            side: decided.count(side) for side in ("legacy", "modern")
        }
        direct = f"https://{secured.sides['legacy'].address}/registry?wsdl"
        with pytest.raises(requests.ConnectionError):
            await asyncio.to_thread(requests.get, direct, verify=session.verify, timeout=5)
