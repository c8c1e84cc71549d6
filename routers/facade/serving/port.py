"""The façade's inner port: a side answers a call in parts, and whoever asked takes the parts.

What asks is an `Asker`: a call of today asks one side and, when that fails, the other; a shadow or the second
write of a dual write is another `Asker` at the same `Backend`. Callbacks instead of coroutines, since a task and
its wake-ups cost an eighth of what a call may (ADR 7).
"""

from typing import Protocol

from routers.facade.http.head import AnswerHead

__all__ = ["Asker", "Backend", "Exchange"]


class Exchange(Protocol):
    """A request on its way to a side."""

    def write(self, data: bytes, *, last: bool) -> None:
        """Send more of the request, framed already; `last` when that was all of it."""
        ...

    def pause(self) -> None:
        """Take no more of the answer for now."""
        ...

    def resume(self) -> None:
        """Go on taking the answer."""
        ...

    def give_up(self) -> None:
        """Close: the answer is not wanted any more; the asker hears nothing after this."""
        ...


class Asker(Protocol):
    """Whoever wants an answer. Each method is called by the backend, in the order of the message."""

    @property
    def method(self) -> bytes:
        """Return the request's method: an answer to HEAD has no body."""
        ...

    @property
    def repeatable(self) -> bool:
        """Tell whether sending twice is no harm; else only a connection that is surely alive is used."""
        ...

    def connected(self, exchange: Exchange) -> None:
        """Write what there is of the request; called again when a kept connection turned out to be closed."""
        ...

    def interim(self, answer: AnswerHead) -> None:
        """Take an interim answer (1xx)."""
        ...

    def answered(self, answer: AnswerHead, data: bytes, *, ended: bool) -> None:
        """Take the head and the first part of the body."""
        ...

    def more(self, data: bytes) -> None:
        """Take a part of the body."""
        ...

    def ended(self, trailers: list[bytes]) -> None:
        """Take the end, when it did not come with the head."""
        ...

    def failed(self, error: str, *, sent: bool) -> None:
        """Take that there is no answer, or no more of it; `sent` unless it is sure that nothing was."""
        ...

    def congested(self, *, full: bool) -> None:
        """Write no more of the request while the backend does not take it."""
        ...


class Backend(Protocol):
    """A side of a route."""

    def ask(self, asker: Asker) -> None:
        """Answer, or fail, through the asker; may do so before this returns."""
        ...
