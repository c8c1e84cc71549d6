"""A hub in miniature for tests of pollers: collects batches, and knows what Kafka would know of them."""

from collections.abc import Sequence
from dataclasses import replace

from contracts.ports import DeadLetter, EventBatch, Progress, Source

__all__ = ["Hub", "Published", "poll"]

Published = tuple[str, str, bytes | None]
"""Key, position and value of an event."""


class Hub:
    """What was published so far."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.events: list[Published] = []
        self.dead: list[DeadLetter] = []
        self.batches: list[EventBatch] = []

    def publish(self, batch: EventBatch) -> list[Published]:
        """Do what the pipeline does with a batch, in one transaction."""
        state = {**self.progress.state, **{k: v for k, v in batch.state.items() if v is not None}}
        state = {key: value for key, value in state.items() if batch.state.get(key, value) is not None}
        checkpoints = {**self.progress.checkpoints, batch.stream: batch.checkpoint}
        self.progress = replace(self.progress, checkpoints=checkpoints, state=state)
        events = [
            (key.decode(), position, value)
            for columns in batch.events
            for key, position, value in zip(columns.keys, columns.positions, columns.values, strict=True)
        ]
        self.batches.append(batch)
        self.events += events
        self.dead += batch.dead
        return events


async def poll(source: Source, hub: Hub) -> Sequence[Published]:
    """Let a source that polls `once` go on from where the hub is; return what was published."""
    published: list[Published] = []
    async for batch in source.read(hub.progress):
        published += hub.publish(batch)
    return published
