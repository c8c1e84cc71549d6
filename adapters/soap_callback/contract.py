"""What the contract says: which messages are taken, what they hold, and what they are answered."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from adapters.soap_callback.config import MESSAGE_ID, Config
from contracts.errors import ConfigError, LegacyUnavailableError, RecordError
from contracts.legacy import xml
from contracts.legacy.soap.answer import CONTENT_TYPES, Refusal, envelope, fault
from contracts.legacy.soap.authentication import Authenticated, Rules, Unauthenticated, authenticate
from contracts.legacy.soap.call import Call, Reader
from contracts.legacy.soap.contract.bundle import Bundle, gather
from contracts.legacy.soap.contract.catalog import standard
from contracts.legacy.soap.contract.model import Operation, Port, SoapVersion
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.reader import Reader as Typed
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.served import Page, serve
from contracts.legacy.soap.validity import problems
from contracts.legacy.xml import Element, XmlError, local_name
from contracts.record_path import at

__all__ = ["Contract", "Message", "Refused", "load", "refused"]

_ADDRESSING: Final = ("http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing")
_UNAUTHENTICATED: Final = Refusal(code="Client", text="the message is not authenticated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that may be taken."""

    version: SoapVersion
    record: Mapping[str, Any]
    data: bytes
    digest: str
    """Hash of its Body: what a caller signs anew for each try is not in it."""
    id: str | None
    """Which one it is, by its own words."""
    caller: Authenticated | None
    error: RecordError | None = None
    """What the contract does not allow of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message that is not taken."""

    version: SoapVersion
    refusal: Refusal
    reason: str
    """A word for the log and the counters."""
    caller: Authenticated | None = None
    """Who sent it, where that is known: what proved it is spent."""


class Contract:
    """Reads requests and writes answers of one operation. Not for several threads at a time."""

    def __init__(self, config: Config, bundle: Bundle) -> None:
        port, operation = _served(config, bundle)
        schemas = build(bundle)
        self._config, self._operation, self._schemas = config, operation, schemas
        # With all operations of the port: an action that names another one is refused.
        self._reader = Reader(schemas, [port])
        # A request is read as a reply of the other direction would be.
        turned = replace(operation, output=operation.input, faults=())
        self._typed = Typed(turned, Readers(schemas), system=config.name)
        self._rules: Rules | None = None if config.token is None else config.token.rules()
        self.pages: Mapping[str, Page] = serve(bundle, config.path, ports={port.name: config.path}).pages
        self._require_reply()

    def read(self, data: bytes, *, content_type: str, action: str, now: datetime) -> Message | Refused:
        """Return what a request says, or why it is not taken; who calls is looked at before what is said."""
        admitted: list[Authenticated | Unauthenticated] = []

        def admit(root: Element) -> Refusal | None:
            if self._rules is not None:
                admitted.append(authenticate(root, self._rules, now=now))
            return _UNAUTHENTICATED if admitted and isinstance(admitted[0], Unauthenticated) else None

        version, call = self._reader.read(data, content_type=content_type, action=action, admit=admit)
        if isinstance(call, Call) and call.operation.name != self._operation.name:
            text = f"Body: expected a message of {self._operation.name}, found one of {call.operation.name}"
            call = Refusal(code="Client", text=text)
        caller = admitted[0] if admitted else None
        if isinstance(caller, Unauthenticated):
            return Refused(version=version, refusal=_UNAUTHENTICATED, reason=caller.reason)
        if isinstance(call, Refusal):
            is_known = caller is not None or self._rules is None
            if not is_known or self._config.invalid == "refuse" or call.code != "Client" or call.status != 500:  # noqa: PLR2004 - what is no SOAP at all has another status
                return Refused(version=version, refusal=call, reason="invalid", caller=caller)
            return _invalid(version, data, call.text, caller=caller)
        return self._message(call, data, caller)

    def _message(self, call: Call, data: bytes, caller: Authenticated | None) -> Message | Refused:
        root, version = call.body[0].getroottree().getroot(), call.version
        try:
            reply = self._typed.read(etree.tostring(root))
        except (RecordError, LegacyUnavailableError) as error:
            text = str(error) if isinstance(error, RecordError) else error.reason
            if self._config.invalid == "refuse":
                return Refused(
                    version=version, refusal=Refusal(code="Client", text=text), reason="invalid", caller=caller
                )
            return _invalid(version, data, text, caller=caller)
        digest = hashlib.sha256(b"".join(map(xml.canonical, call.body))).hexdigest()
        named = self._id(root, reply.record)
        if self._config.message_id is not None and not named:
            text = f"{self._config.message_id}: expected the id of the message"
            return Refused(version=version, refusal=Refusal(code="Client", text=text), reason="invalid", caller=caller)
        return Message(version=version, record=reply.record, data=data, digest=digest, id=named, caller=caller)

    def _id(self, root: Element, record: Mapping[str, Any]) -> str | None:
        if self._config.message_id is None:
            return None
        if self._config.message_id != MESSAGE_ID:
            found = at(record, self._config.message_id.split("/"))
            return str(found) if isinstance(found, str | int) else None
        header = next((child for child in root if local_name(child) == "Header"), None)
        found = [] if header is None else [e for ns in _ADDRESSING for e in header.findall(f"{{{ns}}}MessageID")]
        return (found[0].text or "").strip() if len(found) == 1 else None

    def accepted(self, version: SoapVersion, record: Mapping[str, Any], position: str) -> tuple[int, str, bytes]:
        """Return status, type and body of what a message is answered that was published."""
        if self._operation.output is None:
            return 202, "text/plain", b""
        return 200, CONTENT_TYPES[version], envelope(version, [self._element(record, position)])

    def _element(self, record: Mapping[str, Any], position: str) -> Element:
        if self._config.reply is None:
            output = self._operation.output
            return etree.Element("none" if output is None else output.root or "none")
        names = _Names(record, position)
        return xml.parse(self._config.reply.format_map(names).encode())

    def _require_reply(self) -> None:
        """Refuse a reply that the contract does not allow; one with placeholders is as good as what fills them."""
        output = self._operation.output
        if output is None:
            if self._config.reply is not None:
                raise ConfigError([f"{self._config.name}: reply: {self._operation.name} is one-way, and has none"])
            return
        try:
            element = self._element({}, "0")
        except (XmlError, ValueError, IndexError) as error:
            raise ConfigError([f"{self._config.name}: reply: expected an XML element: {error}"]) from error
        found = next(problems(self._schemas, output, [element]), None)
        if found is not None and (self._config.reply is None or "{" not in self._config.reply):
            raise ConfigError([f"{self._config.name}: reply: {found.text}"])


