"""Files that are written together, or not at all; none that is there is replaced unasked."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ConfigError

__all__ = ["NewFile", "write_all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file that is to be written."""

    path: Path
    data: bytes

    @property
    def state(self) -> str:
        """Tell what is there: nothing (`new`), the same bytes (`unchanged`), or others (`differs`)."""
        if not self.path.exists():
            return "new"
        return "unchanged" if self.path.is_file() and self.path.read_bytes() == self.data else "differs"


def write_all(files: Sequence[NewFile], *, force: bool) -> None:
    """Write files; what is already as it shall be is left alone.

    Raises:
        ConfigError: One is there with something else in it, and `force` is not given; or it can't be written.
    """
    if not force and (there := [str(each.path) for each in files if each.state == "differs"]):
        raise ConfigError([f"{path}: is there already; --force replaces it" for path in there])
    for each in files:
        if each.state == "unchanged":
            continue
        try:
            each.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=each.path.parent, delete=False) as new:
                new.write(each.data)
            Path(new.name).chmod(0o644)
            Path(new.name).replace(each.path)
        except OSError as error:
            raise ConfigError([f"{each.path}: {error.strerror or error}"]) from error
