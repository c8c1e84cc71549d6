"""Compares what two contracts offer: services, ports, operations, and what these send."""

from collections.abc import Iterator, Mapping, Sequence

from contracts.legacy.soap.contract.difference.change import Change, Log, named
from contracts.legacy.soap.contract.difference.structure import Comparison
from contracts.legacy.soap.contract.model import Body, Contract, Operation, Part, Place, Port
from contracts.legacy.soap.contract.reach import Direction
from contracts.legacy.xml import local

__all__ = ["Sides"]

_BOTH: frozenset[Direction] = frozenset({"request", "answer"})
_REQUEST: frozenset[Direction] = frozenset({"request"})
_ANSWER: frozenset[Direction] = frozenset({"answer"})
_UNOFFERED = ""


class Sides:
    """Compares two contracts, but for their schemas."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._of: dict[frozenset[Direction], Log] = {uses: Log(uses=uses) for uses in (_BOTH, _REQUEST, _ANSWER)}

    @property
    def found(self) -> Iterator[Change]:
        """Yield what was found."""
        return (change for log in self._of.values() for change in log.found)

    def compare(self, old: Contract, new: Contract) -> None:
        """Compare services and ports by name, and the operations of each."""
        olds, news = _services(old), _services(new)
        places = {local(name): each.place for contract in (old, new) for name, each in contract.services.items()}
        calls = self._of[_REQUEST]
        for name in (each for each in olds if each not in news and each != _UNOFFERED):
            calls.at(name).add("service-removed", "narrows", place=places[name])
        for name in (each for each in news if each not in olds and each != _UNOFFERED):
            calls.at(name).add("service-added", "widens", place=places[name])
        known: set[tuple[str, str]] = set()
        for name in (each for each in olds if each in news):
            self._ports(olds[name], news[name], known)

    def _ports(self, old: Mapping[str, Port], new: Mapping[str, Port], known: set[tuple[str, str]]) -> None:
        calls = self._of[_REQUEST]
        for name, port in old.items():
            if name not in new:
                calls.at(name).add("port-removed", "narrows", place=port.place)
        for name, port in new.items():
            if name not in old:
                calls.at(name).add("port-added", "widens", place=port.place)
            else:
                self._port(old[name], port)
                # Ports of one binding have the same operations.
                if (old[name].binding, port.binding) not in known:
                    known.add((old[name].binding, port.binding))
                    self._operations(old[name], port)

    def _port(self, old: Port, new: Port) -> None:
        if old.address != new.address:
            both = self._of[_BOTH].at(new.name)
            both.add("address-changed", "none", place=new.place, old=old.address, new=new.address)
        if old.soap != new.soap:
            versions = (f"SOAP {each.soap}" if each.soap else "not SOAP" for each in (old, new))
            before, after = versions
            self._of[_BOTH].at(new.name).add("soap-changed", "both", place=new.place, old=before, new=after)
        elif old.transport != new.transport:
            self._of[_REQUEST].at(new.name).add(
                "transport-changed", "both", place=new.place, old=old.transport, new=new.transport
            )

    def _operations(self, old: Port, new: Port) -> None:
        calls = self._of[_REQUEST]
        for name, operation in old.operations.items():
            if name not in new.operations:
                calls.at(f"{old.name}/{name}").add("operation-removed", "narrows", place=operation.place)
        for name, operation in new.operations.items():
            about = f"{new.name}/{name}"
            if name not in old.operations:
                calls.at(about).add("operation-added", "widens", place=operation.place)
            else:
                self._operation(about, old.operations[name], operation)

    def _operation(self, about: str, old: Operation, new: Operation) -> None:
        place = new.place
        if old.action != new.action:
            self._of[_REQUEST].at(about).add(
                "action-changed", "both", place=place, old=f'"{old.action}"', new=f'"{new.action}"'
            )
        if old.style != new.style:
            self._of[_BOTH].at(about).add("style-changed", "both", place=place, old=old.style, new=new.style)
            return
        self._body(self._of[_REQUEST].at(f"{about}/input"), old.input, new.input, place=place)
        if old.output is not None and new.output is not None:
            self._body(self._of[_ANSWER].at(f"{about}/output"), old.output, new.output, place=place)
        elif new.output is not None:
            self._of[_ANSWER].at(about).add(
                "answer-added", "both", place=place, new=local(new.output.root or "nothing")
            )
        elif old.output is not None:
            self._of[_ANSWER].at(about).add(
                "answer-removed", "both", place=place, old=local(old.output.root or "nothing")
            )
        self._faults(about, old, new)

    def _body(self, log: Log, old: Body, new: Body, *, place: Place) -> None:
        if old.use != new.use:
            log.add("use-changed", "both", place=place, old=old.use, new=new.use)
        roots = [each.wrapper or ", ".join(part.tag for part in each.parts) for each in (old, new)]
        if roots[0] != roots[1]:
            before, after = _roots(roots)
            log.add("message-changed", "both", place=place, old=before, new=after)
        if old.wrapper is not None and new.wrapper is not None:
            self._rpc(log, old, new, place=place)
        elif roots[0] == roots[1]:
            self._parts(log, old.parts, new.parts, place=place)
        self._headers(log, old, new, place=place)
        if (old.is_mime, old.attachments) != (new.is_mime, new.attachments):
            before, after = (", ".join(each.attachments) or "none" for each in (old, new))
            log.add("attachments-changed", "both", place=place, old=before, new=after)

    def _rpc(self, log: Log, old: Body, new: Body, *, place: Place) -> None:
        olds, news = ({part.tag: part for part in each.parts} for each in (old, new))
        for tag in (each for each in olds if each not in news):
            log.below(local(tag)).add("part-removed", "both", place=place)
        for tag in (each for each in news if each not in olds):
            log.below(local(tag)).add("part-added", "both", place=place)
        shared = [tag for tag in olds if tag in news]
        if shared != [tag for tag in news if tag in olds]:
            orders = (", ".join(local(each) for each in tags) for tags in (olds, news))
            before, after = orders
            log.add("order-changed", "both", place=place, old=before, new=after)
        self._parts(log, [olds[tag] for tag in shared], [news[tag] for tag in shared], place=place)

    def _parts(self, log: Log, old: Sequence[Part], new: Sequence[Part], *, place: Place) -> None:
        for before, after in zip(old, new, strict=True):
            if before.type is not None and after.type is not None:
                self._comparison.uses(log.below(after.name), before.type, after.type, place=place)

    def _headers(self, log: Log, old: Body, new: Body, *, place: Place) -> None:
        olds, news = ({header.part.tag for header in each.headers} for each in (old, new))
        is_request = log.uses == _REQUEST
        for tag in sorted(news - olds):
            # A declared header may be asked for; who reads by the old contract does not know it.
            log.below(local(tag)).add("header-added", "both", place=place)
        for tag in sorted(olds - news):
            effect = "none" if is_request else "both"
            log.below(local(tag)).add("header-removed", "none" if effect == "none" else "both", place=place)

    def _faults(self, about: str, old: Operation, new: Operation) -> None:
        olds, news = ({_fault(each.part): each.name for each in side.faults} for side in (old, new))
        for detail in (each for each in olds if each not in news):
            self._of[_ANSWER].at(f"{about}/{olds[detail]}").add("fault-removed", "narrows", place=new.place, old=detail)
        for detail in (each for each in news if each not in olds):
            self._of[_ANSWER].at(f"{about}/{news[detail]}").add("fault-added", "widens", place=new.place, new=detail)


def _services(contract: Contract) -> dict[str, Mapping[str, Port]]:
    found = {local(name): service.ports for name, service in contract.services.items()}
    return {**found, _UNOFFERED: {port.name: port for port in contract.unbound.values()}}


def _roots(roots: Sequence[str]) -> tuple[str, str]:
    """Return two names for people: with their namespaces where they differ in these alone."""
    short = [", ".join(local(name) for name in each.split(", ")) or "nothing" for each in roots]
    return (short[0], short[1]) if short[0] != short[1] else (roots[0], roots[1])


def _fault(part: Part | None) -> str:
    return (
        "nothing" if part is None else local(part.element) if part.element else f"{part.name}: {named(part.type or '')}"
    )
