"""Files of other machines, from real servers on loopback: each promise of a location, at each kind of it."""

import sys
import uuid
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import fsspec
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from adapters import batch
from adapters._backend import PACKAGES
from adapters._place import Remote
from adapters.batch.location import Local, Location
from adapters.batch.remote import FileSystem
from contracts.errors import ConfigError, FileChangedError, LegacyUnavailableError
from tests.file_servers import (
    PASSWORD,
    USER,
    FileServer,
    azure_server,
    ftp_server,
    s3_server,
    s3_store,
    sftp_server,
)
from tests.payments import COPYBOOK, entries, make, of_files, progress, put, read, records, stream_of

MEGABYTES_3 = bytes(range(256)) * 4 * 3 * 1024


class Sender(Protocol):
    """Who puts files at a location."""

    def __call__(self, name: str, data: bytes) -> object: ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """A location to read from, and who writes there."""

    url: str
    done: str
    """Another folder, as the location's `move` names it."""
    remote: dict[str, Any]
    send: Sender
    has_checksum: bool = False

    def location(self) -> Location:
        if "://" not in self.url:
            return Local(Path(self.url), system="benefits")
        return FileSystem(self.url, Remote.model_validate(self.remote), system="benefits")


def _of(server: FileServer, folder: Path) -> Place:
    return Place(
        url=f"{server.url}/out",
        done="/done",
        remote=server.remote,
        send=lambda name, data: put(folder / "out" / name, data),
    )


@contextmanager
def _local(folder: Path) -> Generator[Place, None, None]:
    yield Place(
        url=str(folder / "out"),
        done=str(folder / "done"),
        remote={},
        send=lambda name, data: put(folder / "out" / name, data),
    )


@contextmanager
def _ftp(folder: Path) -> Generator[Place, None, None]:
    with ftp_server(folder) as server:
        yield _of(server, folder)


@contextmanager
def _sftp(folder: Path) -> Generator[Place, None, None]:
    with sftp_server(folder, folder.parent) as server:
        yield _of(server, folder)


@contextmanager
def _s3(folder: Path) -> Generator[Place, None, None]:
    del folder
    with s3_server() as server, s3_store(server) as store:
        bucket = f"incoming-{uuid.uuid4().hex[:8]}"  # the store outlives its server
        store.mkdir(bucket)
        yield Place(
            url=f"s3://{bucket}/out",
            done=f"{bucket}/done",
            remote=server.remote,
            send=lambda name, data: store.pipe_file(f"{bucket}/out/{name}", data),
            has_checksum=True,
        )


@contextmanager
def _azure(folder: Path) -> Generator[Place, None, None]:
    with azure_server(folder) as server:
        store: Any = fsspec.filesystem("abfs", skip_instance_cache=True, **server.remote["secrets"])
        store.mkdir("incoming")

        def send(name: str, data: bytes) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # that the body is large
                store.pipe_file(f"incoming/out/{name}", data)

        yield Place(url="abfs://incoming/out", done="incoming/done", remote=server.remote, send=send, has_checksum=True)


@contextmanager
def _memory(folder: Path) -> Generator[Place, None, None]:
    del folder
    store: Any = fsspec.filesystem("memory")
    store.makedirs("/out", exist_ok=True)
    try:
        yield Place(
            url="memory://out",
            done="/done",
            remote={},
            send=lambda name, data: store.pipe_file(f"/out/{name}", data),
        )
    finally:
        store.rm("/", recursive=True)


