"""A registry of members in this process: the legacy system of `Adapter.example()`."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from adapters.soap.config import Config, Watermark
from adapters.soap.http import Answer, Request
from contracts.event import Event, Personal
from contracts.legacy import xml

__all__ = ["CONFIG", "MemberRegistered", "Registry"]

CONFIG = Config(
    name="members",
    wsdl=str(Path(__file__).with_name("example.wsdl")),
    operation="ListMembers",
    items=("ListMembersResponse", "member"),
    key=("id",),
    watermark=Watermark(parameter="changedSince", field=("changed",)),
    full_every=timedelta(0),
    once=True,
)


class MemberRegistered(Event):
    """A member was registered, or what is known of them changed."""

    type = "org.banyan.example.member.registered.v1"
    topic = "members"

    member_id: Personal[str]
    """Number of the member."""
    name: Personal[str]
    """Full name."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """Answers `ListMembers` without a network; an `Opener`, hence given to the adapter instead of HTTP."""

    def __init__(self, members: Mapping[str, str], *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._clock = clock
        self._members: dict[str, tuple[str, datetime]] = {}
        for number, name in members.items():
            self.put(number, name)

    def put(self, number: str, name: str) -> None:
        """Add a member, or change the name."""
        self._members[number] = (name, self._clock())

    def delete(self, number: str) -> None:
        """Remove a member."""
        del self._members[number]

    def __call__(self, request: Request, timeout: timedelta) -> "_Exchange":
        """Return the exchange of one request; the timeout is of no use without a network."""
        del timeout
        asked = [element.text or "" for element in xml.parse(request.body or b"").iter("{*}changedSince")]
        after = [datetime.fromisoformat(text) for text in asked]
        return _Exchange(self._reply([m for m in self._members.items() if all(m[1][1] >= since for since in after)]))

    def _reply(self, members: list[tuple[str, tuple[str, datetime]]]) -> bytes:
        items = "".join(
            f"<member><id>{escape(number)}</id><name>{escape(name)}</name><changed>{at.isoformat()}</changed></member>"
            for number, (name, at) in members
        )
        return (
            '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>'
            f'<ListMembersResponse xmlns="urn:banyan:example:members">{items}</ListMembersResponse></Body></Envelope>'
        ).encode()


class _Exchange:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def send(self) -> Answer:
        return Answer(status=200, content_type="text/xml")

    def chunks(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        """There is nothing to close."""
