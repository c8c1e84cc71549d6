"""Rules that don't fit the contracts which the façade serves: names, actions and keys that no call has. Pure.

A rule that fits nothing breaks nothing: its calls go to legacy, or all to one side, and nobody is told. So it is
compared with what the contract says a call looks like.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.document import FieldPath
from contracts.legacy.soap.contract.model import Contract, Operation, Port
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.xml import local
from routers.rulesets.capability import Capability, Route
from routers.rulesets.content import Contents
from routers.rulesets.key_steps import strayed

__all__ = ["Misfit", "Offer", "misfits"]

_NAMED: Final = 5
_WITH_ANOTHER: Final = "if it is of another service, serve the contract of that one, too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One field of a route that does not fit the contract."""

    path: FieldPath
    """`capabilities`, its name, `routes`, and so on."""
    said: str
    """What is wrong, and what would be right."""
    is_certain: bool
    """No valid call fits it; otherwise the contract leaves open whether one does."""


@dataclass(frozen=True, slots=True)
class _Offered:
    port: Port
    operation: Operation
    contents: Contents


class Offer:
    """The operations of the contracts that a façade serves, by the name of the Body's child."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._by_root: dict[str, list[_Offered]] = {}
        for contract in contracts:
            contents = Contents(Shapes(contract.bundle))
            for _, port in contract.ports:
                for operation in port.operations.values() if port.soap is not None else ():
                    if operation.input.root is not None:
                        offered = _Offered(port, operation, contents)
                        self._by_root.setdefault(operation.input.root, []).append(offered)

    def of(self, route: Route) -> Sequence[_Offered]:
        """Return the operations that a route takes calls of; several ports may offer the same."""
        return self._by_root.get(route.soap or "", ())

    def instead(self, soap: str) -> tuple[str | None, bool]:
        """Return the name that is meant by one that is not there, and whether there can be no other service's."""
        by_plain = {_plain(each): each for each in self._by_root}
        if (written := by_plain.get(_plain(soap))) is not None:
            return written, True
        namespaces = {each.rpartition("}")[0] for each in self._by_root}
        is_ours, name = soap.rpartition("}")[0] in namespaces, local(soap)
        named = [
            root for root, found in self._by_root.items() if name in {local(root), *(o.operation.name for o in found)}
        ]
        by_local = {local(each): each for each in self._by_root}
        near = [by_local[each] for each in difflib.get_close_matches(name, by_local, n=1)]
        return next(iter([*named, *near]), None), is_ours

    @property
    def names(self) -> Sequence[str]:
        """Return the names of all Body's children."""
        return sorted(self._by_root)


def misfits(
    offer: Offer, capabilities: Mapping[str, Capability], *, spell: Callable[[str], str] = str
) -> Iterator[Misfit]:
    """Yield what of the rules does not fit; nothing where no contract is offered.

    Args:
        offer: What the contracts say.
        capabilities: The rules, by name.
        spell: Writes `{namespace}name` as the document of the rules does.
    """
    if not offer.names:
        return
    for name, capability in capabilities.items():
        for route_name, route in capability.routes.items():
            if route.soap is not None:
                path = ("capabilities", name, "routes", route_name)
                yield from _of_route(offer, route, path, spell=spell)


def _of_route(offer: Offer, route: Route, path: FieldPath, *, spell: Callable[[str], str]) -> Iterator[Misfit]:
    found = offer.of(route)
    if not found:
        yield _unknown(offer, route.soap or "", path, spell=spell)
        return
    if route.action is not None and (misfit := _other_action(route.action, found, path)) is not None:
        yield misfit
    if route.key is not None and route.key.xpath is not None:
        judged = [strayed(each.operation.input, each.contents, route.key.steps, spell=spell) for each in found]
        if None not in judged:
            verdict = min((each for each in judged if each is not None), key=lambda each: each.is_certain)
            yield Misfit(path=(*path, "key", "xpath"), said=verdict.said, is_certain=verdict.is_certain)


def _unknown(offer: Offer, soap: str, path: FieldPath, *, spell: Callable[[str], str]) -> Misfit:
    instead, is_certain = offer.instead(soap)
    said = f"no contract that the façade serves has {spell(soap)!r} as the child of a Body"
    if instead is not None:
        said += f"; did you mean {spell(instead)!r}?"
    else:
        more = len(offer.names) - _NAMED
        there = ", ".join(map(spell, offer.names[:_NAMED])) + (f" and {more} more" if more > 0 else "")
        said += f"; there are: {there}"
    return Misfit(path=(*path, "soap"), said=f"{said} ({_WITH_ANOTHER})", is_certain=is_certain)


def _other_action(action: str, found: Sequence[_Offered], path: FieldPath) -> Misfit | None:
    """Return that callers who keep to the contract send another action than the rule says: they are refused."""
    said_by = {each.operation.action.strip(' \t"'): each.port.name for each in found}
    others = [each for each in said_by if each not in {"", action.strip(' \t"')}]
    if not others:
        return None
    at = (*path, "action")
    if len(others) == len(said_by):
        said = (
            f"{action!r} is not the operation's, and its calls would be refused; write {others[0]!r}, or leave it out"
        )
        return Misfit(path=at, said=said, is_certain=False)  # callers may send what the contract does not say
    port = said_by[others[0]]
    said = f"calls of port {port}, whose action is {others[0]!r}, would be refused; leave it out"
    return Misfit(path=at, said=said, is_certain=False)


def _plain(clark: str) -> str:
    """Return a name without what is easily mistaken in it: a slash too many, https, the case."""
    namespace, _, name = clark.removeprefix("{").rpartition("}")
    kept = namespace.lower().replace("https://", "http://", 1).rstrip("/#")
    return f"{kept.replace('//', '/')}}}{name.lower()}"
