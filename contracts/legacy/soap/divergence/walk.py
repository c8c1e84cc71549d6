"""Goes through two replies that were read, and tells where they differ."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from functools import partial
from typing import Final, final

from contracts.legacy.soap import moments, scalar
from contracts.legacy.soap.divergence import fault
from contracts.legacy.soap.divergence.alignment import Aligner, Pair
from contracts.legacy.soap.divergence.difference import Difference, Kind
from contracts.legacy.soap.divergence.hint import hint
from contracts.legacy.soap.divergence.mask import masked, shape
from contracts.legacy.soap.divergence.matching import Moved, Places, key_of
from contracts.legacy.soap.divergence.node import Node
from contracts.legacy.soap.divergence.plan import Plan
from contracts.legacy.soap.divergence.rules import Tolerance
from contracts.legacy.soap.moments import Duration, Moment
from contracts.legacy.xml import local

__all__ = ["FullError", "Walk"]

_NIL: Final = "nil"
_CODE: Final = f"/{fault.FAULT}/code"


class FullError(Exception):
    """As many differences were found as are kept."""


@final
class Walk:
    """Collects the differences of one comparison."""

    def __init__(self, most: int) -> None:
        self.found: list[Difference] = []
        self._most, self._aligner = most, Aligner()

    def nodes(self, left: Node, right: Node, path: str) -> None:
        """Compare two elements that belong together."""
        if left.key == right.key:
            return
        if left.type_name != right.type_name:
            names = [
                local(each or "") or left.plan.content.name or "none" for each in (left.type_name, right.type_name)
            ]
            self._tell("type", path, left.plan, texts=(None, None), shown=(names[0], names[1]))
        elif left.is_nil != right.is_nil:
            self._nil((left, right), path, left.plan)
        else:
            if not _agree(left.plan, left.value, right.value):
                kind: Kind = "fault" if left.plan.path == _CODE else "value"
                words = hint((left.value, right.value), (left.text, right.text))
                self._tell(kind, path, left.plan, texts=(_text(left), _text(right)), words=words)
            self._attributes(left, right, path)
            self._children(left, right, path)

    def _nil(self, sides: tuple[Node | None, Node | None], path: str, plan: Plan) -> None:
        texts = [None if each is None or each.is_nil else _text(each) for each in sides]
        told = [
            _NIL if each is not None and each.is_nil else _shown(text, plan)
            for each, text in zip(sides, texts, strict=True)
        ]
        self._tell("nil", path, plan, texts=(texts[0], texts[1]), shown=(told[0], told[1]))

    def _attributes(self, left: Node, right: Node, path: str) -> None:
        for name in sorted({*left.attributes, *right.attributes}):
            mine, theirs = left.attributes.get(name), right.attributes.get(name)
            where = f"{path}/@{local(name)}"
            if mine is not None and theirs is not None:
                if not _agree(mine.plan, mine.value, theirs.value) and not (mine.is_void and theirs.is_void):
                    words = hint((mine.value, theirs.value), (mine.text, theirs.text))
                    self._tell("value", where, mine.plan, texts=(mine.text, theirs.text), words=words)
            elif mine is not None and not mine.is_void:
                self._lone("missing", where, mine.plan, texts=(mine.text, mine.plan.declared.default))
            elif theirs is not None and not theirs.is_void:
                self._lone("added", where, theirs.plan, texts=(theirs.plan.declared.default, theirs.text))

    def _lone(self, kind: Kind, path: str, plan: Plan, *, texts: tuple[str | None, str | None]) -> None:
        # Beside a default, an absent one has a value.
        self._tell("value" if plan.declared.default is not None else kind, path, plan, texts=texts)

    def _children(self, left: Node, right: Node, path: str) -> None:
        if not left.children and not right.children:
            return
        places = (Places(left), Places(right))
        pairs = self._pairs(left, right)
        moved = Moved([pair for pair in pairs if pair[0] is None or pair[1] is None])
        for mine, theirs in pairs:
            partner = None if mine is None else moved.partner(mine)
            if mine is not None and theirs is not None:
                self.nodes(mine, theirs, f"{path}{places[0].of(mine)}")
            elif mine is not None and partner is not None:
                self._moved((mine, partner), places, path)
            elif mine is not None and not mine.is_void:
                self._one_side(mine, right, f"{path}{places[0].of(mine)}", is_left=True)
            elif theirs is not None and not moved.is_partner(theirs) and not theirs.is_void:
                self._one_side(theirs, left, f"{path}{places[1].of(theirs)}", is_left=False)

    def _moved(self, pair: tuple[Node, Node], places: tuple[Places, Places], path: str) -> None:
        node, other = pair
        where = f"{path}{places[0].of(node)}"
        if other.tag != node.tag:
            self._tell("namespace", where, node.plan, texts=(None, None), shown=(node.tag, other.tag))
            return
        if node.plan.rules.unordered is None and not (node.is_void and other.is_void):
            shown = (places[0].told(node), places[1].told(other))
            self._tell("order", where, node.plan, texts=(None, None), shown=shown)
        self.nodes(node, other, where)

    def _one_side(self, node: Node, other: Node, path: str, *, is_left: bool) -> None:
        declared = node.plan.declared
        if node.is_nil:
            self._nil((node, None) if is_left else (None, node), path, node.plan)
            return
        is_too_many = declared.is_once and any(each.tag == node.tag for each in other.children)
        kind: Kind = "cardinality" if is_too_many else "missing" if is_left else "added"
        default = declared.default if node.plan.rules.absent_is_default and not is_too_many else None
        if default is not None and declared.is_once:
            kind = "value"
        text = _text(node)
        texts = (text, default) if is_left else (default, text)
        size = f"{len(node.children)} elements" if node.children else None
        shown = None if size is None else (size, None) if is_left else (None, size)
        self._tell(kind, path, node.plan, texts=texts, shown=shown)

    def _pairs(self, left: Node, right: Node) -> list[Pair]:
        if left.content.is_all:
            return self._by(left.children, right.children, lambda node: node.tag)
        rules = ((child.tag, child.plan.rules.unordered) for child in (*left.children, *right.children))
        loose = {tag: rule for tag, rule in rules if rule is not None}
        if not loose:
            return self._aligner.ordered(left.children, right.children)
        mine, theirs = ([node for node in each.children if node.tag not in loose] for each in (left, right))
        pairs = self._aligner.ordered(mine, theirs)
        for tag, rule in loose.items():
            mine, theirs = ([node for node in each.children if node.tag == tag] for each in (left, right))
            pairs += self._by(mine, theirs, partial(key_of, rule.key))
        return pairs

    def _by(self, left: Iterable[Node], right: Iterable[Node], key: Callable[[Node], Hashable]) -> list[Pair]:
        """Pair elements by a key; several with the same one by what they hold."""
        groups: dict[Hashable, tuple[list[Node], list[Node]]] = defaultdict(lambda: ([], []))
        shared = {id(node) for node in left} & {id(node) for node in right}
        for side, nodes in enumerate((left, right)):
            for node in nodes:
                if id(node) not in shared:
                    groups[key(node)][side].append(node)
        pairs: list[Pair] = []
        for mine, theirs in groups.values():
            pairs += [(mine[0], theirs[0])] if len(mine) == len(theirs) == 1 else self._aligner.unordered(mine, theirs)
        return pairs

    def _tell(
        self,
        kind: Kind,
        path: str,
        plan: Plan,
        *,
        texts: tuple[str | None, str | None],
        shown: tuple[str | None, str | None] | None = None,
        words: str = "",
    ) -> None:
        """Keep a difference; names and places are shown as they are, texts only where the rules call them public."""
        told = shown or tuple(_shown(text, plan) for text in texts)
        pattern = "" if shown else " -> ".join("" if text is None else shape(text) for text in texts)
        if kind == "type" and shown:
            pattern = f"{shown[0]} -> {shown[1]}"
        if kind == "nil" and shown:
            pattern = " -> ".join("none" if each is None else _NIL if each == _NIL else "value" for each in shown)
        self.found.append(
            Difference(
                kind=kind,
                path=path,
                generic=plan.path,
                type=plan.content.name,
                left=told[0],
                right=told[1],
                shape=pattern,
                hint=words,
            )
        )
        if len(self.found) >= self._most:
            raise FullError


def _agree(plan: Plan, left: Hashable, right: Hashable) -> bool:
    if left == right:
        return True
    rule = plan.rules.tolerance
    return rule is not None and _is_near(rule, scalar.bare(left), scalar.bare(right))


def _is_near(rule: Tolerance, left: Hashable, right: Hashable) -> bool:
    if isinstance(left, Moment | Duration) and isinstance(right, Moment | Duration):
        between = moments.apart(left, right)
        return between is not None and rule.seconds is not None and between <= rule.seconds
    one, other = scalar.number(left), scalar.number(right)
    if one is None or other is None or not (one.is_finite() and other.is_finite()):
        return False
    apart = abs(one - other)
    largest = max(abs(one), abs(other))
    return apart <= max(rule.absolute or Decimal(0), (rule.relative or Decimal(0)) * largest)


def _text(node: Node) -> str | None:
    if node.children:
        return None if node.value is None else node.text
    return node.text


def _shown(text: str | None, plan: Plan) -> str | None:
    if text is None:
        return None
    is_known = plan.rules.is_public or (plan.path == _CODE and text in fault.STANDARD)
    return text if is_known else masked(text)
