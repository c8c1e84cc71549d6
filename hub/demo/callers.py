"""The demo's callers: they know one address and one contract, and not who answers.

`python -m hub.demo.callers ADDRESS TRACES` reads rounds from its input, one JSON object a line, and tells how each
went, until its input ends. In a round every resident is read, given an address, and read again, and every answer is
checked. A call whose connection breaks before its answer is made again, as any client may: both operations allow it.
"""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from contracts.legacy import xml
from hub.demo.service import NAMESPACE
from observability import fields, logging, tracing

__all__ = ["CITY", "Caller", "Known", "Round"]

CITY: Final = "Neubanyan"
_CALLERS: Final = 8
_TRIES: Final = 5
_OK: Final = 200
_SECONDS: Final = 15
_ENVELOPE: Final = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    f'<r:{{operation}} xmlns:r="{NAMESPACE}">{{content}}</r:{{operation}}></s:Body></s:Envelope>'
)


class Known(NamedTuple):
    """What an answer said of a resident."""

    name: str
    street: str


@dataclass(slots=True)
class Round:
    """How a round went."""

    calls: int = 0
    """Calls, each counted once, however often it was made."""
    answered: int = 0
    """With what had to be answered."""
    failed: int = 0
    """With a fault, or not at all."""
    wrong: int = 0
    """With somebody else, or with an address that the resident never had."""
    older: int = 0
    """With an address that the resident had before."""
    again: int = 0
    """How often a connection broke before the answer, and the call was made again."""
    trace: str | None = None
    """Trace of the round, where it was to be one."""
    told: list[str] = field(default_factory=list[str])
    """What failed, a few of them."""


class Caller:
    """One caller, with one connection that is kept open; one call after the other."""

    def __init__(self, address: str, number: int) -> None:
        self._place, self._number, self._ids = urlsplit(address), number, count(1)
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._had: dict[str, list[Known]] = {}

    async def visit(self, resident: str, *, act: str, street: str, result: Round) -> None:
        """Read a resident, move them, and read them again."""
        await self._checked(resident, "GetResident", act=act, street=None, result=result)
        await self.move(resident, act=act, street=street, result=result)
        await self._checked(resident, "GetResident", act=act, street=None, result=result)

    async def move(self, resident: str, *, act: str, street: str, result: Round) -> None:
        """Move a resident alone."""
        await self._checked(resident, "MoveResident", act=act, street=street, result=result)

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None

    async def _checked(self, resident: str, operation: str, *, act: str, street: str | None, result: Round) -> None:
        result.calls += 1
        content = f"<r:id>{resident}</r:id>"
        if street is not None:
            content += f"<r:street>{street}</r:street><r:city>{CITY}</r:city>"
        body = _ENVELOPE.format(operation=operation, content=content).encode()
        head = self._head(operation, f"{act}-{self._number}-{next(self._ids):05d}", len(body))
        status, answer = await self._again(head + body, result)
        if status != _OK:
            result.failed += 1
            result.told.append(f"{operation}: {status or 'no answer'}")
            return
        self._judge(resident, answer, moved_to=street, result=result)

    def _judge(self, resident: str, answer: bytes, *, moved_to: str | None, result: Round) -> None:
        found = {xml.local_name(each): each.text or "" for each in xml.parse(answer).iter()}
        said, had = Known(found.get("name", ""), found.get("street", "")), self._had.setdefault(resident, [])
        if not had:
            had.append(said)
        if moved_to is not None and had[-1].street != moved_to:
            had.append(Known(had[0].name, moved_to))
        if found.get("id") == resident and said == had[-1]:
            result.answered += 1
        elif found.get("id") == resident and said in had:
            result.older += 1
        else:
            result.wrong += 1

    def _head(self, operation: str, request_id: str, length: int) -> bytes:
        lines = {
            "Host": self._place.netloc,
            "Content-Type": "text/xml; charset=utf-8",
            "Content-Length": str(length),
            "SOAPAction": f'"{NAMESPACE}#{operation}"',
            "X-Request-Id": request_id,
        }
        if (traceparent := tracing.traceparent()) is not None:
            lines["traceparent"] = traceparent
        told = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {self._place.path} HTTP/1.1\r\n{told}\r\n".encode()

    async def _again(self, request: bytes, result: Round) -> tuple[int, bytes]:
        """Call, again where the connection broke; status 0 is no answer."""
        for _ in range(_TRIES):
            try:
                async with asyncio.timeout(_SECONDS):
                    return await self._call(request)
            except (OSError, EOFError, TimeoutError):
                self.close()
                result.again += 1
        return 0, b""

    async def _call(self, request: bytes) -> tuple[int, bytes]:
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._place.hostname, self._place.port)
        reader, writer = self._stream
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
        return int(head.split(" ", 2)[1]), await reader.readexactly(int(length.partition(":")[2]))


async def _round(callers: list[Caller], asked: dict[str, Any]) -> Round:
    """Let all callers do their part of a round at once."""
    result, act, street = Round(), str(asked["act"]), str(asked["street"])

    async def part(number: int) -> None:
        for resident in asked["residents"][number::_CALLERS]:
            await callers[number].visit(resident, act=act, street=street, result=result)

    async with asyncio.TaskGroup() as group:
        for number in range(_CALLERS):
            group.create_task(part(number))
    return result


async def _traced(caller: Caller, asked: dict[str, Any]) -> Round:
    """Make one visit of a caller as one trace, which begins here."""
    with tracing.span(fields.span_name(fields.CALL, "MoveResident"), kind=tracing.SpanKind.CLIENT) as span:
        result = Round(trace=f"{span.get_span_context().trace_id:032x}")
        [resident] = asked["residents"]
        await caller.move(resident, act=str(asked["act"]), street=str(asked["street"]), result=result)
    return result


async def _main(address: str) -> None:
    callers = [Caller(address, number) for number in range(_CALLERS)]
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        done = await (_traced(callers[0], asked) if asked.get("traced") else _round(callers, asked))
        done.told = [f"{what} ({times})" for what, times in Counter(done.told).most_common(3)]
        sys.stdout.write(json.dumps(asdict(done)) + "\n")
        sys.stdout.flush()
    for caller in callers:
        caller.close()


if __name__ == "__main__":
    logging.configure("ERROR")
    with tracing.configure(tracing.Telemetry(service_name="caller", trace_store=Path(sys.argv[2]))):
        asyncio.run(_main(sys.argv[1]))
