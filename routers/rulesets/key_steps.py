"""Whether the steps of a key lead to a value in the calls of an operation, as its contract has them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.document import meant
from contracts.legacy.soap.contract.model import Body
from contracts.legacy.xml import local
from routers.rulesets.content import Child, Content, Contents

__all__ = ["Strayed", "strayed"]

_NAMED: Final = 8
_OPEN: Final = "; the contract lets others stand there, too, so it may be one of those"
_Spell = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strayed:
    """Why no call has a key there, or only some calls can."""

    said: str
    is_certain: bool


def strayed(body: Body, contents: Contents, steps: Sequence[str], *, spell: _Spell = str) -> Strayed | None:
    """Return why the steps lead to no value; None where a call that the contract allows has one.

    Args:
        body: What a call sends.
        contents: Of the contract's schemas.
        steps: Of the key, `Body` or `Header` first.
        spell: Writes `{namespace}name` as the document of the rules does.
    """
    walk = _Walk(contents, steps, spell)
    if steps[0] == "Body":
        found = walk.follow(contents.body(body))
        # SOAP encoding puts values elsewhere, and refers to them.
        return found if found is None or body.use == "literal" else replace(found, is_certain=False)
    return _of_header(walk, contents.parts(tuple(each.part for each in body.headers)), steps)


def _of_header(walk: "_Walk", declared: Content, steps: Sequence[str]) -> Strayed | None:
    """Judge a key in the Header: a contract need not declare what stands there (WS-Security, say)."""
    names = {local(each) for each in declared.children}
    if _matched(declared.children, steps[1]):
        return walk.follow(declared)
    found = walk.follow(declared) if local(steps[1]) in names else None
    return None if found is None else replace(found, is_certain=False)


class _Walk:
    """Follows steps from one element into the next; what matches a step may be of several types."""

    def __init__(self, contents: Contents, steps: Sequence[str], spell: _Spell) -> None:
        self._contents, self._steps, self._spell = contents, steps, spell

    def follow(self, top: Content) -> Strayed | None:
        """Return why the steps lead to no value."""
        here, by = [top], list[str]()
        for at, step in enumerate(self._steps[1:], 1):
            if step.startswith("@"):
                return self._attribute(here, step, by)
            children = [child for each in here for child in _matched(each.children, step).values()]
            if not children:
                return self._none(here, at)
            by += _needed([child.by for child in children])
            here = [self._contents.within(child) for child in children]
        if not any(each.has_text for each in here):
            return self._without_text(here)
        return self._only_by(by)

    def _attribute(self, here: Sequence[Content], step: str, by: list[str]) -> Strayed | None:
        there = {name: derived for each in here for name, derived in each.attributes.items()}
        if step[1:] in there:
            return self._only_by([*by, *_needed([there[step[1:]]])])
        is_open = any(each.is_open_to_attributes for each in here)
        said = f"{self._spelled(self._steps)!r}: the contract has no attribute {step} there"
        said += meant(step, [f"@{each}" for each in there]) or _listed([f"@{each}" for each in there])
        return Strayed(said=said + (_OPEN if is_open else ""), is_certain=not is_open)

    def _none(self, here: Sequence[Content], at: int) -> Strayed:
        """Return that no element of a name is there, with the one that is meant."""
        step, there = self._steps[at], {name: child for each in here for name, child in each.children.items()}
        is_open = any(each.is_open for each in here)
        above = self._spelled(self._steps[:at])
        said = f"{self._spelled(self._steps)!r}: the contract has no {self._spell(step)} in {above}"
        if (same := next((name for name in there if local(name) == local(step)), None)) is not None:
            namespace = same.rpartition("}")[0].removeprefix("{")
            said += f": there, {local(step)} is " + (
                f"of the namespace {namespace}" if namespace else "of no namespace"
            )
            said += f"; did you mean {self._spelled(self._mended(here, at))!r}?"
        else:
            near = meant(local(step), map(local, there))
            said += near or _listed([self._spell(each) for each in there])
        return Strayed(said=said + (_OPEN if is_open else ""), is_certain=not is_open)

    def _mended(self, here: Sequence[Content], at: int) -> Sequence[str]:
        """Return the steps with each name in the namespace in which the contract has it."""
        steps = list(self._steps)
        for place in range(at, len(steps)):
            there = {name: child for each in here for name, child in each.children.items()}
            found = _matched(there, steps[place]) or _matched(there, local(steps[place]))
            if not found:
                break
            if steps[place] not in found and steps[place].startswith("{"):
                steps[place] = next(iter(found))
            here = [self._contents.within(child) for child in found.values()]
        return steps

    def _without_text(self, here: Sequence[Content]) -> Strayed:
        names = [self._spell(name) for each in here for name in each.children]
        said = f"{self._spelled(self._steps)!r}: what stands there holds elements, and no text that could be a key"
        return Strayed(said=said + _listed(names), is_certain=True)

    def _only_by(self, by: Sequence[str]) -> Strayed | None:
        if not by:
            return None
        types = " and ".join(dict.fromkeys(by))
        said = f"{self._spelled(self._steps)!r}: only calls whose xsi:type says {types} have it"
        return Strayed(said=said, is_certain=False)

    def _spelled(self, steps: Sequence[str]) -> str:
        return "/".join(map(self._spell, steps))


def _matched(children: Mapping[str, Child], step: str) -> Mapping[str, Child]:
    """Return those that a step takes; one without a namespace takes any."""
    if step.startswith("{"):
        return {step: children[step]} if step in children else {}
    return {name: child for name, child in children.items() if local(name) == step}


def _needed(types: Sequence[str | None]) -> Sequence[str]:
    """Return the derived types of which one is needed; none where the declared type will do."""
    return [] if None in types else [" or ".join(dict.fromkeys(each for each in types if each is not None))]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return f"; there are: {', '.join(names[:_NAMED]) or 'none'}" + (f" and {more} more" if more > 0 else "")
