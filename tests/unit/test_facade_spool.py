from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ports import LogRecord
from routers.facade.process.spool import Spool, pack, unpack

ONE = LogRecord(key=b"r1", value=b'{"request_id": "r1"}')
TWO = LogRecord(key=b"r2", value=b'{"request_id": "r2"}')


def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").keep([ONE, TWO])

    again = Spool(tmp_path / "spool")

    assert [again.read(batch) for batch in again.batches()] == [[ONE, TWO]]
    assert len(again) == 2


def test_batches_come_in_the_order_in_which_they_were_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(20):
        spool.keep([LogRecord(key=b"%d" % number, value=b"")])

    assert [spool.read(batch)[0].key for batch in spool.batches()] == [b"%d" % number for number in range(20)]


def test_what_was_handed_on_is_gone_and_gone_twice_is_no_harm(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep([ONE])
    spool.keep([TWO])
    first, second = spool.batches()

    spool.remove(first)
    spool.remove(first)

    assert spool.batches() == [second]
    assert len(spool) == 1


def test_half_a_batch_is_none(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (tmp_path / "1-2-3.part").write_bytes(pack([ONE]))

    assert spool.batches() == []


def test_a_batch_that_cant_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)

    def full(_: Path, __: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)

    with pytest.raises(OSError, match="No space"):
        spool.keep([ONE])
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_batch_is_set_aside_and_stops_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep([ONE])
    [batch] = spool.batches()
    batch.write_bytes(b'["r1", "half')

    assert spool.read(batch) == []
    assert spool.batches() == []
    assert [file.suffix for file in tmp_path.iterdir()] == [".damaged"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50).map(str.encode)


@given(st.lists(st.builds(LogRecord, key=texts, value=texts), max_size=5))
def test_unpacked_is_what_was_packed(records: list[LogRecord]) -> None:
    assert unpack(pack(records)) == records
