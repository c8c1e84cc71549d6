"""Ids of records, as those know them who read such files with Cobrix: by root, level and place. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, final

from contracts.identifiers import ordinal as padded

__all__ = ["RecordIds", "id_names"]

_ORDINAL: Final = "Record_Id"
_OFFSET: Final = "Record_Offset"


def id_names(levels: int) -> frozenset[str]:
    """Return the names of all ids that records of so many levels have.

    >>> sorted(id_names(2))
    ['Record_Id', 'Record_Offset', 'Seg_Id0', 'Seg_Id1']
    """
    return frozenset({_ORDINAL, _OFFSET, *(f"Seg_Id{level}" for level in range(levels))})


@final
class RecordIds:
    """Gives ids to the records of one tree, one after the other.

    >>> ids = RecordIds("file:ab", root=7)
    >>> ids.next(level=0, ordinal=7, offset=448)
    {'Seg_Id0': 'file:ab:000000000007', 'Record_Id': 7, 'Record_Offset': 448}
    >>> ids.next(level=1, ordinal=8, offset=512)["Seg_Id1"]
    'file:ab:000000000007_L1_1'
    """

    def __init__(self, prefix: str, *, root: int) -> None:
        """Begin a tree.

        Args:
            prefix: What the ids begin with; nothing leaves the ordinal alone.
            root: The ordinal of its root.
        """
        self._root = f"{prefix}:{padded(root)}" if prefix else padded(root)
        self._counts = Counter[int]()
        self._line: list[str] = []

    def next(self, *, level: int, ordinal: int, offset: int) -> Mapping[str, str | int]:
        """Return the ids of the next record: of those that it stands below, its own, and where it is."""
        self._counts[level] += 1
        own = f"{self._root}_L{level}_{self._counts[level]}" if level else self._root
        self._line[level:] = [own]
        ids: dict[str, str | int] = {f"Seg_Id{each}": id_ for each, id_ in enumerate(self._line)}
        return {**ids, _ORDINAL: ordinal, _OFFSET: offset}
