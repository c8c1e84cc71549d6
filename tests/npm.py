"""Packages of Node.js that tests use, as a package-lock.json pins them."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["installed"]

_INSTALL_SECONDS = 120


@cache
def installed(folder: Path) -> Path:
    """Install what a folder's package-lock.json names into the user's cache, once for each of its versions.

    Raises:
        ConnectionError: There is no npm, or no registry that it could reach; it says which.
        RuntimeError: npm failed otherwise.
    """
    if shutil.which("npm") is None:
        raise ConnectionError(f"no npm on the path: what {folder.name} pins can't be installed")
    files = [folder / "package.json", folder / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = caches / "banyan" / f"{folder.name.replace('_', '-')}-{digest[:16]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as building:
        build = Path(building) / "build"
        build.mkdir()
        for file in files:
            shutil.copy(file, build)
        _npm_ci(build)
        try:
            build.rename(target)
        except OSError:
            # Another run of the tests was faster; what it installed is the same.
            if not target.is_dir():
                raise
    return target


def _npm_ci(build: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=build, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if any(code in done.stderr for code in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN")):
        raise ConnectionError("npm can't reach a registry: what the tests use of it can't be installed")
    if done.returncode != 0:
        raise RuntimeError(f"npm ci failed:\n{done.stdout}{done.stderr}")
