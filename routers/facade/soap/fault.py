"""Answers that the façade gives itself, in the caller's protocol. Nothing of the request is in them.

SOAP 1.1 (note of 2000, sections 4.4 and 6.2), SOAP 1.2 (part 1 section 5.4, part 2 section 7.5.2.2), RFC 9457.
"""

import json
import re
from typing import Final, Literal, TypeAlias
from xml.sax.saxutils import escape

from routers.facade.soap.reader import SoapVersion

__all__ = ["NAMESPACE", "FaultCode", "fault_status", "problem", "soap_fault"]

FaultCode: TypeAlias = Literal["Client", "Server"]
"""Whose fault it is, in the words of SOAP 1.1; SOAP 1.2 says `Sender` and `Receiver`."""

NAMESPACE: Final = "urn:banyan:fault:v1"
"""Of the detail element, and of the subcode of SOAP 1.2: `b:Refused` and `b:NotAnswered`."""

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DETAIL = (
    f'<b:fault xmlns:b="{NAMESPACE}"><b:reason>{{word}}</b:reason><b:requestId>{{request_id}}</b:requestId></b:fault>'
)
_FAULT_1_1 = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    "<faultcode>s:{code}</faultcode><faultstring>{text}</faultstring>"
    f"<detail>{_DETAIL}</detail></s:Fault></s:Body></s:Envelope>"
)
_FAULT_1_2 = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault>'
    f'<s:Code><s:Value>s:{{code}}</s:Value><s:Subcode><s:Value xmlns:b="{NAMESPACE}">b:{{subcode}}</s:Value>'
    '</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason>'
    f"<s:Detail>{_DETAIL}</s:Detail></s:Fault></s:Body></s:Envelope>"
)
_CODES_1_2 = {"Client": ("Sender", "Refused"), "Server": ("Receiver", "NotAnswered")}


def soap_fault(version: SoapVersion, code: FaultCode, text: str, *, word: str, request_id: str) -> tuple[bytes, bytes]:
    """Return Content-Type and body of a SOAP fault; its HTTP status is `fault_status`.

    >>> soap_fault("1.1", "Client", "action and Body disagree", word="action", request_id="7f")[0]
    b'text/xml; charset=utf-8'
    """
    said, short, identified = _text(text), _text(word), _text(request_id)
    if version == "1.1":
        return b"text/xml; charset=utf-8", _FAULT_1_1.format(
            code=code, text=said, word=short, request_id=identified
        ).encode()
    code_1_2, subcode = _CODES_1_2[code]
    body = _FAULT_1_2.format(code=code_1_2, subcode=subcode, text=said, word=short, request_id=identified)
    return b"application/soap+xml; charset=utf-8", body.encode()


def fault_status(version: SoapVersion, code: FaultCode) -> int:
    """Return the HTTP status that SOAP's HTTP binding has for a fault.

    >>> fault_status("1.1", "Client"), fault_status("1.2", "Client"), fault_status("1.2", "Server")
    (500, 400, 500)
    """
    return 400 if version == "1.2" and code == "Client" else 500


def problem(status: int, title: str, detail: str, *, word: str, request_id: str) -> tuple[bytes, bytes]:
    """Return Content-Type and body of a problem (RFC 9457); `reason`, the word, and `request_id` are members of it.

    >>> problem(503, "No side answered", "Try again later.", word="timeout", request_id="7f")[0]
    b'application/problem+json'
    """
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    said |= {"reason": word, "request_id": request_id}
    return b"application/problem+json", json.dumps(said).encode()


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
