"""What the WSDL says: which port, how a request is built, and whether the reply can hold the items.

zeep reads the contract and builds requests; it does not call, and it does not fetch: every document comes
through `_Shelf`, which knows the WSDL's own folder or server and nothing else.
"""

import base64
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import zeep
from lxml import etree
from pydantic import JsonValue
from zeep.exceptions import Error as ZeepError
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding

from adapters.soap.config import Config, Credentials
from adapters.soap.http import Request
from contracts.errors import ConfigError, ContractError

__all__ = ["Contract", "authorization", "load"]

# Says that it is typed, and is not: what it has is taken as it comes.
_zeep: Any = zeep
_MOST_LEVELS = 6
# Besides its own errors, zeep lets these out for contracts and parameters that it can't make sense of.
_NOT_UNDERSTOOD = (ZeepError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One operation of one port. Not for several threads at a time."""

    service: str
    port: str
    endpoint: str
    fields: frozenset[str] | None
    """Every path in an item; None where the contract does not tell."""
    _client: Any
    _operation: Any
    _headers: Mapping[str, str]

    def request(self, parameters: Mapping[str, JsonValue]) -> Request:
        """Build the request with these parameters.

        Raises:
            ConfigError: The contract has no such parameter, or wants another.
        """
        name = self._operation.name
        try:
            envelope = self._client.create_message(self._client.service, name, **parameters)
        except _NOT_UNDERSTOOD as error:
            raise ConfigError([f"{name}: parameters {sorted(parameters)} do not fit the contract: {error}"]) from error
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return Request(url=self.endpoint, body=body, headers=self._headers)


def load(config: Config, fetch: Callable[[str], bytes]) -> Contract:
    """Read the WSDL and find the operation in it; `fetch` gets what is behind a URL.

    Raises:
        ConfigError: There is no such file, service, port, operation or path of items; says what there is.
        ContractError: The WSDL is not understood, or imports from elsewhere.
    """
    shelf = _Shelf(config, fetch)
    with _understood(config.wsdl):
        settings = _zeep.Settings(strict=True, forbid_entities=True, forbid_external=not shelf.is_remote)
        document = _zeep.wsdl.Document(shelf.location, shelf, settings=settings)
    service, port = _choose(document, config)
    operation = port.binding.all()[config.operation]
    endpoint = config.endpoint or port.binding_options.get("address")
    if not endpoint:
        raise ConfigError([f"{config.wsdl}: port {port.name} has no address: set endpoint"])
    with _understood(config.wsdl):
        item = _item(operation, config)
        return Contract(
            service=service,
            port=port.name,
            endpoint=endpoint,
            fields=None if item is None else frozenset(_paths(item)),
            _client=_zeep.Client(document, service_name=service, port_name=port.name),
            _operation=operation,
            _headers={**_headers(port.binding, operation.soapaction or ""), **authorization(config.credentials)},
        )


def authorization(credentials: Credentials | None) -> dict[str, str]:
    """Return the header of HTTP Basic authentication, or none.

    >>> authorization(None)
    {}
    """
    if credentials is None:
        return {}
    pair = f"{credentials.user}:{credentials.password.get_secret_value()}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@contextmanager
def _understood(wsdl: str) -> Generator[None, None, None]:
    try:
        yield
    except _NOT_UNDERSTOOD as error:
        found = f"{type(error).__name__}: {error}"
        raise ContractError(wsdl, expected="a WSDL that can be read", found=found) from error


def _headers(binding: SoapBinding, action: str) -> dict[str, str]:
    if isinstance(binding, Soap12Binding):
        return {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}


def _choose(document: Any, config: Config) -> tuple[str, Any]:  # noqa: ANN401 - zeep's objects are untyped
    every = [
        (service.name, port)
        for service in document.services.values()
        for port in service.ports.values()
        if isinstance(port.binding, SoapBinding)
    ]
    fit = [
        (service, port)
        for service, port in every
        if config.service in {None, service} and config.port in {None, port.name}
    ]
    having = [(service, port) for service, port in fit if config.operation in port.binding.all()]
    if len({service for service, _ in having}) > 1:
        raise ConfigError([f"{config.wsdl}: several services have {config.operation}: name one: {_listed(having)}"])
    if having:
        return having[0]
    if fit:
        known = sorted({name for _, port in fit for name in port.binding.all()})
        raise ConfigError([f"{config.wsdl}: no operation {config.operation}; there are: {known}"])
    raise ConfigError([f"{config.wsdl}: no SOAP port {config.service}/{config.port}; there are: {_listed(every)}"])


def _listed(ports: list[tuple[str, Any]]) -> str:
    return ", ".join(f"{service}/{port.name}" for service, port in ports) or "none"


def _item(operation: Any, config: Config) -> Any:  # noqa: ANN401 - zeep's objects are untyped
    """Return the element of the items; None where the contract does not tell.

    A path that the reply does not have is refused: it would list nothing, for ever.
    """
    element = operation.output.body
    known = [element]
    for step in config.items:
        if not all(map(_is_named, known)):
            return None
        element = next((e for e in known if step in {e.name, e.qname.text}), None)
        if element is None:
            raise ConfigError([f"items: the reply has no {step}; there are: {sorted(e.name for e in known)}"])
        known = _children(element)
    return element if all(map(_is_named, known)) else None


def _paths(element: Any, above: str = "") -> list[str]:  # noqa: ANN401 - zeep's objects are untyped
    paths = [f"{above}@{name}" for name, _ in getattr(element.type, "attributes", ())]
    for child in filter(_is_named, _children(element)):
        path = above + child.name
        # A type that holds itself has no end of paths.
        paths += [path, *(_paths(child, path + "/") if path.count("/") < _MOST_LEVELS else ())]
    return [*paths, *([f"{above}#text"] if paths or not above else [])]


def _children(element: Any) -> list[Any]:  # noqa: ANN401 - zeep's objects are untyped
    return [child for _, child in getattr(element.type, "elements", ())]


def _is_named(element: Any) -> bool:  # noqa: ANN401 - zeep's objects are untyped
    return getattr(element, "qname", None) is not None


class _Shelf:
    """Hands zeep the documents of one WSDL: those in its bundle's folder, or of its own server."""

    def __init__(self, config: Config, fetch: Callable[[str], bytes]) -> None:
        self._fetch = fetch
        self._address = urlsplit(config.wsdl)
        self.is_remote = self._address.scheme in {"http", "https"}
        self.location = config.wsdl if self.is_remote else str(_path(config.wsdl))
        self._root = (config.bundle or Path(self.location).parent).resolve()

    def load(self, url: str) -> bytes:
        """Return a document (the one method that zeep asks of a transport)."""
        address = urlsplit(url)
        if self.is_remote:
            if _origin(address) != _origin(self._address):
                raise ContractError(self.location, expected="imports from its own server", found=url)
            return self._fetch(url)
        path = _path(url)
        if address.scheme in {"http", "https"} or not path.is_relative_to(self._root):
            raise ContractError(self.location, expected=f"imports from {self._root}", found=url)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigError([f"{url}: {error.strerror}"]) from error


def _origin(address: SplitResult) -> tuple[str, str]:
    return address.scheme, address.netloc


def _path(location: str) -> Path:
    return Path(unquote(urlsplit(location).path) if location.startswith("file:") else location).expanduser().resolve()
