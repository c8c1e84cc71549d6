"""How the envelope of a request is made: by zeep from the contract, or from a template where zeep can't."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import zeep
from lxml import etree
from pydantic import JsonValue
from zeep.exceptions import Error as ZeepError

from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.answer import ENVELOPES
from contracts.legacy.soap.contract.bundle import Bundle
from contracts.legacy.soap.contract.catalog import standard
from contracts.legacy.soap.contract.model import Operation, Port, Service
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.envelope import body_of
from contracts.legacy.soap.template import Template
from contracts.legacy.soap.validity import problems
from contracts.legacy.xml import Element

__all__ = ["NOT_UNDERSTOOD", "Asking", "by_template", "by_zeep", "checked"]

Asking: TypeAlias = Callable[[Mapping[str, JsonValue]], Element]
"""Makes an envelope of parameters; raises ConfigError where they do not fit."""

# Says that it is typed, and is not: what it has is taken as it comes.
_zeep: Any = zeep
NOT_UNDERSTOOD = (ZeepError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError)
"""Besides its own errors, zeep lets these out for contracts and parameters that it can't make sense of."""


def by_zeep(bundle: Bundle, service: Service, port: Port, *, operation: Operation) -> Asking:
    """Return what asks by the contract; raises what zeep does where it can't read that."""
    settings = _zeep.Settings(strict=True, forbid_entities=True)
    document = _zeep.wsdl.Document(bundle.start, _Shelf(bundle), settings=settings)
    client = _zeep.Client(document, service_name=service.name.rpartition("}")[2], port_name=port.name)
    # In SOAP encoding, no parameter may be left out.
    is_encoded = operation.input.use == "encoded"
    nothing = {part.name: _zeep.xsd.Nil for part in operation.input.parts} if is_encoded else {}

    def ask(parameters: Mapping[str, JsonValue]) -> Element:
        given = {name: value for name, value in parameters.items() if value is not None or name not in nothing}
        try:
            envelope: Element = client.create_message(client.service, operation.name, **{**nothing, **given})
        except NOT_UNDERSTOOD as error:
            reason = f"parameters {sorted(parameters)} do not fit the contract: {error}"
            raise ConfigError([f"{operation.name}: {reason}"]) from error
        return envelope

    return ask


def by_template(path: Path, port: Port, *, known: frozenset[str]) -> Asking:
    """Return what asks by a file.

    Args:
        path: The template.
        port: Of which version the envelope is.
        known: All parameters that there ever are: the template has a place for each, and for no other.

    Raises:
        ConfigError: It can't be read, or its places and the parameters differ.
    """
    try:
        template = Template(path.read_bytes(), place=str(path))
    except OSError as error:
        raise ConfigError([f"request: {path}: {error.strerror}"]) from error
    missing, unknown = sorted(known - template.names), sorted(template.names - known)
    if missing or unknown:
        told = ", ".join(sorted(known)) or "none"
        raise ConfigError(
            [f"request: {path}: no place for the parameter {name}: write {{{name}}} where it goes" for name in missing]
            + [f"request: {path}: {{{name}}} is no parameter; there are: {told}" for name in unknown]
        )
    namespace = ENVELOPES[port.soap or "1.1"]

    def ask(parameters: Mapping[str, JsonValue]) -> Element:
        envelope = etree.Element(f"{{{namespace}}}Envelope", nsmap={"soap": namespace})
        if header := template.header(parameters):
            etree.SubElement(envelope, f"{{{namespace}}}Header").extend(header)
        etree.SubElement(envelope, f"{{{namespace}}}Body").extend(template.body(parameters))
        return envelope

    return ask


def checked(ask: Asking, schemas: Schemas, operation: Operation) -> Asking:
    """Return the same, refusing a request that the contract does not allow: zeep looks at no facet."""

    def ask_checked(parameters: Mapping[str, JsonValue]) -> Element:
        envelope = ask(parameters)
        found = [problem.text for problem in problems(schemas, operation.input, list(body_of(envelope)))]
        if found:
            raise ConfigError([f"{operation.name}: the request is not valid: {text}" for text in found])
        return envelope

    return ask_checked


class _Shelf:
    """Hands zeep the documents of a bundle, without a DTD; the one method that it asks of a transport is `load`."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def load(self, url: str) -> bytes:
        """Return a document."""
        document = self._bundle.documents.get(url.partition("#")[0])
        if document is not None:
            return etree.tostring(document.root)
        # zeep asks for the schema of SOAP encoding where a contract does not say where it is.
        found = standard(url, None)
        if found is None:
            raise ContractError(self._bundle.start, expected="imports that its bundle has", found=url)
        return found
