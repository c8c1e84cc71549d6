"""What of an item makes a change, and what does not. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import cast, final

from adapters.soap.changes import Listed, Record
from contracts.errors import RecordError
from contracts.legacy import xml
from contracts.legacy.soap.message.deviation import Deviation
from contracts.legacy.xml import Element, local_name

__all__ = ["Without", "digest_without"]


def digest_without(data: bytes, paths: Iterable[Sequence[str]]) -> str:
    """Return the hash of an item without what stands at some paths, whether the contract knows it or not.

    >>> digest_without(b"<a><b>1</b><seen>2</seen></a>", [["seen"]]) == digest_without(b"<a> <b>1</b></a>", [["seen"]])
    True

    Args:
        data: The item, canonical.
        paths: Local names from below the item: `audit/seen`, `@version`. What repeats is left out each time.
    """
    item = xml.parse(data)
    for path in paths:
        for owner in _at(item, path[:-1]):
            _leave_out(owner, path[-1])
    for element in item.iter():
        # Blanks between elements are layout, and go with what they stood around.
        if len(element) and not (element.text or "").strip():
            element.text = None
        if element.tail is not None and not element.tail.strip():
            element.tail = None
    return hashlib.blake2b(xml.canonical(item), digest_size=16).hexdigest()


@final
class Without:
    """An item of a listing whose hash is that without what stands at some paths; all else is the item's own."""

    __slots__ = ("_item", "digest")

    def __init__(self, item: Listed, paths: Iterable[Sequence[str]]) -> None:
        self._item = item
        self.digest = digest_without(item.xml, paths)

    @property
    def record(self) -> Record:
        """Return its values."""
        return self._item.record

    @property
    def xml(self) -> bytes:
        """Return its canonical bytes, whole."""
        return self._item.xml

    @property
    def error(self) -> RecordError | None:
        """Return why it is refused."""
        return self._item.error

    @property
    def deviations(self) -> Sequence[Deviation]:
        """Return what was tolerated."""
        return self._item.deviations


def _at(element: Element, steps: Sequence[str]) -> Iterable[Element]:
    if not steps:
        return [element]
    return [found for child in element if local_name(child) == steps[0] for found in _at(child, steps[1:])]


def _leave_out(owner: Element, name: str) -> None:
    if name.startswith("@"):
        for each in [*cast("Iterable[str]", owner.keys())]:
            if each.rpartition("}")[2] == name[1:]:
                del owner.attrib[each]
        return
    for child in [child for child in owner if local_name(child) == name]:
        tail, before = child.tail, child.getprevious()
        owner.remove(child)
        # In mixed content it is text of the owner, which lxml takes away with the element.
        if tail and before is not None:
            before.tail = (before.tail or "") + tail
        elif tail:
            owner.text = (owner.text or "") + tail
