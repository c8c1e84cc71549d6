"""What to do with an adapter that was just written, as commands to copy."""

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import adapters
from contracts.errors import ConfigError

__all__ = ["next_steps", "require_own_folder"]


def next_steps(name: str, files: Collection[Path], known: Collection[Path]) -> Iterator[str]:
    """Yield what is to be done next, a line each.

    Args:
        name: Name of the adapter.
        files: What was written.
        known: `adapters.files` of the settings.
    """
    [adapter] = [path for path in files if path.suffix == ".py" and not path.name.startswith("test_")]
    [test] = [path for path in files if path.name.startswith("test_")]
    banyan = "banyan" if shutil.which("banyan") else shlex.quote(sys.argv[0])
    yield f"look at each GUESS in {adapter}"
    if importlib.util.find_spec("pytest") is None:
        yield f"{_python()} -m pip install pytest"
    yield f"{_python()} -m pytest {shlex.quote(str(test))}"
    if not {adapter.resolve(), adapter.parent.resolve()} & {path.resolve() for path in known}:
        yield f"name it in banyan.yaml: `adapters: {{files: [{adapter.parent}]}}`"
    yield f"{banyan} adapter check {name} --show 1"


def require_own_folder(folder: Path) -> None:
    """Refuse to write between the modules of this product, where a clone of it is the working folder.

    Raises:
        ConfigError: The folder is one of its packages; says where else.
    """
    ours = Path(adapters.__file__).resolve().parent
    if ours in {folder.resolve(), *folder.resolve().parents}:
        fix = "begin in a folder of your own (mkdir my-project && cd my-project), or name one: --into DIR"
        raise ConfigError([f"{folder} is a package of Banyan itself: {fix}"])


def _python() -> str:
    """Return how this environment's Python is called from here."""
    found = shutil.which("python")
    here = found is not None and Path(found).absolute() == Path(sys.executable).absolute()
    return "python" if here else shlex.quote(sys.executable)
