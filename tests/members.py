"""A registry of members that answers by a script, and the adapter that polls it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from adapters import soap
from adapters.soap.example import CONFIG, MemberRegistered
from adapters.soap.http import Answer, Request

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HEAD = '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><ListMembersResponse xmlns="">'
TAIL = "</ListMembersResponse></Body></Envelope>"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Scripted:
    """Answers each request with the next document, and keeps the requests."""

    def __init__(self, *items: str, status: int = 200) -> None:
        self._replies = [(HEAD + item + TAIL).encode() for item in items]
        self._status = status
        self.requests: list[Request] = []
        self.closed = 0

    def __call__(self, request: Request, timeout: timedelta) -> "Scripted":
        del timeout
        self.requests.append(request)
        return self

    def send(self) -> Answer:
        return Answer(status=self._status, content_type="text/xml")

    def chunks(self) -> Iterator[bytes]:
        yield self._replies.pop(0)

    def close(self) -> None:
        self.closed += 1

    def asked_since(self) -> list[str | None]:
        parts = [(request.body or b"").decode().partition("changedSince>") for request in self.requests]
        return [after.partition("<")[0] or None for _, _, after in parts]


def member(number: str, name: str = "Ada", changed: str = "2026-01-02T11:00:00Z") -> str:
    return f"<member><id>{number}</id><name>{name}</name><changed>{changed}</changed></member>"


def polling(legacy: soap.Opener, clock: Clock | None = None, **changes: object) -> soap.Adapter:
    adapter = soap.Adapter(
        CONFIG,
        model=MemberRegistered,
        key="member_id",
        mapping={"member_id": "id", "name": "name"},
        clock=clock or Clock(),
        opener=legacy,
    )
    return adapter.configured({"patience": {"attempts": 1}, **changes})
