"""What the WSDL says: which port, how a request is built, and how a reply is read.

Contracts are read by our own code, see ADR 10; zeep builds the requests (`asking`). It does not call, and it does not
fetch: every document comes from the bundle.
"""

import secrets
import socket
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from lxml import etree
from pydantic import JsonValue

from adapters._operation import chosen, local
from adapters.soap.asking import NOT_UNDERSTOOD, Asking, by_template, by_zeep, checked
from adapters.soap.bundle import is_web, load_bundle
from adapters.soap.changes import Listed
from adapters.soap.config import Config
from adapters.soap.content import Without
from adapters.soap.http import Request, authorization
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap import reply
from contracts.legacy.soap.contract.bundle import Bundle, gather
from contracts.legacy.soap.contract.catalog import standard
from contracts.legacy.soap.contract.model import Operation, Port
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.field import Field
from contracts.legacy.soap.message.reader import Reader, Rest
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.message.simple import Simple
from contracts.legacy.soap.message.structure import Complex
from contracts.legacy.soap.security import add_username_token
from contracts.legacy.xml import Element, Limits, XmlError

__all__ = ["Contract", "load"]

_MOST_LEVELS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One operation of one port. Not for several threads at a time."""

    service: str
    port: str
    endpoint: str
    fields: frozenset[str] | None
    """Every path in an item; None where the contract does not tell."""
    _config: Config
    _reader: Reader
    _ask: Asking
    _headers: Mapping[str, str]
    _limits: Limits | None

    def request(self, parameters: Mapping[str, JsonValue]) -> Request:
        """Build the request with these parameters.

        Raises:
            ConfigError: The contract has no such parameter, wants another, or does not allow what one says.
        """
        envelope = self._ask(parameters)
        self._sign(envelope)
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return Request(url=self.endpoint, body=body, headers=self._headers)

    @contextmanager
    def addressed(self) -> Generator[None, None, None]:
        """Say whom nobody answers for, and who says so, where no connection comes about in the block."""
        try:
            yield
        except (ConnectionRefusedError, socket.gaierror) as error:
            address = urlsplit(self.endpoint)._replace(query="", fragment="")
            netloc = address.netloc.rpartition("@")[2]
            own = "the WSDL's own address; set endpoint to call another"
            origin = own if self._config.endpoint is None else "the adapter's endpoint"
            told = f"{error.strerror}: {address._replace(netloc=netloc).geturl()} ({origin})"
            raise type(error)(error.errno, told) from error

    def _sign(self, envelope: Element) -> None:
        token = self._config.username_token
        if token is not None:
            add_username_token(
                envelope,
                token.user,
                token.password.get_secret_value(),
                kind=token.kind,
                now=datetime.now(UTC),
                nonce=secrets.token_bytes(16),
                valid_for=token.valid_for,
            )

    def items(self, chunks: Iterable[bytes]) -> Generator[Listed | Rest, None, None]:
        """Yield the items of a reply, and last what else it says where values are typed; raises as its reader does."""
        ignored = self._config.ignore
        found = self._items(chunks)
        yield from found if not ignored else (e if isinstance(e, Rest) else Without(e, ignored) for e in found)

    def _items(self, chunks: Iterable[bytes]) -> Generator[Listed | Rest, None, None]:
        if self._config.values == "text":
            yield from reply.read(chunks, self._config.items, system=self._config.name)
        else:
            yield from self._reader.items(chunks, self._config.items, self._limits)


def load(config: Config, fetch: Callable[[str], bytes]) -> Contract:
    """Read the WSDL and find the operation in it; `fetch` gets what is behind a URL.

    Raises:
        ConfigError: There is no such file, service, port, operation or path of items; says what there is.
        ContractError: The WSDL is not understood, or lacks what it imports.
    """
    with _understood(config.wsdl):
        bundle = _bundle(config, fetch)
        wsdl = read_contract(bundle)
    service, port, operation = chosen(
        wsdl, config.wsdl, operation=config.operation, service=config.service, port=config.port
    )
    endpoint = config.endpoint or port.address
    if not endpoint:
        raise ConfigError([f"{config.wsdl}: port {port.name} has no address: set endpoint"])
    schemas = build(bundle)
    reader = Reader(operation, Readers(schemas), system=config.name)
    _require_token(config, reader)
    is_encoded = operation.output is not None and operation.output.use == "encoded"
    if is_encoded and config.values != "typed":
        raise ConfigError([f"values: expected typed, since {operation.name} speaks SOAP encoding"])
    if is_encoded and config.ignore:
        raise ConfigError([f"ignore: expected none, since {operation.name} speaks SOAP encoding"])
    if config.request is not None:
        ask = by_template(config.request, port, known=config.asked)
    else:
        with _understood(config.wsdl, expected="a WSDL that requests can be built by; `request` names one as XML"):
            ask = by_zeep(bundle, service, port, operation=operation)
    return Contract(
        service=local(service.name),
        port=port.name,
        endpoint=endpoint,
        fields=_fields(reader.field_at(config.items), attributes=not is_encoded),
        _config=config,
        _reader=reader,
        _ask=checked(ask, schemas, operation) if config.check_request else ask,
        _headers={**_headers(port, operation), **authorization(config.credentials)},
        _limits=Limits(document_bytes=config.encoded_bytes) if is_encoded else None,
    )


@contextmanager
def _understood(wsdl: str, expected: str = "a WSDL that can be read") -> Generator[None, None, None]:
    try:
        yield
    except ContractError:
        raise
    except (*NOT_UNDERSTOOD, XmlError) as error:
        # What zeep does not find is an IndexError of its own, whose name says nothing.
        found = str(error) if isinstance(error, IndexError) else f"{type(error).__name__}: {error}"
        raise ContractError(wsdl, expected=expected, found=found) from error


def _bundle(config: Config, fetch: Callable[[str], bytes]) -> Bundle:
    """Gather what the WSDL is; whatever it can't have is an error here, though one could read the rest."""
    if is_web(config.wsdl):
        bundle = gather(config.wsdl, root=urljoin(config.wsdl, "/"), fetch=fetch, catalog=standard)
    else:
        bundle = load_bundle(config.wsdl, root=config.bundle)
    for missing in bundle.missing:
        raise ContractError(missing.needed_by, expected=f"an import of {missing.location}", found=missing.reason)
    return bundle


