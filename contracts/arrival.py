"""Deliveries that were expected: events that the hub publishes itself when a file is missing or late."""

from datetime import date, datetime, timedelta
from typing import Literal

from contracts.event import Event, Public

__all__ = ["FileLate", "FileMissing"]

_TOPIC = "deliveries"


class FileMissing(Event):
    """By the end of its window and the grace, fewer files of a day were published than are expected."""

    type = "org.banyan.file.missing.v1"
    topic = _TOPIC

    adapter: Public[str]
    """Name of the adapter's source; the key."""
    day: Public[date]
    """The business date whose delivery is missing."""
    file: Public[str]
    """Pattern of the files' names."""
    opens: Public[datetime]
    """Beginning of the window."""
    closes: Public[datetime]
    """End of the window."""
    overdue: Public[datetime]
    """The end and the grace."""
    expected: Public[int]
    """Files of one day."""
    published: Public[int]
    """Files of the day that were published by then."""
    put_aside: Public[int]
    """Files of the day that came, and are held, quarantined or duplicates."""
    reason: Public[Literal["none", "too few", "put aside", "unreachable"]]
    """No file came; some came; what came was not published; or nobody could look, for the location does not answer."""


class FileLate(Event):
    """A file was published that came after its window, or after its day was told missing."""

    type = "org.banyan.file.late.v1"
    topic = _TOPIC

    adapter: Public[str]
    """Name of the adapter's source; the key."""
    day: Public[date]
    """The business date that it counts for."""
    file: Public[str]
    """Name of the file, without its folder."""
    sha256: Public[str]
    """Hash of its content, in hex."""
    closes: Public[datetime]
    """End of the window that it should have come in."""
    arrived: Public[datetime]
    """When it came, or was let through."""
    late_by: Public[timedelta]
    """The time between both."""
    was_missing: Public[bool]
    """The day was told missing before."""
    lacking: Public[int]
    """Files of the day that are still missing."""
