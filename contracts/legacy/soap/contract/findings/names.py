"""Findings of names: what happens to them where namespaces are dropped, or where a field of Python has them."""

import keyword
from collections import defaultdict
from collections.abc import Iterator

from contracts.legacy.soap.contract.component import Attribute, ComplexType, ElementUse
from contracts.legacy.soap.contract.findings.kind import finding, listed
from contracts.legacy.soap.contract.findings.structure import all_names, own
from contracts.legacy.soap.contract.model import Finding, Place
from contracts.legacy.soap.contract.reach import Owner, Reach, inside
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.xml import local

__all__ = ["names"]


def names(shapes: Shapes, reached: Reach) -> Iterator[Finding]:
    """Yield what is to be known of the names of what the operations reach."""
    spaces: defaultdict[str, dict[str, Place]] = defaultdict(dict)
    for owner in own(shapes, reached):
        name = owner.name or ""
        if not isinstance(owner, ElementUse):
            spaces[local(name)].setdefault(name, owner.place)
        yield from _of_owner(shapes, owner)
    for name, places in spaces.items():
        if len(places) > 1:
            where = ", ".join(each.rpartition("}")[0][1:] or "none" for each in places)
            yield finding("same-name", next(iter(places.values())), about=name, name=name, names=where)


def _of_owner(shapes: Shapes, owner: Owner) -> Iterator[Finding]:
    pieces, about = [*inside(owner)], local(owner.name or "")
    named = (piece.name for piece in pieces if isinstance(piece, ElementUse | Attribute))
    awkward = [name for name in named if _is_awkward(name)]
    clashing = [name for piece in pieces if isinstance(piece, ComplexType) for name in _clashes(shapes, piece)]
    for code, found in (("awkward-name", awkward), ("clash", clashing)):
        if found:
            yield finding(code, owner.place, about=about, names=listed(found))


def _is_awkward(name: str) -> bool:
    plain = local(name)
    return not plain.isidentifier() or keyword.iskeyword(plain)


def _clashes(shapes: Shapes, found: ComplexType) -> Iterator[str]:
    """Yield the local names that several children or attributes of a type have."""
    children = {name for group in shapes.contents(found) for name in all_names(group)}
    met: defaultdict[str, int] = defaultdict(int)
    for name in (*children, *shapes.attributes(found)):
        met[local(name)] += 1
    yield from sorted(name for name, times in met.items() if times > 1)
