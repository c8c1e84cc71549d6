"""A shop that tells of its orders: the legacy system of `Adapter.example()`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.soap_callback.config import Config
from contracts.event import Event, Public

__all__ = ["CONFIG", "MESSAGES", "NOON", "OrderPlaced", "message"]

NOON: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)
CONFIG: Final = Config(
    name="shop",
    wsdl=str(Path(__file__).with_name("example.wsdl")),
    operation="OrderPlaced",
    port=0,
    message_id="number",
    reply='<OrderTaken xmlns="urn:banyan:example:shop"><number>{number}</number></OrderTaken>',
    once=True,
)


class OrderPlaced(Event):
    """An order was placed."""

    type = "org.banyan.example.order.placed.v1"
    topic = "orders"

    order_id: Public[str]
    """Number of the order."""
    cents: Public[int]
    """What it costs."""


def message(number: str, cents: object, *, header: str = "") -> bytes:
    """Return the message of an order."""
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">{header}<s:Body>'
        f'<OrderPlaced xmlns="urn:banyan:example:shop"><number>{number}</number><cents>{cents}</cents></OrderPlaced>'
        "</s:Body></s:Envelope>"
    ).encode()


MESSAGES: Final = (message("A-1", 1250), message("A-2", 990), message("A-1", 1250))
"""Two orders, and the first of them again."""
