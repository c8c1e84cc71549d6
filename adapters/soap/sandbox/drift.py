"""Answers as another version of a service might send them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from lxml import etree

from contracts.legacy.soap.contract.model import Body
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.validity import problems
from contracts.legacy.xml import Element

__all__ = ["Drifts"]

_MOST_TRIES: Final = 40
_T = TypeVar("_T")


class Drifts:
    """Changes what stands in a SOAP Body, in place."""

    def __init__(self, schemas: Schemas, body: Body) -> None:
        self._schemas = schemas
        self._body = body
        self._changes: Mapping[str, Callable[[Sequence[Element], Draw], str | None]] = {
            "add-element": self._add,
            "drop-optional": self._drop,
            "reorder": self._reorder,
            "rename": self._rename,
            "bad-value": self._spoil,
            "new-enum": self._widen,
        }

    def change(self, kind: str, children: Sequence[Element], draw: Draw) -> str | None:
        """Make one change; return the name of the element that it was made at, None where there is no place for it."""
        return self._changes[kind](children, draw)

    def _add(self, children: Sequence[Element], draw: Draw) -> str | None:
        for parent in _mixed_up(_inner(children), draw):
            if len(parent):
                namespace = parent[-1].tag.rpartition("}")[0]
                added = etree.SubElement(parent, (namespace + "}" if namespace else "") + "addedLater")
                added.text = "new"
                return added.tag
        return None

    def _rename(self, children: Sequence[Element], draw: Draw) -> str | None:
        for element in _mixed_up(_below(children), draw):
            element.tag += "V2"
            return element.tag
        return None

    def _reorder(self, children: Sequence[Element], draw: Draw) -> str | None:
        pairs = [
            (parent, place)
            for parent in _inner(children)
            for place in range(len(parent) - 1)
            if parent[place].tag != parent[place + 1].tag
        ]
        for parent, place in _mixed_up(pairs, draw)[:_MOST_TRIES]:
            first, second = parent[place], parent[place + 1]
            parent.insert(place, second)
            if self._is_wrong(children):
                return second.tag
            parent.insert(place, first)
        return None

    def _drop(self, children: Sequence[Element], draw: Draw) -> str | None:
        for element in _mixed_up(_below(children), draw)[:_MOST_TRIES]:
            parent = element.getparent()
            if parent is None:
                continue
            place = parent.index(element)
            parent.remove(element)
            if not self._is_wrong(children):
                return element.tag
            parent.insert(place, element)
        return None

    def _is_wrong(self, children: Sequence[Element]) -> bool:
        return next(problems(self._schemas, self._body, children), None) is not None

    def _spoil(self, children: Sequence[Element], draw: Draw) -> str | None:
        return self._replace(children, draw, text="n/a?", is_enumerated=False)

    def _widen(self, children: Sequence[Element], draw: Draw) -> str | None:
        return self._replace(children, draw, text="ADDED_LATER", is_enumerated=True)

    def _replace(self, children: Sequence[Element], draw: Draw, *, text: str, is_enumerated: bool) -> str | None:
        leaves = [each for each in _below(children) if not len(each) and each.text]
        for element in _mixed_up(leaves, draw)[:_MOST_TRIES]:
            before, element.text = element.text, text
            if any(each.is_enumerated >= is_enumerated for each in problems(self._schemas, self._body, children)):
                return element.tag
            element.text = before
        return None


def _below(children: Sequence[Element]) -> list[Element]:
    return [each for child in children for each in child.iterdescendants()]


def _inner(children: Sequence[Element]) -> list[Element]:
    return [each for child in children for each in child.iter() if len(each)]


def _mixed_up(elements: Sequence[_T], draw: Draw) -> list[_T]:
    return [elements[place] for place in sorted(range(len(elements)), key=lambda place: draw.at("drift", place).key)]
