"""The local Kafka without Java: what is missing is named with its fix, and nobody else's process is ended."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import ConfigError
from hub.cli.kafka import app, default_home
from hub.local_kafka import LocalKafka
from hub.local_kafka.distribution import cache_home, find_java, jars, kafka_version
from hub.local_kafka.process import Process, end, is_running, spawn
from hub.local_kafka.properties import server_properties
from hub.local_kafka.state import Cluster, free_ports, port_is_free


def program(folder: Path, name: str, script: str) -> dict[str, str]:
    """Put a program into a folder, and return an environment in which it is the only one."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"PATH": str(folder)}


def ignore(_: str) -> None:
    """Take a sentence."""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    """A process that waits for its end, and does not go when it is asked."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    process = spawn([sys.executable, "-c", code], console=tmp_path / "console.log", environ=os.environ)
    while "ready" not in (tmp_path / "console.log").read_text():
        assert is_running(process)
    yield process
    end(process, how=signal.SIGKILL)


def test_a_missing_java_is_named_with_its_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Java found; install a Java 17 or newer"):
        LocalKafka(tmp_path / "home", environ={"PATH": str(tmp_path)}).up()

    assert not (tmp_path / "home").exists(), "nothing is left behind"


@pytest.mark.parametrize(
    ("tells", "problem"),
    [
        ('openjdk version "11.0.2"', "is Java 11;"),
        ('java version "1.8.0_1"', "is Java 8;"),
        ("?", "an unknown version"),
    ],
)
def test_a_java_that_is_too_old_is_named(tmp_path: Path, tells: str, problem: str) -> None:
    environ = program(tmp_path / "bin", "java", f"echo '{tells}' >&2")

    with pytest.raises(ConfigError, match=problem):
        find_java(environ)


def test_the_java_of_java_home_is_taken_first(tmp_path: Path) -> None:
    environ = program(tmp_path / "bin", "java", "echo 'version \"21.0.1\"' >&2")

    assert find_java({"JAVA_HOME": str(tmp_path), "PATH": "/nowhere"}) == tmp_path / "bin" / "java"
    assert find_java(environ) == tmp_path / "bin" / "java"


def test_a_missing_maven_is_named_with_its_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no `mvn`; install Maven"):
        jars(tmp_path, environ={"PATH": str(tmp_path)}, tell=ignore)


def test_what_maven_fetches_is_kept_and_told_once(tmp_path: Path) -> None:
    fetch = (
        'for last; do :; done; folder="${last#-DoutputDirectory=}"; /bin/mkdir "$folder"; echo > "$folder/kafka.jar"'
    )
    environ = program(tmp_path / "bin", "mvn", fetch)
    told: list[str] = []

    folders = [jars(tmp_path / "cache", environ=environ, tell=told.append) for _ in range(2)]

    assert folders == [tmp_path / "cache" / kafka_version()] * 2
    assert [file.name for file in folders[0].iterdir()] == ["kafka.jar"]
    assert len(told) == 1
    assert "once, about" in told[0]


def test_who_fetches_second_takes_what_the_first_one_fetched(tmp_path: Path) -> None:
    """Two processes may fetch at once; here the other one wins while Maven runs."""
    other = tmp_path / "cache" / kafka_version()
    script = (
        f'for last; do :; done; /bin/mkdir "${{last#-DoutputDirectory=}}"; /bin/mkdir {other}; echo > {other}/a.jar'
    )
    environ = program(tmp_path / "bin", "mvn", script)

    assert jars(tmp_path / "cache", environ=environ, tell=ignore) == other


def test_maven_that_can_not_fetch_gives_its_reason_and_leaves_nothing(tmp_path: Path) -> None:
    environ = program(tmp_path / "bin", "mvn", "echo '[ERROR] no route to host'; exit 1")

    with pytest.raises(ConfigError, match=r"could not fetch Apache Kafka .*no route to host"):
        jars(tmp_path / "cache", environ=environ, tell=ignore)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_process_with_the_pid_of_ours_is_left_alone(sleeper: Process) -> None:
    stranger = Process(pid=sleeper.pid, born="another time")

    end(stranger, how=signal.SIGKILL)

    assert not is_running(stranger)
    assert is_running(sleeper)


def test_a_process_that_does_not_go_is_killed_after_the_grace(sleeper: Process) -> None:
    end(sleeper, how=signal.SIGTERM, grace_seconds=0.1)

    assert not is_running(sleeper)


def test_a_process_is_known_without_proc_as_well(
    sleeper: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hub.local_kafka.process._PROC", tmp_path / "no proc here")
    program(tmp_path / "bin", "ps", "[ -e /proc/$5 ] && echo 'Ss   Sun Nov 22 02:22:17 2026'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert is_running(Process(pid=sleeper.pid, born="Sun Nov 22 02:22:17 2026"))
    assert not is_running(Process(pid=sleeper.pid, born="Sat Nov 21 02:22:17 2026"))


def test_free_ports_are_free_until_somebody_listens() -> None:
    [port] = free_ports(1)
    assert port_is_free(port)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        listening.listen()
        assert not port_is_free(port)


def test_more_ports_than_there_are_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no 1000 free ports"):
        free_ports(1000)


def test_a_port_that_another_program_took_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.local_kafka.cluster._PORT_SECONDS", 0.0)
    cluster = Cluster.new(1)
    cluster.save(tmp_path)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", cluster.brokers[0].port))
        with pytest.raises(ConfigError, match=f"port {cluster.brokers[0].port} of the local Kafka is taken"):
            LocalKafka(tmp_path).up()


def test_a_state_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text('{"brokers": 3}')

    with pytest.raises(ConfigError, match=r"cluster\.json is no state of a local Kafka \(2 problems\)"):
        LocalKafka(tmp_path).status()


def test_a_home_of_another_size_is_refused(tmp_path: Path) -> None:
    Cluster.new(3).save(tmp_path)

    with pytest.raises(ConfigError, match="holds a cluster of 3: ask for that, wipe it, or take another home"):
        LocalKafka(tmp_path, 1).up()


def test_two_brokers_are_no_size(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 or 3 brokers, not 2"):
        LocalKafka(tmp_path, 2)


def test_an_unknown_broker_is_named_with_the_known(tmp_path: Path) -> None:
    Cluster.new(3).save(tmp_path)

    with pytest.raises(ConfigError, match=r"no broker 4 .*there are: 1, 2, 3"):
        LocalKafka(tmp_path, 3).kill(4)


def test_a_home_without_a_cluster_has_no_address(tmp_path: Path) -> None:
    kafka = LocalKafka(tmp_path)
    kafka.down(wipe=True)

    assert kafka.status() == ()
    with pytest.raises(ConfigError, match=r"no local Kafka in .*`banyan kafka up` makes one"):
        assert kafka.bootstrap


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, 1, 1), (3, 3, 2)])
def test_topics_have_as_many_copies_as_there_are_brokers(
    brokers: int, copies: int, in_sync: int, tmp_path: Path
) -> None:
    cluster = Cluster.new(brokers)
    lines = server_properties(cluster, cluster.brokers[-1], data=tmp_path).splitlines()
    settings = dict(line.split("=", 1) for line in lines)

    assert settings["default.replication.factor"] == settings["offsets.topic.replication.factor"] == str(copies)
    assert settings["min.insync.replicas"] == settings["transaction.state.log.min.isr"] == str(in_sync)
    assert settings["controller.quorum.voters"].count("@127.0.0.1:") == brokers
    assert len(lines) == len(settings), "no setting stands twice"


def test_jars_and_data_are_where_xdg_says() -> None:
    environ = {"XDG_CACHE_HOME": "/c", "XDG_DATA_HOME": "/d"}

    assert (cache_home(environ), default_home(environ)) == (Path("/c/banyan/kafka"), Path("/d/banyan/kafka"))
    assert cache_home({}) == Path.home() / ".cache/banyan/kafka"
    assert default_home({}) == Path.home() / ".local/share/banyan/kafka"


def test_the_commands_say_when_there_is_nothing(tmp_path: Path) -> None:
    run = CliRunner().invoke

    people = run(app, ["status", "--home", str(tmp_path)])
    programs = run(app, ["status", "--json", "--home", str(tmp_path)])
    down = run(app, ["down", "--home", str(tmp_path)])

    assert "No local Kafka in" in people.stdout
    assert (people.exit_code, programs.exit_code) == (1, 1)
    assert programs.stdout == "[]\n"
    assert isinstance(down.exception, ConfigError)
