"""How far compressed data grow, and how far they may."""

from typing import Final, final

from contracts.errors import FramingCode, FramingError
from contracts.legacy.framing.spec import Framing

__all__ = ["Growth"]

_LOOK_FROM: Final = 2**24


@final
class Growth:
    """How far a stream has grown, and how far it may."""

    def __init__(self, framing: Framing) -> None:
        self._most, self._times = framing.max_decompressed_bytes, framing.max_expansion
        self.bytes = 0

    def add(self, found: int, *, of: int) -> None:
        """Count bytes that came out, given all that went in."""
        self.bytes += found
        if self.bytes > self._most:
            raise self.error("bomb", f"at most {self._most} bytes (max_decompressed_bytes)", "more")
        if self.bytes > _LOOK_FROM and self.bytes > of * self._times:
            raise self.error("bomb", f"at most {self._times} times its size (max_expansion)", f"{of} bytes read so far")

    def error(self, code: FramingCode, expected: str, found: str) -> FramingError:
        """Return an error at the place that was reached."""
        return FramingError(code, offset=self.bytes, ordinal=None, expected=expected, found=found)
