"""Records that were handed over are kept for a declared time, and not for ever."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.outbound import Outbound, State
from contracts.errors import FileHeldError
from tests.outbound_world import NOW, Receiver, built, collect, described, payment

KEPT = {"keep": "P30D"}


def sent(folder: Path, *, files: int = 2) -> Outbound:
    """Hand over files of two records each."""
    outbound = built(folder, described(folder, KEPT))
    for number in range(files):
        collect(outbound, [payment(2 * number), payment(2 * number + 1)])
        outbound.cut()
    outbound.deliver()
    return outbound


def later(folder: Path, days: float) -> Outbound:
    """Return the same outbound file, so many days on."""
    return built(folder, described(folder, KEPT), now=NOW + timedelta(days=days))


def test_records_are_kept_as_long_as_declared_and_then_gone(tmp_path: Path) -> None:
    sent(tmp_path)

    assert later(tmp_path, 30).purge() == []
    purged = later(tmp_path, 30.01).purge()

    assert [(file.number, file.state) for file in purged] == [(1, State.PURGED), (2, State.PURGED)]
    assert list(later(tmp_path, 31).ledger.records(1, 4)) == []
    assert later(tmp_path, 31).purge() == []


def test_what_is_not_handed_over_or_waits_is_never_purged(tmp_path: Path) -> None:
    outbound = sent(tmp_path, files=0)
    collect(outbound, [payment(1)])
    outbound.cut()
    collect(outbound, [payment(2)])

    assert later(tmp_path, 1000).purge() == []
    old = later(tmp_path, 1000)
    assert (old.ledger.waiting, [file.records for file in old.deliver()]) == (1, [1])


def test_numbers_go_on_after_a_purge(tmp_path: Path) -> None:
    receiver = Receiver(sent(tmp_path).spec)
    receiver.take()
    old = later(tmp_path, 31)
    old.purge()

    collect(old, [payment(7)])
    old.cut()
    old.deliver()

    assert [file.number for file in old.ledger.files()] == [1, 2, 3]
    assert list(receiver.take()) == [0, 1, 2, 3, 7]
    assert [row[1]["RUN"] for row in (receiver.parts(name)[0] for name in sorted(receiver.taken))] == [1, 2, 3]


def test_a_purged_file_is_known_but_not_rendered(tmp_path: Path) -> None:
    [first, _] = sent(tmp_path).ledger.files()
    old = later(tmp_path, 31)
    old.purge()
    file = old.ledger.file(1)

    assert file is not None
    assert (file.name, file.sha256, file.records) == (first.name, first.sha256, 2)
    with pytest.raises(FileHeldError, match="expected 2 records in the ledger, found none any more"):
        old.render(file)


def test_what_was_personal_is_not_in_the_database_any_more(tmp_path: Path) -> None:
    outbound = sent(tmp_path)
    record = next(outbound.ledger.records(1, 1))
    later(tmp_path, 31).purge()

    assert record not in outbound.ledger.path.read_bytes()


def test_a_retention_of_hours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="keep"):
        described(tmp_path, {"keep": "PT12H"})
