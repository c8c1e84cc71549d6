"""The event that tells that a SOAP service no longer has the contract that was pinned."""

from contracts.event import Event, Public

__all__ = ["WsdlDrifted"]


class WsdlDrifted(Event):
    """A service's contract says something else than the pinned one.

    The same drift, found again, has the same `pinned` and `live`: the two make a deterministic event id.
    """

    type = "org.banyan.wsdl.drifted.v1"
    topic = "contracts"

    source: Public[str]
    """Name of what watches the service."""
    wsdl: Public[str]
    """Address of the live WSDL."""
    pinned: Public[str]
    """Hash of the pinned contract, in hex: of all documents of the service's own."""
    live: Public[str]
    """The same of the live one."""
    changed: Public[tuple[str, ...]] = ()
    """Documents that say something else, by their file in the bundle's folder."""
    added: Public[tuple[str, ...]] = ()
    """Documents that are new."""
    gone: Public[tuple[str, ...]] = ()
    """Documents that are no more."""
