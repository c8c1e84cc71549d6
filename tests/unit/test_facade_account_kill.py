"""What a kill finds in flight: calls whose answer is not yet with the system."""

from collections.abc import Callable
from pathlib import Path

import pytest

from routers.facade.accounting.account import Account
from routers.facade.accounting.inflight import Inflight, create, read
from routers.facade.settings import FacadeSettings
from routers.stage import OperationClass, Side

SETTINGS = FacadeSettings.model_validate(
    {
        "listeners": {"main": {"address": "127.0.0.1:0", "legacy": "old"}},
        "backends": {"old": {"url": "http://127.0.0.1:9"}},
        "limits": {"connections": 4},
    }
)


@pytest.mark.parametrize("calls", [1, 3])
def test_a_call_is_in_flight_until_its_answer_is_with_the_system(tmp_path: Path, calls: int) -> None:
    create(tmp_path / "inflight", SETTINGS)
    inflight, written = Inflight(tmp_path / "inflight"), list[Callable[[], None]]()
    account = Account(SETTINGS, keys=None, inflight=inflight, rules=dict, soon=written.append)
    for number in range(calls):
        slot = account.begun(f"r{number}", None, OperationClass.SAFE, None)
        account.sent(slot, Side.LEGACY, "old")
        account.closed(slot)

    assert len(read(tmp_path / "inflight")) == calls
    [end] = written
    end()
    assert read(tmp_path / "inflight") == []
    inflight.close()
