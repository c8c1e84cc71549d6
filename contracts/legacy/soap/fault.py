"""SOAP faults: every shape that stacks are seen to send.

SOAP 1.1 (note of 2000, section 4.4) has `faultcode`, `faultstring`, `detail` without a namespace; PHP and
others qualify them. SOAP 1.2 (part 1, section 5.4) has `Code/Value`, `Code/Subcode/Value`, `Reason/Text`;
gSOAP and node-soap send that shape inside a 1.1 envelope. So children are found by their local names.
"""

from dataclasses import dataclass

from contracts.errors import LegacyFaultError
from contracts.legacy.xml import Element, local_name

__all__ = ["Fault", "detail_of", "is_of_the_server", "read"]

_OF_THE_SERVER = ("Server", "Receiver")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a legacy system said instead of an answer."""

    code: str
    """Local name of the code, subcodes after dots: `Server`, `Client.Authentication`, `Sender.NotFound`."""
    text: str
    """The explanation for people."""
    detail: str | None = None
    """Name of the first detail element, `{namespace}name` where it has one; never its content."""

    def error(self, system: str) -> LegacyFaultError:
        """Return the error to raise for it."""
        return LegacyFaultError(system, code=self.code, text=self.text)


def is_of_the_server(code: str) -> bool:
    """Tell whether the same message may succeed later (SOAP 1.1 section 4.4.1, 1.2 section 5.4.6).

    >>> is_of_the_server("Server.Database"), is_of_the_server("Sender")
    (True, False)
    """
    return code.partition(".")[0] in _OF_THE_SERVER


def read(element: Element) -> Fault:
    """Read a `Fault` element, whatever its shape and namespaces.

    >>> from contracts.legacy.xml import parse
    >>> read(parse(b"<Fault><faultcode>s:Server</faultcode><faultstring>no database</faultstring></Fault>"))
    Fault(code='Server', text='no database', detail=None)
    """
    said = detail_of(element)
    code, reason = _child(element, "Code"), _child(element, "Reason")
    codes = _values(code) if code is not None else [_text(_child(element, "faultcode"))]
    text = _child(reason, "Text") if reason is not None else _child(element, "faultstring")
    return Fault(
        code=".".join(code.rpartition(":")[2] for code in codes if code) or "unknown",
        text=_text(text),
        detail=None if said is None else said.tag,
    )


def detail_of(element: Element) -> Element | None:
    """Return the first element of a fault's detail."""
    detail = _child(element, "detail", "Detail")
    return None if detail is None else next(iter(detail), None)


def _values(code: Element | None) -> list[str]:
    values: list[str] = []
    while code is not None:
        values.append(_text(_child(code, "Value")))
        code = _child(code, "Subcode")
    return values


def _child(element: Element, *names: str) -> Element | None:
    return next((child for child in element if local_name(child) in names), None)


def _text(element: Element | None) -> str:
    return "" if element is None else " ".join((element.text or "").split())
