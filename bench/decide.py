"""Decisions per second on one core, and what a change of the ruleset costs: `python -m bench.decide`.

With 100 and with 100,000 rules in turns, in one process; keys come with leading zeros that the canonical key strips.
Prints a JSON object.
"""

import gc
import json
import random
import statistics
import time
from datetime import UTC, datetime

from contracts.keys import CanonicalKey
from routers.decision import decide
from routers.rulesets.capability import Capability, Route
from routers.rulesets.chain import propose
from routers.rulesets.packing import pack, unpack
from routers.rulesets.ruleset import EMPTY, Ruleset

FEW, MANY = 100, 100_000
CALLS = 100_000
ROUNDS = 9
CHANGES = 100
AT_LEAST = 500_000
"""Decisions a second that are asked for; and with many rules at most twice the time of few."""

Call = tuple[str, str]


def ruleset(rules: int) -> Ruleset:
    """Return a ruleset of so many capabilities with a route each."""
    key = CanonicalKey(type="digits", strip_zeros=True, max_length=10)
    capabilities = {
        f"capability-{n}": Capability(salt=f"salt-{n}", key=key, share=n % 10_001, routes={"change": Route(record="r")})
        for n in range(rules)
    }
    return EMPTY.changed(capabilities, version=1, hash_="0" * 64)


def calls(rules: int) -> list[Call]:
    """Return routes with keys, drawn alike each time."""
    draw = random.Random(1)  # noqa: S311 - no secret
    return [(f"capability-{draw.randrange(rules)}/change", f"{draw.randrange(10**8):010d}") for _ in range(CALLS)]


def per_second(rules: Ruleset, asked: list[Call]) -> float:
    """Return the decisions per second of CPU time."""
    began = time.process_time()
    for route, key in asked:
        decide(rules, route, key)
    return len(asked) / (time.process_time() - began)


def change_ms(before: Ruleset) -> list[float]:
    """Return what each of many small changes costs a worker, in milliseconds: unpack, verify, apply."""
    spent: list[float] = []
    for number in range(CHANGES):
        name = f"capability-{number}"
        changed = before.capabilities[name].model_copy(update={"share": (number + 5000) % 10_000})
        wanted = {**before.capabilities, name: changed}
        change = propose(before, wanted, author="bench", reason="bench", at=datetime.now(UTC), change_id=str(number))
        if change is None:
            continue
        data = pack(change)
        began = time.perf_counter()
        before = unpack(data).after(before)
        spent.append((time.perf_counter() - began) * 1000)
    return spent


def main() -> None:
    """Measure, and print the medians."""
    sets = {rules: (ruleset(rules), calls(rules)) for rules in (FEW, MANY)}
    gc.collect()
    gc.freeze()  # as a worker does after it loaded its rules
    rates: dict[int, list[float]] = {rules: [] for rules in sets}
    for _ in range(ROUNDS):
        for rules, (given, asked) in sets.items():
            rates[rules].append(per_second(given, asked))
    few, many = (statistics.median(rates[rules]) for rules in (FEW, MANY))
    spent = change_ms(sets[MANY][0])
    figures = {
        f"decisions_per_s_{FEW}_rules": round(few),
        f"decisions_per_s_{MANY}_rules": round(many),
        "lowest_and_highest": [[round(min(found)), round(max(found))] for found in rates.values()],
        "time_ratio": round(few / many, 2),
        "change_ms_median": round(statistics.median(spent), 2),
        "change_ms_max": round(max(spent), 2),
        "met": few >= AT_LEAST and few / many <= 2,  # noqa: PLR2004 - the bar
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
