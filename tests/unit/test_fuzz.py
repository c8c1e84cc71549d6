"""Some rounds of `make fuzz`, always the same; and what goes wrong there is told and kept."""

import math
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz import ROUNDS, rounds
from tests.fuzz_trial import Trial


@pytest.mark.parametrize(("part", "many"), [("soap", 60), ("files", 60)])
def test_what_is_damaged_is_read_or_refused_and_nothing_else(part: str, many: int, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()

    assert rounds(part, range(many), counts, run=ROUNDS[part], until=math.inf, kept=tmp_path) == 0
    assert counts[f"{part}: rounds"] == many
    assert any("refused" in name for name in counts)


def test_what_goes_wrong_is_kept_with_the_way_to_do_it_again(tmp_path: Path) -> None:
    def run(trial: Trial) -> None:
        trial.inputs["message"] = b"<a"
        if trial.rng.random() >= 0:
            raise ZeroDivisionError

    assert rounds("soap", range(7, 9), Counter(), run=run, until=math.inf, kept=tmp_path) == 2
    assert (tmp_path / "soap-7" / "message").read_bytes() == b"<a"
    told = (tmp_path / "soap-8" / "what.txt").read_text()
    assert told.startswith("python -m tests.fuzz --only soap --seed 8 --rounds 1\n")
    assert "ZeroDivisionError" in told
