"""A register that changes between any two calls, and the adapter that polls it and takes snapshots of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters import soap
from adapters.soap.http import Answer, Request
from contracts.event import Event, Personal
from contracts.legacy import xml
from contracts.legacy.xml import local_name
from tests.wsdls import OWN

__all__ = ["LISTED", "Entry", "EntryListed", "Register", "register_adapter"]

LISTED: Mapping[str, Mapping[str, Any]] = {
    "offset": {"paging": {"by": "offset", "parameter": "offset", "size": 3, "size_parameter": "limit"}},
    "page": {"paging": {"by": "page", "parameter": "page", "size": 3, "size_parameter": "limit"}},
    "token": {
        "paging": {
            "by": "token",
            "parameter": "token",
            "token": "ListResponse/next",
            "size": 3,
            "size_parameter": "limit",
        }
    },
    "after": {"by_key": {"after": "after", "size": 3, "size_parameter": "limit"}},
    "range": {"by_key": {"at_least": "least", "at_most": "most", "first": 1, "size": 4}},
}
"""Every way in which chunks are asked for; chunks of three items, so that few items are many chunks."""


class EntryListed(Event):
    type = "org.banyan.testing.entry.listed.v1"
    topic = "entries"
    entry_id: Personal[str]
    name: Personal[str]


@dataclass(slots=True)
class Entry:
    """What the register has of a key."""

    name: str
    changed: datetime
    place: int
    """Where it stands in the listing."""


@dataclass
class Register:
    """Answers both operations of its contract; an `Opener`. Time passes with each call, by a second."""

    clock: Callable[[], datetime]
    meanwhile: Callable[["Register"], None] = lambda _register: None
    """Called before each answer."""
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    lists: int = 0
    tokens_refused_at: int | None = None
    """The call of the listing at which tokens are not good any more."""
    asked: list[str] = field(default_factory=list[str])
    by_key: bool = False
    """Whether a listing without a place begins at the first key."""
    _cursors: dict[str, list[tuple[str, Entry]]] = field(default_factory=dict[str, list[tuple[str, Entry]]])

    def put(self, key: str, name: str, *, place: int | None = None) -> None:
        """Add an entry, or change it; it may move in the listing."""
        old = self.entries.get(key)
        stands = place if place is not None else (old.place if old is not None else int(key))
        self.entries[key] = Entry(name, self.clock(), stands)

    def delete(self, key: str) -> None:
        """Remove an entry, where there is one."""
        self.entries.pop(key, None)

    @property
    def names(self) -> dict[str, str]:
        """Return what it holds."""
        return {key: entry.name for key, entry in self.entries.items()}

    def __call__(self, request: Request, timeout: timedelta) -> "_Exchange":
        """Return the exchange of one request."""
        del timeout
        return _Exchange(self, request)

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Return status and envelope."""
        self.meanwhile(self)
        [call] = xml.parse(request.body or b"").iter("{urn:banyan:register}Changes", "{urn:banyan:register}List")
        asked = {local_name(element): element.text or "" for element in call}
        self.asked.append(" ".join([local_name(call), *(f"{name}={value}" for name, value in asked.items())]))
        if local_name(call) == "Changes":
            since = datetime.fromisoformat(asked.get("since", "0001-01-01T00:00:00Z"))
            news = [(key, entry) for key, entry in self.entries.items() if entry.changed >= since]
            return 200, self._reply("ChangesResponse", news)
        self.lists += 1
        if "token" in asked and self.tokens_refused_at is not None and self.lists >= self.tokens_refused_at:
            self.tokens_refused_at = None
            fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>too old</faultstring></s:Fault>"
            return 500, _envelope(fault)
        return 200, self._reply("ListResponse", *self._chunk(asked))

    def _chunk(self, asked: Mapping[str, str]) -> tuple[list[tuple[str, Entry]], str]:
        limit = int(asked.get("limit", 3))
        in_place = sorted(self.entries.items(), key=lambda item: (item[1].place, item[0]))
        if "least" in asked:
            least, most = int(asked["least"]), int(asked["most"])
            return [(key, entry) for key, entry in in_place if least <= int(key) <= most], ""
        if "offset" in asked or "page" in asked:
            begins = int(asked["offset"]) if "offset" in asked else int(asked["page"]) * limit
            return in_place[begins : begins + limit], ""
        if "after" in asked or self.by_key:
            by_key = sorted(self.entries.items())
            return [(key, entry) for key, entry in by_key if key > asked.get("after", "")][:limit], ""
        # A cursor lists what was there when it was opened, as it was then.
        left = self._cursors[asked["token"]] if "token" in asked else in_place
        token = f"{self.lists}"
        self._cursors[token] = left[limit:]
        return left[:limit], token if left[limit:] else ""

    def _reply(self, name: str, entries: Sequence[tuple[str, Entry]], following: str = "") -> bytes:
        items = "".join(
            f"<entry><id>{key}</id><name>{entry.name}</name><changed>{entry.changed.isoformat()}</changed></entry>"
            for key, entry in entries
        )
        further = f"<next>{following}</next>" if following else ""
        return _envelope(f'<{name} xmlns="urn:banyan:register">{items}{further}</{name}>')


@dataclass
class _Exchange:
    register: Register
    request: Request
    body: bytes = b""

    def send(self) -> Answer:
        status, self.body = self.register.answer(self.request)
        return Answer(status=status, content_type="text/xml")

    def chunks(self) -> Iterator[bytes]:
        yield self.body

    def close(self) -> None:
        """There is nothing to close."""


def _envelope(body: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


class Ticking:
    """A clock that goes on with each look at it, and that can be slept by."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=100)
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def register_adapter(register: soap.Opener | None, clock: Ticking | None, how: str, **changes: Any) -> soap.Adapter:
    """Return an adapter that takes snapshots in one of the ways of `LISTED`; over HTTP where no opener is given."""
    config = soap.Config.model_validate(
        {
            "name": "register",
            "wsdl": str(OWN / "register.wsdl"),
            "operation": "Changes",
            "items": "ChangesResponse/entry",
            "key": "id",
            "watermark": {"parameter": "since", "field": "changed", "overlap": 5},
            "snapshot": {"operation": "List", "items": "ListResponse/entry", **LISTED[how]},
            "values": "typed",
            "full_every": timedelta(hours=1),
            "interval": 2,
            "most_deleted": 1,
            "once": True,
            "patience": {"attempts": 1},
            **changes,
        }
    )
    given: dict[str, Any] = {} if clock is None else {"clock": clock, "sleep": clock.sleep}
    return soap.Adapter(
        config,
        model=EntryListed,
        key="entry_id",
        mapping={"entry_id": "id", "name": "name"},
        **given,
        opener=register,
    )
