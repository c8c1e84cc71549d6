"""Lists in pages: the items are made once and for all by the seed, and each stands on one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from xmlschema.validators import XsdElement

from adapters.soap.sandbox.scenario import Paging
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.model import Operation
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.xml import Element, local_name

__all__ = ["Pages"]

_MOST_TRIES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    start: int
    end: int


class Pages:
    """The pages of one operation.

    Raises:
        ConfigError: The answer has no such element, or one that is not repeated.
    """

    def __init__(self, paging: Paging, operation: Operation, sampler: Sampler, *, schemas: Schemas, seed: int) -> None:
        self._paging = paging
        self._sampler = sampler
        self._seed = (seed, operation.name, "items")
        self._declared = _declared(paging, operation, schemas)
        self._keys: dict[str, int] = {}
        self._attempts: list[int] = []

    def fill(self, asked: Sequence[Element], answer: Sequence[Element]) -> None:
        """Put the page that a request asks for into a sample of the answer, in place.

        Raises:
            ConfigError: What the request says of the page is no number.
        """
        paging, page = self._paging, self._page(asked[0] if asked else None)
        root = answer[0]
        self._put_items(root, page)
        is_last = page.end >= paging.total
        _say(root, paging.count, str(paging.total))
        _say(root, paging.complete, "true" if is_last else "false")
        _say(root, paging.next, None if is_last else str(page.end))

    def _page(self, asked: Element | None) -> _Slice:
        paging = self._paging
        start = _number(asked, paging.token) or _number(asked, paging.offset) or 0
        limit = _number(asked, paging.limit)
        size = paging.size if limit is None else limit
        start = max(0, min(start, paging.total))
        return _Slice(start=start, end=min(paging.total, start + max(0, size)))

    def _put_items(self, root: Element, page: _Slice) -> None:
        *above, name = self._paging.items
        parent = _found(root, above)
        if parent is None:
            raise ConfigError([f"paging.items: expected {'/'.join(self._paging.items)} in the answer, found no parent"])
        there = [child for child in parent if local_name(child) == name]
        place = parent.index(there[0]) if there else 0
        for child in there:
            parent.remove(child)
        for offset, number in enumerate(range(page.start, page.end)):
            parent.insert(place + offset, self._item(number))

    def _item(self, number: int) -> Element:
        while len(self._attempts) <= number:
            self._attempts.append(self._fresh(len(self._attempts)))
        return self._made(number, self._attempts[number])

    def _fresh(self, number: int) -> int:
        """Return the first attempt at an item whose key no other item has."""
        if self._paging.key is None:
            return 0
        for attempt in count():
            item = self._made(number, attempt)
            key = next((child.text or "" for child in item if local_name(child) == self._paging.key), None)
            if key is None or attempt > _MOST_TRIES:
                raise ConfigError([f"paging.key: expected {self._paging.key} in each item, with {number + 1} values"])
            if self._keys.setdefault(key, number) == number:
                return attempt
        raise AssertionError

    def _made(self, number: int, attempt: int) -> Element:
        return self._sampler.declared(self._declared, seed=(self._seed, number, attempt))


def _declared(paging: Paging, operation: Operation, schemas: Schemas) -> XsdElement:
    body = operation.output
    part = body.parts[0] if body is not None and body.parts else None
    root = None if part is None else schemas.element(part.element or "")
    kind = None if part is None else (schemas.type(part.type or "") if root is None else root.type)
    steps = paging.items[1:] if body is not None and body.wrapper else paging.items
    found = root
    for step in steps:
        group = None if kind is None else kind.model_group
        within = [] if group is None else [each for each in group.iter_elements() if isinstance(each, XsdElement)]
        found = next((each for each in within if each.local_name == step), None)
        kind = None if found is None else found.type
    if found is None or found.max_occurs == 1:
        where = "/".join(paging.items)
        raise ConfigError([f"operations.{operation.name}.paging.items: expected a repeated element, found {where}"])
    return found


def _found(root: Element, steps: Sequence[str]) -> Element | None:
    here: Element | None = root
    for step in steps:
        here = None if here is None else next((child for child in here if local_name(child) == step), None)
    return here


def _number(root: Element | None, steps: Sequence[str] | None) -> int | None:
    found = None if root is None or steps is None else _found(root, steps)
    text = "" if found is None else (found.text or "").strip()
    return int(text) if text.isdecimal() else None


def _say(root: Element, steps: Sequence[str] | None, text: str | None) -> None:
    found = None if steps is None else _found(root, steps)
    if found is None:
        return
    parent = found.getparent()
    if text is None and parent is not None:
        parent.remove(found)
    else:
        found.text = text
