"""The archive keeps original bytes once, whole or not at all, and gives back what was put or an error."""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from contracts.errors import ConfigError
from contracts.ports import Archive
from events.archive import ArchiveSettings, FileArchive

KEY, OTHER_KEY = "ab" * 32, "cd" * 32
DATA = b"00001234ADA LOVELACE             -1250"


def archive(url: str, key: str | None = None) -> FileArchive:
    """Return an archive at this address."""
    return FileArchive(ArchiveSettings(url=url, key=SecretStr(key) if key else None))


def only_file(folder: Path) -> Path:
    """Return the one file that is kept."""
    [path] = [path for path in folder.rglob("*") if path.is_file()]
    return path


@pytest.fixture(params=["folder", "file://", "memory://"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address of each kind."""
    kinds = {"folder": str(tmp_path), "file://": f"file://{tmp_path}", "memory://": f"memory://{uuid.uuid4().hex}"}
    return kinds[request.param]


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_put_is_given_back_by_its_sha256(url: str, key: str | None) -> None:
    kept: Archive = archive(url, key)

    sha256 = kept.put(DATA)

    assert sha256 == hashlib.sha256(DATA).hexdigest()
    assert sha256 in kept
    assert kept.get(sha256) == DATA


@given(data=st.binary(max_size=2000), key=st.sampled_from([None, KEY]))
def test_any_bytes_come_back_as_they_were(data: bytes, key: str | None) -> None:
    kept = archive(f"memory://{uuid.uuid4().hex}", key)

    assert kept.get(kept.put(data)) == data


@pytest.mark.parametrize("key", [None, KEY])
def test_the_same_bytes_are_kept_once_and_their_age_is_renewed(tmp_path: Path, key: str | None) -> None:
    kept = archive(str(tmp_path), key)
    first = kept.put(DATA)
    os.utime(only_file(tmp_path), (0, 0))

    assert kept.put(DATA) == first
    assert only_file(tmp_path).stat().st_mtime > 0
    assert kept.get(first) == DATA


def test_bytes_that_were_damaged_are_mended_when_they_are_put_again(tmp_path: Path) -> None:
    kept = archive(str(tmp_path), None)
    sha256 = kept.put(DATA)
    only_file(tmp_path).write_bytes(b"half")

    kept.put(DATA)

    assert kept.get(sha256) == DATA


def test_another_process_finds_what_was_put(tmp_path: Path) -> None:
    sha256 = archive(str(tmp_path), KEY).put(DATA)

    assert archive(str(tmp_path), KEY).get(sha256) == DATA


def test_unknown_bytes_are_a_key_error(url: str) -> None:
    kept, unknown = archive(url), hashlib.sha256(b"never put").hexdigest()

    assert unknown not in kept
    with pytest.raises(KeyError, match=unknown):
        kept.get(unknown)


@pytest.mark.parametrize(
    "name",
    ["", "../../etc/passwd", "/" * 64, "." * 64, "..//" * 16, "g" * 64, "0" * 63, "AB" * 32, " " * 64, "\uff10" * 64],
)
def test_a_name_that_is_no_sha256_never_reaches_the_files(tmp_path: Path, name: str) -> None:
    kept = archive(str(tmp_path))

    assert name not in kept
    with pytest.raises(KeyError):
        kept.get(name)


def test_encrypted_bytes_are_not_those_that_were_put(tmp_path: Path) -> None:
    kept = archive(str(tmp_path), KEY)
    kept.put(DATA)

    stored = only_file(tmp_path).read_bytes()

    assert DATA not in stored
    assert len(stored) == len(DATA) + 12 + 16  # nonce and tag


def test_the_same_bytes_are_encrypted_differently_each_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        archive(str(tmp_path / folder), KEY).put(DATA)

    assert only_file(tmp_path / "a").read_bytes() != only_file(tmp_path / "b").read_bytes()


def test_encrypted_bytes_that_were_moved_are_refused(tmp_path: Path) -> None:
    kept = archive(str(tmp_path), KEY)
    kept.put(DATA)
    moved = hashlib.sha256(b"other").hexdigest()
    target = tmp_path / moved[:2] / moved[2:]
    target.parent.mkdir()
    only_file(tmp_path).rename(target)

    with pytest.raises(ConfigError, match=f"{moved}: encrypted by another key, or changed"):
        kept.get(moved)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "without its last byte": lambda written: written[:-1],
    "only its first bytes": lambda written: written[:5],
    "empty": lambda _: b"",
    "with another last bit": lambda written: written[:-1] + bytes([written[-1] ^ 1]),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("key", [None, KEY])
def test_damaged_bytes_are_never_given_back(tmp_path: Path, key: str | None, damage: str) -> None:
    kept = archive(str(tmp_path), key)
    sha256 = kept.put(DATA)
    path = only_file(tmp_path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))

    with pytest.raises(ConfigError, match=sha256):
        kept.get(sha256)


@pytest.mark.parametrize(("written", "read"), [(KEY, OTHER_KEY), (KEY, None), (None, KEY)])
def test_another_key_is_refused(tmp_path: Path, written: str | None, read: str | None) -> None:
    sha256 = archive(str(tmp_path), written).put(DATA)

    with pytest.raises(ConfigError, match=sha256):
        archive(str(tmp_path), read).get(sha256)


def test_a_file_that_was_half_written_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Any = archive(str(tmp_path))

    def full(path: str, mode: str) -> None:
        assert mode == "wb"
        Path(path).write_bytes(DATA[:7])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(kept._fs, "open", full)
        with pytest.raises(OSError, match="No space"):
            kept.put(DATA)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    sha256 = hashlib.sha256(DATA).hexdigest()
    assert sha256 not in kept
    with pytest.raises(KeyError):
        kept.get(sha256)
    assert kept.get(kept.put(DATA)) == DATA


def test_purge_removes_what_is_old_and_leaves_the_rest(tmp_path: Path) -> None:
    kept = archive(str(tmp_path))
    old = kept.put(b"old")
    ago = time.time() - timedelta(days=3).total_seconds()
    os.utime(only_file(tmp_path), (ago, ago))
    new = kept.put(b"new")

    assert kept.purge(timedelta(days=2)) == 1
    assert (old in kept, new in kept) == (False, True)
    assert kept.purge(timedelta(days=2)) == 0


def test_purge_works_where_there_are_no_folders() -> None:
    kept = archive(f"memory://{uuid.uuid4().hex}")
    sha256 = kept.put(DATA)

    assert kept.purge(timedelta(days=1)) == 0
    assert kept.purge(timedelta(0)) == 1
    assert sha256 not in kept


@pytest.mark.parametrize("key", ["ab", "zz" * 32, "ab" * 16, ""])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValidationError, match="expected 64 hex digits"):
        ArchiveSettings(url="x", key=SecretStr(key))

    assert KEY not in repr(ArchiveSettings(url="x", key=SecretStr(KEY)))


def test_an_address_of_an_unknown_kind_is_a_config_error_without_it() -> None:
    with pytest.raises(ConfigError, match=re.escape("archive.url: can't be used: Protocol not known: s4")) as caught:
        archive("s4://user:hidden@store/bucket")

    assert "hidden" not in str(caught.value)


def test_a_folder_that_is_none_is_a_config_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")

    with pytest.raises(ConfigError, match=r"archive\.url: can't be used"):
        archive(str(file))