KINDS = {"local": _local, "ftp": _ftp, "sftp": _sftp, "s3": _s3, "azure": _azure, "memory": _memory}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A location of each kind, empty."""
    for name in ("out", "done"):
        (tmp_path / "served" / name).mkdir(parents=True)
    with KINDS[request.param](tmp_path / "served") as found:
        yield found


def adapter(place: Place, tmp_path: Path, **changes: object) -> batch.Adapter:
    """Return an adapter that reads payments from there once."""
    (tmp_path / "payments.cpy").write_text(COPYBOOK)
    path = f"{place.url}/BENEFITS.*" if "://" in place.url else Path(place.url) / "BENEFITS.*"
    here = tmp_path / "payments.cpy"
    return make(tmp_path / "in", {"path": path, "remote": place.remote, "copybook": here, **changes})


def test_a_file_is_found_and_read_as_it_is(place: Place) -> None:
    place.send("BENEFITS.A", MEGABYTES_3)
    place.send("EMPTY", b"")

    with closing(place.location()) as location:
        found = location.find()
        assert {name: each.size_bytes for name, each in found.items()} == {
            "BENEFITS.A": len(MEGABYTES_3),
            "EMPTY": 0,
        }
        with location.opened(found["BENEFITS.A"]) as reader:
            assert reader.sha256() == sha256(MEGABYTES_3).hexdigest()
            assert reader.read(1_000_000, 700) == MEGABYTES_3[1_000_000:1_000_700]
        with location.opened(found["EMPTY"]) as reader:
            assert reader.sha256() == sha256(b"").hexdigest()
        assert location.tail(found["BENEFITS.A"], 5) == MEGABYTES_3[-5:]
        assert location.tail(found["EMPTY"], 5) == b""
        assert location.find() == found


def test_a_checksum_of_the_place_itself_tells_content_from_content(place: Place) -> None:
    place.send("BENEFITS.A", b"one")
    with closing(place.location()) as location:
        first = location.checksum(location.find()["BENEFITS.A"])
        place.send("BENEFITS.A", b"two")
        second = location.checksum(location.find()["BENEFITS.A"])

    assert (first is not None, first != second) == (place.has_checksum, place.has_checksum)


def test_a_file_that_is_not_what_was_found_is_refused(place: Place) -> None:
    place.send("BENEFITS.A", b"one")
    with closing(place.location()) as location:
        found = location.find()["BENEFITS.A"]
        place.send("BENEFITS.A", b"another")

        with (
            pytest.raises(FileChangedError, match=r"BENEFITS\.A: expected the file that was judged complete"),
            location.opened(found) as reader,
        ):
            reader.sha256()


def test_a_file_is_moved_to_another_folder(place: Place) -> None:
    place.send("BENEFITS.A", b"one")
    with closing(place.location()) as location:
        location.move(location.find()["BENEFITS.A"], place.done)

        assert location.find() == {}


def test_what_is_closed_is_used_no_more(place: Place) -> None:
    place.send("BENEFITS.A", MEGABYTES_3)
    location = place.location()
    found = location.find()["BENEFITS.A"]

    location.close()

    with pytest.raises(LegacyUnavailableError, match="closed"), location.opened(found) as reader:
        reader.sha256()


async def test_files_of_another_machine_are_delivered_once(place: Place, tmp_path: Path) -> None:
    place.send("BENEFITS.A", records(3))
    place.send("BENEFITS.B", records(3))
    place.send("BENEFITS.C", records(2))
    source = adapter(place, tmp_path, stable_for=0.01, poll_interval=0.05)

    batches = await read(source)
    again = await read(source, progress(batches))

    assert {each.stream for each in of_files(batches)} == {stream_of(records(3)), stream_of(records(2))}
    assert sum(len(columns) for each in batches for columns in each.events) == 5
    assert sorted(each.outcome for each in entries(batches).values()) == ["duplicate", "published", "published"]
    what = "size and the store's checksum" if place.has_checksum else "size and content"
    assert {each.proof for each in entries(batches).values()} == {f"{what} unchanged for 0.01 s"}
    assert (again, await source.check()) == ([], [])


@pytest.mark.parametrize("kind", ["ftp", "sftp"])
def test_a_wrong_password_is_told_once_and_never_shown(kind: str, tmp_path: Path) -> None:
    """Tried again and again it would lock the account."""
    (tmp_path / "served" / "out").mkdir(parents=True)
    with KINDS[kind](tmp_path / "served") as place:
        remote = Remote.model_validate({**place.remote, "password": "guess-guess"})
        with pytest.raises(ConfigError) as told:
            FileSystem(place.url, remote, system="benefits")

    assert "guess-guess" not in f"{told.value} {remote!r}"
    assert str(told.value).startswith(f"benefits: {kind}://127.0.0.1:")


def test_a_server_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with sftp_server(tmp_path, tmp_path) as server:
        (tmp_path / "others").write_text("")
        remote = Remote.model_validate({**server.remote, "known_hosts": tmp_path / "others"})
        with pytest.raises(ConfigError, match="ssh-ed25519 is not in the file of known hosts"):
            FileSystem(server.url, remote, system="benefits")


def test_a_server_with_another_key_than_before_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with sftp_server(tmp_path, tmp_path) as server, sftp_server(tmp_path, tmp_path / "b") as other:
        key = (tmp_path / "b" / "known_hosts").read_text().split(" ", 1)[1]
        (tmp_path / "swapped").write_text(f"[127.0.0.1]:{server.url.rpartition(':')[2]} {key}")
        remote = Remote.model_validate({**server.remote, "known_hosts": tmp_path / "swapped"})
        with pytest.raises(ConfigError, match="BadHostKeyException"):
            FileSystem(server.url, remote, system="benefits")
        assert other.url != server.url


@pytest.mark.parametrize("scheme", ["ftp", "sftp"])
def test_nobody_there_is_not_available(scheme: str) -> None:
    remote = Remote(username=USER, password=SecretStr(PASSWORD), timeout=timedelta(seconds=1))
    with pytest.raises(LegacyUnavailableError, match=rf"benefits: not available: {scheme}://127\.0\.0\.1:1/out: "):
        FileSystem(f"{scheme}://someone@127.0.0.1:1/out", remote, system="benefits")


async def test_a_folder_that_is_not_there_is_not_available(place: Place, tmp_path: Path) -> None:
    path = f"{place.url}/gone/B.*" if "://" in place.url else Path(place.url) / "gone" / "B.*"
    source = adapter(place, tmp_path, path=path)
    scheme = place.url.partition(":")[0]
    if scheme in ("s3", "abfs"):  # they have no folders: an empty one and none are the same
        assert await read(source) == []
        source = adapter(place, tmp_path, path=f"{scheme}://no-such-bucket/out/B.*")

    with pytest.raises(LegacyUnavailableError, match=r"benefits: not available: .*(gone|no-such-bucket)"):
        await read(source)


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("abfs", "gs", "sftp"):  # what another test has used is remembered
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    for scheme, package in {"abfs": "adlfs", "gs": "gcsfs"}.items():
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ConfigError, match=f"benefits: {scheme}:// needs the package {package}"):
            FileSystem(f"{scheme}://bucket/out", Remote(), system="benefits")
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(ConfigError, match="benefits: sftp:// needs the package paramiko"):
        FileSystem("sftp://127.0.0.1/out", Remote(), system="benefits")


def test_a_kind_of_address_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="benefits: pigeon://loft/out: ValueError: Protocol not known"):
        FileSystem("pigeon://loft/out", Remote(), system="benefits")


def test_packages_are_named_for_what_fsspec_knows_only() -> None:
    assert PACKAGES.keys() <= set(fsspec.available_protocols())


def test_a_password_in_an_address_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds a password; set remote\.password") as told:
        make(tmp_path, {"path": "sftp://banyan:hush-hush@files.example.org/out/B.*"})

    assert PASSWORD not in str(told.value)


def test_a_secret_is_nowhere_in_a_configuration_that_is_shown(tmp_path: Path) -> None:
    remote = {"password": PASSWORD, "secrets": {"secret": PASSWORD}}
    source = make(tmp_path, {"path": "sftp://files.example.org/out/B.*", "remote": remote})

    assert PASSWORD not in f"{source.config!r} {source.config} {source.config.model_dump_json()}"


async def test_what_is_logged_of_a_failure_shows_no_secret(tmp_path: Path) -> None:
    place = Place(url="sftp://127.0.0.1:1/out", done="", remote={"password": PASSWORD}, send=lambda name, data: None)  # noqa: ARG005 - nobody sends
    with capture_logs() as logs:
        problems = await adapter(place, tmp_path).check()

    assert len(problems) == 1
    assert PASSWORD not in f"{problems} {logs}"
