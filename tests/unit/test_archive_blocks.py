"""The archive keeps files of any size: they come and go in blocks, as safely as bytes do."""

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from contracts.errors import ConfigError
from events.archive import ArchiveSettings, FileArchive

KEY, OTHER_KEY = "ab" * 32, "cd" * 32
BLOCKS = [b"00001234", b"", b"ADA LOVELACE" * 1000, b"x"]
SHA256 = hashlib.sha256(b"".join(BLOCKS)).hexdigest()


def archive(url: str | Path, key: str | None = None) -> FileArchive:
    """Return an archive at this address."""
    return FileArchive(ArchiveSettings(url=str(url), key=SecretStr(key) if key else None))


def files(folder: Path) -> list[Path]:
    """Return the files that are there."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("key", [None, KEY])
@given(blocks=st.lists(st.binary(max_size=40), max_size=8))
def test_blocks_and_bytes_are_one(blocks: list[bytes], key: str | None) -> None:
    data, kept = b"".join(blocks), archive(f"memory://{uuid.uuid4().hex}", key)
    sha256 = hashlib.sha256(data).hexdigest()

    kept.put_blocks(iter(blocks), sha256)

    assert kept.get(sha256) == data
    kept.put(data)
    with kept.opened(sha256) as file:
        assert file.read() == data


@pytest.mark.parametrize("key", [None, KEY])
def test_what_is_opened_can_be_sought_in(tmp_path: Path, key: str | None) -> None:
    kept = archive(tmp_path, key)
    kept.put_blocks(BLOCKS, SHA256)

    with kept.opened(SHA256) as file:
        file.seek(8)
        assert file.read(12) == b"ADA LOVELACE"
    assert (key is None) == (b"ADA" in files(tmp_path)[0].read_bytes())


@pytest.mark.parametrize("key", [None, KEY])
def test_bytes_of_another_hash_are_not_kept(tmp_path: Path, key: str | None) -> None:
    with pytest.raises(ValueError, match="expected bytes of sha256"):
        archive(tmp_path, key).put_blocks([b"other"], SHA256)

    assert files(tmp_path) == []


def test_nothing_is_left_of_a_file_that_can_not_be_read_to_its_end(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        archive(tmp_path).put_blocks(broken(), SHA256)

    assert files(tmp_path) == []


@pytest.mark.parametrize(("written", "read"), [(KEY, OTHER_KEY), (KEY, None), (None, KEY)])
def test_another_key_is_refused(tmp_path: Path, written: str | None, read: str | None) -> None:
    archive(tmp_path, written).put_blocks(BLOCKS, SHA256)

    with pytest.raises(ConfigError, match=SHA256), archive(tmp_path, read).opened(SHA256):
        pass


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("kept_bytes", [0, 5, 13, 20, 1000, -1])
def test_damaged_bytes_are_never_given_back(tmp_path: Path, key: str | None, kept_bytes: int) -> None:
    kept = archive(tmp_path, key)
    kept.put_blocks(BLOCKS, SHA256)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:kept_bytes])

    with pytest.raises(ConfigError, match=SHA256), kept.opened(SHA256):
        pass


def test_what_is_not_kept_can_not_be_opened(tmp_path: Path) -> None:
    with pytest.raises(KeyError), archive(tmp_path).opened(SHA256):
        pass
