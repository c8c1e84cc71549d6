"""A resident, as every service knows one; where it is registered is nobody's business here."""

from datetime import date
from typing import Literal

from contracts.event import Event, Personal, Public
from contracts.keys import CanonicalKey

__all__ = ["RESIDENT_KEY", "ResidentRecorded"]

RESIDENT_KEY = CanonicalKey(type="digits", strip_zeros=True, max_length=10)
"""The number of a resident on every channel: digits without leading zeros."""


class ResidentRecorded(Event):
    """A resident was registered, or what is known of them changed; a tombstone says that they were removed."""

    type = "org.banyan.resident.recorded.v1"
    topic = "residents"

    resident_id: Personal[str]
    """Canonical number of the resident."""
    name: Personal[str]
    """Full name."""
    street: Personal[str]
    """Street and number."""
    city: Personal[str]
    """City."""
    born: Personal[date | None]
    """Date of birth; none is on record for some."""
    status: Public[Literal["active", "closed"]]
    """Whether the registration is in force."""
