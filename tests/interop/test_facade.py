"""Servers of five stacks behind the façade, called by four: nothing is changed on the way, and faults arrive typed."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
import pytest_asyncio

from adapters.soap.bundle import load_bundle
from contracts.errors import LegacyFaultError
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.reader import Reader
from contracts.legacy.soap.message.readers import Readers
from tests.interop.clients import LITERAL_CALLERS
from tests.interop.peers import LITERAL, Pair
from tests.soap_clients.callers import Call
from tests.soap_clients.recorder import ask
from tests.soap_clients.world import BORN, BROKEN, KEYS, MOVED, UNKNOWN, World, running

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("pair", LITERAL, indirect=True, ids=lambda stack: stack.name),
]
Held = Callable[[Pair, str, str], None]
SIDES = {"legacy": "legacy", "modern": "modern"}
READ, CHANGE, LIST = "r:ReadResident", "r:ChangeAddress", "r:ListResidents"
ROUTES = {
    "read": {"soap": READ, "action": "urn:read", "key": {"xpath": f"Body/{READ}/id"}, "class": "safe"} | SIDES,
    "change": {"soap": CHANGE, "action": "urn:change", "key": {"xpath": f"Body/{CHANGE}/id"}} | SIDES,
}
"""Lists have no key: they go to legacy."""


def call(operation: str, *arguments: str) -> Call:
    names = {"ReadResident": ["id"], "ChangeAddress": ["id", "street", "city"], "ListResidents": ["modifiedSince"]}
    return Call(operation=operation, arguments=dict(zip(names[operation], arguments, strict=True)))


def resident(number: str) -> dict[str, Any]:
    modified = "2026-01-02T03:04:05.1234567Z"
    born = BORN.get(number)
    return {"id": number, "name": f"Åse & <{number}>", "city": "Altfeigen", "born": born, "modified": modified}


def fault(text: str, about: str | None = None) -> dict[str, Any]:
    return {"fault": {"code": "Server", "text": text, "about": about}}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    targets = {"legacy": pair.legacy.host, "modern": pair.modern.host}
    contracts = {pair.legacy.path: {"wsdl": str(pair.contract)}}
    async with running(tmp_path_factory.mktemp("facade"), targets=targets, contracts=contracts) as there:
        yield there


def reader(pair: Pair, operation: str) -> Reader:
    contract = read_contract(bundle := load_bundle(pair.contract))
    [(_, port)] = contract.ports
    return Reader(port.operations[operation], Readers(build(bundle)), system=pair.stack.name)


@pytest.mark.parametrize("share", [0, 5_000, 10_000])
async def test_four_callers_get_unchanged_answers_from_the_side_decided_on(
    pair: Pair, world: World, held: Held, share: int
) -> None:
    await world.share(share, routes=ROUTES)

    for number, (name, caller) in enumerate(LITERAL_CALLERS.items()):
        keys = KEYS[number:60:4]
        results, exchanges = await world.call(caller, [call("ReadResident", key) for key in keys])

        assert results == [{"answer": resident(key)} for key in keys]
        decided = world.decided("read", keys)
        assert set(decided) == {0: {"legacy"}, 5_000: {"legacy", "modern"}, 10_000: {"modern"}}[share]
        await world.assert_unchanged(exchanges, decided)
        await world.assert_alike(exchanges)
        held(pair, name, f"answers byte for byte, share {share // 100} %")


@pytest.mark.parametrize("caller", LITERAL_CALLERS)
async def test_lists_and_faults_come_through(pair: Pair, world: World, held: Held, caller: str) -> None:
    await world.share(5_000, routes=ROUTES)
    asked = [
        call("ListResidents", "2026-01-02T00:00:00Z"), call("ListResidents", "2099-01-01T00:00:00Z"),
        call("ReadResident", UNKNOWN), call("ReadResident", BROKEN), call("ChangeAddress", UNKNOWN, "Weg", "Luftwurz"),
    ]  # fmt: skip
    results, exchanges = await world.call(LITERAL_CALLERS[caller], asked)

    assert [each for each in results[0]["answer"] if each["id"] in BORN] == [resident(key) for key in BORN]
    # What node-soap says in a detail has no namespace, so gSOAP does not know it, called directly or not.
    is_known = (pair.stack.name, caller) != ("node-soap", "gsoap")
    nobody = fault("nobody has this number", UNKNOWN if is_known else None)
    assert results[1:] == [{"answer": []}, nobody, fault("the database is closed"), nobody]
    decided = [*world.decided("read", [UNKNOWN, BROKEN]), *world.decided("change", [UNKNOWN])]
    await world.assert_unchanged(exchanges, ["legacy", "legacy", *decided])
    with pytest.raises(LegacyFaultError) as found:
        reader(pair, "ReadResident").read(exchanges[2].answer.body)
    assert (found.value.fault, found.value.code) == ("UnknownResident", "Server")
    detail: Any = found.value.detail
    assert detail["id"] == UNKNOWN
    held(pair, caller, "lists, faults, the declared one typed")


@pytest.mark.parametrize("caller", LITERAL_CALLERS)
async def test_changes_come_to_the_side_decided_on(pair: Pair, world: World, held: Held, caller: str) -> None:
    await world.share(5_000, routes=ROUTES)
    street = f"Weg <{caller}>"
    results, exchanges = await world.call(
        LITERAL_CALLERS[caller], [call("ChangeAddress", key, street, "Luftwurz") for key in MOVED]
    )

    changed = {"address": f"{street}, Luftwurz", "accepted": True, "fee": 12.5, "validFrom": "2026-12-01"}
    assert results == [{"answer": {"id": key, **changed}} for key in MOVED]
    await world.assert_unchanged(exchanges, world.decided("change", MOVED))
    await world.assert_alike(exchanges)
    held(pair, caller, "changes")


async def test_the_contract_comes_from_the_facade_with_its_address(pair: Pair, world: World, held: Held) -> None:
    target = f"{pair.legacy.path}?wsdl"
    request = f"GET {target} HTTP/1.1\r\nHost: {world.front.address}\r\n\r\n".encode()
    [answer] = await ask(world.front.address, [request])

    assert answer.status == 200
    assert f'location="http://{world.front.address}{pair.legacy.path}"'.encode() in answer.body
    assert pair.legacy.host.encode() not in answer.body
    held(pair, "any", "?wsdl from the façade")
