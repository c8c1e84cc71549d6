"""Compares the replies of both sides to one call, by the types of their contract and the rules for its operation."""

from hashlib import blake2b
from typing import Final, final

from lxml import etree

from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.divergence import check, fault
from contracts.legacy.soap.divergence.content import Types
from contracts.legacy.soap.divergence.declared import ENVELOPE, HEADER, operation_of, replies
from contracts.legacy.soap.divergence.difference import Comparison, Difference
from contracts.legacy.soap.divergence.mask import masked
from contracts.legacy.soap.divergence.node import Node, same, sealed
from contracts.legacy.soap.divergence.pairing import SideBySide, is_plain
from contracts.legacy.soap.divergence.plan import Plans
from contracts.legacy.soap.divergence.reading import Reader, between
from contracts.legacy.soap.divergence.reply import Reply, parse
from contracts.legacy.soap.divergence.rules import Rules
from contracts.legacy.soap.divergence.walk import FullError, Walk
from contracts.legacy.xml import Element, XmlError, local_name

__all__ = ["Comparer"]

_MOST_BYTES: Final = 32 * 1024**2
_MOST_ELEMENTS: Final = 300_000
_MOST_SHARED: Final = 10
"""References may make a reply so many times as large."""


@final
class Comparer:
    """Compares replies of one operation; compiled once, then used for each call. One thread uses it at a time.

    Args:
        contract: That both sides keep.
        operation: Its name.
        schemas: Of the contract.
        port: Whose operation, where several have one of this name; the first SOAP port without it.
        rules: What is no divergence.
        most_bytes: Of one reply; a longer one can't be read.
        most_elements: Of one reply.

    Raises:
        ConfigError: There is no such operation, or a rule has a path that the contract has not; says what there is.
    """

    def __init__(
        self,
        contract: Contract,
        operation: str,
        schemas: Schemas,
        *,
        port: str | None = None,
        rules: Rules | None = None,
        most_bytes: int = _MOST_BYTES,
        most_elements: int = _MOST_ELEMENTS,
    ) -> None:
        self._rules = rules or Rules()
        _, self._operation = operation_of(contract, operation, port)
        types = Types(schemas)
        root = replies(self._operation, types)
        if problems := [*check.problems(self._rules, root, types)]:
            raise ConfigError(problems)
        self._plans = Plans(types, self._rules, root)
        output = self._operation.output
        self._wrapper = output.wrapper if output is not None and output.use == "encoded" else None
        self._is_encoded = self._operation.is_encoded
        declared = [
            types.of(each.type) for tag, each in root.elements.items() if tag not in {fault.FAULT, HEADER, ENVELOPE}
        ]
        self._is_plain = not self._is_encoded and all(is_plain(each, types) for each in declared)
        self._most_bytes, self._most_elements = most_bytes, most_elements

    def compare(self, left: bytes, right: bytes) -> Comparison:
        """Say where two replies differ; whatever they are, this raises nothing.

        Replies that can't be read never agree, not even with themselves: nothing is known of what they say.
        """
        sides = [parse(data, most_bytes=self._most_bytes, most_elements=self._most_elements) for data in (left, right)]
        try:
            return self._compared((sides[0], sides[1]), is_identical=left == right)
        except (XmlError, RecursionError) as error:
            reason = str(error) if isinstance(error, XmlError) else "nested too deep"
            return _unlike(sides[0].broken(reason), sides[1].broken(reason))

    def _compared(self, sides: tuple[Reply, Reply], *, is_identical: bool) -> Comparison:
        left, right = sides
        if self._operation.output is None and left.outcome == right.outcome == "empty":
            return Comparison(left="empty", right="empty", how="bytes")
        if left.body is None or right.body is None:
            return _unlike(left, right)
        ignored = sum(not self._is_compared(each) for side in sides for each in side.headers)
        if is_identical or self._is_canonically_same(left, right):
            return Comparison(
                left=left.outcome,
                right=right.outcome,
                how="bytes" if is_identical else "canonical",
                headers_ignored=ignored,
            )
        walk, is_full = Walk(self._rules.max_differences), False
        try:
            self._walk(walk, left, right)
        except FullError:
            is_full = True
        return Comparison(
            left=left.outcome,
            right=right.outcome,
            differences=tuple(walk.found),
            is_truncated=is_full,
            headers_ignored=ignored,
        )

    def _is_canonically_same(self, left: Reply, right: Reply) -> bool:
        prefixes = [[each.nsmap for each in (*self._headers(side), *_first(side))] for side in (left, right)]
        if prefixes[0] != prefixes[1] or left.has_more or right.has_more:
            return False
        try:
            return _fingerprint(left, self._headers(left)) == _fingerprint(right, self._headers(right))
        except etree.C14NError:
            # The canonical form refuses relative names of namespaces, even of those that are used nowhere.
            return False

    def _walk(self, walk: Walk, left: Reply, right: Reply) -> None:
        readers = (self._reader(left), self._reader(right))
        headers = [self._header(side, reader) for side, reader in zip((left, right), readers, strict=True)]
        walk.nodes(headers[0], headers[1], f"/{HEADER}")
        if left.has_more or right.has_more:
            around = [self._around(side, reader) for side, reader in zip((left, right), readers, strict=True)]
            walk.nodes(around[0], around[1], f"/{ENVELOPE}")
        if left.outcome != right.outcome:
            walk.found.append(_fault_beside_answer(left, right))
        elif left.fault is not None and right.fault is not None:
            walk.nodes(*self._faults((left.fault, right.fault), readers), "")
        elif left.body is not None and right.body is not None:
            walk.nodes(*self._answers((left.body, right.body), readers), "")

    def _faults(self, faults: tuple[Element, Element], readers: tuple[Reader, Reader]) -> tuple[Node, Node]:
        plan = self._plans.root.child(fault.FAULT, self._plans.root.content)
        given = {"with_text": not self._rules.ignore_fault_text, "with_languages": fault.has_languages(*faults)}
        read = [
            self._body(reader, each, fault.read(plan, each, reader, **given))
            for each, reader in zip(faults, readers, strict=True)
        ]
        return read[0], read[1]

    def _answers(self, bodies: tuple[Element, Element], readers: tuple[Reader, Reader]) -> tuple[Node, Node]:
        if self._is_plain:
            return SideBySide(*readers).nodes(self._plans.root, bodies)
        read = [self._answer(body, reader) for body, reader in zip(bodies, readers, strict=True)]
        return read[0], read[1]

    def _answer(self, body: Element, reader: Reader) -> Node:
        root = self._plans.root
        first = next((each for each in body if not reader.is_target(each)), next(iter(body), None))
        if not self._is_encoded or first is None:
            return reader.node(root, body, 0)
        # The wrapper may have any name.
        tag = self._wrapper or first.tag
        return self._body(reader, first, reader.node(root.child(tag, root.content), first, 1, tag=tag))

    def _body(self, reader: Reader, main: Element, read: Node) -> Node:
        """Return a Body with what was read of it. All else that stands there is told, but for targets of references."""
        root, body = self._plans.root, main.getparent()
        node = Node(plan=root, tag="Body", content=root.content, children=[read])
        if body is not None:
            node.value, node.text = between(body, root.content, reader.is_target)
            others = [each for each in body if each is main or not reader.is_target(each)]
            plans = [read.plan if each is main else root.child(each.tag, root.content) for each in others]
            node.children = [
                read if each is main else reader.node(plan, each, 1)
                for plan, each in zip(plans, others, strict=True)
                if not plan.is_ignored
            ]
        return sealed(node, has_tolerances=bool(self._rules.tolerances))

    def _around(self, side: Reply, reader: Reader) -> Node:
        plan = self._plans.root.child(ENVELOPE, self._plans.root.content)
        node = Node(plan=plan, tag=ENVELOPE, content=plan.content)
        if side.envelope is None or plan.is_ignored:
            return node
        node.value, node.text = between(side.envelope, plan.content, side.is_header)
        children = [(plan.child(each.tag, plan.content), each) for each in side.envelope if not side.is_header(each)]
        node.children = [
            # The Body, which is compared by itself, is here for its place only.
            same(below, "Body", 0) if each is side.body else reader.node(below, each, 1)
            for below, each in children
            if not below.is_ignored
        ]
        return sealed(node, has_tolerances=bool(self._rules.tolerances))

    def _header(self, side: Reply, reader: Reader) -> Node:
        root = self._plans.root
        plan = root.child(HEADER, root.content)
        node = Node(plan=plan, tag=HEADER, content=plan.content)
        compared = ((plan.child(each.tag, plan.content), each) for each in self._headers(side))
        node.children = [reader.node(below, each, 1) for below, each in compared if not below.is_ignored]
        return sealed(node, has_tolerances=bool(self._rules.tolerances))

    def _headers(self, side: Reply) -> list[Element]:
        return [each for each in side.headers if self._is_compared(each)]

    def _is_compared(self, header: Element) -> bool:
        return "*" in self._rules.headers or local_name(header) in self._rules.headers

    def _reader(self, side: Reply) -> Reader:
        most = min(self._most_elements, _MOST_SHARED * side.elements)
        reader = Reader(self._plans, is_encoded=self._is_encoded, most=most)
        if side.body is not None:
            reader.index(side.body)
        return reader