def _require_token(config: Config, reader: Reader) -> None:
    """Refuse a token that the contract does not have, or that is no text: the listing would end after a page."""
    path = None if config.paging is None else config.paging.token
    if path is None:
        return
    if local(path[0]) != local(config.items[0]) or len(config.items) == 1:
        raise ConfigError([f"paging.token: expected a path from {config.items[0]}, beside the items"])
    try:
        field = reader.field_at(path)
    except ConfigError as error:
        raise ConfigError([problem.replace("items: ", "paging.token: ", 1) for problem in error.problems]) from error
    plain = field.type
    is_text = isinstance(plain, Simple) and getattr(plain.kind, "python_type", str) in {str, int}
    if field.repeats or not is_text:
        raise ConfigError([f"paging.token: expected one text or integer, found {'/'.join(path)} of another kind"])


def _headers(port: Port, operation: Operation) -> dict[str, str]:
    if port.soap == "1.2":
        return {"Content-Type": f'application/soap+xml; charset=utf-8; action="{operation.action}"'}
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation.action}"'}


def _fields(item: Field, *, attributes: bool) -> frozenset[str] | None:
    """Return every path in an item; None where anything may be in it. SOAP encoding has attributes for itself alone."""
    if item.type is None or (isinstance(item.type, Complex) and item.type.is_open):
        return None
    paths = {*_paths(item), "#text"}
    is_own = {path for path in paths if "@" in path or path.endswith("/#text")}
    return frozenset(paths if attributes else paths - is_own)


def _paths(field: Field, above: str = "") -> Iterator[str]:
    if not isinstance(field.type, Complex):
        return
    for name in field.type.attributes:
        yield f"{above}@{name}"
    if above:
        yield f"{above}#text"
    for child in field.type.fields.values():
        path = above + child.name
        yield path
        # A type that holds itself has no end of paths.
        if path.count("/") < _MOST_LEVELS:
            yield from _paths(child, path + "/")
