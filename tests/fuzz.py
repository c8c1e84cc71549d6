"""`make fuzz`: what comes in damaged is read until the time is up; counts, and what went wrong.

Parts: `files` (copybooks, files and lines), `compiler` (the same beside a COBOL compiler, where there is one), `soap`
(messages and contracts). A round of a part is made of its seed alone. What went wrong is kept in a folder for each
round: what went in, what came out, and the command that does it again.
"""

import argparse
import random
import resource
import shlex
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.fuzz_compiler import compare
from tests.fuzz_files import round_of_files
from tests.fuzz_soap import round_of_soap
from tests.fuzz_trial import Trial

__all__ = ["ROUNDS", "main", "rounds"]

ROUNDS: Final[Mapping[str, Callable[[Trial], None]]] = {"files": round_of_files, "soap": round_of_soap}
_PARTS: Final = ("files", "compiler", "soap")
_SECONDS_EACH: Final = 30
"""Of one round; a part's own bounds are tighter."""
_MOST_BYTES: Final = 4 * 2**30
"""Of addresses; whoever needs more gets a MemoryError, which is wrong."""


def rounds(
    part: str, seeds: Sequence[int], counts: Counter[str], *, run: Callable[[Trial], None], until: float, kept: Path
) -> int:
    """Run rounds of a part until the clock says so, and return how many went wrong.

    Args:
        part: Its name.
        seeds: One for each round.
        counts: What came of what.
        run: Its rounds.
        until: A time of `time.monotonic`; the first round runs whatever it says.
        kept: Folder for what goes wrong.
    """
    wrong = 0
    for number, seed in enumerate(seeds):
        if number and time.monotonic() >= until:
            break
        counts[f"{part}: rounds"] += 1
        trial = Trial(random.Random(seed), counts)
        try:
            run(trial)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            wrong += 1
            print(f"{part}, seed {seed}: {type(error).__name__}: {str(error)[:400]}", flush=True)
            _keep(trial, kept / f"{part}-{seed}", f"python -m tests.fuzz --only {part} --seed {seed} --rounds 1")
    return wrong


def _keep(trial: Trial, folder: Path, again: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in trial.inputs.items():
        (folder / name.replace("/", "_")).write_bytes(data)
    (folder / "what.txt").write_text(f"{again}\n\n{traceback.format_exc()}")


def _timed(run: Callable[[Trial], None]) -> Callable[[Trial], None]:
    def timed(trial: Trial) -> None:
        signal.alarm(_SECONDS_EACH)
        try:
            run(trial)
        finally:
            signal.alarm(0)

    return timed


def _ring(*_: object) -> None:
    raise TimeoutError(f"no answer in {_SECONDS_EACH} seconds")


def main(arguments: Sequence[str]) -> int:
    """Run the parts one after the other, print the counts, and return how many rounds went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Read what is damaged.")
    parser.add_argument("--seconds", type=float, default=300, help="of all parts together")
    parser.add_argument("--only", choices=_PARTS, action="append", help="a part; repeatable")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--rounds", type=int, default=2**62, help="most of each part")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for what goes wrong")
    given = parser.parse_args(arguments)
    parts, counts, wrong = given.only or _PARTS, Counter[str](), 0
    print(f"seed {given.seed}: python -m tests.fuzz {shlex.join(arguments)}", flush=True)
    signal.signal(signal.SIGALRM, _ring)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    for part in parts:
        seconds = given.seconds / len(parts)
        if part == "compiler":
            wrong += compare(seconds, given.seed, counts)
            continue
        seeds = range(given.seed, given.seed + given.rounds)
        until, run = time.monotonic() + seconds, _timed(ROUNDS[part])
        wrong += rounds(part, seeds, counts, run=run, until=until, kept=given.keep)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    for name, count in sorted(counts.items()):
        print(f"{count:10,}  {name}")
    print(f"{wrong:10,}  wrong; peak memory {peak} MiB")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
