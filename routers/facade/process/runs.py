"""Calls that workers tell, put into one order; taken apart only where several workers had some at a time."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from contracts.intercepted import sizes
from contracts.ports import LogRecord

__all__ = ["PACK_BYTES", "Run", "cut", "read_run", "records_of"]

PACK_BYTES: Final = 256 * 1024
"""How long a pack becomes before the next one begins: a record of Kafka, which takes a megabyte by default."""

_Call = tuple[int, bytes]
"""When it ended, and its bytes."""
_ended = itemgetter(0)


class Run(NamedTuple):
    """Calls of one worker, one after the other, as it packed them."""

    first_ns: int
    last_ns: int
    calls: int
    pack: bytes


def read_run(payload: bytes) -> tuple[str, Run]:
    """Return the route and the calls that a worker tells: see `accounting.captures.Captured`."""
    at = payload.index(b"\n") + 1
    route, calls, first_ns, last_ns = payload[: at - 1].decode().split(" ")
    return route, Run(int(first_ns), int(last_ns), int(calls), payload[at:])


def records_of(runs: Mapping[str, Sequence[Run]]) -> list[LogRecord]:
    """Return the calls of routes as records of the spool, in the order in which they ended."""
    return [LogRecord(key=route.encode(), value=pack) for route, each in runs.items() for pack in _merged(each)]


def _merged(runs: Iterable[Run]) -> Iterable[bytes]:
    """Yield packs; only what several workers had at a time has to be taken apart for it."""
    together, last_ns = list[Run](), 0
    for run in sorted(runs):
        if together and run.first_ns > last_ns:
            yield from _packs(together)
            together = []
        together.append(run)
        last_ns = max(last_ns, run.last_ns)
    yield from _packs(together)


def _packs(runs: Sequence[Run]) -> Iterable[bytes]:
    if len(runs) == 1:
        yield runs[0].pack
        return
    parts, length = list[bytes](), 0
    for _, call in sorted((call for run in runs for call in _split(run.pack)), key=_ended):
        if parts and length + len(call) > PACK_BYTES:
            yield b"".join(parts)
            parts, length = [], 0
        parts.append(call)
        length += len(call)
    yield b"".join(parts)


def cut(run: Run, until_ns: int) -> tuple[Sequence[Run], Sequence[Run]]:
    """Return what of a run ended until then, and what later."""
    calls = _split(run.pack)
    early = bisect_right(calls, until_ns, key=_ended)
    return _run(calls[:early]), _run(calls[early:])


def _run(calls: Sequence[_Call]) -> Sequence[Run]:
    packed = b"".join(call for _, call in calls)
    return [Run(calls[0][0], calls[-1][0], len(calls), packed)] if calls else []


def _split(pack: bytes) -> list[_Call]:
    at, calls, end = 0, list[_Call](), len(pack)
    while at < end:
        ended_ns, following = sizes(pack, at)
        calls.append((ended_ns, pack[at:following]))
        at = following
    return calls
