"""The trees of a file: where each begins and ends, and what is in it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, final

from contracts.errors import RecordError
from contracts.legacy.copybook import Record, RowCodec
from contracts.legacy.file_spec import SegmentRule
from contracts.legacy.framing import RecordBatch
from contracts.legacy.tree.ids import RecordIds, id_names
from contracts.legacy.tree.kinship import Kin, Kinship
from contracts.legacy.tree.nest import Placed, flat, nested

__all__ = ["Spoilt", "Trees", "is_too_large"]

_LARGE: Final = "tree-size"


def is_too_large(error: RecordError) -> bool:
    """Tell whether a record is refused since the tree that it is in is too large."""
    return error.code == _LARGE


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A tree that is refused, or an orphan."""

    errors: Mapping[int, RecordError]
    """What is wrong, by the index of the record in its batch, ascending; never none."""

    @property
    def is_large(self) -> bool:
        """Tell whether it is refused since it is too large: then each of its records has that error."""
        return any(map(is_too_large, self.errors.values()))

    def told(self, root: int, first: int) -> RecordError:
        """Return the first error as that of the whole, with the ordinal of its record where it is not the root.

        Args:
            root: Index of the first record.
            first: Ordinal of the record of index 0.
        """
        index, error = next(iter(self.errors.items()))
        if index == root:
            return error
        expected = f"{error.expected} in record {first + index}, which is of this tree"
        return RecordError(error.field, expected=expected, raw=error.raw, start=error.start, code=error.code)


@final
class Trees:
    """Reads records that stand below each other as trees.

    A tree is a root and the records below it, which follow it in the file, each below one before it; it is read as a
    whole or refused as a whole. A record without the one that it stands below is an orphan, and by itself.
    """

    def __init__(self, codec: RowCodec, rules: Sequence[SegmentRule], *, has_ids: bool = False) -> None:
        """Check what is declared.

        Raises:
            ConfigError: It contradicts itself or the layout; holds every problem.
        """
        self.kinship = Kinship(codec, rules)
        rule = next(each for each in rules if each.parents)
        self._codec, self._has_ids = codec, has_ids
        self._most_records, self._most_bytes = rule.tree_records, rule.tree_bytes

    @property
    def ids(self) -> frozenset[str]:
        """Return the names of the ids that records have."""
        return id_names(self.kinship.levels) if self._has_ids else frozenset()

    def whole(self, batches: Iterable[RecordBatch], *, records: int = 1 << 30) -> Iterator[RecordBatch]:
        """Yield records in batches that no tree crosses the end of.

        No more than a batch and a tree of the largest size is held.

        Args:
            batches: All records from the beginning, or from where a batch that this yielded ended.
            records: How many a batch has at most, where its trees allow it.

        Raises:
            FramingError: As `batches` does; whole trees before it were yielded.
        """
        held: list[RecordBatch] = []
        edge = _Edge(self.kinship, self._is_large)
        for batch in batches:
            begins = [index for index, record in enumerate(batch) if edge.is_before(record)]
            if not begins:
                held += [batch] * bool(len(batch))
                continue
            before = sum(map(len, held))
            both = RecordBatch.joined([*held, batch]) if held else batch
            cuts = [0] * bool(held) + [before + index for index in begins]
            yield from _pieces(both, cuts, records)
            held = [both.cut(cuts[-1], len(both))]
        if held:
            yield RecordBatch.joined(held)

    def runs(self, batch: RecordBatch) -> Iterator[range]:
        """Yield which records of a batch that `whole` yielded are one tree, or one orphan."""
        edge = _Edge(self.kinship, self._is_large)
        begins = [index for index, record in enumerate(batch) if edge.is_before(record)]
        yield from (range(this, following) for this, following in pairwise([*begins, len(batch)]))

    def read(self, batch: RecordBatch, run: range, *, prefix: str = "") -> Record | Spoilt:
        """Return the object of a tree, as `nested` makes it; or what is wrong with its records, by their indexes.

        Args:
            batch: The records.
            run: Which of them.
            prefix: What the ids begin with, where records get ids.
        """
        if self._is_large(len(run), int(batch.lengths[run.start : run.stop].sum())):
            expected = f"a tree of at most {self._most_records} records and {self._most_bytes} bytes"
            return Spoilt(dict.fromkeys(run, RecordError("tree", expected=expected, code=_LARGE)))
        ids = RecordIds(prefix, root=batch.first + run.start) if self._has_ids else None
        placed: list[Placed] = []
        errors: dict[int, RecordError] = {}
        line: list[Kin | None] = []
        for index in run:
            record = batch.record(index)
            try:
                kin = self.kinship.of(record)
                self._step(line, kin)
                values = self._codec.decode(record)
            except RecordError as error:
                errors[index] = error
                continue
            where = {"level": len(line) - 1, "ordinal": batch.first + index, "offset": int(batch.starts[index])}
            placed.append(Placed(kin=kin, values=values, ids=ids.next(**where) if ids else {}))
        return Spoilt(errors) if errors else nested(self.kinship, placed)

    def is_orphan(self, batch: RecordBatch, run: range) -> bool:
        """Tell whether a run is a record without the one that it stands below."""
        try:
            kin = self.kinship.of(batch.record(run.start))
        except RecordError:
            return False
        return kin is not None and kin.parent is not None

    def flat(self, tree: Mapping[str, Any]) -> list[Record]:
        """Return the records of a tree in the order of the file; the inverse of `read`.

        Raises:
            RecordError: What stands below a group is no list of objects, or its order does not fit it.
        """
        return flat(self.kinship, tree, self.ids)

    def _is_large(self, records: int, size: int) -> bool:
        return records > 1 and (records > self._most_records or size > self._most_bytes)

    def _step(self, line: list[Kin | None], kin: Kin | None) -> None:
        """Go on to the next record in the line of those that others may stand below."""
        if kin is None or kin.parent is None:
            line[:] = [kin]
            return
        above = [each.path if each else () for each in line]
        if kin.parent not in above:
            raise self.kinship.orphan(kin)
        line[above.index(kin.parent) + 1 :] = [kin]


class _Edge:
    """Tells of one record after the other whether a tree begins with it, or an orphan."""

    def __init__(self, kinship: Kinship, is_large: Callable[[int, int], bool]) -> None:
        self._kinship, self._is_large = kinship, is_large
        self._root: Kin | None = None
        """Of the tree that records may still belong to."""
        self._records = self._bytes = 0

    def is_before(self, record: bytes) -> bool:
        """Tell whether a tree or an orphan begins with a record."""
        try:
            kin = self._kinship.of(record)
        except RecordError:
            # Nobody knows what it is: it spoils the tree that it may be in, and what follows may be below it.
            begins = self._root is None
        else:
            *_, root = self._kinship.line(kin) if kin else (None,)
            begins = kin is root or root is not self._root
            if begins:
                self._root = root if kin is root else None
        self._records, self._bytes = (0, 0) if begins else (self._records, self._bytes)
        self._records, self._bytes = self._records + 1, self._bytes + len(record)
        if self._is_large(self._records, self._bytes):
            self._root = None
        return begins


def _pieces(batch: RecordBatch, cuts: Sequence[int], records: int) -> Iterator[RecordBatch]:
    """Yield what is before the last of the cuts, at most so many records at a time where the cuts allow it."""
    begin = cuts[0]
    for this, following in pairwise(cuts):
        if following - begin > records and this > begin:
            yield batch.cut(begin, this)
            begin = this
    if cuts[-1] > begin:
        yield batch.cut(begin, cuts[-1])
