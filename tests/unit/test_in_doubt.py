"""In-doubt records are read as the façade writes them, and whatever else is there is refused."""

from datetime import UTC, datetime

import pytest

from contracts.errors import RecordError
from routers.facade.accounting.account import left_in_doubt
from routers.facade.accounting.inflight import InflightCall
from routers.in_doubt import InDoubt
from routers.stage import OperationClass, Side

AT = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def test_what_a_dead_worker_left_is_read_back() -> None:
    call = InflightCall(
        operation=OperationClass.UNSAFE,
        request_id="r-1",
        route="address/change",
        key_hash="ab" * 16,
        side=Side.MODERN,
        backend="new",
    )

    found = InDoubt.decode(left_in_doubt(call, AT).value)

    assert (found.request_id, found.at, found.route, found.operation) == ("r-1", AT, "address/change", "unsafe")
    assert (found.side, found.backend, found.key_hash, found.trace_id) == ("modern", "new", "ab" * 16, None)
    assert (found.owed, found.cause) == (False, "worker_died")


def test_an_owed_write_is_told_apart() -> None:
    value = (
        b'{"request_id":"r","at":"2026-11-28T12:30:00Z","class":"idempotent","why":"owed_to_modern:timeout","new":1}'
    )

    assert (InDoubt.decode(value).owed, InDoubt.decode(value).cause) == (True, "timeout")


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b'{"request_id":"r"}', b'{"request_id":"r","at":"now"}'])
def test_what_is_no_record_is_refused_without_its_content(value: bytes | None) -> None:
    with pytest.raises(RecordError, match="expected an in-doubt record") as refused:
        InDoubt.decode(value)

    assert "now" not in str(refused.value)
