"""Answers that the façade gives itself, in the caller's protocol: a SOAP fault, or problem details."""

from typing import Final

from routers.facade.http.head import RequestHead
from routers.facade.serving.refusal import refusal_for
from routers.facade.soap import fault
from routers.facade.soap.reader import SoapVersion

__all__ = ["own_reply"]

_PHRASES: Final = {
    400: "Bad Request", 404: "Not Found", 408: "Request Timeout", 413: "Content Too Large", 414: "URI Too Long",
    415: "Unsupported Media Type", 417: "Expectation Failed", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}  # fmt: skip
_CLIENT_ERRORS: Final = range(400, 500)


def own_reply(
    status: int,
    reason: str,
    *,
    request: RequestHead | None,
    soap_version: SoapVersion | None,
    request_id: str,
    date: bytes,
    keep_alive: bool,
) -> tuple[int, bytes]:
    """Return the status that is sent, and the whole answer.

    Args:
        status: HTTP's status for what went wrong; a SOAP fault has the status that its version wants.
        reason: What went wrong, in one word; callers get the word and the sentence of `refusal_for`.
        request: None when its head could not be read.
        soap_version: `1.1` or `1.2` when the call is known to be SOAP.
        request_id: Told in the answer, so that the caller can ask.
        date: As HTTP writes it.
        keep_alive: Whether the connection goes on.
    """
    told = refusal_for(reason)
    if soap_version is not None:
        at_fault: fault.FaultCode = "Client" if status in _CLIENT_ERRORS else "Server"
        content_type, body = fault.soap_fault(
            soap_version, at_fault, told.sentence, word=told.word, request_id=request_id
        )
        status = fault.fault_status(soap_version, at_fault)
    else:
        content_type, body = fault.problem(
            status, _PHRASES[status], told.sentence, word=told.word, request_id=request_id
        )
    closing = b"" if keep_alive else b"Connection: close\r\n"
    head = b"HTTP/1.1 %d %b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nX-Request-Id: %b\r\n%b\r\n" % (
        status, _PHRASES[status].encode(), date, content_type, len(body), request_id.encode(), closing,
    )  # fmt: skip
    return status, head if request is not None and request.method == b"HEAD" else head + body
