"""The rules that hold an extract, each with the counts that tripped it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from adapters.batch.delivery import Delivery
from adapters.batch.snapshot.settings import Snapshot
from contracts.errors import FileHeldError

__all__ = ["Counts", "Judged", "hold_repeated", "hold_unlikely", "how_to_accept"]


class Counts(BaseModel):
    """What one extract changed."""

    # Part of a checkpoint, which outlives the release that wrote it.
    model_config = ConfigDict(frozen=True, extra="ignore")

    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    repeated: int = 0
    """Records that `duplicates` left out."""

    def __str__(self) -> str:
        """Return them in words."""
        words = f"{self.created} created, {self.updated} updated, {self.deleted} deleted, {self.unchanged} unchanged"
        return f"{words}, {self.repeated} left out as repeated" if self.repeated else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An extract and what is known of it, before anything of it is published."""

    delivery: Delivery
    records: int
    known: int
    """Keys of the earlier extract."""
    counts: Counts


def hold_unlikely(judged: Judged, snapshot: Snapshot, *, accepted: str | None) -> None:
    """Hold an extract that is rather broken than true, unless somebody accepted it, whatever the counts.

    Raises:
        FileHeldError: A rule is tripped; names every one.
    """
    tripped = list(_tripped(judged, snapshot))
    if not tripped or accepted is not None:
        return
    raise FileHeldError(
        judged.delivery.file,
        rule=", ".join(rule for rule, _ in tripped),
        expected=" and ".join(expected for _, expected in tripped),
        found=f"{judged.records} records against {judged.known} known keys: {judged.counts} "
        f"(to publish it all the same: accept sha256 {judged.delivery.sha256})",
        next_step=how_to_accept(judged.delivery),
    )


def how_to_accept(delivery: Delivery) -> str:
    """Return what somebody does who knows that an extract is right."""
    by_hand = f"run the adapter with --accept {delivery.file} --reason TEXT"
    return (
        f"if it is right, say why: {by_hand}, or add {delivery.sha256}: TEXT to the setting accept and start it again"
    )


def hold_repeated(delivery: Delivery, *, repeated: int, first: tuple[int, int]) -> None:
    """Hold an extract in which keys stand more than once.

    Args:
        delivery: The extract.
        repeated: How many records have a key that stood before.
        first: Ordinals of two records of one key.

    Raises:
        FileHeldError: There are such records.
    """
    if repeated:
        found = f"{repeated} records whose key stood before; records {first[0]} and {first[1]} have the same"
        raise FileHeldError(delivery.file, rule="duplicates", expected="one record of each key", found=found)


def _tripped(judged: Judged, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    known = judged.known
    if judged.records < snapshot.min_records:
        yield "min_records", f"at least {snapshot.min_records} records"
    if judged.counts.deleted > snapshot.max_deleted_share * known:
        yield "max_deleted_share", f"at most {snapshot.max_deleted_share:.1%} of the known keys deleted"
    if known - judged.records > snapshot.max_shrink_share * known:
        yield "max_shrink_share", f"at most {snapshot.max_shrink_share:.1%} fewer records than known keys"
    if judged.counts.updated > snapshot.max_updated_share * known:
        yield "max_updated_share", f"at most {snapshot.max_updated_share:.1%} of the known keys updated"
