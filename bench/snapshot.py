"""Snapshot difference: records per second on one core, beside a plain dict of hashes: `python -m bench.snapshot`.

1,000,000 records of 300 bytes with a key of 11 digits, of which 5,000 are deleted and 10,000 updated. Contenders run
in turns in one process; CPU time counts. Prints a JSON object; the exit code is 1 where the bar is missed.
"""

import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xxhash

from adapters.batch.snapshot.cut import Cut, Part
from adapters.batch.snapshot.difference import Images, difference, repeated

RECORDS, LENGTH, KEY = 1_000_000, 300, 11
DELETED, UPDATED = 5_000, 10_000
CHUNK = 8_192
ROUNDS = 5
AT_LEAST = 1_000_000
"""Records a second that are asked for."""
CUT = Cut(length=LENGTH, key=(Part(offset=0, length=KEY),), compared=((0, LENGTH),))

Counts = tuple[int, int, int]
"""Created, updated, deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What both contenders know of the earlier extract, and the later one."""

    images: Images
    hashes: dict[bytes, bytes]
    later: bytes


def extracts() -> tuple[bytes, bytes, bytes]:
    """Return an earlier extract, a later one, and the later one in another order; drawn alike each time."""
    draw = random.Random(1)  # noqa: S311 - no secret
    numbers = sorted(draw.sample(range(10**KEY), RECORDS))
    size = LENGTH - KEY
    body = np.random.default_rng(1).bytes(RECORDS * size)
    records = [b"%011d%b" % (number, body[n * size : (n + 1) * size]) for n, number in enumerate(numbers)]
    earlier = b"".join(records)
    changed = draw.sample(range(RECORDS), DELETED + UPDATED)
    for row in changed[DELETED:]:
        records[row] = records[row][:-1] + bytes([records[row][-1] ^ 1])
    gone = set(changed[:DELETED])
    left = [record for row, record in enumerate(records) if row not in gone]
    later = b"".join(left)
    draw.shuffle(left)
    return earlier, later, b"".join(left)


def images(data: bytes) -> Images:
    """Return keys and digests of an extract, as it is read: chunk by chunk."""
    digests = [CUT.digests(data[at : at + CHUNK * LENGTH]) for at in range(0, len(data), CHUNK * LENGTH)]
    return Images.of(CUT.keys(data), b"".join(digests))


def ours(case: Case) -> Counts:
    """Compare as the adapter does."""
    after = images(case.later)
    if len(repeated(after.keys)[0]):
        raise SystemExit("a key stands twice")
    found = difference(case.images, after)
    return len(found.created), len(found.updated), len(found.deleted)


def peer(case: Case) -> Counts:
    """Compare with a dict from key to hash, the same hash, as a script would."""
    created = updated = 0
    before, seen = case.hashes, set[bytes]()
    for at in range(0, len(case.later), LENGTH):
        record = case.later[at : at + LENGTH]
        key, digest = record[:KEY], xxhash.xxh3_128_digest(record)
        seen.add(key)
        known = before.get(key)
        created += known is None
        updated += known is not None and known != digest
    return created, updated, len(before.keys() - seen)


def rate(contender: Callable[[Case], Counts], case: Case) -> float:
    """Return the records of the later extract that were compared per second of CPU time."""
    began = time.process_time()
    found = contender(case)
    spent = time.process_time() - began
    if found != (0, UPDATED, DELETED):
        raise SystemExit(f"{contender.__name__} found {found}")
    return (RECORDS - DELETED) / spent


def main() -> None:
    """Measure, and print the medians."""
    earlier, later, shuffled = extracts()
    hashes = {
        earlier[at : at + KEY]: xxhash.xxh3_128_digest(earlier[at : at + LENGTH])
        for at in range(0, len(earlier), LENGTH)
    }
    known = images(earlier).in_key_order()
    case, other = (Case(images=known, hashes=hashes, later=data) for data in (later, shuffled))
    del earlier
    rates: dict[str, list[float]] = {"banyan": [], "banyan, in no order": [], "dict of hashes": []}
    for _ in range(ROUNDS):
        rates["banyan"].append(rate(ours, case))
        rates["banyan, in no order"].append(rate(ours, other))
        rates["dict of hashes"].append(rate(peer, case))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    met = medians["banyan"] >= AT_LEAST
    figures = {
        "records_per_cpu_s": {name: round(found) for name, found in medians.items()},
        "lowest_and_highest": {name: [round(min(found)), round(max(found))] for name, found in rates.items()},
        "banyan_is": round(medians["banyan"] / medians["dict of hashes"], 2),
        "key_and_digest_bytes": known.keys.nbytes + known.digests.nbytes,
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "bar": AT_LEAST,
        "met": met,
    }
    print(json.dumps(figures))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
