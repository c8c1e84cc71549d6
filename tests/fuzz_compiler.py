"""The share of `make fuzz` in which a COBOL compiler is the judge: made-up records until the time is up."""

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.cobol_batches import Filled, agree, batches

__all__ = ["compare"]

_PROGRAMS_EACH: Final = 12
"""Of one seed: the first is always the simplest that there is."""
_SHOWN: Final = 1500


def compare(seconds: float, seed: int, counts: Counter[str]) -> int:
    """Compare with the compiler until the time is up, count what was compared, and return how many programs differ."""
    if shutil.which("cobc") is None:
        print("no COBOL compiler (Debian package gnucobol3): nothing is compared with it")
        return 0
    end, wrong = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        wrong += _programs(seed, end, counts)
        seed += 1
    return wrong


def _programs(seed: int, end: float, counts: Counter[str]) -> int:
    wrong = 0

    @seeded(seed)
    @settings(
        max_examples=_PROGRAMS_EACH,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(batches())
    def check(batch: list[Filled]) -> None:
        nonlocal wrong
        if time.monotonic() >= end:
            return
        with tempfile.TemporaryDirectory() as folder:
            try:
                fields, conditions = agree(Path(folder), batch)
            except AssertionError as error:
                wrong += 1
                print(f"compiler, seed {seed}: {str(error)[:_SHOWN]}")
                return
        counts["compiler: programs"] += 1
        counts["compiler: records"] += len(batch)
        counts["compiler: fields"] += fields
        counts["compiler: condition names"] += conditions

    check()
    return wrong
