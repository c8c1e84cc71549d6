"""The residents of a server that reads them from a file with tabs at each call; a test changes the file."""

from datetime import UTC, datetime
from pathlib import Path

from tests.soap_clients.world import BORN, BROKEN, KEYS, MOVED

__all__ = ["Residents"]


class Residents:
    """Residents in a file: number, name, street, city, day of birth, status, last modified."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.clear()

    def clear(self) -> None:
        """Forget everybody."""
        self._write({})

    def put(self, number: str, name: str, *, city: str = "Altfeigen") -> None:
        """Add a resident, or change one."""
        modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        self._write({**self._read(), number: [number, name, "Brombeergasse 1", city, "", "active", modified]})

    def delete(self, number: str) -> None:
        """Remove a resident."""
        self._write({key: cells for key, cells in self._read().items() if key != number})

    def fill(self) -> None:
        """Hold those whom both sides of a façade begin with."""
        modified = "2026-01-02T03:04:05.1234567Z"
        self._write({
            number: [
                number, f"Åse & <{number}>", f"Brombeergasse {number}", "Altfeigen", BORN.get(number, ""),
                "broken" if number == BROKEN else "active", modified,
            ]
            for number in (*KEYS, *MOVED, BROKEN)
        })  # fmt: skip

    def _read(self) -> dict[str, list[str]]:
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return {cells[0]: cells for cells in (line.split("\t") for line in lines)}

    def _write(self, residents: dict[str, list[str]]) -> None:
        # A server that reads meanwhile has either the one or the other.
        whole = self.file.with_suffix(".new")
        whole.write_text("".join("\t".join(cells) + "\n" for cells in residents.values()), encoding="utf-8")
        whole.replace(self.file)
