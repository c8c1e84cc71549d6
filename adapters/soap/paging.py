"""A listing that comes in pages: what to ask for next, and whether it stood still meanwhile. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.soap.changes import Listed
from adapters.soap.config import Paging
from contracts.errors import LegacyUnavailableError
from contracts.legacy.soap.message.reader import Rest
from contracts.record_path import at

__all__ = ["Pages"]


class Pages:
    """The pages of one listing; without `paging`, all of it is one page.

    By offset, each page is asked for from the last item of the page before: where that is another one by then, items
    have moved, and one may have been passed over. A page that is not full is the last only where full ones are known to
    be as long as `size`; a service whose own pages are shorter is asked on until nothing more comes.
    """

    def __init__(self, paging: Paging | None, *, system: str) -> None:
        self._paging, self._system = paging, system
        self._items, self._pages = 0, 0
        self._tokens: set[str] = set()
        self._first: str | None = None
        """The digest of an item: by page, of the page's first; by offset, of the first page's first."""
        self._heeded = False
        """By offset: the first page was as long as it was asked to be."""
        self._last: str | None = None
        """By offset: the digest of the last item."""

    def first(self) -> Mapping[str, Any]:
        """Return the parameters that ask for the first page; a token is not sent with it."""
        paging = self._paging
        if paging is None:
            return {}
        return self._size() if paging.by == "token" else {paging.parameter: str(paging.first), **self._size()}

    def begun(self, items: Sequence[Listed]) -> Sequence[Listed]:
        """Return the first items of a page without what the page before had.

        Raises:
            LegacyUnavailableError: The listing has changed between two pages.
        """
        if self._paging is not None and self._paging.by == "page" and items:
            self._refuse_again(items[0].digest)
        if self._last is None:
            self._first = self._first or (items[0].digest if items else None)
            return items
        if not items or items[0].digest != self._last:
            if items and items[0].digest == self._first:
                reason = "a page begins with the first item of all: the service does not heed where it should begin"
                raise LegacyUnavailableError(self._system, reason=reason)
            reason = "the listing changed while its pages were read: an item may have been passed over"
            raise LegacyUnavailableError(self._system, reason=reason)
        self._items -= 1
        return items[1:]

    def following(self, count: int, last: Listed | None, rest: Rest | None) -> Mapping[str, Any] | None:
        """Return the parameters that ask for the page after one of so many items; None where it was the last.

        Raises:
            LegacyUnavailableError: The pages do not end.
        """
        paging = self._paging
        if paging is None:
            return None
        if not self._pages:
            self._heeded = paging.size_parameter is not None and count >= paging.size
        more = count > (self._last is not None)
        self._items, self._pages = self._items + count, self._pages + 1
        begins = self._begins(paging, count, rest) if more or paging.by != "offset" else None
        if begins is None:
            return None
        if self._pages >= paging.most_pages or (paging.by == "token" and begins in self._tokens):
            reason = f"expected at most {paging.most_pages} pages, each with another token: they do not end"
            raise LegacyUnavailableError(self._system, reason=reason)
        self._tokens.add(begins)
        self._last = last.digest if paging.by == "offset" and last is not None else None
        return {paging.parameter: begins, **self._size()}

    def _begins(self, paging: Paging, count: int, rest: Rest | None) -> str | None:
        if paging.by == "token":
            found = None if rest is None or paging.token is None else at(rest.record, paging.token[1:])
            # What a token is, was looked at when the contract was read.
            return str(found) if isinstance(found, str | int) and found != "" else None
        if count < paging.size and (paging.by == "page" or self._heeded):
            return None
        return str(paging.first + (self._items - 1 if paging.by == "offset" else self._pages))

    def _refuse_again(self, digest: str) -> None:
        """Refuse a page that begins as the one before: the service does not heed the parameter."""
        if digest == self._first:
            reason = "a page begins with the same item as the one before: they do not end"
            raise LegacyUnavailableError(self._system, reason=reason)
        self._first = digest

    def _size(self) -> dict[str, Any]:
        paging = self._paging
        return {} if paging is None or paging.size_parameter is None else {paging.size_parameter: str(paging.size)}
