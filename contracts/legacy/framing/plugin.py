"""Record headers of other makers: what a plug-in is, and where it is found."""

from importlib.metadata import entry_points
from typing import Final, NamedTuple, Protocol, runtime_checkable

from contracts.errors import ConfigError

__all__ = ["GROUP", "Extent", "RecordHeader", "load_header"]

GROUP: Final = "banyan.framing.v1"


class Extent(NamedTuple):
    """What a record header says."""

    payload_bytes: int
    """Bytes of the record after its header."""
    is_record: bool = True
    """False leaves it out, for what is no data: an index, a deleted record."""


@runtime_checkable
class RecordHeader(Protocol):
    """Reads and writes the header before each record; without state, since reading may begin anywhere."""

    header_bytes: int
    """Bytes of each header."""

    def read(self, header: bytes, /) -> Extent:
        """Return what a header of `header_bytes` says.

        Raises:
            ValueError: It can't be right; the text says what was expected.
        """
        ...

    def write(self, payload: bytes, /) -> bytes:
        """Return the header of a record.

        Raises:
            ValueError: There is none.
        """
        ...


def load_header(name: str) -> RecordHeader:
    """Return the plug-in of this name: an object, or a class that is called without arguments.

    Raises:
        ConfigError: No installed package offers it, or it is something else.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = ", ".join(sorted(points)) or "none"
        raise ConfigError([f"record_header: no plug-in {name!r} in the group {GROUP}; there are: {known}"])
    loaded: object = points[name].load()
    found = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(found, RecordHeader):
        raise ConfigError([f"record_header: {points[name].value} has not header_bytes, read and write"])
    return found
