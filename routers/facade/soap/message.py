"""What a SOAP call is about: the reader for its body, as its headers say, and the action that they name."""

from dataclasses import dataclass
from functools import lru_cache

from typing_extensions import override

from routers.facade.soap.content_type import MessageError, action_of, charset_of, media_of, read
from routers.facade.soap.multipart import Inflater, RootPart
from routers.facade.soap.reader import MessageReader, Resolve, SoapVersion
from routers.facade.soap.skeleton import Skeletons

__all__ = ["MessageError", "MessageReader", "Resolve", "SoapVersion", "action_of", "reader_for", "skeletons_for"]

_MEDIA = frozenset({"text/xml", "application/soap+xml", "application/xop+xml"})
_MULTIPART = "multipart/related"
_CODINGS = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_KEPT_BYTES = 512


class _WrappedReader(MessageReader):
    """Reads a message inside a content coding or a multipart body."""

    def __init__(self, plan: "_Plan", *, resolve: Resolve, limit_bytes: int) -> None:
        super().__init__(resolve, charset=plan.charset, limit_bytes=limit_bytes, version=plan.version)
        self._inflater = Inflater(plan.coding, limit_bytes) if plan.coding else None
        self._root = None if plan.boundary is None else RootPart(plan.boundary, plan.start, limit_bytes)

    @override
    def feed(self, data: bytes) -> bool:
        if self._done:
            return True
        if self._inflater is not None:
            data = self._inflater.feed(data)
        if self._root is not None:
            data = self._root.feed(data)
            self._charset = self._root.charset
        if super().feed(data):
            return True
        if self._root is not None and self._root.ended:
            super().close()
            return True
        spent = any(wrapping is not None and wrapping.spent for wrapping in (self._inflater, self._root))
        return spent and self._end_at_bound()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How the body of calls with certain headers is read."""

    version: SoapVersion
    charset: str | None
    coding: str
    boundary: str | None
    start: str | None
    skeletons: Skeletons | None
    """What was learnt of messages in this encoding; None where they are wrapped, or their octets are not ASCII's."""


def reader_for(
    content_type: bytes, content_encoding: bytes, *, resolve: Resolve, limit_bytes: int
) -> MessageReader | None:
    """Return a reader for a call's body; None where its Content-Type is none of SOAP's.

    SOAP's are `text/xml`, `application/soap+xml`, `application/xop+xml`, and `multipart/related` of one of them.

    `action_of` raises for no Content-Type that this takes.

    Raises:
        MessageError: The body can't be read: its charset, its coding or its Content-Type is not known.
    """
    if len(content_type) + len(content_encoding) > _KEPT_BYTES:
        plan = _plan(content_type, content_encoding)
    else:
        plan = _kept_plan(content_type, content_encoding)
    if plan is None:
        return None
    if plan.coding or plan.boundary is not None:
        return _WrappedReader(plan, resolve=resolve, limit_bytes=limit_bytes)
    return MessageReader(resolve, charset=plan.charset, limit_bytes=limit_bytes, version=plan.version)


def skeletons_for(content_type: bytes, content_encoding: bytes) -> Skeletons | None:
    """Return what was learnt of messages with these headers; None where nothing can be learnt of them.

    Raises:
        MessageError: As for `reader_for`.
    """
    if len(content_type) + len(content_encoding) > _KEPT_BYTES:
        return None
    plan = _kept_plan(content_type, content_encoding)
    return None if plan is None else plan.skeletons


@lru_cache(maxsize=64)
def _skeletons(_charset: str | None) -> Skeletons:
    """Return the one table of each encoding."""
    return Skeletons()


def _plan(content_type: bytes, content_encoding: bytes) -> _Plan | None:
    media = media_of(content_type)
    if media not in _MEDIA and media != _MULTIPART:
        return None
    # What the action can't be read from is refused here already.
    action_of(content_type, None)
    parameters = read(content_type).parameters
    # `type` has to be there; who leaves it out still says what the root is in `start-info`.
    inner = media_of((parameters.get("type") or parameters.get("start-info", "")).encode())
    if media == _MULTIPART and inner not in _MEDIA:
        return None
    coding = _CODINGS.get(content_encoding.decode("latin-1").strip().lower())
    if coding is None:
        raise MessageError("coding", expected="Content-Encoding gzip or deflate, or none")
    described = {media, inner, media_of(parameters.get("start-info", "").encode())}
    charset = parameters.get("charset") if media != _MULTIPART else None
    known = None if charset is None else charset_of(charset)
    return _Plan(
        version="1.2" if "application/soap+xml" in described else "1.1",
        charset=known,
        skeletons=None if coding or media == _MULTIPART or (known or "").startswith("utf-16") else _skeletons(known),
        coding=coding,
        boundary=parameters.get("boundary", "") if media == _MULTIPART else None,
        start=parameters.get("start"),
    )


_kept_plan = lru_cache(maxsize=512)(_plan)
