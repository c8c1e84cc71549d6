"""What is written for a user, judged as the user's own tools judge it."""

import subprocess
import sys
from pathlib import Path

__all__ = ["require_sound"]


def require_sound(folder: Path) -> None:
    """Run the tests in a folder, and what judges its code, each with its defaults."""
    files = sorted(str(path) for path in folder.rglob("*.py"))
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--strict-markers"]
    subprocess.run([*tests, *files], cwd=folder, check=True, timeout=300)
    subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", "."], cwd=folder, check=True, timeout=60)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / ".mypy_cache")]
    subprocess.run([*mypy, *files], cwd=folder, check=True, timeout=300)
