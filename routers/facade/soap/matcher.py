"""Which rule takes a call: by method and path, or by the name of the Body's child.

One worker's index over its ruleset. It changes in proportion to what changed, and every look-up takes the same
time however many rules there are.
"""

import re
from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from routers.rulesets.ruleset import EMPTY, Rule, Ruleset

__all__ = ["Matcher"]

_PARAMETER = re.compile(r"\{[a-z_][a-z0-9_]*\}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOTS = frozenset({".", ".."})
_SEPARATORS = "/#:"
_Call: TypeAlias = tuple[list[str], tuple[str, ...]]
"""Path segments, and the methods whose routes take the call, the best first."""
_VERDICTS, _VERDICT_LENGTH = 4096, 256


class _Node:
    """A place in the tree of path segments."""

    __slots__ = ("literals", "parameter", "rules")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.rules: dict[str, list[Rule]] = {}

    @property
    def empty(self) -> bool:
        return not (self.literals or self.rules or self.parameter)


class Matcher:
    """Finds the rule of a call.

    A ruleset names each operation once; should two rules claim the same one, the first by name has it, in every
    process and whatever came before.
    """

    def __init__(self) -> None:
        self._ruleset = EMPTY
        self._clear()

    def _clear(self) -> None:
        self._operations: dict[str, list[Rule]] = {}
        # Counted, since several operations may share an action or a local name.
        self._actions, self._locals, self._joined = Counter[str](), Counter[str](), Counter[str]()
        self._root = _Node()
        self._parameters: dict[str, tuple[str, ...]] = {}
        self._verdicts: dict[tuple[str, str], bool] = {}

    def use(self, ruleset: Ruleset, changed: Collection[str] | None) -> None:
        """Follow a ruleset.

        Args:
            ruleset: The one to follow from now on.
            changed: The capabilities in which it differs from the last one; None when that is not known.
        """
        if changed is None:
            self._clear()
            for rule in ruleset.rules.values():
                self._put(rule)
        else:
            for rule in _rules(self._ruleset, changed):
                self._drop(rule)
            for rule in _rules(ruleset, changed):
                self._put(rule)
        self._verdicts.clear()
        self._ruleset = ruleset

    @property
    def has_soap(self) -> bool:
        """Tell whether any rule takes SOAP calls; without one, no message need be read."""
        return bool(self._operations)

    @property
    def has_rest(self) -> bool:
        """Tell whether any rule takes calls by method and path."""
        return bool(self._parameters)

    def soap(self, operation: str) -> Rule | None:
        """Return the rule of `{namespace}name`, the Body's child."""
        rules = self._operations.get(operation)
        return None if rules is None else rules[0]

    def rest(self, method: str, path: str) -> tuple[Rule, Mapping[str, str]] | None:
        """Return the rule of a method and a path without its query, and the path's parameters, decoded.

        A literal segment comes before a parameter. A path that servers read in different ways matches nothing:
        dot segments and empty ones, encoded or not; escapes that are none; what is no UTF-8.
        """
        segments = _segments(path)
        if segments is None:
            return None
        methods = ("HEAD", "GET") if method == "HEAD" else (method,)
        found = _find(self._root, (segments, methods))
        return None if found is None else (found[0], dict(zip(self._parameters[found[0].name], found[1], strict=True)))

    def disagrees(self, rule: Rule, action: str) -> bool:
        """Tell whether a SOAPAction, or an `action` of SOAP 1.2, names another operation than the Body does.

        Where the contract declares the operation's action, anything else does. Otherwise what is declared for, or
        made from the name of, another operation that is known here: `{ns}/Op`, `{ns}#Op`, `{ns}:Op`, `{ns}Op`, `Op`,
        each also with `Request` after it. An empty action names nothing; quotes do not matter.
        """
        named = (rule.route.soap or "", action)
        verdict = self._verdicts.get(named)
        if verdict is None:
            verdict = self._disagrees(rule, _bare(action))
            if len(self._verdicts) == _VERDICTS:
                self._verdicts.clear()
            if len(action) <= _VERDICT_LENGTH:
                self._verdicts[named] = verdict
        return verdict

    def strays(self, operation: str | None, action: str) -> bool:
        """Tell whether an action names an operation that is known here, while the Body has one that no rule takes.

        A server that goes by the action would do what nobody has decided on.

        Args:
            operation: `{namespace}name`; None where the Body is empty.
            action: As for `disagrees`.
        """
        bare = _bare(action)
        return bool(bare) and self._names_another(operation or "", bare)

    def _disagrees(self, rule: Rule, action: str) -> bool:
        declared = _bare(rule.route.action or "")
        if not action or declared:
            return action not in {"", declared}
        return self._names_another(rule.route.soap or "", action)

    def _names_another(self, operation: str, action: str) -> bool:
        namespace, _, local = operation.removeprefix("{").rpartition("}")
        own = {local, *(f"{namespace}{separator}{local}" for separator in ("", *_SEPARATORS))} if local else set[str]()
        if action in own:
            return False
        if self._is_known(action):
            return True
        stem = action.removesuffix("Request")
        return stem != action and stem not in own and self._is_known(stem)

    def _is_known(self, action: str) -> bool:
        """Tell whether it names an operation of some rule."""
        if action in self._actions or action in self._locals or action in self._joined:
            return True
        at = max(map(action.rfind, _SEPARATORS))
        # The separator may be the namespace's own last character.
        namespaces = () if at < 0 else (action[:at], action[: at + 1])
        return any(f"{{{namespace}}}{action[at + 1 :]}" in self._operations for namespace in namespaces)

    def _put(self, rule: Rule) -> None:
        route = rule.route
        if route.soap is not None:
            self._count(route.soap, route.action, 1)
            insort(self._operations.setdefault(route.soap, []), rule, key=_name)
        elif route.rest is not None:
            method, steps = _template(route.rest)
            node = self._root
            for step in steps:
                node = _below(node, step)
            insort(node.rules.setdefault(method, []), rule, key=_name)
            self._parameters[rule.name] = _names(route.rest)

    def _drop(self, rule: Rule) -> None:
        route = rule.route
        if route.soap is not None:
            self._count(route.soap, route.action, -1)
            _remove(self._operations, route.soap, rule)
        elif route.rest is not None:
            method, steps = _template(route.rest)
            way = [self._root]
            for step in steps:
                way.append(_below(way[-1], step))
            _remove(way[-1].rules, method, rule)
            del self._parameters[rule.name]
            _prune(way, steps)

    def _count(self, operation: str, action: str | None, change: int) -> None:
        namespace, _, local = operation[1:].partition("}")
        for counter, name in ((self._locals, local), (self._joined, namespace + local), (self._actions, action)):
            if name and (bare := _bare(name)):
                counter[bare] += change
                if not counter[bare]:
                    del counter[bare]


def _bare(action: str) -> str:
    return action.strip(' \t"')


def _name(rule: Rule) -> str:
    return rule.name


def _rules(ruleset: Ruleset, capabilities: Collection[str]) -> Iterator[Rule]:
    for name in capabilities:
        if (capability := ruleset.capabilities.get(name)) is not None:
            for route in capability.routes:
                yield ruleset.rules[f"{name}/{route}"]


def _remove(index: dict[str, list[Rule]], key: str, rule: Rule) -> None:
    index[key] = [other for other in index[key] if other.name != rule.name]
    if not index[key]:
        del index[key]


def _template(rest: str) -> tuple[str, list[str | None]]:
    """Return method and segments of a route; None stands for a parameter."""
    method, _, path = rest.partition(" /")
    steps = path.split("/") if path else []
    return method, [None if _PARAMETER.fullmatch(step) else _decoded(step) or step for step in steps]


def _names(rest: str) -> tuple[str, ...]:
    return tuple(step[1:-1] for step in rest.split("/") if _PARAMETER.fullmatch(step))


def _below(node: _Node, step: str | None) -> _Node:
    if step is not None:
        return node.literals.setdefault(step, _Node()) if step not in node.literals else node.literals[step]
    if node.parameter is None:
        node.parameter = _Node()
    return node.parameter


def _prune(way: list[_Node], steps: list[str | None]) -> None:
    """Remove what became empty, from the leaf up."""
    for node, step in zip(reversed(way[:-1]), reversed(steps), strict=True):
        if not _below(node, step).empty:
            return
        if step is None:
            node.parameter = None
        else:
            del node.literals[step]


def _segments(path: str) -> list[str] | None:
    """Return the decoded segments of a path; None where servers would not agree on them."""
    if not path.startswith("/") or "//" in path or not path.isascii():
        return None
    segments = path[1:].split("/") if path != "/" else []
    # Splitting comes first: an encoded slash is part of its segment.
    if "%" in path:
        decoded = [_decoded(segment) for segment in segments]
        segments = [segment for segment in decoded if segment is not None]
        if len(segments) != len(decoded):
            return None
    # Some servers cut a segment at its semicolon before they look for dots.
    if "." in path or "%" in path:
        return None if any(segment.partition(";")[0] in _DOTS for segment in segments) else segments
    return segments


def _decoded(segment: str) -> str | None:
    if "%" not in segment:
        return segment
    if _BAD_ESCAPE.search(segment):
        return None
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return None


def _find(node: _Node, call: _Call, at: int = 0) -> tuple[Rule, tuple[str, ...]] | None:
    """Return the rule and the parameters of the path's rest."""
    segments, methods = call
    if at == len(segments):
        rules = next((node.rules[method] for method in methods if method in node.rules), None)
        return None if rules is None else (rules[0], ())
    segment = segments[at]
    below = node.literals.get(segment)
    found = None if below is None else _find(below, call, at + 1)
    if found is None and segment and node.parameter is not None:
        found = _find(node.parameter, call, at + 1)
        return None if found is None else (found[0], (segment, *found[1]))
    return found
