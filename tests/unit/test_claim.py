"""The state topic of a source: who publishes, and how far it came."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import FencedError
from contracts.ports import EventBatch, LogRecord, Progress
from events.claim import CLAIM, claim, new_instance, progress, refuse_if_not_newest, state_records


def claimed(instance: str) -> dict[bytes, LogRecord]:
    """Return a state topic with this claim."""
    return {CLAIM: claim(instance)}


def test_no_two_instances_have_one_name() -> None:
    first, second = new_instance(), new_instance()

    assert first != second
    assert first.split("/")[1] == str(os.getpid())


def test_a_claim_names_the_instance_and_the_time() -> None:
    record = claim("host/1/abc")

    assert record.key == CLAIM
    assert set(json.loads(record.value or b"")) == {"instance", "at"}


def test_the_newest_instance_goes_on() -> None:
    refuse_if_not_newest("benefits", "host/2/b", claimed("host/2/b"))
    refuse_if_not_newest("benefits", "host/2/b", {})


def test_an_older_instance_is_told_who_is_newer() -> None:
    with pytest.raises(FencedError, match="benefits: instance host/1/a stopped: the newer instance host/2/b") as caught:
        refuse_if_not_newest("benefits", "host/1/a", claimed("host/2/b"))

    assert not caught.value.retryable


@given(
    checkpoints=st.dictionaries(st.text(), st.binary(), max_size=4),
    state=st.dictionaries(st.binary(), st.binary(), max_size=4),
)
def test_progress_is_what_the_batches_wrote_whatever_the_names(
    checkpoints: dict[str, bytes], state: dict[bytes, bytes]
) -> None:
    records = claimed("host/1/a")
    for stream, checkpoint in checkpoints.items():
        batch = EventBatch(stream=stream, checkpoint=checkpoint, state=state)
        records |= {key: LogRecord(key=key, value=value) for key, value in state_records(batch)}

    assert progress(records) == Progress(checkpoints=checkpoints, state=state if checkpoints else {})


def test_what_a_batch_removes_is_a_tombstone_before_its_checkpoint() -> None:
    batch = EventBatch(stream="poll", checkpoint=b"{}", state={b"1": None})

    assert state_records(batch) == [(b"state:1", None), (b"checkpoint:poll", b"{}")]
    assert progress({b"state:1": LogRecord(key=b"state:1", value=None)}) == Progress()
