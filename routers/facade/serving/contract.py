"""Contracts that the façade serves itself: which page a request wants, and the answer with it.

A page is made at start; what is left open is the address, which only the request says.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, final
from urllib.parse import unquote

from routers.facade.http.head import RequestHead

__all__ = ["Contract", "Page", "Wanted", "page_answer"]

_READS: Final = frozenset({b"GET", b"HEAD"})
_NAMED: Final = frozenset({"wsdl", "xsd"})
_ALONE: Final = frozenset({"wsdl", "singlewsdl"})
_UTF_8: Final = "utf-8"
_FOR_TRUSTED: Final = b"Vary: Forwarded, X-Forwarded-Host, X-Forwarded-Proto, X-Forwarded-Prefix\r\n"


@final
class Page:
    """One document: pieces with the address between them."""

    __slots__ = ("_codec", "_digest", "_pieces")

    def __init__(self, pieces: Sequence[bytes], codec: str) -> None:
        self._pieces, self._codec = tuple(pieces), codec
        self._digest = hashlib.sha256(b"\0".join(self._pieces)).digest()

    @property
    def media(self) -> bytes:
        """Return its Content-Type; of another encoding than UTF-8, the document itself tells."""
        return b"text/xml; charset=utf-8" if self._codec == _UTF_8 else b"text/xml"

    def at(self, address: str) -> bytes:
        """Return the document for callers who have asked there."""
        return address.encode(self._codec).join(self._pieces)

    def tag(self, address: str) -> bytes:
        """Return the ETag of the document there, without putting it together."""
        return b'"%b"' % hashlib.sha256(self._digest + address.encode()).hexdigest()[:32].encode()


class Wanted(NamedTuple):
    """What a request wants of a contract."""

    page: Page | None
    """None where there is none."""
    reason: str
    """Why not, in one word."""


@final
class Contract:
    """The pages at one path, by query: `wsdl`, `wsdl=NAME`, `xsd=NAME`, `singlewsdl`."""

    __slots__ = ("_pages",)

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = dict(pages)

    def wanted(self, request: RequestHead) -> Wanted | None:
        """Return what a request wants; None where that is not the contract, and the call goes on."""
        if request.method not in _READS or request.length or request.chunked:
            return None
        query = request.target.partition(b"?")[2].decode("ascii")
        kind, _, name = query.partition("=")
        kind = kind.lower()
        if kind not in (_NAMED if name else _ALONE) or "&" in query:
            return None
        page = self._pages.get(f"{kind}={unquote(name)}" if name else kind)
        if page is not None:
            return Wanted(page, "")
        return Wanted(None, "single_wsdl" if kind == "singlewsdl" else "document")


def page_answer(
    page: Page, request: RequestHead, *, address: str, trusted: bool, request_id: str, date: bytes, keep_alive: bool
) -> tuple[int, bytes]:
    """Return status and answer: the document, or 304 where the caller has it already (RFC 9110 section 13.1.2)."""
    tag = page.tag(address)
    closing, varying = b"" if keep_alive else b"Connection: close\r\n", _FOR_TRUSTED if trusted else b""
    fields = b"Date: %b\r\nETag: %b\r\nCache-Control: no-cache\r\n%bX-Request-Id: %b\r\n%b\r\n" % (
        date, tag, varying, request_id.encode(), closing,
    )  # fmt: skip
    if _is_known(request.names.get(b"if-none-match", b""), tag):
        return 304, b"HTTP/1.1 304 Not Modified\r\n" + fields
    body = page.at(address)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b" % (page.media, len(body), fields)
    return 200, head if request.method == b"HEAD" else head + body


def _is_known(tags: bytes, tag: bytes) -> bool:
    known = [each.strip(b" \t").removeprefix(b"W/") for each in tags.split(b",")]
    return tag in known or known == [b"*"]
