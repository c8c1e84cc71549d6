"""The adapters of one process share what bounds the calls of one operation."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters import soap
from contracts.errors import CircuitOpenError, LegacyUnavailableError
from hub.settings import Settings
from hub.wiring import pipelines
from tests.members import Scripted, member, polling
from tests.polls import Hub, poll

OFTEN = soap.Breaker(failures=2, pause=timedelta(minutes=1))


def adapter(name: str, *, status: int = 200) -> soap.Adapter:
    legacy = Scripted(*[member("1")] * 3, status=status)
    return polling(legacy, name=name, breaker=OFTEN)


async def failed(source: soap.Adapter, error: type[Exception]) -> None:
    with pytest.raises(error):
        await poll(source, Hub())


async def test_what_one_adapter_meets_others_of_the_same_operation_know(tmp_path: Path) -> None:
    first, second = adapter("first", status=503), adapter("second")
    settings = Settings.model_validate({"namespace": "t", "data": tmp_path, "kafka": {"bootstrap_servers": "none:1"}})
    pipelines(settings, [first, second], on_commit=lambda _name, _published: None)

    await failed(first, LegacyUnavailableError)
    await failed(first, LegacyUnavailableError)

    await failed(second, CircuitOpenError)


async def test_adapters_by_themselves_do_not() -> None:
    first, second = adapter("first", status=503), adapter("second")
    await failed(first, LegacyUnavailableError)
    await failed(first, LegacyUnavailableError)

    assert len(await poll(second, Hub())) == 1
    await failed(first, CircuitOpenError)


async def test_a_stand_in_of_a_test_has_a_breaker_of_its_own() -> None:
    broken = adapter("first", status=503)
    await failed(broken, LegacyUnavailableError)
    await failed(broken, LegacyUnavailableError)

    assert len(await poll(broken.asking(Scripted(member("1"))), Hub())) == 1