class _Names(dict[str, str]):
    def __init__(self, record: Mapping[str, Any], position: str) -> None:
        super().__init__(position=position)
        self._record = record

    def __missing__(self, name: str) -> str:
        found = at(self._record, name.split("/"))
        return "" if found is None else escape(str(found), {'"': "&quot;", "'": "&apos;"})


def refused(found: Refused) -> tuple[int, str, bytes]:
    """Return status, type and body of a fault."""
    status = found.refusal.status
    if found.version == "1.2" and found.refusal.code == "Client" and status == 500:  # noqa: PLR2004 - SOAP 1.2, part 2, table 20
        status = 400
    return status, CONTENT_TYPES[found.version], fault(found.version, found.refusal)


def load(config: Config) -> Contract:
    """Read the WSDL.

    Raises:
        ConfigError: There is no such file or operation, or the reply is none.
        ContractError: It is not understood.
    """
    path = Path(config.wsdl).expanduser().resolve()

    def fetch(uri: str) -> bytes:
        found = Path(unquote(urlsplit(uri).path)).resolve()
        if not found.is_relative_to(path.parent):
            raise OSError(f"it lies outside of {path.parent}")
        return found.read_bytes()

    try:
        bundle = gather(path.as_uri(), root=path.parent.as_uri() + "/", fetch=fetch, catalog=standard)
    except OSError as error:
        raise ConfigError([f"{config.name}: wsdl: {path}: {error.strerror or error}"]) from error
    return Contract(config, bundle)


def _served(config: Config, bundle: Bundle) -> tuple[Port, Operation]:
    ports = [port for _, port in read_contract(bundle).ports if port.soap is not None]
    for port in ports:
        if config.operation in port.operations:
            return port, port.operations[config.operation]
    known = sorted({name for port in ports for name in port.operations})
    raise ConfigError([f"{config.name}: no operation {config.operation}; there are: {', '.join(known) or 'none'}"])


def _invalid(version: SoapVersion, data: bytes, text: str, *, caller: Authenticated | None) -> Message:
    """Return a message that is kept as it came; what it says stays out of the reason, but for the place."""
    place = text.partition(":")[0]
    return Message(
        version=version,
        record={"#fault": text},
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
        id=None,
        caller=caller,
        error=RecordError(place, expected="what the contract says"),
    )
