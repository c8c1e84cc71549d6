"""Messages with attachments: `multipart/related` (SOAP with Attachments, MTOM), as far as its envelope goes.

The root part is the envelope. Where it includes another part (XOP), that part's bytes are put back as base64, so
that the envelope says all that its schema asks for; other parts are left alone.
"""

import base64
from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any, Final, cast
from urllib.parse import unquote

from lxml import etree

from contracts.legacy.xml import Element, XmlError, local, parse

__all__ = ["is_related", "root_part"]

_INCLUDE: Final = "{http://www.w3.org/2004/08/xop/include}Include"
_XOP: Final = "application/xop+xml"


def is_related(content_type: str) -> bool:
    """Tell whether a content type is of a message with attachments.

    >>> is_related('Multipart/Related; boundary="b"')
    True
    """
    return content_type.partition(";")[0].strip().lower() == "multipart/related"


def root_part(data: bytes, content_type: str) -> tuple[bytes, str]:
    """Return the envelope, and its own content type.

    Raises:
        XmlError: There are no parts, or what is included is none of them.
    """
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n"
    whole = BytesParser(policy=policy.compat32).parsebytes(head.encode("latin-1", "replace") + data)
    parts = cast("list[Message]", whole.get_payload()) if whole.is_multipart() else []
    if not parts:
        raise XmlError("expected multipart/related with parts, found none")
    by_id = {_id(part["Content-ID"]): part for part in parts}
    root = by_id.get(_id(_parameter(whole, "start"))) or parts[0]
    found = root.get_content_type()
    kind = _parameter(root, "type") or _parameter(whole, "start-info") or "text/xml" if found == _XOP else found
    envelope = _bytes(root)
    if local(_INCLUDE).encode() in envelope:
        envelope = _included(parse(envelope), by_id)
    return envelope, kind


def _included(root: Element, by_id: dict[str, Message]) -> bytes:
    for include in [*root.iter(_INCLUDE)]:
        name = unquote((include.get("href") or "").removeprefix("cid:"))
        above = include.getparent()
        if name not in by_id or above is None:
            raise XmlError("expected an included part that is there")
        above.remove(include)
        above.text = base64.b64encode(_bytes(by_id[name])).decode()
    return etree.tostring(root)


def _bytes(part: Message) -> bytes:
    payload: Any = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _parameter(part: Message, name: str) -> str:
    found = part.get_param(name)
    return found if isinstance(found, str) else ""


def _id(text: Any) -> str:  # noqa: ANN401 - a header may be of several types
    return str(text or "").strip().removeprefix("<").removesuffix(">")
