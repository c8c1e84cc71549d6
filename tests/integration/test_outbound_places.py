"""Outbound files on other machines, by real servers on loopback: whole, once, and the done file last."""

import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters._server import Server
from adapters.outbound import LocalFolder, Outbound, Remote, RemoteFolder, State
from contracts.errors import ConfigError, FileHeldError, LegacyUnavailableError
from hub.outbound import made, outbounds
from hub.settings import OutboundSettings, Settings
from tests.file_servers import PASSWORD, FileServer, ftp_server, s3_server, s3_store, sftp_server
from tests.outbound_world import DEATHS, Breaking, KilledError, built, collect, described, payment

FIRST = "PAY.D20261128.S0001"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of the receiver's, and what is in it for those who look there."""

    url: str
    remote: Mapping[str, Any]
    files: Callable[[], dict[str, bytes]]
    put: Callable[[str, bytes], object]
    take: Callable[[str], object]

    def folder(self) -> RemoteFolder:
        return RemoteFolder(self.url, Remote.model_validate(self.remote), system="bank")

    def visible(self) -> dict[str, bytes]:
        """Return what has no name that begins with a dot."""
        return {name: data for name, data in self.files().items() if not name.startswith(".")}


def _of(server: FileServer, folder: Path) -> Place:
    there = folder / "in"
    return Place(
        url=f"{server.url}/in",
        remote=server.remote,
        files=lambda: {path.name: path.read_bytes() for path in there.iterdir()},
        put=lambda name, data: (there / name).write_bytes(data),
        take=lambda name: (there / name).unlink(),
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
        bucket = f"bank-{uuid.uuid4().hex[:8]}"
        store.mkdir(bucket)
        yield Place(
            url=f"s3://{bucket}/in",
            remote=server.remote,
            files=lambda: {path.rpartition("/")[2]: store.cat_file(path) for path in store.find(f"{bucket}/in")},
            put=lambda name, data: store.pipe_file(f"{bucket}/in/{name}", data),
            take=lambda name: store.rm_file(f"{bucket}/in/{name}"),
        )


KINDS = {"ftp": _ftp, "sftp": _sftp, "s3": _s3}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "served" / "in").mkdir(parents=True)
    with KINDS[request.param](tmp_path / "served") as found:
        yield found


def outbound(folder: Path, to: RemoteFolder | Breaking, **changes: Any) -> Outbound:
    return built(folder, described(folder, changes), to=to)


def test_a_file_is_sent_as_it_would_be_put_here_and_the_done_file_last(place: Place, tmp_path: Path) -> None:
    there = outbound(tmp_path, place.folder())
    collect(there, map(payment, range(3000)))
    there.cut()

    [file] = there.deliver()

    here = LocalFolder(tmp_path / "out")
    here.stage(FIRST, there.render(file))
    here.release(FIRST)
    assert place.visible() == {FIRST: (tmp_path / "out" / FIRST).read_bytes(), f"{FIRST}.done": b""}
    assert [name for name in place.files() if name.endswith(".tmp")] == []


@pytest.mark.parametrize(("after", "done"), DEATHS)
def test_a_file_is_handed_over_once_wherever_the_process_dies(
    place: Place, tmp_path: Path, after: float, done: str | None
) -> None:
    wanted = [FIRST] if done is None else [FIRST, f"{FIRST}{done}"]
    seen: list[str] = []

    def take() -> None:
        if set(wanted) <= place.visible().keys():
            seen.append(FIRST)
            for name in wanted:
                place.take(name)

    with closing(place.folder()) as folder:
        dying = outbound(tmp_path, Breaking(folder, after=after), done_file=done)
        collect(dying, [payment(1)])
        dying.cut()
        with pytest.raises(KilledError):
            dying.deliver()
    take()
    for _ in range(2):
        outbound(tmp_path, place.folder(), done_file=done).deliver()
        take()

    assert seen == [FIRST]
    assert place.visible() == {}


