"""Answers to `GET /livez` and `GET /readyz`, and to nothing else: 200 or 503, with the reasons as JSON."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import final

__all__ = ["Probes"]

_SECONDS = 5.0
_HEAD_BYTES = 4_096
_CONNECTIONS = 32

Check = Callable[[], Sequence[str]]
"""Returns what is wrong; nothing where all is well."""


@final
class Probes:
    """A server so small that a probe can't hurt: one request a connection, bounded in size, time and number.

    Args:
        live: What is wrong so badly that this process should be started anew.
        ready: Why no calls should be sent here.
    """

    def __init__(self, *, live: Check, ready: Check) -> None:
        self._checks = {"/livez": live, "/readyz": ready}
        self._connections = 0

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncGenerator[tuple[str, int]]:
        """Answer until the block ends; gives the address.

        Raises:
            OSError: The address can't be had.
        """
        server = await asyncio.start_server(self._answer, host, port, limit=_HEAD_BYTES)
        async with server:
            bound = server.sockets[0].getsockname()
            yield bound[0], bound[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= _CONNECTIONS:
                async with asyncio.timeout(_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._reply(head))
                    await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            self._connections -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _reply(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        check = self._checks.get(rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1"))
        if check is None:
            return _reply(HTTPStatus.NOT_FOUND, ["there are: /livez, /readyz"], body=True)
        if method not in {b"GET", b"HEAD"}:
            return _reply(HTTPStatus.METHOD_NOT_ALLOWED, ["expected GET"], body=True)
        problems = check()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        return _reply(status, problems, body=method == b"GET")


def _reply(status: HTTPStatus, problems: Sequence[str], *, body: bool) -> bytes:
    content = json.dumps({"ok": status is HTTPStatus.OK, "problems": list(problems)}).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\ncache-control: no-store\r\nconnection: close\r\n"
        + ("allow: GET, HEAD\r\n" if status is HTTPStatus.METHOD_NOT_ALLOWED else "")
        + "\r\n"
    )
    return head.encode() + (content if body else b"")
