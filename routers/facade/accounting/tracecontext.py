"""W3C trace context of a call: read from its headers, and written into what goes on to a backend.

Both levels of https://www.w3.org/TR/trace-context/ are followed. Where they differ, level 2 holds: keys of the
tracestate may begin with a digit and have `@` anywhere (all that level 1 allows is among them), and the random
flag is known.
"""

import re
from collections.abc import Callable
from random import getrandbits
from typing import Final

from routers.facade.ended import TraceContext

__all__ = ["continue_", "header", "threshold"]

_SAMPLED: Final = 0x01
_RANDOM: Final = 0x02
_KNOWN: Final = _SAMPLED | _RANDOM
_OCTETS: Final = {f"{octet:02x}": octet for octet in range(256)}
_MEMBERS: Final = 32
_BITS: Final = 64

# A named tuple's own constructor costs three times as much.
_new: Final[Callable[[type[TraceContext], tuple[object, ...]], TraceContext]] = vars(tuple)["__new__"]
# Version, trace-id, parent-id, trace-flags, and what only a version to come may have behind them.
_parsed = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
).fullmatch
_member = re.compile(
    r"([a-z0-9][a-z0-9_\-*/@]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
).fullmatch


def threshold(ratio: float) -> str:
    """Return what the last 16 digits of a trace id have to be below, as text, for the trace to be sampled.

    The rule is that of OpenTelemetry's `TraceIdRatioBased`, so a service with the same ratio keeps the same
    traces, and one with a higher ratio keeps these, too.

    >>> threshold(0.5)
    '8000000000000000'
    >>> max("fffffffffffffffe", "ffffffffffffffff") < threshold(1)
    True
    """
    bound = round(ratio * (1 << _BITS))
    # Digits of hexadecimal end with f: all trace ids are below g.
    return f"{bound:016x}" if bound < 1 << _BITS else "g"


def continue_(traceparent: bytes | None, tracestate: bytes | None, *, sample: str) -> TraceContext:
    """Continue the caller's trace, or begin one where it has none or its traceparent is not valid.

    `flags` of the result are those that go on: the caller's, as far as they are known, and of a trace that begins
    here that its id is random.

    Args:
        traceparent: The header's value; two such headers, joined by a comma, are not valid.
        tracestate: The header's values, joined by commas in their order. One that is not valid is dropped, and
            never takes the traceparent with it.
        sample: See `threshold`; the caller's sampled flag has no say in what the façade keeps.
    """
    # No use is made of them that has to be secret, and the generator is seeded anew in each process.
    span_id = "%016x" % (getrandbits(_BITS) or 1)
    if traceparent is not None:
        found = _parsed(traceparent.decode("latin-1").strip(" \t"))
        if found is not None:
            version, trace_id, parent_id, digits, more = found.groups()
            if more is None or version != "00":
                # Reserved flags go on as zero; of a version to come, only the sampled flag is known.
                flags = _OCTETS[digits] & (_KNOWN if version == "00" else _SAMPLED)
                state = "" if tracestate is None else _valid(tracestate.decode("latin-1"))
                return _new(TraceContext, (trace_id, span_id, parent_id, flags, state, trace_id[16:] < sample))
    trace_id = "%032x" % (getrandbits(128) or 1)
    return TraceContext(trace_id, span_id, None, _RANDOM, "", trace_id[16:] < sample)


def header(trace: TraceContext) -> bytes:
    """Return the `traceparent` for a backend: version 00, the façade's span as parent.

    It is sampled when the caller's was, or when the façade keeps this call's spans.
    """
    return f"00-{trace.trace_id}-{trace.span_id}-{trace.flags | trace.sampled:02x}".encode()


def _valid(text: str) -> str:
    """Return a tracestate as it is, or nothing where any member of it is not valid."""
    keys = set[str]()
    members = text.split(",")
    filled = [member for each in members if (member := each.strip(" \t"))]
    for member in filled:
        found = _member(member)
        if found is None:
            return ""
        keys.add(found[1])
    return text if filled and len(members) <= _MEMBERS and len(keys) == len(filled) else ""
