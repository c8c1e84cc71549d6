"""What readers of a file's events are told of the file, so that they know when they have all of it. Pure."""

from collections.abc import Mapping, Sequence

from adapters.batch.chunk import Shape
from adapters.batch.delivery import Checkpoint, Delivery
from contracts.ports import FilePart

__all__ = ["file_part", "topics_of"]


def topics_of(shape: Shape) -> Sequence[str]:
    """Return the topics that a file's events may go to."""
    models = {shape.model}
    if shape.comparison is not None:
        changes = shape.comparison.events
        models = {changes.model, changes.created.model, changes.updated.model}
        models |= set() if changes.deleted is None else {changes.deleted.model}
    return sorted({model.topic for model in models})


def file_part(
    delivery: Delivery, checkpoint: Checkpoint, *, topics: Sequence[str], totals: Mapping[str, str]
) -> FilePart | None:
    """Return what a batch says of its file, given the batch's checkpoint; None where no topic is told of the end."""
    if not topics:
        return None
    return FilePart(
        name=checkpoint.file,
        sha256=checkpoint.sha256,
        topics=topics,
        records=checkpoint.records,
        time=checkpoint.modified,
        business_date=delivery.business_date,
        sequence=delivery.sequence,
        totals=totals,
        is_last=checkpoint.done,
    )
