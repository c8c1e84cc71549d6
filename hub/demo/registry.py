"""The demo's legacy system: a small SOAP registry of residents, in a process of its own.

`python -m hub.demo.registry` prints its address and serves until its input ends; `hub.demo.service` has what it
serves. `POST /control` changes what it holds: `{"add": 1, "move": 3, "remove": 1}`, and tells whom that was.

Everybody in it is invented, and the same in every run.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from hub.demo.service import WSDL, Resident, serve

__all__ = ["WSDL", "Registry", "Resident", "serve"]

_SEED = 20260101
_COUNT = 200
_FIRST = ("Adelbrecht", "Brumhilde", "Corvina", "Dorwin", "Elfrun", "Fennimor", "Gundobert", "Hasselina")
_LAST = ("Ampfersack", "Birnstiel", "Distelfink", "Eulenspatz", "Fingerhut", "Grashalm", "Hollerbusch", "Igelkott")
_STREETS = ("Am Farnkraut", "Brombeergasse", "Feigenallee", "Moosweg", "Wurzelpfad")
_CITIES = ("Altfeigen", "Luftwurz", "Neubanyan", "Unterlaub")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """What the legacy system holds; safe for several threads."""

    def __init__(self, *, count: int = _COUNT, seed: int = _SEED, clock: Callable[[], datetime] = _utc_now) -> None:
        self._random, self._clock, self._lock = Random(seed), clock, threading.Lock()  # noqa: S311 - the same people in every run
        self._next = 1
        self._residents: dict[str, Resident] = {}
        self.add(count)

    @property
    def controls(self) -> Mapping[str, Callable[[int], list[str]]]:
        """Return what may be changed from outside."""
        return {"add": self.add, "move": self.move, "remove": self.remove}

    def listed(self, since: datetime | None = None) -> list[Resident]:
        """Return who was modified at or after a point in time, or all."""
        with self._lock:
            return [r for r in self._residents.values() if since is None or r.modified >= since]

    def get(self, number: str) -> Resident | None:
        """Return one resident, or None where there is none with that number."""
        with self._lock:
            return self._residents.get(number)

    def settle(self, number: str, street: str, city: str) -> Resident | None:
        """Give one resident this address, however often it is asked for; None where there is none."""
        with self._lock:
            found = self._residents.get(number)
            if found is not None and (found.street, found.city) != (street, city):
                self._put(replace(found, street=street, city=city))
            return self._residents.get(number)

    def add(self, count: int) -> list[str]:
        """Register new residents and return their numbers."""
        with self._lock:
            return [self._put(self._invented()) for _ in range(count)]

    def move(self, count: int) -> list[str]:
        """Give residents another address and return their numbers."""
        with self._lock:
            moves = [(resident, self._home()) for resident in self._some(count)]
            return [self._put(replace(r, street=street, city=city)) for r, (street, city) in moves]

    def remove(self, count: int) -> list[str]:
        """Delete residents and return their numbers."""
        with self._lock:
            return [self._residents.pop(r.id).id for r in self._some(count)]

    def _some(self, count: int) -> list[Resident]:
        return self._random.sample(list(self._residents.values()), min(count, len(self._residents)))

    def _put(self, resident: Resident) -> str:
        self._residents[resident.id] = replace(resident, modified=self._clock())
        return resident.id

    def _home(self) -> tuple[str, str]:
        return f"{self._random.choice(_STREETS)} {self._random.randint(1, 99)}", self._random.choice(_CITIES)

    def _invented(self) -> Resident:
        number, self._next = self._next, self._next + 1
        chance, (street, city) = self._random.random(), self._home()
        return Resident(
            id=f"{number:08d}",
            name=f"{self._random.choice(_FIRST)} {self._random.choice(_LAST)}",
            born=None if chance < 0.05 else date(1930, 1, 1) + timedelta(days=self._random.randint(0, 32_000)),  # noqa: PLR2004 - a few have no known date
            status="closed" if chance > 0.9 else "active",  # noqa: PLR2004 - a few are closed
            street=street,
            city=city,
            modified=self._clock(),
        )


def main() -> None:
    """Serve until the input ends."""
    with serve(Registry()) as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