def test_what_is_there_is_not_written_over(place: Place, tmp_path: Path) -> None:
    place.put(FIRST, b"foreign")
    there = outbound(tmp_path, place.folder())
    collect(there, [payment(1)])
    there.cut()

    with pytest.raises(FileHeldError, match="found one that is not written over"):
        there.deliver()
    assert place.visible() == {FIRST: b"foreign"}

    place.take(FIRST)
    assert [file.state for file in there.deliver()] == [State.DELIVERED]


def test_what_arrives_otherwise_than_it_was_sent_is_not_handed_over(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = outbound(tmp_path, place.folder())
    collect(there, [payment(1)])
    there.cut()
    send = Server.send

    def damaged(self: Server, file: Any, path: str) -> None:
        send(self, file, path)
        if FIRST in path and not path.endswith(".done.tmp"):
            place.put(path.rpartition("/")[2], b"x" * len(place.files()[path.rpartition("/")[2]]))

    with monkeypatch.context() as patch:
        patch.setattr(Server, "send", damaged)
        with pytest.raises(LegacyUnavailableError, match="has other bytes there than were sent"):
            there.deliver()

    assert place.visible() == {}
    assert len(there.deliver()) == 1


def test_another_folder_than_the_one_where_it_was_staged_hands_nothing_over(tmp_path: Path) -> None:
    (tmp_path / "served" / "in").mkdir(parents=True)
    with _sftp(tmp_path / "served") as place:
        with closing(place.folder()) as folder:
            dying = outbound(tmp_path, Breaking(folder, after=3))
            collect(dying, [payment(1)])
            dying.cut()
            with pytest.raises(KilledError):
                dying.deliver()
        place.take(".banyan-outbound")

        with pytest.raises(LegacyUnavailableError, match="another folder, or one that hides names with a dot"):
            outbound(tmp_path, place.folder()).deliver()


def test_a_description_names_the_address_and_the_settings_its_secret(tmp_path: Path) -> None:
    (tmp_path / "served" / "in").mkdir(parents=True)
    described(tmp_path)
    with _sftp(tmp_path / "served") as place:
        settings = _settings(tmp_path, place, {"password": PASSWORD})
        spec = outbounds(settings)["payments-to-bank"]
        there = made(settings, spec)
        collect(there, [payment(1)])
        there.cut(empty=True)
        there.deliver()

        assert len(place.visible()) == 2
        assert PASSWORD not in repr(spec)
        wrong = _settings(tmp_path, place, {"password": "another"})
        refused = made(wrong, outbounds(wrong)["payments-to-bank"])
        collect(refused, [payment(2)])
        refused.cut()
        with pytest.raises(ConfigError, match="AuthenticationException") as error:
            refused.deliver()
        assert "another" not in str(error.value)


def _settings(folder: Path, place: Place, remote: Mapping[str, Any]) -> Settings:
    known = {"username": place.remote["username"], "known_hosts": str(place.remote["known_hosts"])}
    (folder / "bank.py").write_text(
        "from pathlib import Path\n"
        "from tests.outbound_world import described\n"
        f"outbound = described(Path({str(folder)!r}), {{'folder': {place.url!r}, 'remote': {known!r}}})\n"
    )
    config = {"payments-to-bank": {"remote": remote}}
    return Settings(outbound=OutboundSettings(files=(folder / "bank.py",), config=config), data=folder / "data")


def test_a_server_that_is_away_keeps_files_back(tmp_path: Path) -> None:
    folder = RemoteFolder("ftp://127.0.0.1:9/in", Remote(), system="bank")
    there = outbound(tmp_path, folder)
    collect(there, [payment(1)])
    there.cut()

    with pytest.raises(LegacyUnavailableError, match="bank: not available"):
        there.deliver()

    [file] = there.ledger.files()
    assert (file.state, "bank: not available" in (file.problem or "")) == (State.CUT, True)
