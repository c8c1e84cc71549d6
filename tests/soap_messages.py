"""Messages of our own, and ways to read them as the façade does."""

from collections.abc import Callable

import pytest

from routers.facade.soap.message import MessageError, MessageReader, reader_for

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
OPERATION = "{urn:x}ChangeAddress"
BODY_KEY = ("Body", OPERATION, "residentId")
HEADER_KEY = ("Header", "{urn:x}Session", "@id")
MESSAGE = (
    f'<s:Envelope xmlns:s="{SOAP_11}"><s:Header><x:Session xmlns:x="urn:x" id="7"/></s:Header><s:Body>'
    '<x:ChangeAddress xmlns:x="urn:x"><x:residentId>12345</x:residentId><x:street>A</x:street></x:ChangeAddress>'
    "</s:Body></s:Envelope>"
)


def plain_reader(
    steps: tuple[str, ...] | None = None, charset: str | None = None, limit_bytes: int = 65_536
) -> MessageReader:
    return MessageReader(lambda _: steps, charset=charset, limit_bytes=limit_bytes)


def read(reader: MessageReader | None, data: bytes, size: int | None = None) -> MessageReader:
    """Feed a message in portions, and close it where the reader wants no more."""
    assert reader is not None
    size = size or max(len(data), 1)
    for at in range(0, len(data), size):
        if reader.feed(data[at : at + size]):
            break
    reader.close()
    return reader


def about(reader: MessageReader) -> tuple[str | None, list[str], str]:
    return reader.operation, reader.keys, reader.soap_version


def reader_of(
    content_type: bytes, steps: tuple[str, ...] | None = None, coding: bytes = b"", limit: int = 65_536
) -> MessageReader | None:
    return reader_for(content_type, coding, resolve=lambda _: steps, limit_bytes=limit)


def reason_of(act: Callable[[], object]) -> str:
    with pytest.raises(MessageError) as raised:
        act()
    return raised.value.reason


def envelope(body: str, header: str = "", version: str = SOAP_11) -> str:
    return f'<s:Envelope xmlns:s="{version}">{header}<s:Body>{body}</s:Body></s:Envelope>'


def with_key(key: str) -> str:
    return envelope(f'<ChangeAddress xmlns="urn:x"><residentId>{key}</residentId></ChangeAddress>')
