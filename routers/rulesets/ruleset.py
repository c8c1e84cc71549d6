"""A ruleset: all capabilities at one version. It never changes; a change makes the next one."""

import gc
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, Self

from contracts.keys import BUCKETS, CanonicalKey
from routers.rulesets.capability import Capability, KeyExpression, Route
from routers.stage import OperationClass, Side, Stage, duty

__all__ = ["EMPTY", "GENESIS", "Place", "Rule", "Ruleset", "in_bulk"]

GENESIS = "0" * 64
"""Hash of the ruleset before the first."""


class Place(NamedTuple):
    """What is decided for a key by its stage and the route's class."""

    stage: Stage
    answers: Side
    also: Side | None


_PLACES: Final = {
    (stage, operation): Place(stage, duty(stage, operation).answers, duty(stage, operation).also)
    for stage in Stage
    for operation in OperationClass
}
_SHARES: Final = tuple(range(BUCKETS + 1))


@lru_cache(maxsize=1024)
def _shared(fields: str) -> CanonicalKey:
    """Return the one object for all equal keys."""
    return CanonicalKey.model_validate_json(fields)


@lru_cache(maxsize=4096)
def _steps(xpath: str) -> tuple[str, ...]:
    return KeyExpression(xpath=xpath).steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One route with what its capability owns: all that a decision needs."""

    name: str
    """`capability/route`."""
    capability_name: str
    capability: Capability
    route: Route
    version: int
    """The ruleset version that last changed this capability."""
    held: bool = field(init=False, repr=False, compare=False)
    """The route lags behind its capability."""
    record_hashes: bool = field(init=False, repr=False, compare=False)
    key: CanonicalKey = field(init=False, repr=False, compare=False)
    """The capability's; equal ones are one object. What follows is all that a call needs, at hand in one place:

    with 100,000 rules, each object that has to be fetched from memory costs as much as the rest of the decision.
    """
    suffix: str = field(init=False, repr=False, compare=False)
    """What is put after a key before it is hashed: a colon and the salt."""
    share: int = field(init=False, repr=False, compare=False)
    current: Place = field(init=False, repr=False, compare=False)
    """What is decided for keys in the current stage."""
    next: Place = field(init=False, repr=False, compare=False)
    """What is decided for keys in the next stage."""
    key_steps: tuple[str, ...] | None = field(init=False, repr=False, compare=False)
    """Where in a SOAP message the key is, where it is there."""
    key_header: bytes | None = field(init=False, repr=False, compare=False)
    """Name in lower case of the header that holds the key, where one does."""

    def __post_init__(self) -> None:
        capability, operation = self.capability, self.route.operation
        put = object.__setattr__
        put(self, "held", self.route.held is not None)
        put(self, "record_hashes", self.route.record_hashes)
        put(self, "key", _shared(capability.key.model_dump_json()))
        put(self, "suffix", f":{capability.salt}")
        put(self, "share", _SHARES[capability.share])
        put(self, "current", _PLACES[capability.current, operation])
        put(self, "next", _PLACES[capability.next, operation])
        key = self.route.key
        put(self, "key_steps", None if key is None or key.xpath is None else _steps(key.xpath))
        put(self, "key_header", None if key is None or key.header is None else key.header.lower().encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """All capabilities, numbered, and chained to the ruleset before by its hash."""

    version: int
    hash: str
    """sha256 in hex of this version's manifest, which names the hash of its predecessor."""
    capabilities: Mapping[str, Capability] = field(default_factory=dict[str, Capability], repr=False)
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule], repr=False)
    """Every route, by `capability/route`."""

    @classmethod
    def restored(cls, capabilities: Mapping[str, tuple[int, Capability]], *, version: int, hash_: str) -> Self:
        """Return a ruleset out of its capabilities, each with the version that last changed it."""
        rules: dict[str, Rule] = {}
        for name, (changed, capability) in capabilities.items():
            rules.update(_rules(name, capability, changed))
        alone = {name: capability for name, (_, capability) in capabilities.items()}
        return cls(version=version, hash=hash_, capabilities=alone, rules=rules)

    def changed(self, changes: Mapping[str, Capability | None], *, version: int, hash_: str) -> Self:
        """Return the ruleset after a difference; None removes a capability.

        Takes time and memory in proportion to the difference, but for two flat copies.
        """
        capabilities, rules = dict(self.capabilities), dict(self.rules)
        for name, capability in changes.items():
            if (before := capabilities.pop(name, None)) is not None:
                for route in before.routes:
                    del rules[f"{name}/{route}"]
            if capability is not None:
                capabilities[name] = capability
                rules.update(_rules(name, capability, version))
        return type(self)(version=version, hash=hash_, capabilities=capabilities, rules=rules)


def _rules(name: str, capability: Capability, version: int) -> dict[str, Rule]:
    made = [
        Rule(name=f"{name}/{route_name}", capability_name=name, capability=capability, route=route, version=version)
        for route_name, route in capability.routes.items()
    ]
    return {rule.name: rule for rule in made}


EMPTY = Ruleset(version=0, hash=GENESIS)
"""No rules at all: every listener's legacy backend answers."""


@contextmanager
def in_bulk() -> Generator[None]:
    """Read many capabilities in half the time: nothing among them is garbage, so none is looked for meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
