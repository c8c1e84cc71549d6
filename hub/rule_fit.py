"""Rules beside the contracts that the façade serves: which no call fits, in sentences and in the façade's log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import structlog

from contracts.document import FieldPath
from contracts.errors import ContractError
from hub.facade_contracts import read_contracts
from routers.facade.settings import FacadeSettings
from routers.rulesets.capability import Capability
from routers.rulesets.document import RulesetDocument
from routers.rulesets.misfit import Misfit, Offer, misfits
from routers.rulesets.ruleset import Ruleset
from routers.rulesets.source import Rulesets

__all__ = ["ComparedRulesets", "Fit", "fit"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_Seen = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How rules fit the contracts."""

    problems: tuple[str, ...] = ()
    """What no valid call fits, one sentence each."""
    warnings: tuple[str, ...] = ()
    """What the contracts leave open, and which of them could not be read."""


def fit(facade: FacadeSettings | None, rules: Mapping[str, Capability], document: RulesetDocument | None = None) -> Fit:
    """Compare rules with the contracts of the settings; nothing is wrong where there are none.

    Args:
        facade: The settings.
        rules: Capabilities by name.
        document: Where they are written, for the places in the sentences.
    """
    if facade is None or not any(each.contracts for each in facade.listeners.values()):
        return Fit()
    contracts, unread = read_contracts(facade)
    spell = str if document is None else document.spelled
    found = list[Misfit]()
    try:
        found += misfits(Offer(contracts), rules, spell=spell)
    except ContractError as error:  # one may be broken in a part that nobody has looked at yet
        unread.append(str(error))
    at = _at if document is None else document.at
    # A name that these contracts do not have may be of a service that none is served of, or whose could not be read.
    is_whole = not unread and all(each.contracts for each in facade.listeners.values())
    certain = [each for each in found if each.is_certain and (is_whole or each.path[-1] != "soap")]
    return Fit(
        problems=tuple(at(each.path, each.said) for each in certain),
        warnings=(
            *(f"the rules are not compared with a contract: {each}" for each in unread),
            *(at(each.path, each.said) for each in found if each not in certain),
        ),
    )


def _at(path: FieldPath, said: str) -> str:
    return f"{'.'.join(path)}: {said}"


@final
class ComparedRulesets:
    """Rulesets that are compared with the contracts as they come into force; what does not fit is logged, once."""

    def __init__(self, rulesets: Rulesets, facade: FacadeSettings) -> None:
        self._rulesets: Final = rulesets
        self._offer: Final = Offer(read_contracts(facade)[0])
        self._seen: set[_Seen] = set()

    @property
    def ruleset(self) -> Ruleset:
        """Return the one in force."""
        return self._rulesets.ruleset

    @property
    def source(self) -> str:
        """Return where it comes from, for people."""
        return self._rulesets.source

    @property
    def problems(self) -> Sequence[str]:
        """Return why a newer one is not in force."""
        return self._rulesets.problems

    def snapshot(self) -> bytes:
        """Return the ruleset in force as a whole."""
        return self._rulesets.snapshot()

    async def caught_up(self) -> None:
        """Wait until the newest is known, which may be for ever."""
        await self._rulesets.caught_up()

    async def run(self, tell: Callable[[bytes, int], None]) -> None:
        """Follow them; each change is told first, and compared then."""

        def told(packed: bytes, version: int) -> None:
            tell(packed, version)
            self._compare()

        self._compare()
        await self._rulesets.run(told)

    def _compare(self) -> None:
        try:
            for each in misfits(self._offer, self._fresh()):
                self._warn(each)
        except ContractError as error:
            _log.warning("the rules are not compared with the contracts", reason=str(error))

    def _fresh(self) -> Mapping[str, Capability]:
        """Return the capabilities with those routes alone that were not compared yet."""
        fresh: dict[str, Capability] = {}
        for name, capability in self.ruleset.capabilities.items():
            routes = {}
            for route_name, route in capability.routes.items():
                key: _Seen = (route.soap, route.action, None if route.key is None else route.key.xpath)
                if route.soap is not None and key not in self._seen:
                    self._seen.add(key)
                    routes[route_name] = route
            if routes:
                fresh[name] = capability.model_copy(update={"routes": routes})
        return fresh

    def _warn(self, misfit: Misfit) -> None:
        _log.warning(
            "a rule does not fit the contracts that are served",
            field=".".join(misfit.path),
            reason=misfit.said,
            certain=misfit.is_certain,
        )
