"""A shop that calls us, and the adapter that it calls: over real HTTP, into a broker."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from lxml import etree

from adapters import soap_callback
from adapters.soap_callback.example import OrderPlaced, message
from contracts.legacy import xml
from contracts.legacy.soap.security import add_username_token
from events.connection import Connection
from events.pipeline import Pipeline

__all__ = ["Replied", "call", "called", "order", "serving", "shop", "signed"]

TOKEN = {"users": {"shop": "secret"}}


class Replied(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None


def shop(**changes: Any) -> soap_callback.Adapter:
    """Return the adapter of the example, that goes on until it is told to stop."""
    adapter = soap_callback.Adapter(
        soap_callback.Adapter.example().config,
        model=OrderPlaced,
        key="order_id",
        mapping={"order_id": "number", "cents": "cents"},
    )
    return adapter.configured({"once": False, **changes})


def signed(data: bytes, nonce: bytes, *, created: datetime | None = None, said: str = "secret") -> bytes:
    """Return a message with a token of the shop."""
    root = xml.parse(data)
    now = created or datetime.now(UTC)
    valid = timedelta(minutes=5)
    add_username_token(root, "shop", said, kind="digest", now=now, nonce=nonce, valid_for=valid)
    return etree.tostring(root)


def order(number: str, cents: object = 100) -> bytes:
    """Return the message of an order."""
    return message(number, cents)


def call(url: str, data: bytes, *, action: str = "", content_type: str = "text/xml") -> Replied:
    """Post a message, and return what was answered; blocks."""
    headers = {"Content-Type": content_type, "SOAPAction": f'"{action}"'}
    try:
        with urlopen(Request(url, data=data, headers=headers), timeout=60) as answer:  # noqa: S310 - a server of ours
            return Replied(answer.status, answer.read(), answer.headers["Retry-After"])
    except HTTPError as error:
        with error:
            return Replied(error.code, error.read(), error.headers["Retry-After"])


async def called(url: str, data: bytes, **more: str) -> Replied:
    """Post a message without blocking the server, which is in this process."""
    return await asyncio.to_thread(call, url, data, **more)


@asynccontextmanager
async def serving(
    adapter: soap_callback.Adapter, connection: Connection, namespace: str = "shop"
) -> AsyncGenerator[Pipeline, None]:
    """Run an adapter until the block ends, and then drain it."""
    pipeline = Pipeline(adapter, connection, namespace=namespace)
    running = asyncio.create_task(pipeline.run())
    while not adapter.url and not running.done():
        await asyncio.sleep(0.01)
    try:
        yield pipeline
    finally:
        pipeline.stop()
        await running
