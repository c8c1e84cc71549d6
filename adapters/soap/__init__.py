"""Polls an operation of a SOAP 1.1 or 1.2 service that lists items, and yields what has changed.

It needs a WSDL, an operation whose reply repeats one element, and a key in it. With a last-modified in each
item and a parameter that takes a point in time, only changes are asked for; deletes are found by listing
everything now and then, in one poll or in chunks between polls (`snapshot`). What changed twice between two
polls is seen once. Of WS-Security, UsernameToken and Timestamp are spoken; attachments are not read. A reply in
SOAP encoding is in memory whole, others are streamed.

Delivery: exactly once from a poll into Kafka.

    from adapters import soap

    adapter = soap.Adapter(
        soap.Config(
            name="residents",
            wsdl="registry.wsdl",
            operation="ListResidents",
            items="ListResidentsResponse/resident",
            key="id",
            watermark=soap.Watermark(parameter="modifiedSince", field="lastModified"),
        ),
        model=ResidentRegistered,
        key="resident_id",
        mapping={"resident_id": "id", "name": "name", "city": "address/city"},
    )
"""

from adapters._edge import Patience
from adapters._gate import Breaker, Bulkhead
from adapters.soap.adapter import Adapter
from adapters.soap.config import Config, Credentials, Keys, Paging, Snapshot, Tls, UsernameToken, Watermark
from adapters.soap.http import Answer, Exchange, Opener, Request

__all__ = [
    "Adapter",
    "Answer",
    "Breaker",
    "Bulkhead",
    "Config",
    "Credentials",
    "Exchange",
    "Keys",
    "Opener",
    "Paging",
    "Patience",
    "Request",
    "Snapshot",
    "Tls",
    "UsernameToken",
    "Watermark",
]
