"""The modern twin of the JAX-WS registry: the same contract, and the same bytes for the same residents."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from contracts.legacy.xml import Element
from tests.facade_wire import Message, take_request

__all__ = ["NAMESPACE", "Twin"]

NAMESPACE = "urn:banyan:testing:registry"
_FIELDS = ("id", "name", "street", "city", "born", "status", "lastModified")
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
_SOAP_1_1 = "http://schemas.xmlsoap.org/soap/envelope/"
_SOAP_1_2 = "http://www.w3.org/2003/05/soap-envelope"
_MEDIA = {_SOAP_1_1: b"text/xml; charset=utf-8", _SOAP_1_2: b"application/soap+xml; charset=utf-8"}
_FAULTS = {
    _SOAP_1_1: '<S:Fault xmlns:ns4="http://www.w3.org/2003/05/soap-envelope"><faultcode>S:Server</faultcode>'
    "<faultstring>{text}</faultstring>{detail}</S:Fault>",
    _SOAP_1_2: '<S:Fault xmlns:ns4="http://schemas.xmlsoap.org/soap/envelope/"><S:Code><S:Value>S:Receiver</S:Value>'
    '</S:Code><S:Reason><S:Text xml:lang="en">{text}</S:Text></S:Reason>{detail}</S:Fault>',
}
_DETAILS = {_SOAP_1_1: "<detail>{}</detail>", _SOAP_1_2: "<S:Detail>{}</S:Detail>"}


class _FaultError(Exception):
    def __init__(self, text: str, detail: str = "") -> None:
        super().__init__(text)
        self.text, self.detail = text, detail


@dataclass
class Twin:
    """A server of its own residents; which calls it got is to be seen on the wire before it."""

    residents: dict[str, dict[str, str | None]] = field(default_factory=dict[str, dict[str, str | None]])
    port: int = 0

    @classmethod
    def of(cls, file: Path) -> "Twin":
        """Return a twin with the residents that the JAX-WS server has in its file."""
        found = [{field: each.findtext(field) for field in _FIELDS} for each in etree.parse(file).iter("resident")]
        return cls({str(each["id"]): each for each in found})

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["Twin"]:
        """Serve on a free port until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = b""
        try:
            while part := await reader.read(65_536):
                data += part
                while taken := take_request(data):
                    data = taken[1]
                    writer.write(self._reply(taken[0]))
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _reply(self, request: Message) -> bytes:
        root = etree.fromstring(_xml(request), etree.XMLParser(resolve_entities=False))
        version = etree.QName(root).namespace or ""
        body = root.find(f"{{{version}}}Body")
        if body is None:
            raise ValueError(request.raw)
        status, content = 200, b""
        try:
            content = self._operate(body[0])
        except _FaultError as fault:
            detail = _DETAILS[version].format(fault.detail) if fault.detail else ""
            status, content = 500, _FAULTS[version].format(text=fault.text, detail=detail).encode()
        start = f"<?xml version='1.0' encoding='UTF-8'?><S:Envelope xmlns:S=\"{version}\"><S:Body>"
        return _answer(request, status, start.encode() + content + b"</S:Body></S:Envelope>", _MEDIA[version])

    def _operate(self, asked: Element) -> bytes:
        name = etree.QName(asked).localname
        operation: Mapping[str, Callable[[Element], str]] = {
            "ListResidents": self._list,
            "ReadResident": lambda asked: _resident(self._readable(asked)),
            "ChangeAddress": self._change,
        }
        inner = operation[name](asked)
        start = f'<ns2:{name}Response xmlns:ns2="{NAMESPACE}"'
        return (f"{start}>{inner}</ns2:{name}Response>" if inner else f"{start}/>").encode()

    def _list(self, asked: Element) -> str:
        since = asked.findtext("modifiedSince") or ""
        return "".join(_resident(each) for each in self.residents.values() if str(each["lastModified"]) >= since)

    def _readable(self, asked: Element) -> dict[str, str | None]:
        found = self._find(asked)
        if found["status"] == "broken":
            raise _FaultError("the database is closed")
        return found

    def _change(self, asked: Element) -> str:
        found = self._find(asked)
        found["street"], found["city"] = asked.findtext("street"), asked.findtext("city")
        address = escape(f"{found['street']}, {found['city']}")
        said = f"<id>{found['id']}</id><address>{address}</address><accepted>true</accepted>"
        return f"<change>{said}<fee>12.50</fee><validFrom>2026-12-01</validFrom></change>"

    def _find(self, asked: Element) -> dict[str, str | None]:
        number = asked.findtext("id") or ""
        if number not in self.residents:
            text = "nobody has this number"
            inner = f"<id>{escape(number)}</id><message>{text}</message>"
            raise _FaultError(text, f'<ns2:UnknownResident xmlns:ns2="{NAMESPACE}">{inner}</ns2:UnknownResident>')
        return self.residents[number]


def _resident(found: Mapping[str, str | None]) -> str:
    inner = ""
    for name in _FIELDS:
        value = found[name]
        if value:
            inner += f"<{name}>{escape(value)}</{name}>"
        elif name == "born":
            inner += f"<born {_XSI}/>"
    return f"<resident>{inner}</resident>"


def _xml(request: Message) -> bytes:
    """Return the Envelope: out of its coding, and out of its multipart message."""
    body = gzip.decompress(request.body) if request.all(b"content-encoding") == [b"gzip"] else request.body
    kind = request.one(b"content-type")
    if not kind.startswith(b"multipart/related"):
        return body
    message = message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + body, policy=policy.HTTP)
    root = next(part.get_payload(decode=True) for part in message.walk() if not part.is_multipart())
    if not isinstance(root, bytes):
        raise TypeError(root)
    return root


def _answer(request: Message, status: int, content: bytes, media: bytes) -> bytes:
    """Return the answer, packed when the caller says that it can unpack it."""
    coding = b""
    if any(b"gzip" in asked for asked in request.all(b"accept-encoding")):
        coding, content = b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n", gzip.compress(content, mtime=0)
    phrase = b"OK" if status == 200 else b"Internal Server Error"
    head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n"
    return head % (status, phrase, media, coding, len(content)) + content