def _first(side: Reply) -> list[Element]:
    return [] if side.body is None else [side.body, *[*side.body][:1]]


def _fingerprint(side: Reply, headers: list[Element]) -> bytes:
    """Return a hash of what is compared, in canonical form.

    The form is the inclusive one: in the exclusive one, prefixes that stand in values alone are lost, and two names
    of different namespaces would be the same.
    """
    found = blake2b(digest_size=32)
    for element in (*headers, side.body):
        if element is not None:
            found.update(etree.tostring(element, method="c14n", with_comments=False, with_tail=False))
    return found.digest()


def _unlike(left: Reply, right: Reply) -> Comparison:
    """Return what is said of replies of which one at least can't be read."""
    told = [side.reason or f"{'an' if side.outcome == 'answer' else 'a'} {side.outcome}" for side in (left, right)]
    # Where in a reply it breaks off is of no class.
    shape = " -> ".join(each.partition(", line")[0] for each in told)
    difference = Difference(
        kind="unreadable", path="/", generic="/", type=None, left=told[0], right=told[1], shape=shape
    )
    return Comparison(left=left.outcome, right=right.outcome, differences=(difference,))


def _fault_beside_answer(left: Reply, right: Reply) -> Difference:
    told = [side.outcome if side.fault is None else f"fault {_safe(fault.code(side.fault))}" for side in (left, right)]
    return Difference(
        kind="fault", path="/", generic="/", type=None, left=told[0], right=told[1], shape=" -> ".join(told)
    )


def _safe(code: str) -> str:
    return code if code in fault.STANDARD else masked(code)
