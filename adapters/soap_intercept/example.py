"""Captured calls in this process: what `Adapter.example()` reads."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from adapters.soap_intercept.config import Config
from contracts.event import Event, Personal, Public
from contracts.intercepted import NOT_KEPT, head
from contracts.ports import LogRecord

__all__ = ["CONFIG", "MAPPING", "AddressChanged", "Calls", "packed"]

CONFIG: Final = Config(
    name="address-changes",
    route="address/update",
    wsdl=str(Path(__file__).with_name("example.wsdl")),
    operation="UpdateAddress",
    once=True,
)
MAPPING: Final = {
    "resident_id": "request/residentId",
    "street": "request/address/street",
    "city": "request/address/city",
    "version": "reply/version",
}
_ENDED_NS: Final = 1_767_225_600_000_000_000


class AddressChanged(Event):
    """An address was changed, by whoever called the legacy system."""

    type = "org.banyan.example.address.changed.v1"
    topic = "addresses"

    resident_id: Personal[str]
    """Number of the resident."""
    street: Personal[str]
    """Street and house number."""
    city: Personal[str]
    """Place."""
    version: Public[int]
    """How often the address was changed, by the legacy system's count."""


def packed(request_id: str, request: bytes | None, reply: bytes | None, **facts: object) -> bytes:
    """Return a call as a façade packs it."""
    known: dict[str, object] = {
        "request_id": request_id,
        "route": CONFIG.route,
        "operation": "{urn:banyan:example:addresses}UpdateAddress",
        "side": "legacy",
        "backend": "registry",
        "status": 200,
        "outcome": "answered",
        "version": 1,
        "ended_ns": _ENDED_NS,
        "traceparent": f"00-{'0' * 31}1-{request_id.encode().hex()[-16:]:0>16}-00",
        "request_type": "text/xml; charset=utf-8",
        "request_coding": "",
        "action": '"urn:banyan:example:addresses#UpdateAddress"',
        "reply_type": "text/xml; charset=utf-8",
        "reply_coding": "",
        "request_bytes": len(request or b""),
        "reply_bytes": len(reply or b""),
    }
    said = json.dumps(known | facts).encode()
    lengths = (NOT_KEPT if body is None else len(body) for body in (request, reply))
    return head(0, len(said), *lengths) + said + (request or b"") + (reply or b"")


class Calls:
    """Fulfils the port `Captured`: two records, of two calls each, one of which names nobody."""

    def __init__(self, records: Sequence[bytes] | None = None) -> None:
        self.records = list(records) if records is not None else [
            _call("call-0001", "1", "Elm Street 1", version=1) + _call("call-0002", "2", "Oak Street 2", version=1),
            _call("call-0003", "", "Elm Street 3", version=2) + _call("call-0004", "1", "Ash Street 4", version=2),
        ]  # fmt: skip

    async def read(self, route: str, *, after: Mapping[int, int], follow: bool = False) -> AsyncIterator[LogRecord]:
        """Yield what is there; see the port."""
        del route, follow
        for offset, value in enumerate(self.records):
            if offset > after.get(0, -1):
                yield LogRecord(key=None, value=value, offset=offset)


def _call(request_id: str, resident: str, street: str, *, version: int) -> bytes:
    request = (
        f'<UpdateAddress xmlns="urn:banyan:example:addresses"><residentId>{escape(resident)}</residentId>'
        f"<address><street>{escape(street)}</street><city>Ljubljana</city></address></UpdateAddress>"
    )
    reply = (
        f'<UpdateAddressResponse xmlns="urn:banyan:example:addresses"><version>{version}</version>'
        "</UpdateAddressResponse>"
    )
    return packed(request_id, _envelope(request), _envelope(reply))


def _envelope(body: str) -> bytes:
    return (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{body}</e:Body></e:Envelope>'.encode()
    )
