"""A ruleset: all capabilities at one version. It never changes; a change makes the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from routers.capability import Capability, Route

__all__ = ["EMPTY", "GENESIS", "Rule", "Ruleset"]

GENESIS = "0" * 64
"""Hash of the ruleset before the first."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """All capabilities, numbered, and chained to the ruleset before by its hash."""

    version: int
    hash: str
    """sha256 in hex of this version's manifest, which names the hash of its predecessor."""
    capabilities: Mapping[str, Capability] = field(default_factory=dict[str, Capability], repr=False)
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule], repr=False)
    """Every route, by `capability/route`."""

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
    return {
        f"{name}/{route_name}": Rule(
            name=f"{name}/{route_name}", capability_name=name, capability=capability, route=route, version=version
        )
        for route_name, route in capability.routes.items()
    }


EMPTY = Ruleset(version=0, hash=GENESIS)
"""No rules at all: every listener's legacy backend answers."""
