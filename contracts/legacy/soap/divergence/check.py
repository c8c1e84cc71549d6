"""Whether the paths of rules are in the contract: a rule for what there is not would silently do nothing."""

from collections.abc import Iterable, Iterator, Mapping

from contracts.errors import ConfigError
from contracts.legacy.soap.divergence import fault
from contracts.legacy.soap.divergence.content import Content, Types
from contracts.legacy.soap.divergence.declared import ENVELOPE, HEADER
from contracts.legacy.soap.divergence.paths import Pattern, Step
from contracts.legacy.soap.divergence.rules import Rules
from contracts.legacy.soap.moments import zone
from contracts.legacy.xml import local

__all__ = ["problems"]


def problems(rules: Rules, root: Content, types: Types) -> Iterator[str]:
    """Yield a sentence for each path that the contract has not, with what there is."""
    checked = _Checked(root, types)
    for name, paths in _paths(rules).items():
        for path in paths:
            yield from checked.path(name, path)
    try:
        if rules.default_zone is not None:
            zone(rules.default_zone)
    except ConfigError as error:
        yield from error.problems
    for place, rule in enumerate(rules.unordered):
        for key in rule.key:
            yield from checked.path(f"unordered.{place}.key", f"{rule.path}/{key}")


def _paths(rules: Rules) -> Mapping[str, Iterable[str]]:
    return {
        "ignore": rules.ignore,
        "unordered": [rule.path for rule in rules.unordered],
        "tolerances": [rule.path for rule in rules.tolerances],
        "nil_is_absent": rules.nil_is_absent,
        "empty_is_absent": rules.empty_is_absent,
        "absent_is_default": rules.absent_is_default,
        "texts": [rule.path for rule in rules.texts],
        "public": rules.public,
    }


class _Checked:
    def __init__(self, root: Content, types: Types) -> None:
        self._root = root
        answers = {tag: each for tag, each in root.elements.items() if tag not in {fault.FAULT, HEADER, ENVELOPE}}
        self._answers = Content(elements=answers)
        self._types = types

    def path(self, rule: str, path: str) -> Iterator[str]:
        """Yield what is wrong with a path, if anything is."""
        try:
            steps = Pattern(path).steps
        except ValueError as error:
            yield f"{rule}: {error}"
            return
        reached, above = [self._root], ""
        for step in steps:
            if any(each.is_free for each in reached):
                return
            found = [*self._reached(step, reached)]
            if not found and not self._is_open(step, reached):
                there = ", ".join(self._there(step, reached)) or "nothing"
                yield f"{rule}: {path}: {above or 'the Body'} has no {_written(step)}; there are: {there}"
                return
            if not found:
                return
            reached, above = found, above + ("//" if step.is_deep else "/") + _written(step)

    def _is_open(self, step: Step, above: list[Content]) -> bool:
        # A fault's detail may hold anything, which is no reason to take `//anything`.
        start = [self._answers if each is self._root else each for each in above]
        return any(each.is_open for each in self._all(start, is_deep=step.is_deep))

    def _reached(self, step: Step, above: list[Content]) -> Iterator[Content]:
        for each in self._all(above, is_deep=step.is_deep):
            if step.is_attribute:
                yield from (Content() for name in each.attributes if step.fits(local(name)))
            else:
                for tag, declared in each.elements.items():
                    if step.fits(local(tag)):
                        yield self._types.of(declared.type)

    def _all(self, start: list[Content], *, is_deep: bool) -> list[Content]:
        """Return these, and with a deep step all that is below them."""
        found = {id(each): each for each in start}
        waiting = [*start] if is_deep else []
        while waiting:
            for declared in waiting.pop().elements.values():
                below = self._types.of(declared.type)
                if id(below) not in found:
                    found[id(below)] = below
                    waiting.append(below)
        return [*found.values()]

    def _there(self, step: Step, above: list[Content]) -> list[str]:
        every = self._all(above, is_deep=step.is_deep)
        if step.is_attribute:
            return sorted({"@" + local(name) for each in every for name in each.attributes})
        return [*dict.fromkeys(local(tag) for each in every for tag in each.elements if tag not in {HEADER, ENVELOPE})][
            :40
        ]


def _written(step: Step) -> str:
    return ("@" if step.is_attribute else "") + step.name
