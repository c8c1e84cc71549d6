"""Holds what both sides of the demo have seen against the file's records and the decision records."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.resident import RESIDENT_KEY
from hub.demo.evidence import Channels, Outage
from hub.demo.extract import Extract
from hub.demo.stage import KEY_SECRET
from hub.rules import decisions
from hub.settings import Settings
from observability.masking import KeyHash
from routers.decision import decide
from routers.decision_record import DecisionRecord, decode
from routers.facade.ended import Outcome
from routers.rulesets.ruleset import Ruleset
from routers.stage import Side

__all__ = ["Seen", "channels", "decided", "outage"]

_TURNS, _TURN_SECONDS = 20, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a round in peace showed."""

    name: str
    """With which its request ids begin."""
    share: int
    """In basis points."""
    ruleset: Ruleset
    calls: int
    answered: int
    legacy: frozenset[str]
    """Residents whom the legacy side was asked for, by its own account."""
    modern: frozenset[str]
    """Residents whom the modern side was asked for, by its own account."""


async def decided(settings: Settings, last: Seen) -> list[DecisionRecord]:
    """Return all decision records, once those of the last round are there."""
    records: list[DecisionRecord] = []
    for _ in range(_TURNS):
        found = decisions(settings, since=timedelta(hours=1))
        records = [each async for record in found for each in decode(record.value or b"[]")]
        if len(_of(last.name, records)) >= last.calls:
            break
        await asyncio.sleep(_TURN_SECONDS)
    return records


def channels(seen: Seen, extract: Extract, records: Sequence[DecisionRecord]) -> Channels:
    """Return who was on which side of both channels."""
    keys = [RESIDENT_KEY.of(raw) for raw in extract.residents]
    sides = [decide(seen.ruleset, "residents/benefit", raw).side for raw in extract.residents]
    batch = dict(zip(keys, sides, strict=True))
    soap = dict.fromkeys(map(RESIDENT_KEY.of, seen.legacy), Side.LEGACY)
    soap |= dict.fromkeys(map(RESIDENT_KEY.of, seen.modern), Side.MODERN)
    people = soap.keys() & batch.keys()
    return Channels(
        source=f"{seen.share / 100:g} %",
        share=seen.share,
        residents=len(people),
        calls=seen.calls,
        unanswered=seen.calls - seen.answered,
        soap=sum(soap[key] is Side.MODERN for key in people),
        records=extract.records,
        modern_records=sum(side is Side.MODERN for side in sides),
        batch=sum(batch[key] is Side.MODERN for key in people),
        apart=sum(soap[key] is not batch[key] for key in people),
        both=len(seen.modern & seen.legacy),
        unexplained=_unexplained(seen, soap, _of(seen.name, records)),
    )


def _unexplained(seen: Seen, soap: Mapping[str, Side], records: Sequence[DecisionRecord]) -> int:
    """Count calls without a record, and records that say another side than the one that was asked."""
    hashed = KeyHash(KEY_SECRET.encode())
    asked = {hashed(key): side for key, side in soap.items()}
    fits = Counter(asked.get(record.key_hash or "") is record.side for record in records)
    return fits[False] + abs(seen.calls - len(records)) + sum(r.version != seen.ruleset.version for r in records)


def outage(name: str, told: Mapping[str, int], records: Sequence[DecisionRecord], *, killed: str) -> Outage:
    """Return what a kill cost the callers of the rounds of this name."""
    back = [record for record in _of(name, records) if record.outcome is Outcome.FELL_BACK]
    return Outage(
        source=killed,
        calls=told["calls"],
        failed=told["failed"],
        wrong=told["wrong"],
        again=told["again"],
        older=told["older"],
        fell_back=len(back),
        owed=sum(record.route == "residents/move" for record in back),
    )


def _of(name: str, records: Sequence[DecisionRecord]) -> list[DecisionRecord]:
    return [record for record in records if record.request_id.startswith(f"{name}-")]
