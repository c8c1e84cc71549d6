"""Memory and descriptors of the façade's processes over a run, and whether they are flat."""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from routers.facade.process.report import Report

__all__ = ["Memory", "Sample", "family_of", "look"]

WARM_UP: Final = 0.25
"""Share of a process's life that does not count: caches fill."""
FEWEST: Final = 20
"""Samples that a process needs to be judged."""
AT_MOST_MIB: Final = 4.0
"""By how much the last quarter may lie above the first one after the warm-up; an hour's leak of 1.3 MiB a quarter."""
AT_MOST_DESCRIPTORS: Final = 64
"""The same of descriptors: at a kill, all callers move to the other worker, each with a backend connection."""
_MIB: Final = 1024.0


class Sample(NamedTuple):
    """One look at a process."""

    at: float
    memory_mib: float
    """Anonymous memory, also what is swapped out."""
    descriptors: int


def family_of(parent: int, report: Report | None) -> Mapping[int, str]:
    """Return the processes that are to be watched, and what they are."""
    workers = () if report is None else report.workers
    return {parent: "parent"} | {worker.pid: f"worker {worker.number}" for worker in workers if worker.pid}


class Memory:
    """Looks at the processes again and again."""

    def __init__(self, family: Callable[[], Mapping[int, str]]) -> None:
        self._family = family
        self._samples: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)

    async def sample_for_ever(self, stop: asyncio.Event, *, every: float) -> None:
        """Sample until told to stop."""
        while not stop.is_set():
            for pid, name in self._family().items():
                with suppress(OSError):
                    self._samples[name, pid].append(look(pid))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)

    def verdict(self) -> bool:
        """Print each process that lived long enough, and tell whether all are flat."""
        judged = [_judged(name, pid, found) for (name, pid), found in self._samples.items() if len(found) >= FEWEST]
        return bool(judged) and all(judged)


def look(pid: int) -> Sample:
    """Look at a process.

    Raises:
        OSError: It has ended.
    """
    # What a leak is made of. Private pages would be more and less: code of a library is private as long as no other
    # process has it loaded, so a test run that ends elsewhere on the machine makes a process ten MiB larger.
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    if "RssAnon" not in status:
        raise ProcessLookupError(pid)  # it has ended, and its parent has not asked how
    kib = sum(int(status[name].split()[0]) for name in ("RssAnon", "VmSwap"))
    return Sample(time.monotonic(), kib / _MIB, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def _judged(name: str, pid: int, samples: Sequence[Sample]) -> bool:
    counted = samples[int(len(samples) * WARM_UP) :]
    quarter = max(1, len(counted) // 4)
    first, last = counted[:quarter], counted[-quarter:]
    grown = statistics.median(each.memory_mib for each in last) - statistics.median(each.memory_mib for each in first)
    slope = statistics.linear_regression([each.at for each in counted], [each.memory_mib for each in counted]).slope
    opened = statistics.median(each.descriptors for each in last) - statistics.median(
        each.descriptors for each in first
    )
    flat = grown <= AT_MOST_MIB and opened <= AT_MOST_DESCRIPTORS
    print(
        f"{name} ({pid}): {counted[-1].memory_mib:.1f} MiB after {counted[-1].at - samples[0].at:.0f} s, grew "
        f"{grown:+.2f} MiB (bound {AT_MOST_MIB:g}), {slope * 3600:+.1f} MiB/h; {counted[-1].descriptors} descriptors, "
        f"{opened:+g} (bound {AT_MOST_DESCRIPTORS}): {'flat' if flat else 'GROWS'}"
    )
    return flat
