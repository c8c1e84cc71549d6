"""The sha256 of the bodies of a call, taken as they pass."""

import hashlib
from collections.abc import Sequence
from typing import final

from routers.facade.ended import Hashes

__all__ = ["BodyHashes"]


@final
class BodyHashes:
    """Of one call: the request's body as it came and went on, and the answer's as it came and was passed on.

    Args:
        parts: What has come of the request's body by now.
    """

    __slots__ = ("_answer", "_request")

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._request, self._answer = hashlib.sha256(b"".join(parts)), hashlib.sha256()

    def asked(self, data: bytes) -> None:
        """Take more of the request's body, without its chunks' frames."""
        self._request.update(data)

    def answered(self, data: bytes) -> None:
        """Take more of the answer's body, without its chunks' frames."""
        self._answer.update(data)

    def told(self, *, asked: bool, answered: bool) -> Hashes:
        """Return both in hex; None for one that did not come whole, or was of the façade itself."""
        return Hashes(
            self._request.hexdigest() if asked else None,
            self._answer.hexdigest() if answered else None,
        )
