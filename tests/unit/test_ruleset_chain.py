"""The chain: whatever order records arrive in, every reader has the same ruleset, and nothing forged takes effect."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordError
from contracts.ports import LogRecord
from routers.rulesets.chain import Chain, Change, Refusal, Refused, digest_of, propose
from routers.rulesets.packing import pack, pack_snapshot, unpack, unpack_snapshot
from routers.rulesets.ruleset import EMPTY
from tests.rulesets import AT, capability, change

FIRST = change(EMPTY, {"a": capability(share=1), "b": capability(share=2)})
SECOND = change(FIRST.after(EMPTY), {"a": capability(share=3)}, change_id="2")
"""It changes `a` and removes `b`."""
RIVAL = change(FIRST.after(EMPTY), {"a": capability(share=9999)}, by="bob", change_id="rival")


def read(records: Sequence[LogRecord], chain: Chain | None = None) -> Chain:
    reader = chain or Chain()
    for record in records:
        reader.take(record)
    return reader


def refusals(chain: Chain) -> list[Refusal]:
    return [refused.why for refused in chain.refused]


def flips(text: bytes) -> Iterator[bytes]:
    """Yield a text with each of its bits flipped, one at a time."""
    for place in range(8 * len(text)):
        byte = place // 8
        yield text[:byte] + bytes([text[byte] ^ (1 << place % 8)]) + text[byte + 1 :]


def forged(record: LogRecord) -> Iterator[LogRecord]:
    """Yield a record with each bit of its value and of its headers' values flipped."""
    for value in flips(record.value or b""):
        yield replace(record, value=value)
    for index, (name, text) in enumerate(record.headers):
        for value in flips(text or b""):
            headers = [*record.headers[:index], (name, value), *record.headers[index + 1 :]]
            yield replace(record, headers=headers)


@st.composite
def interleaved(draw: st.DrawFn, *changes: Change) -> list[LogRecord]:
    """Draw one order of the records of several appliers, each of which appends its own in order."""
    left = [list(each.log_records()) for each in changes]
    mixed: list[LogRecord] = []
    while any(left):
        mixed.append(draw(st.sampled_from([records for records in left if records])).pop(0))
    return mixed


def test_a_change_makes_the_ruleset_that_was_wanted() -> None:
    chain = read([*FIRST.log_records(), *SECOND.log_records()])

    assert (chain.ruleset.version, chain.ruleset.hash) == (2, SECOND.hash)
    assert chain.ruleset.capabilities == {"a": capability(share=3)}
    assert [manifest.previous for manifest in chain.manifests] == [EMPTY.hash, FIRST.hash]
    assert (SECOND.records["b"], SECOND.manifest.count, chain.refused) == (None, 2, {})


def test_no_difference_is_no_change() -> None:
    ruleset = FIRST.after(EMPTY)

    assert propose(ruleset, ruleset.capabilities, author="a", reason="r", at=AT, change_id="3") is None


@given(interleaved(SECOND, RIVAL))
def test_of_two_racing_appliers_the_first_manifest_wins_everywhere(records: list[LogRecord]) -> None:
    chain = read([*FIRST.log_records(), *records])
    manifests = [dict(record.headers)["manifest"] for record in records if "manifest" in dict(record.headers)]

    assert chain.ruleset.hash.encode() == manifests[0]
    assert refusals(chain) == [Refusal.STALE]
    assert len(chain.manifests) == 2


@given(interleaved(FIRST, change(EMPTY, {"c": capability()}, change_id="late")), st.integers(0, 3))
def test_a_reader_that_reads_again_or_later_has_the_same_ruleset(records: list[LogRecord], again: int) -> None:
    once = read(records)
    twice = read(records[again:], read(records))
    resumed = Chain(once.ruleset, once.manifests)
    read(records, resumed)

    assert once.ruleset == twice.ruleset == resumed.ruleset
    assert len(once.manifests) == len(twice.manifests) == len(resumed.manifests) == 1


def test_any_flipped_bit_keeps_a_change_from_taking_effect() -> None:
    records, before = SECOND.log_records(), read(FIRST.log_records())
    for number, record in enumerate(records):
        for broken in forged(record):
            chain = read([*records[:number], broken, *records[number + 1 :]], Chain(before.ruleset, before.manifests))

            assert chain.ruleset is before.ruleset
            assert chain.refused


def test_a_record_that_is_missing_or_too_much_keeps_a_change_from_taking_effect() -> None:
    *changed, manifest = SECOND.log_records()
    stranger = replace(changed[0], headers=(changed[0].headers[0], ("capability", b"c")))

    assert refusals(read([*FIRST.log_records(), *changed[1:], manifest])) == [Refusal.INCOMPLETE]
    assert refusals(read([*FIRST.log_records(), *changed, stranger, manifest])) == [Refusal.INCOMPLETE]


def test_a_change_that_is_appended_again_after_a_failure_counts_once() -> None:
    records = SECOND.log_records()

    chain = read([*FIRST.log_records(), *records[:1], *records, *records])

    assert (chain.ruleset.version, chain.refused) == (2, {})


def test_a_change_that_was_incomplete_at_first_is_accepted_when_it_is_whole() -> None:
    records = FIRST.log_records()

    chain = read([records[-1], *records])

    assert (chain.ruleset.hash, refusals(chain)) == (FIRST.hash, [Refusal.INCOMPLETE])


