"""Samples of what a contract sends: parts, bodies, headers, details of faults; all valid against its schemas."""

from collections.abc import Mapping

from xmlschema.validators import XsdElement

from contracts.errors import ContractError
from contracts.legacy.soap.contract.model import Body, Part, Use
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.content import Writer
from contracts.legacy.soap.sample.draw import Draw
from contracts.legacy.soap.sample.identity import settle
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.soap.sample.place import Message, Place
from contracts.legacy.soap.sample.value import refer
from contracts.legacy.xml import Element

__all__ = ["Sampler", "sample"]


def sample(schemas: Schemas, what: Part | str, *, seed: object = 0, options: Options | None = None) -> Element:
    """Return a sample of a part, or of a global element by its `{namespace}name`.

    Raises:
        ContractError: The contract has no such thing, or nothing of finite size is valid; says where and why.
    """
    sampler = Sampler(schemas, options)
    part = what if isinstance(what, Part) else Part(name=what, element=what)
    return sampler.part(part, seed=seed)


class Sampler:
    """Makes samples of one contract; what it finds out of the schemas is kept for the next."""

    def __init__(self, schemas: Schemas, options: Options | None = None) -> None:
        self._schemas = schemas
        self._options = options or Options()
        self._writer = Writer(schemas)
        self._prefixes = _prefixes(schemas)

    def part(self, part: Part, *, seed: object, use: Use = "literal", options: Options | None = None) -> Element:
        """Return the element of a part.

        Raises:
            ContractError: The contract has no such thing, or nothing of finite size is valid.
        """
        message = self._message(use, options)
        element = self._in(message, part, Draw.of(seed))
        self._finish(message, element)
        return element

    def declared(self, declared: XsdElement, *, seed: object, options: Options | None = None) -> Element:
        """Return an element that is declared somewhere in the schemas: an item of a list, say.

        Raises:
            ContractError: Nothing of finite size is valid.
        """
        message = self._message("literal", options)
        element = self._writer.element(declared, Place(message=message, draw=Draw.of(seed)))
        self._finish(message, element)
        return element

    def body(self, body: Body, *, seed: object, options: Options | None = None) -> list[Element]:
        """Return the children of the SOAP Body for one direction of an operation.

        Raises:
            ContractError: The contract has no such thing, or nothing of finite size is valid.
        """
        if body.wrapper is None:
            return [self.part(part, seed=(seed, part.name), use=body.use, options=options) for part in body.parts]
        message = self._message(body.use, options)
        wrapper = message.create(body.wrapper, (), None)
        for part in body.parts:
            self._in(message, part, Draw.of((seed, part.name)), parent=wrapper)
        self._finish(message, wrapper)
        return [wrapper]

    def _message(self, use: Use, options: Options | None) -> Message:
        return Message(options=options or self._options, is_encoded=use == "encoded", usual=self._prefixes)

    def _in(self, message: Message, part: Part, draw: Draw, *, parent: Element | None = None) -> Element:
        place = Place(message=message, draw=draw)
        if part.element is not None:
            return self._writer.element(self._element(part), place, parent)
        kind = self._schemas.type(part.type or "")
        if kind is None:
            raise ContractError(f"part {part.name}", expected="a type that the contract has", found=part.type or "none")
        return self._writer.typed(part.name, kind, place, parent=parent)

    def _element(self, part: Part) -> XsdElement:
        declared = self._schemas.element(part.element or "")
        if declared is None:
            expected = "an element that the contract has"
            raise ContractError(f"part {part.name}", expected=expected, found=part.element or "none")
        return declared

    def _finish(self, message: Message, root: Element) -> None:
        refer(message)
        settle(message)
        message.settle(root)


def _prefixes(schemas: Schemas) -> Mapping[str, str]:
    """Return a prefix for each namespace, as the schemas themselves have them."""
    found: dict[str, str] = {}
    for schema in schemas.xsd.maps.iter_schemas():
        for prefix, namespace in schema.namespaces.items():
            if prefix and not prefix.startswith("xml") and prefix not in found.values():
                found.setdefault(namespace, prefix)
    return found
