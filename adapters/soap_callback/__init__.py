"""Serves one operation of a SOAP contract that the legacy system calls, and makes an event of each message.

It needs a WSDL in which we are the server. SOAP 1.1 and 1.2, one-way and request/response, UsernameToken and TLS with
client certificates are spoken; signatures, encryption and attachments are not spoken. An answer can't hold what has
to be looked up elsewhere. One process listens; where several are to, put a balancer before adapters of different names.

Delivery: exactly once from a call into Kafka with `message_id`, however often the caller tries, since a message is
answered after its event is committed; at least once without it.

    from adapters import soap_callback

    adapter = soap_callback.Adapter(
        soap_callback.Config(name="orders", wsdl="orders.wsdl", operation="OrderPlaced", message_id="wsa:MessageID"),
        model=OrderPlaced,
        key="order_id",
        mapping={"order_id": "number", "cents": "cents"},
    )
"""

from adapters.soap_callback.adapter import Adapter
from adapters.soap_callback.config import Config, Tls, Token

__all__ = ["Adapter", "Config", "Tls", "Token"]
