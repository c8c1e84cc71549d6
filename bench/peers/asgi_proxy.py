"""The plain Python proxy that the façade is measured beside: ASGI, and one pooled aiohttp client.

It reads a call, splits by the same bucket, passes the headers on, `traceparent` among them, and returns the answer.
"""

import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import xxhash

Message = MutableMapping[str, Any]

LEGACY, MODERN = (f"http://127.0.0.1:{os.environ[name]}" for name in ("PEER_LEGACY", "PEER_MODERN"))
SALT, SHARE = os.environ["PEER_SALT"], int(os.environ["PEER_SHARE"])
FROM_BODY = os.environ["PEER_KEY"] == "body"
KEY = re.compile(rb"<residentId>([^<]*)</residentId>")
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"host", b"te", b"upgrade"}
)
sessions: list[aiohttp.ClientSession] = []


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Serve one call, or the server's life."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name not in HOP_BY_HOP]
    url = (MODERN if bucket(scope["headers"], body) < SHARE else LEGACY) + scope["path"]
    async with sessions[0].request(scope["method"], url, data=body, headers=headers) as answer:
        content = await answer.read()
        fields = [(name.lower(), value) for name, value in answer.raw_headers]
        kept = [(name, value) for name, value in fields if name not in HOP_BY_HOP]
    length = (b"content-length", b"%d" % len(content))
    await send({"type": "http.response.start", "status": answer.status, "headers": [*kept, length]})
    await send({"type": "http.response.body", "body": content})


def bucket(headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    """Return where the call's key falls."""
    if FROM_BODY:
        found = KEY.search(body)
        key = b"" if found is None else found[1]
    else:
        key = dict(headers).get(b"x-citizen", b"")
    return xxhash.xxh32_intdigest(key + b":" + SALT.encode()) % 10_000


async def live(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Open the client at start, and close it at the end."""
    await receive()
    connector = aiohttp.TCPConnector(limit=256, keepalive_timeout=3600)
    sessions.append(aiohttp.ClientSession(connector=connector, auto_decompress=False))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await sessions[0].close()
    await send({"type": "lifespan.shutdown.complete"})
