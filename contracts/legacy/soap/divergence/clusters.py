"""Differences of many comparisons, gathered in classes: a thousand equal ones are one class with a count."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self, final

from contracts.legacy.soap.divergence.difference import Comparison, Difference

__all__ = ["Class", "Clusters"]

_MOST_CLASSES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """One class of differences."""

    sample: Difference
    """The first one, masked as it was."""
    count: int
    """Differences."""
    comparisons: int
    """Comparisons that have any of them."""
    first_seen: datetime
    last_seen: datetime
    first_in: str = ""
    """What the first comparison was called."""

    @property
    def class_id(self) -> str:
        """Return its name; the same in every process."""
        return self.sample.class_id

    def joined(self, other: "Class") -> "Class":
        """Return both as one."""
        first = min(self, other, key=lambda each: (each.first_seen, each.first_in, str(each.sample)))
        return replace(
            first,
            count=self.count + other.count,
            comparisons=self.comparisons + other.comparisons,
            last_seen=max(self.last_seen, other.last_seen),
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        times = {"first_seen": self.first_seen.isoformat(), "last_seen": self.last_seen.isoformat()}
        return {"class_id": self.class_id, **asdict(self), **times}


@final
class Clusters:
    """Counts comparisons and the classes of their differences; of bounded size, whatever comes.

    Args:
        most: Classes that are kept; differences of further ones are counted together, as `others`.
    """

    def __init__(self, *, most: int = _MOST_CLASSES) -> None:
        self._most = most
        self._classes: dict[str, Class] = {}
        self.compared = 0
        """Comparisons."""
        self.equal = 0
        """Comparisons without a difference."""
        self.truncated = 0
        """Comparisons that stopped at the rules' bound."""
        self.others = 0
        """Differences of classes that are not kept."""

    def add(self, comparison: Comparison, *, at: datetime, name: str = "") -> None:
        """Count a comparison.

        Args:
            comparison: What was found.
            at: When the replies were given, with a zone.
            name: What they are called: a request id, a file.
        """
        self.compared += 1
        self.equal += comparison.is_equal
        self.truncated += comparison.is_truncated
        counts: dict[str, tuple[Difference, int]] = {}
        for each in comparison.differences:
            class_id = each.class_id
            sample, count = counts.get(class_id, (each, 0))
            counts[class_id] = (sample, count + 1)
        for sample, count in counts.values():
            self._join(
                Class(sample=sample, count=count, comparisons=1, first_seen=at, last_seen=at, first_in=name),
            )

    def classes(self) -> list[Class]:
        """Return the classes, the most frequent first."""
        return sorted(self._classes.values(), key=lambda each: (-each.count, each.sample.generic, each.class_id))

    def merge(self, other: "Clusters") -> None:
        """Add what another process counted."""
        self.compared += other.compared
        self.equal += other.equal
        self.truncated += other.truncated
        self.others += other.others
        for each in other.classes():
            self._join(each)

    def as_json(self) -> dict[str, Any]:
        """Return them for programs, and for `from_json`."""
        counts = {name: getattr(self, name) for name in ("compared", "equal", "truncated", "others")}
        return {**counts, "classes": [each.as_json() for each in self.classes()]}

    @classmethod
    def from_json(cls, given: dict[str, Any], *, most: int = _MOST_CLASSES) -> Self:
        """Return what `as_json` wrote."""
        found = cls(most=most)
        found.compared, found.equal = given["compared"], given["equal"]
        found.truncated, found.others = given["truncated"], given["others"]
        for each in _read(given["classes"]):
            found._join(each)
        return found

    def _join(self, given: Class) -> None:
        known = self._classes.get(given.class_id)
        if known is not None:
            self._classes[given.class_id] = known.joined(given)
        elif len(self._classes) < self._most:
            self._classes[given.class_id] = given
        else:
            self.others += given.count


def _read(classes: Iterable[dict[str, Any]]) -> Iterable[Class]:
    for each in classes:
        first, last = (datetime.fromisoformat(each[name]).astimezone(UTC) for name in ("first_seen", "last_seen"))
        kept: dict[str, Any] = {name: each[name] for name in ("count", "comparisons", "first_in")}
        yield Class(sample=Difference(**each["sample"]), first_seen=first, last_seen=last, **kept)
