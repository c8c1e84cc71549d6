"""Mainframe batch files, described by a copybook, and where they are more than records of one length, by a `FileSpec`.

Delivery: exactly once from the file into Kafka. A *delivery* is the file's content, with its business date and
sequence where they are declared, not its name: the same content under another name is not published again, new
content under the same name is, unless declared otherwise. Files are in a folder, or at an address that fsspec
knows. They are only read; to move them away is up to whoever put them there.

    adapter = batch.Adapter(
        batch.Config(name="benefits", path="in/BENEFITS.*", copybook="benefits.cpy"),
        model=BenefitGranted,
        key="resident_id",
        mapping={"resident_id": "RES-ID", "status": ("RES-STATUS", {"A": "active", "C": "closed"})},
    )
"""

from adapters._place import Remote
from adapters.batch.adapter import Adapter
from adapters.batch.config import Config, Trailer
from adapters.batch.snapshot.changes import Changes
from adapters.batch.snapshot.settings import Snapshot
from contracts.legacy.file_spec import FileSpec

__all__ = ["Adapter", "Changes", "Config", "FileSpec", "Remote", "Snapshot", "Trailer"]
