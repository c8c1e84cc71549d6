"""Files as they are on the wire, for tests of subscribers to whole files."""

from typing import Any

from contracts.event import Event
from contracts.file_end import FileDelivered
from tests.subscriber_world import Granted, Sent, event


def part(file: str, *numbers: int, model: type[Event] = Granted, **sent: Any) -> list[Sent]:
    """Return events of a file."""
    return [event(number, model=model, more=[("ce_file", file.encode())], **sent) for number in numbers]


def end(file: str, count: int, *, partition: int = 0) -> Sent:
    """Return the end of a file on a partition."""
    told = FileDelivered(
        source="benefits",
        delivery=file,
        sha256="ab" * 32,
        file=f"{file}.DAT",
        partition=partition,
        partitions=4,
        partition_events=count,
        events=count,
        records=count,
        dead_letters=0,
        totals={"amount": "12.50"},
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/banyan/test/benefits"),
        ("ce_type", FileDelivered.type.encode()),
        ("ce_id", f"{file}:end-benefits-{partition}".encode()),
        ("ce_file", file.encode()),
    ]
    key = f"{file}:end-benefits-{partition}".encode()
    return Sent(key=key, value=told.model_dump_json().encode(), headers=headers, partition=partition)
