"""Turns calls that pass the façade into events: an operation that changes something is told, though nobody polls.

It needs a route that the façade captures (`facade.intercept`), and the WSDL of its operation. A call is an event when
its reply is no fault: fields come from the request, from the reply, or from what is known of the call. What is not
seen by the façade is no event: calls that go by it, and those that it could not keep. A dead letter is kept with the
bytes of the call; it can't be tried again from here.

Delivery: exactly once from the captured call into Kafka. A captured call itself is there at least once, and its event
has the same id each time.

    from adapters import soap_intercept

    adapter = soap_intercept.Adapter(
        soap_intercept.Config(
            name="address-changes",
            route="address/update",
            wsdl="registry.wsdl",
            operation="UpdateAddress",
        ),
        model=AddressChanged,
        key="resident_id",
        mapping={"resident_id": "request/residentId", "city": "request/address/city", "version": "reply/version"},
    )
"""

from adapters.soap_intercept.adapter import Adapter
from adapters.soap_intercept.config import Config

__all__ = ["Adapter", "Config"]
