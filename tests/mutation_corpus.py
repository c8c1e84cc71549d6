"""Runs the comparer over mutants and rewritings of a contract's answers, and counts what it says of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from random import Random
from typing import Final

from lxml import etree

from contracts.errors import ContractError
from contracts.legacy.soap.answer import Answers, envelope
from contracts.legacy.soap.contract.model import Contract, Operation, Port
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.divergence.comparer import Comparer
from contracts.legacy.soap.divergence.difference import Comparison
from contracts.legacy.soap.sample.derived import Derived
from contracts.legacy.soap.sample.message import Sampler
from tests.mutated_documents import documents, faults, slipped
from tests.mutations import Mutant, Mutator
from tests.rewritings import FORMS, rewritten
from tests.typed_tree import Typed
from tests.value_space import shape

_OF_THE_SCHEMA: Final = {"values", "defaults", "xsi:type as declared", "nil as 1 or false", "order of xs:all"}
"""What SOAP encoding, whose types stand in the message, may see otherwise."""


@dataclass(slots=True)
class Tally:
    """How often each operator or form was tried, and what went wrong."""

    tried: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list[str])

    def add(self, other: "Tally") -> None:
        """Add what another one has."""
        self.tried.update(other.tried)
        self.failed += other.failed

    def __str__(self) -> str:
        """Return a line for each operator."""
        lines = [f"{self.tried[name]:6} {name}" for name in sorted(self.tried)]
        return "\n".join([*lines, f"{self.tried.total():6} in all, {len(self.failed)} failed", *self.failed[:20]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """An answer or a fault, and who compares it."""

    about: str
    data: bytes
    typed: Typed
    port: Port
    is_encoded: bool
    comparer: Comparer


class Corpus:
    """The replies of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._schemas = build(contract.bundle)
        sampler = Sampler(self._schemas)
        self._answers = Answers(sampler)
        self._mutator = Mutator(sampler, Derived(self._schemas))

    @property
    def operations(self) -> list[tuple[Port, Operation]]:
        """Return those that answer by SOAP."""
        ports = [port for _, port in self._contract.ports if port.soap]
        return [(port, each) for port in ports for each in port.operations.values() if each.output]

    def changed(self, operations: Sequence[tuple[Port, Operation]], *, seeds: range, each: int = 1) -> Tally:
        """Compare replies with their mutants: every one must be found, where it is; written in other forms, too."""
        tally = Tally()
        for seed, reply in self._replies(operations, seeds):
            draw = Random(f"{reply.about} {seed}")
            for mutant in chain(self._mutator.mutants(reply.typed, draw, each=each), _whole(reply, draw)):
                tally.tried[mutant.operator] += 1
                found = reply.comparer.compare(reply.data, mutant.data)
                again = reply.comparer.compare(mutant.data, reply.data)
                if found.is_equal or again.is_equal or not _is_there(found, mutant):
                    tally.failed.append(_told(reply, mutant, found))
                elif mutant.path != "/" and not self._is_found_again(reply, mutant, draw):
                    tally.failed.append(f"in another form: {_told(reply, mutant, found)}")
        return tally

    def _is_found_again(self, reply: _Reply, mutant: Mutant, draw: Random) -> bool:
        if draw.random() < 0.7 or reply.is_encoded:
            return True
        typed = Typed.of(mutant.data, self._schemas, reply.typed.body)
        other = rewritten(typed, _some(draw), draw)
        if Typed.of(other, self._schemas, reply.typed.body).meaning == reply.typed.meaning:
            return True
        return not reply.comparer.compare(other, reply.data).is_equal

    def touched(self, operations: Sequence[tuple[Port, Operation]], *, seeds: range, each: int = 8) -> Tally:
        """Compare answers with copies of which a few bytes are wrong: found where what is left says something else."""
        tally = Tally()
        for seed, reply in self._replies(operations, seeds):
            draw, before = Random(f"{reply.about} {seed}"), reply.typed.meaning
            for _ in range(each if reply.typed.body is not None and not reply.is_encoded else 0):
                data = slipped(reply.data, draw)
                after = self._meaning(data, reply)
                if after is None and data == reply.data:
                    continue
                tally.tried[
                    "bytes: broken" if after is None else f"bytes: {'same' if after == before else 'other'}"
                ] += 1
                found = reply.comparer.compare(reply.data, data)
                if found.is_equal is not (after == before):
                    tally.failed.append(f"{reply.about}: {found.differences[:2]}\n  {reply.data!r}\n  {data!r}")
        return tally

    def _meaning(self, data: bytes, reply: _Reply) -> object:
        """Return what a reply says; None where it is no XML."""
        try:
            return Typed.of(data, self._schemas, reply.typed.body).meaning
        except etree.XMLSyntaxError:
            return None

    def kept(self, operations: Sequence[tuple[Port, Operation]], *, seeds: range, each: int = 8) -> Tally:
        """Compare replies with themselves in other forms: none may differ."""
        tally = Tally()
        for seed, reply in self._replies(operations, seeds):
            draw = Random(f"{reply.about} {seed}")
            for number in range(each):
                forms = frozenset(draw.sample(FORMS, 1)) if number % 2 else _some(draw)
                forms -= _OF_THE_SCHEMA if reply.is_encoded else set()
                data = rewritten(reply.typed, forms, draw, is_encoded=reply.is_encoded)
                again = Typed.of(data, self._schemas, reply.typed.body)
                assert again.meaning == reply.typed.meaning, (reply.about, sorted(forms), data)
                tally.tried.update(forms)
                found = reply.comparer.compare(*draw.sample([reply.data, data], 2))
                if not found.is_equal:
                    tally.failed.append(f"{reply.about} {sorted(forms)} {found.differences[:2]}")
        return tally

    def _replies(self, operations: Sequence[tuple[Port, Operation]], seeds: range) -> Iterator[tuple[int, _Reply]]:
        for port, operation in operations:
            comparer = Comparer(self._contract, operation.name, self._schemas, port=port.name)
            for seed in seeds:
                try:
                    for reply in self._made(port, operation, seed, comparer):
                        yield seed, reply
                        if seed % 2 and not reply.is_encoded:
                            yield seed, self._emptied(reply)
                except ContractError:
                    break  # nothing of finite size is valid

    def _emptied(self, reply: _Reply) -> _Reply:
        """Return a reply with texts that are empty, which no sample has."""
        typed = reply.typed.copy()
        for node in typed.nodes[::2]:
            if node.simple is not None and shape(node.simple) == "string" and not len(node.element):
                node.element.text = None
        data = etree.tostring(typed.root, encoding="UTF-8")
        return replace(reply, data=data, typed=typed.again(), about=f"{reply.about}, emptied")

    def _made(self, port: Port, operation: Operation, seed: int, comparer: Comparer) -> Iterator[_Reply]:
        output, version = operation.output, port.soap
        assert output is not None
        assert version is not None
        data = envelope(version, *self._answers.parts(output, seed=seed))
        yield _Reply(
            about=operation.name,
            data=data,
            typed=Typed.of(data, self._schemas, output),
            port=port,
            is_encoded=output.use == "encoded",
            comparer=comparer,
        )
        for declared in operation.faults:
            if declared.part is not None:
                data = self._answers.fault(version, declared, seed=seed)
                yield _Reply(
                    about=f"{operation.name}, {declared.name}",
                    data=data,
                    typed=Typed.of(data, self._schemas, None),
                    port=port,
                    is_encoded=declared.use == "encoded",
                    comparer=comparer,
                )


def _some(draw: Random) -> frozenset[str]:
    return frozenset(draw.sample(FORMS, draw.randrange(2, 9)))


def _whole(reply: _Reply, draw: Random) -> Iterator[Mutant]:
    version = reply.port.soap
    assert version is not None
    yield from documents(reply.data, version, draw)
    if reply.typed.body is None:
        yield from faults(reply.data, version)


def _is_there(found: Comparison, mutant: Mutant) -> bool:
    """Tell whether a difference lies at, above or below the place that was changed."""
    place = [step for step in mutant.path.split("/") if step]
    paths = [[step for step in each.generic.split("/") if step] for each in found.differences]
    return any(path[: len(place)] == place[: len(path)] for path in paths)


def _told(reply: _Reply, mutant: Mutant, found: Comparison) -> str:
    paths = [each.path for each in found.differences[:3]]
    return f"{reply.about}: {mutant.operator} at {mutant.path}; found {paths}\n  {reply.data!r}\n  {mutant.data!r}"
