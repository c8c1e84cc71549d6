"""Records become files that agree with themselves; each is there once, whenever the process dies."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.outbound import Ledger, LocalFolder, Outbound, State
from contracts.errors import FileHeldError, LegacyUnavailableError, RecordError
from contracts.legacy.framing import Role
from contracts.legacy.reconciliation import Outcome
from tests.outbound_world import (
    DEATHS,
    NOW,
    Breaking,
    KilledError,
    Receiver,
    built,
    collect,
    described,
    folder_of,
    payment,
)

FIRST = "PAY.D20261128.S0001"


def test_what_was_collected_is_a_file_with_header_trailer_and_totals(tmp_path: Path) -> None:
    spec = described(tmp_path)
    outbound, receiver = built(tmp_path, spec), Receiver(spec)
    collect(outbound, [payment(7, amount=Decimal("10.50")), payment(8, kind="housing", paid_on=None)])

    file = outbound.cut()
    outbound.deliver()
    receiver.take()

    assert file is not None
    assert (file.number, file.records, list(receiver.taken)) == (1, 2, [FIRST])
    head, first, second, tail = receiver.parts(FIRST)
    assert head == (Role.HEADER, {"KIND": "A", "RUN": 1, "MADE-ON": 20261128})
    assert first[1] == {
        "KIND": "P",
        "PAYMENT-ID": 7,
        "RESIDENT": "0000001007",
        "AMOUNT": Decimal("10.50"),
        "PAID-ON": 20261130,
    }
    assert (second[1]["KIND"], second[1]["PAID-ON"]) == ("H", 0)
    assert tail[1] == {"KIND": "Z", "RUN": 1, "HOW-MANY": 2, "TOTAL": Decimal("11.75"), "KEYS": 2015}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.decimals(-9999999, 9999999, places=2), max_size=30),
    cuts=st.sets(st.integers(0, 29), max_size=3),
    recfm=st.sampled_from(["F", "FB", "V", "VB", "VBS"]),
    compression=st.sampled_from(["none", "gzip", "zstd"]),
)
def test_every_file_is_read_back_and_reconciles(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal], cuts: set[int], recfm: str, compression: str
) -> None:
    folder = tmp_path_factory.mktemp("law")
    spec = described(folder)
    framing = {"recfm": recfm, "compression": compression, "header_records": 1, "trailer_records": 1}
    file = {**spec.file.model_dump(exclude={"framing", "copybook"}), "framing": framing}
    spec = described(folder, {"file": file})
    outbound, receiver = built(folder, spec), Receiver(spec)

    for number, amount in enumerate(amounts):
        collect(outbound, [payment(number, amount=amount)])
        if number in cuts:
            outbound.cut()
    outbound.cut(empty=True)
    outbound.deliver()
    receiver.take()

    assert receiver.numbers == list(range(len(amounts)))
    assert {receiver.report(name).outcome for name in receiver.taken} == {Outcome.PUBLISH}
    assert [file.number for file in outbound.ledger.files()] == list(range(1, len(receiver.taken) + 1))


def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_field(tmp_path: Path) -> None:
    outbound = built(tmp_path, described(tmp_path))

    with pytest.raises(RecordError, match="RESIDENT: expected text of at most 10 characters") as refused:
        collect(outbound, [payment(1), payment(2).model_copy(update={"resident_id": "12345678901"})])

    assert "12345678901" not in str(refused.value)
    assert outbound.ledger.waiting == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"amount": Decimal("1.234")}, "AMOUNT"),
        ({"amount": Decimal(10**7)}, "AMOUNT"),
        ({"kind": "care"}, "KIND: expected one of the codes 'pension', 'housing'"),
    ],
)
def test_nothing_is_rounded_cut_off_or_guessed(tmp_path: Path, values: dict[str, object], said: str) -> None:
    outbound = built(tmp_path, described(tmp_path))

    with pytest.raises(RecordError, match=said):
        collect(outbound, [payment(1, **values)])


def test_an_event_that_comes_again_is_no_second_record(tmp_path: Path) -> None:
    outbound = built(tmp_path, described(tmp_path))

    collect(outbound, [payment(1)])
    outbound.cut()
    collect(outbound, [payment(1), payment(2)])

    assert outbound.ledger.waiting == 1


def test_a_trailer_that_can_not_hold_its_total_keeps_the_records_waiting(tmp_path: Path) -> None:
    spec = described(tmp_path, {"sequence": {"first": 9999}})
    outbound = built(tmp_path, spec)
    collect(outbound, [payment(1)])
    outbound.cut()
    collect(outbound, [payment(2)])

    with pytest.raises(RecordError, match="RUN: expected an unsigned zoned number of 4 digits"):
        outbound.cut()

    assert outbound.ledger.waiting == 1
    assert len(outbound.ledger.files()) == 1


def test_files_have_at_most_so_many_records(tmp_path: Path) -> None:
    spec = described(tmp_path, {"cut": {"records": 3}})
    outbound, receiver = built(tmp_path, spec), Receiver(spec)
    collect(outbound, map(payment, range(8)))

    delivered = outbound.tend()
    receiver.take()

    assert [file.records for file in delivered] == [3, 3]
    assert receiver.numbers == [0, 1, 2, 3, 4, 5]
    assert outbound.ledger.waiting == 2


def test_a_time_of_the_day_cuts_once_and_a_missed_one_has_its_own_date(tmp_path: Path) -> None:
    spec = described(tmp_path, {"cut": {"at": ["18:00"], "zone": "Europe/Berlin"}})  # 17:00 in UTC
    before, outbound = built(tmp_path, spec), built(tmp_path, spec, now=NOW + timedelta(days=1))
    collect(before, [payment(1)])

    assert before.tend() == []
    assert [file.business_date for file in outbound.tend()] == [date(2026, 11, 29)]
    collect(before, [payment(2)])
    assert outbound.tend() == []


def test_without_records_nothing_is_cut_unless_it_is_asked_for(tmp_path: Path) -> None:
    quiet = built(tmp_path, described(tmp_path, {"cut": {"every": "PT1H"}}), now=NOW + timedelta(hours=2))
    assert quiet.tend() == []
    assert quiet.ledger.mark == NOW + timedelta(hours=2)

    spec = described(tmp_path, {"cut": {"every": "PT1H", "empty": "write"}})
    daily = built(tmp_path, spec, now=NOW + timedelta(hours=4))
    receiver = Receiver(spec)

    assert [file.records for file in daily.tend()] == [0]
    receiver.take()
    assert [role for role, _ in receiver.parts(FIRST)] == [Role.HEADER, Role.TRAILER]


def test_a_file_in_the_way_is_not_written_over_and_later_ones_wait(tmp_path: Path) -> None:
    spec = described(tmp_path)
    outbound, receiver = built(tmp_path, spec), Receiver(spec)
    (folder_of(spec) / FIRST).write_bytes(b"foreign")
    collect(outbound, [payment(1)])
    outbound.cut()
    collect(outbound, [payment(2)])
    outbound.cut()

    with pytest.raises(FileHeldError, match="found one that is not written over"):
        outbound.deliver()

    assert (folder_of(spec) / FIRST).read_bytes() == b"foreign"
    assert [bool(file.problem) for file in outbound.ledger.files()] == [True, False]
    (folder_of(spec) / FIRST).unlink()
    outbound.deliver()
    receiver.take()
    assert receiver.numbers == [1, 2]
    assert [file.problem for file in outbound.ledger.files()] == [None, None]


def test_a_file_that_does_not_agree_with_its_checks_is_not_handed_over(tmp_path: Path) -> None:
    wrong = {**described(tmp_path).file.model_dump(exclude={"copybook"})}
    wrong["checks"] = [{"check": "records", "at_least": 2}]
    spec = described(tmp_path, {"file": wrong})
    outbound = built(tmp_path, spec)
    collect(outbound, [payment(1)])
    outbound.cut()

    with pytest.raises(FileHeldError, match="held by number of data records: expected at least 2, found 1"):
        outbound.deliver()

    assert [path.name for path in folder_of(spec).glob("[!.]*")] == []


def test_an_empty_place_where_the_folder_was_mounted_hands_nothing_over(tmp_path: Path) -> None:
    spec = described(tmp_path)
    crash = Breaking(LocalFolder(folder_of(spec)), after=3)
    collect(built(tmp_path, spec), [payment(1)])
    with pytest.raises(KilledError):
        _run(built(tmp_path, spec, to=crash))
    elsewhere = tmp_path / "unmounted"
    elsewhere.mkdir()

    with pytest.raises(LegacyUnavailableError, match="another folder"):
        built(tmp_path, spec, to=LocalFolder(elsewhere)).deliver()

    [file] = built(tmp_path, spec).deliver()
    assert file.state is State.DELIVERED


def _run(outbound: Outbound) -> None:
    outbound.cut()
    outbound.deliver()


@pytest.mark.parametrize(("after", "done"), DEATHS)
@pytest.mark.parametrize("way", ["taken at once", "taken later"])
def test_a_file_is_handed_over_once_wherever_the_process_dies(
    tmp_path: Path, after: float, done: str | None, way: str
) -> None:
    spec = described(tmp_path, {"done_file": done})
    collect(built(tmp_path, spec), [payment(1)])
    seen: list[str] = []

    def take() -> None:
        wanted = [FIRST] if done is None else [FIRST, FIRST + done]
        if all((folder_of(spec) / name).exists() for name in wanted):
            seen.append(FIRST)
            for name in wanted:
                (folder_of(spec) / name).unlink()

    with pytest.raises(KilledError):
        _run(built(tmp_path, spec, to=Breaking(LocalFolder(folder_of(spec)), after=after)))
    if way == "taken at once":
        take()
    for _ in range(2):
        built(tmp_path, spec).deliver()
        take()

    assert seen == [FIRST]
    assert [path.name for path in folder_of(spec).glob("[!.]*")] == []
    assert [file.state for file in built(tmp_path, spec).ledger.files()] == [State.DELIVERED]


@pytest.mark.parametrize("step", ["placed", "delivered"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_is_handed_over_once_if_the_process_dies_at_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    spec = described(tmp_path)
    receiver = Receiver(spec)
    collect(built(tmp_path, spec), [payment(1)])
    real = getattr(Ledger, step)

    def dying(*arguments: object, **named: object) -> None:
        if when == "after":
            real(*arguments, **named)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, step, dying)
        with pytest.raises(KilledError):
            _run(built(tmp_path, spec))
    receiver.take()
    built(tmp_path, spec).deliver()
    receiver.take()

    assert (receiver.numbers, receiver.twice) == ([1], [])


def test_a_file_is_rendered_again_with_the_same_bytes(tmp_path: Path) -> None:
    spec = described(tmp_path)
    outbound, receiver = built(tmp_path, spec), Receiver(spec)
    collect(outbound, map(payment, range(5)))
    outbound.cut()
    [file] = outbound.deliver()
    receiver.take()

    again = b"".join(built(tmp_path, spec, now=datetime(2027, 1, 1, tzinfo=UTC)).render(file))

    assert again == receiver.taken[FIRST]
