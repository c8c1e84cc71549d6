"""Calls that a façade kept as they passed: the records of the topics `{namespace}.intercepted.{route}`.

A record is a pack of calls, in the order in which they ended; so thousands of calls a second cost a few records. A call
in it, numbers big-endian: when it ended by its machine's steady clock, in nanoseconds (8 bytes), the lengths of its
facts, its request and its reply (4 bytes each; all ones where the body was not kept), and then these three. The facts
are JSON, the bodies are as they passed: without chunks, in the coding that they had.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import RecordError

__all__ = ["HEAD_BYTES", "NOT_KEPT", "InterceptedCall", "head", "sizes", "unpack"]

_HEAD: Final = struct.Struct(">QIII")
HEAD_BYTES: Final = _HEAD.size
"""What stands before the facts of a call."""
NOT_KEPT: Final = 0xFFFF_FFFF
"""The length of a body that was not kept."""
head: Final = _HEAD.pack
"""Returns what stands before the facts: when it ended, and three lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterceptedCall:
    """One call as it passed."""

    request_id: str
    """The caller's own where it sent a fit one: it may come again."""
    route: str
    """`capability/route`."""
    operation: str | None
    """SOAP: `{namespace}name` of the Body's child."""
    side: str | None
    """`legacy` or `modern`: whose reply the caller got."""
    backend: str | None
    status: int
    """Of the reply; 0 where there was none."""
    outcome: str
    """How it ended, as decision records say it."""
    version: int
    """The ruleset that decided."""
    ended_ns: int
    """When its reply had come, in nanoseconds since 1970."""
    traceparent: str
    """W3C trace context: the façade's own span, which no other call has."""
    request_type: str
    """Content-Type of the request; empty without one."""
    request_coding: str
    """Content-Encoding of the request; empty without one."""
    action: str
    """SOAPAction of the request; empty without one."""
    reply_type: str
    reply_coding: str
    request_bytes: int
    """Length of the request, kept or not."""
    reply_bytes: int
    """Length of the reply, kept or not."""
    request: bytes | None
    """None where it was not kept: too long, or never whole."""
    reply: bytes | None
    """None where it was not kept: too long, never whole, or of nobody."""
    packed: bytes
    """All of this as it is in its pack: for a dead letter."""

    @property
    def span_id(self) -> str:
        """Return the façade's span: one for each call that passed, whatever its request id."""
        return self.traceparent.split("-")[2]


def sizes(pack: bytes | memoryview, at: int) -> tuple[int, int]:
    """Return when the call that begins there ended, by its machine's steady clock, and where the next one begins.

    Raises:
        RecordError: The pack ends before it does.
    """
    try:
        ended_ns, facts, asked, said = _HEAD.unpack_from(pack, at)
    except struct.error:
        raise RecordError("pack", expected="calls and nothing else", code="pack") from None
    end: int = at + HEAD_BYTES + facts + (asked if asked != NOT_KEPT else 0) + (said if said != NOT_KEPT else 0)
    if end > len(pack):
        raise RecordError("pack", expected="a call to its end", code="pack")
    return ended_ns, end


def unpack(pack: bytes) -> Iterator[InterceptedCall]:
    """Yield the calls of a pack.

    Raises:
        RecordError: It is none, or is cut.
    """
    at = 0
    while at < len(pack):
        _, end = sizes(pack, at)
        yield _call(pack[at:end])
        at = end


def _call(packed: bytes) -> InterceptedCall:
    _, facts_bytes, asked, said = _HEAD.unpack_from(packed)
    request_at = HEAD_BYTES + facts_bytes
    reply_at = request_at + (0 if asked == NOT_KEPT else asked)
    try:
        facts: dict[str, Any] = json.loads(packed[HEAD_BYTES:request_at])
        return InterceptedCall(
            **facts,
            request=None if asked == NOT_KEPT else packed[request_at:reply_at],
            reply=None if said == NOT_KEPT else packed[reply_at:],
            packed=packed,
        )
    except (ValueError, TypeError) as error:
        raise RecordError("pack", expected="the facts of a call", code="pack") from error
