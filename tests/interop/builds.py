"""What other stacks need to be compiled, once for each version of its sources, into the user's cache."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

__all__ = ["AXIS_JARS", "CONTRACT", "axis", "gsoap", "missing"]

HERE = Path(__file__).parent
CONTRACT = HERE / "registry.wsdl"
"""The contract of the stacks that begin with one."""
_JARS = Path("/usr/share/java")
AXIS_JARS = [
    _JARS / f"{name}.jar"
    for name in (
        "axis", "axis-jaxrpc", "axis-saaj", "commons-discovery", "commons-logging", "javax.activation", "javax.mail",
        "wsdl4j",
    )
]  # fmt: skip
"""Debian's Axis 1.4 with what it uses."""
_GSOAP_IMPORT = "/usr/share/gsoap/import"
_BINDING = "ResidentRegistryBinding"
_SECONDS = 300


def missing(*tools: str, files: Sequence[Path] = ()) -> str | None:
    """Return which of these tools and files are not here; None where all are."""
    absent = [tool for tool in tools if shutil.which(tool) is None] + [str(file) for file in files if not file.exists()]
    return f"no {', no '.join(absent)}: run tests/interop/tools" if absent else None


@cache
def axis() -> Path:
    """Return the folder of the compiled classes of the Axis server and client."""
    sources = sorted((HERE / "axis").glob("*.java"))

    def compile_(folder: Path) -> None:
        # Axis 1.4 can't read newer class files, nor debugging information.
        flags = ["--release", "8", "-g:none", "-Xlint:-options"]
        _run(folder, ["javac", *flags, "-cp", ":".join(map(str, AXIS_JARS)), "-d", str(folder), *map(str, sources)])

    return _built("axis", sources, compile_)


@cache
def gsoap() -> Path:
    """Return the program that is a server and a client in C++."""
    sources = [CONTRACT, HERE / "gsoap" / "registry.cpp"]

    def compile_(folder: Path) -> None:
        _run(folder, ["wsdl2h", "-o", "registry.h", str(CONTRACT)])
        _run(folder, ["soapcpp2", "-j", "-x", "-w", f"-I{_GSOAP_IMPORT}", "registry.h"])
        generated = ["soapC.cpp", f"soap{_BINDING}Proxy.cpp", f"soap{_BINDING}Service.cpp"]
        flags = ["-O0", "-w", "-I.", "-DWITH_PURE_VIRTUAL", "-o", "registry"]
        _run(folder, ["g++", *flags, str(sources[1]), *generated, "-lgsoap++", "-lpthread"])

    return _built("gsoap", sources, compile_) / "registry"


def _built(name: str, sources: Sequence[Path], compile_: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256(Path(__file__).read_bytes() + b"".join(each.read_bytes() for each in sources)).hexdigest()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = caches / "banyan" / f"{name}-{digest[:16]}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            building = Path(folder) / "build"
            building.mkdir()
            compile_(building)
            building.rename(target)
    return target


def _run(folder: Path, command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
