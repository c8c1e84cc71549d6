"""What a broker runs on: Java, and the jars of Apache Kafka, fetched once by Maven."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from contracts.errors import ConfigError

__all__ = ["Tell", "cache_home", "find_java", "jars", "kafka_version", "log_configuration"]

Tell = Callable[[str], None]
"""Takes a sentence about a step that takes long."""

_POM = Path(__file__).with_name("pom.xml")
_LOGGING = Path(__file__).with_name("log4j2.properties")
OLDEST_JAVA = 17
_JAVA_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_FIX_JAVA = f"install a Java {OLDEST_JAVA} or newer runtime (Debian: openjdk-17-jre-headless), or set JAVA_HOME"
_FIX_MAVEN = "install Maven (Debian: maven); it fetches Apache Kafka once, about 43 MB"


def kafka_version() -> str:
    """Return the version of Apache Kafka that `pom.xml` names."""
    return _POM.read_text(encoding="utf-8").split("<kafka.version>")[1].split("<")[0]


def cache_home(environ: Mapping[str, str]) -> Path:
    """Return where jars are kept: XDG's cache directory, outside any checkout."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "banyan" / "kafka"


def log_configuration() -> str:
    """Return the text of the brokers' log4j2 configuration."""
    return _LOGGING.read_text(encoding="utf-8")


def find_java(environ: Mapping[str, str]) -> Path:
    """Return the `java` of JAVA_HOME, else of the PATH.

    Raises:
        ConfigError: There is none, or it is too old for Apache Kafka 4.
    """
    home = environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else environ.get("PATH"))
    if found is None:
        raise ConfigError([f"no Java found; {_FIX_JAVA}"])
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)  # noqa: S603 - no input
    version = _JAVA_VERSION.search(told.stderr)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise ConfigError([f"{found} is Java {version[1] if version else 'of an unknown version'}; {_FIX_JAVA}"])
    return Path(found)


def jars(cache: Path, *, environ: Mapping[str, str], tell: Tell) -> Path:
    """Return the folder of Apache Kafka's jars; the first time Maven fetches them into `cache`.

    Raises:
        ConfigError: They are not there yet, and Maven is missing or can't fetch them.
    """
    target = cache / kafka_version()
    if target.is_dir():
        return target
    maven = shutil.which("mvn", path=environ.get("PATH"))
    if maven is None:
        raise ConfigError([f"Apache Kafka {kafka_version()} is not in {cache} and there is no `mvn`; {_FIX_MAVEN}"])
    tell(f"fetching Apache Kafka {kafka_version()} with Maven into {target} (once, about 43 MB)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        _fetch(maven, Path(scratch))
        _publish(Path(scratch) / "jars", target)
    return target


def _fetch(maven: str, scratch: Path) -> None:
    shutil.copy(_POM, scratch)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={scratch / 'jars'}"]
    ran = subprocess.run(  # noqa: S603 - our own arguments
        [maven, "-q", "-B", *goal], cwd=scratch, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        reason = next((line for line in ran.stdout.splitlines() if "ERROR" in line), f"it ended with {ran.returncode}")
        raise ConfigError([f"Maven could not fetch Apache Kafka {kafka_version()}: {reason}"])


def _publish(fetched: Path, target: Path) -> None:
    """Move in one step, so that nobody sees half; who comes second finds it done."""
    try:
        os.rename(fetched, target)  # noqa: PTH104 - Path.rename reads the same, but its errno is what we ask for
    except OSError:
        if not target.is_dir():
            raise
