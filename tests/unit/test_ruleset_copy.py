"""The local copy: what was kept is there after a crash, and damage is never taken for a ruleset."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import ConfigError
from routers.rulesets.chain import Change
from routers.rulesets.copy import FILE, LocalCopy, load, newest
from routers.rulesets.ruleset import EMPTY, Ruleset
from tests.rulesets import capability, change


def grown(copy: LocalCopy, changes: int) -> Ruleset:
    """Append changes of one capability, and return the ruleset after them."""
    for _ in range(changes):
        made = change(copy.ruleset, {"a": capability(share=copy.ruleset.version + 1), "b": capability()})
        copy.append(made, made.after(copy.ruleset))
    return copy.ruleset


def test_no_file_is_no_ruleset(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / "data" / FILE)

    assert (copy.ruleset, copy.manifests, copy.torn_bytes) == (EMPTY, [], 0)
    assert not (tmp_path / "data").exists()


def test_what_is_appended_is_there_after_a_restart(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / "data" / FILE)
    ruleset = grown(copy, 3)

    again = LocalCopy(copy.path)

    assert (again.ruleset, again.manifests) == (ruleset, copy.manifests)
    assert {name: rule.version for name, rule in again.ruleset.rules.items()} == {"a/pay": 3, "b/pay": 1}


def test_a_compacted_copy_says_the_same_and_is_appended_to(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    grown(copy, 30)
    before = copy.path.stat().st_size

    copy.compact()

    assert copy.path.stat().st_size < before
    assert (LocalCopy(copy.path).ruleset, LocalCopy(copy.path).manifests) == (copy.ruleset, copy.manifests)
    ruleset = grown(copy, 1)
    assert LocalCopy(copy.path).ruleset == ruleset
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_newest_ruleset_alone_is_that_of_the_whole_copy(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    assert newest(copy.path) == EMPTY

    changed = grown(copy, 3)
    assert newest(copy.path) == changed
    copy.compact()
    assert newest(copy.path) == changed
    changed = grown(copy, 1)
    assert newest(copy.path) == changed


def test_the_newest_ruleset_is_read_without_holding_its_history(tmp_path: Path) -> None:
    """A worker needs the one in force; what was changed in years would stay in its memory as gaps."""
    copy = LocalCopy(tmp_path / FILE)
    grown(copy, 300)
    copy.compact()
    grown(copy, 300)

    assert traced_peak(lambda: newest(copy.path)) < traced_peak(lambda: load(copy.path)) / 2


def traced_peak(read: Callable[[], object]) -> int:
    read()  # what is made once is not counted
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_copy_is_heavy_when_the_changes_outweigh_the_ruleset(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    grown(copy, 1)
    small = copy.is_heavy
    made = change(copy.ruleset, {"a": capability(description="x" * 1_200_000)})
    copy.append(made, made.after(copy.ruleset))
    large = copy.is_heavy
    copy.compact()

    assert (small, large, copy.is_heavy, LocalCopy(copy.path).is_heavy) == (False, True, False, False)


def test_a_last_line_that_was_cut_off_anywhere_is_dropped_and_told(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    before = grown(copy, 2)
    whole = copy.path.stat().st_size
    after = grown(copy, 1)
    data = copy.path.read_bytes()

    for size in range(whole + 1, len(data), 17):
        copy.path.write_bytes(data[:size])
        torn = LocalCopy(copy.path)
        assert (torn.ruleset, torn.torn_bytes, copy.path.stat().st_size) == (before, size - whole, whole)
    assert grown(LocalCopy(copy.path), 1) == after


def test_damage_is_told_with_its_line_and_the_fix(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    grown(copy, 3)
    lines = copy.path.read_bytes().splitlines(keepends=True)

    for broken in (
        [lines[0], lines[1].replace(b"because", b"becaUse"), lines[2]],
        [lines[0], b"\n", lines[2]],
        [lines[0], lines[2]],
        [lines[0], b"x" + lines[1]],
    ):
        copy.path.write_bytes(b"".join(broken))
        with pytest.raises(ConfigError, match=rf"{FILE}:2: the local copy of the ruleset is damaged: .*; remove the"):
            load(copy.path)
        with pytest.raises(ConfigError, match=rf"{FILE}:2: the local copy of the ruleset is damaged: .*; remove the"):
            newest(copy.path)


def test_a_damaged_snapshot_is_told(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    grown(copy, 3)
    copy.compact()
    copy.path.write_bytes(copy.path.read_bytes().replace(b"benefits", b"Benefits"))

    with pytest.raises(ConfigError, match=r":1: .* fit its digest"):
        LocalCopy(copy.path)


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        LocalCopy(tmp_path)


def test_only_the_next_change_is_kept(tmp_path: Path) -> None:
    copy = LocalCopy(tmp_path / FILE)
    first = change(EMPTY, {"a": capability()})

    with pytest.raises(ValueError, match="does not follow"):
        copy.append(first, EMPTY)
    copy.append(first, first.after(EMPTY))
    with pytest.raises(ValueError, match="does not follow"):
        copy.append(first, first.after(EMPTY))


def test_a_change_that_the_disk_does_not_take_leaves_the_copy_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = LocalCopy(tmp_path / FILE)
    before = grown(copy, 1)
    made: Change = change(before, {"a": capability(share=77)})

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _full)
        with pytest.raises(OSError, match="No space left"):
            copy.append(made, made.after(before))

    assert copy.ruleset is before
    assert LocalCopy(copy.path).ruleset == before
    copy.append(made, made.after(before))
    assert LocalCopy(copy.path).ruleset == copy.ruleset


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")
