"""Mainframe batch files with records of one fixed length, described by a copybook.

Delivery: exactly once from the file into Kafka. A *delivery* is the file's content, with its business date and
sequence where they are declared, not its name: the same content under another name is not published again, new
content under the same name is, unless declared otherwise. Files are in a folder, or at an address that fsspec
knows. They are only read; to move them away is up to whoever put them there.

It can't read records of several types or lengths yet: variable length, REDEFINES and OCCURS are refused.

    adapter = batch.Adapter(
        batch.Config(name="benefits", path="in/BENEFITS.*", copybook="benefits.cpy"),
        model=BenefitGranted,
        key="resident_id",
        mapping={"resident_id": "RES-ID", "status": ("RES-STATUS", {"A": "active", "C": "closed"})},
    )
"""

from adapters.batch.adapter import Adapter
from adapters.batch.config import Config, Trailer
from adapters.batch.place import Remote
from adapters.batch.snapshot.changes import Changes
from adapters.batch.snapshot.settings import Snapshot

__all__ = ["Adapter", "Changes", "Config", "Remote", "Snapshot", "Trailer"]
