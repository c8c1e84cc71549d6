"""What callers are told when the façade answers itself: a word, and a sentence on what was wrong and what to do.

No sentence has anything of the call, or of what stands behind the façade, in it. The table of the guide is this one.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["REFUSALS", "Refusal", "refusal_for"]


class Refusal(NamedTuple):
    """What is told of one reason."""

    word: str
    statuses: tuple[int, ...]
    """HTTP's; a SOAP fault has those that its version wants."""
    sentence: str


_TOLD: Final = (
    Refusal("request_line", (400,), "The request line is malformed; send method, target and HTTP/1.1."),
    Refusal("empty_lines", (400,), "More than one empty line, or bare line feeds, came before the request; send none."),
    Refusal("method", (501,), "This method is not passed on; use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS."),
    Refusal("version", (505,), "This version of HTTP is not spoken here; use HTTP/1.1."),
    Refusal("target", (400, 414), "The request target is malformed or too long; send a shorter path without blanks."),
    Refusal("host", (400,), "Host is missing or malformed; send it once, with the name that was called."),
    Refusal("control_character", (400,), "The head has control characters; send printable ones only."),
    Refusal("line_end", (400,), "A line does not end in carriage return and line feed; end each line so."),
    Refusal("field", (400,), "A header field is malformed; send `Name: value`, with no blank in or after the name."),
    Refusal("repeated", (400,), "A header field that says what the message is comes twice; send it once."),
    Refusal("headers", (431,), "There are too many header fields; send fewer."),
    Refusal("head_bytes", (431,), "The head is too long; send fewer or shorter header fields."),
    Refusal("connection", (400,), "Connection names a field that must reach the service; name hop-by-hop fields only."),
    Refusal("max_forwards", (400, 501), "Max-Forwards is no number above zero; leave it out."),
    Refusal(
        "framing", (400,), "The body's length can be read in two ways; send one Content-Length, or chunks, not both."
    ),
    Refusal("transfer_coding", (400, 501), "This transfer coding is not known here; send `chunked` alone, or none."),
    Refusal("chunk_size", (400,), "A chunk's size is no hexadecimal number; send the body in well-formed chunks."),
    Refusal("chunk_line", (400,), "A chunk's size line is too long; send shorter chunk extensions, or none."),
    Refusal("chunk_end", (400,), "A chunk does not end where its size says; send the body in well-formed chunks."),
    Refusal("trailer", (400,), "The trailers are malformed or too long; send none."),
    Refusal("body_bytes", (413,), "The body is too long; send a shorter one."),
    Refusal("expectation", (417,), "Only `Expect: 100-continue` is met here; leave other expectations out."),
    Refusal("request_timeout", (408,), "The request did not come in time; send it again, without pauses."),
    Refusal("connections", (503,), "There are too many connections; close those not in use, and try again later."),
    Refusal("media", (400, 415), "Content-Type is malformed; send one of the form type/subtype, each parameter once."),
    Refusal("charset", (400, 415), "This character encoding is not known here; send the message in UTF-8."),
    Refusal("coding", (400, 415), "The body is not in a coding that is known here; send it as gzip, deflate or plain."),
    Refusal(
        "multipart", (400, 415), "The multipart message has no readable root part; send one in 7bit, 8bit or binary."
    ),
    Refusal("malformed", (400,), "The message is not well-formed XML; send a well-formed one."),
    Refusal("dtd", (400,), "The message has a document type declaration; send it without."),
    Refusal("envelope", (400,), "The SOAP envelope is malformed; send at most one Header, and then one Body."),
    Refusal(
        "too_long", (400,), "The operation or its key comes too late in the message; put them nearer to its beginning."
    ),
    Refusal(
        "action",
        (400,),
        "The SOAP action names another operation than the Body; send the action of the operation in the Body.",
    ),
    Refusal(
        "rejected", (400,), "The call has no key of the form that this service needs; send it as the contract says."
    ),
    Refusal(
        "in_doubt",
        (502, 503, 504),
        "The call was sent, and whether it was done is not known; it is recorded, do not repeat it blindly, but ask "
        "with its request id.",
    ),
    Refusal("timeout", (504,), "The service did not answer in time; try again later."),
    Refusal("unreachable", (502, 504), "The service can't be reached; try again later."),
    Refusal("unavailable", (503,), "The service takes no more calls for now; try again in some seconds."),
    Refusal("no_answer", (502,), "The service gave no answer that can be passed on; try again later."),
    Refusal("document", (404,), "The contract has no document of this name; ask for ?wsdl, and follow its imports."),
    Refusal(
        "single_wsdl",
        (404,),
        "The contract can't be said exactly in one document; ask for ?wsdl, and follow its imports.",
    ),
    Refusal("stage_not_served", (503,), "The service is being moved, in a way not served here; ask whoever runs it."),
)

REFUSALS: Final[Mapping[str, Refusal]] = {each.word: each for each in _TOLD}

# How the other side failed is the operators' to know: the log, the decision record and the trace have it.
_OUTWARDLY: Final = {
    "connect_timeout": "unreachable",
    "connection_refused": "unreachable",
    "certificate": "unreachable",
    "tls": "unreachable",
    "breaker_open": "unavailable",
    "no_connection": "unavailable",
    "closed": "no_answer",
}


def refusal_for(reason: str) -> Refusal:
    """Return what callers are told of a reason, as it is in logs and records.

    >>> refusal_for("malformed_framing").word
    'no_answer'
    """
    word = _OUTWARDLY.get(reason, reason)
    return REFUSALS.get(word, REFUSALS["no_answer"])