def test_a_chain_that_is_not_ours_is_told_from_one_that_came_too_late() -> None:
    other = change(EMPTY, {"x": capability()}, change_id="other")
    after = change(other.after(EMPTY), {"x": capability(share=1)}, change_id="after")

    chain = read([*FIRST.log_records(), *other.log_records(), *after.log_records()])

    assert (refusals(chain), chain.ruleset.hash) == ([Refusal.STALE, Refusal.FOREIGN], FIRST.hash)


@pytest.mark.parametrize(
    "record",
    [
        LogRecord(key=b"ruleset", value=b"{}"),
        LogRecord(key=None, value=None, headers=(("change", b"1"),)),
        LogRecord(key=b"ruleset", value=b"{}", headers=(("change", b"1"), ("capability", b"Not A Name"))),
        LogRecord(key=b"ruleset", value=b"{}", headers=(("change", None), ("capability", b"a"))),
        LogRecord(key=b"ruleset", value=b"{}", headers=(("change", b"1"), ("manifest", b"0"))),
        LogRecord(key=b"ruleset", value=None, headers=(("change", b"1"), ("manifest", b"\xff"))),
    ],
)
def test_what_is_no_record_of_a_change_is_counted_and_left_out(record: LogRecord) -> None:
    chain = read([record, record, *FIRST.log_records()])

    assert refusals(chain) == [Refusal.MALFORMED]
    assert chain.ruleset.hash == FIRST.hash


def test_a_capability_may_be_called_manifest() -> None:
    named = change(EMPTY, {"manifest": capability()})

    assert set(read(named.log_records()).ruleset.capabilities) == {"manifest"}


def test_after_a_change_of_a_newer_banyan_nothing_takes_its_place() -> None:
    """Newer readers are past it: to accept another one here would make a second truth."""
    newer = propose(FIRST.after(EMPTY), {"a": capability(share=4)}, author="ada", reason="r", at=AT, change_id="newer")
    assert newer is not None
    records = {"a": b'{"salt":"a","invented_later":1}', "b": None}
    newer = _rehashed(newer, records)

    chain = read([*FIRST.log_records(), *newer.log_records(), *SECOND.log_records()])

    assert (chain.ruleset.version, chain.is_blocked) == (1, True)
    assert refusals(chain) == [Refusal.UNREADABLE, Refusal.UNREADABLE]


def _rehashed(made: Change, records: dict[str, bytes | None]) -> Change:
    manifest = made.manifest.model_copy(update={"digest": digest_of(records), "count": len(records)})
    return Change(manifest=manifest, hash=manifest.hash(), records=records)


@pytest.mark.parametrize(("died", "accepted"), [(60, True), (70, False)])
def test_the_changes_of_appliers_that_died_do_not_pile_up(died: int, accepted: bool) -> None:  # noqa: FBT001 - a case
    """The oldest are given up, at the same place of the log by every reader."""
    left = [
        LogRecord(key=b"ruleset", value=b"{}", headers=(("change", str(number).encode()), ("capability", b"a")))
        for number in range(100, 100 + died)
    ]
    first, *others = FIRST.log_records()

    assert (read([first, *left, *others]).ruleset.version == 1) is accepted


def test_a_change_does_not_follow_another_ruleset() -> None:
    with pytest.raises(ValueError, match="does not follow ruleset 0"):
        SECOND.after(EMPTY)


def test_a_refusal_says_which_change_it_is() -> None:
    chain = read(FIRST.log_records())

    assert [chain.take(record) for record in FIRST.log_records()] == [None, None, None]
    assert [chain.take(record) for record in change(EMPTY, {"z": capability()}, change_id="z").log_records()] == [
        None,
        Refused(why=Refusal.STALE, change="z", version=1),
    ]


def test_a_packed_change_is_the_same_change() -> None:
    assert unpack(pack(SECOND)) == SECOND
    assert b"\n" not in pack(SECOND)


def test_a_packed_ruleset_is_the_same_ruleset() -> None:
    chain = read([*FIRST.log_records(), *SECOND.log_records()])

    assert unpack_snapshot(pack_snapshot(chain.ruleset, chain.manifests)) == (chain.ruleset, chain.manifests)


def test_packed_bytes_with_any_flipped_bit_are_refused() -> None:
    chain = read([*FIRST.log_records(), *SECOND.log_records()])
    for broken in flips(pack(SECOND)):
        with pytest.raises(RecordError):
            unpack(broken)
    for broken in flips(pack_snapshot(chain.ruleset, chain.manifests)):
        with pytest.raises(RecordError):
            unpack_snapshot(broken)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"1", b'{"records":[]}', b'{"records":{},"change":"{}","hash":""}']
)
def test_what_was_never_packed_is_refused(data: bytes) -> None:
    with pytest.raises(RecordError):
        unpack(data)
    with pytest.raises(RecordError):
        unpack_snapshot(data)


def test_a_packed_ruleset_of_a_newer_banyan_is_told() -> None:
    ruleset = FIRST.after(EMPTY)
    data = pack_snapshot(ruleset, [FIRST.manifest])
    text = '1:{"salt":"a","invented_later":1}'
    parts = data.split(b'"digest"')[0]
    broken = (
        parts
        + f'"digest":"{digest_of({"a": text.encode()})}","records":{{"a":"{text}"}}}}'.replace(
            f'"{text}"', '"' + text.replace('"', '\\"') + '"'
        ).encode()
    )

    with pytest.raises(RecordError, match="what this version of Banyan knows"):
        unpack_snapshot(broken)


def test_a_snapshot_whose_history_has_a_gap_is_refused() -> None:
    chain = read([*FIRST.log_records(), *SECOND.log_records()])

    with pytest.raises(RecordError, match="history"):
        unpack_snapshot(pack_snapshot(chain.ruleset, chain.manifests[1:]))
