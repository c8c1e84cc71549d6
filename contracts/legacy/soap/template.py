"""A request as an engineer wrote it, with places for parameters: `<from>{since}</from>`.

The text is XML before the parameters come in, so no value of theirs can become an element. A place of its own, an
element or an attribute that has nothing else in it, goes where its parameter is absent, and an element stands once
for each value of a list. `{{` and `}}` are braces.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from lxml import etree

from contracts.errors import ConfigError
from contracts.legacy.soap.envelope import body_of
from contracts.legacy.xml import Element, Limits, XmlError, local_name, parse

__all__ = ["Template"]

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LIMITS: Final = Limits(document_bytes=1024**2)


class Template:
    """What stands in the Body and the Header of a request.

    >>> from contracts.legacy.xml import canonical
    >>> template = Template(b"<List xmlns='urn:r'><since>{since}</since><size>{size}</size></List>", place="list.xml")
    >>> [canonical(child) for child in template.body({"size": 100})]
    [b'<List xmlns="urn:r"><size>100</size></List>']

    Args:
        data: The child of the SOAP Body, or an envelope with all that is in it.
        place: Where it comes from, for errors.
    """

    def __init__(self, data: bytes, *, place: str) -> None:
        self._place = place
        try:
            root = parse(data, _LIMITS)
            is_envelope = local_name(root) == "Envelope"
            self._body = list(body_of(root)) if is_envelope else [root]
        except XmlError as error:
            raise ConfigError([f"{place}: {error}"]) from error
        headers = [child for child in root if local_name(child) == "Header"] if is_envelope else []
        self._header = [entry for header in headers for entry in header]
        self.names: frozenset[str] = frozenset(self._names())
        """The parameters that it has places for."""

    def body(self, parameters: Mapping[str, object]) -> list[Element]:
        """Return the children of the Body, filled.

        Raises:
            ConfigError: A parameter is not text, number or truth, or a part of a text is absent.
        """
        return self._filled(self._body, parameters)

    def header(self, parameters: Mapping[str, object]) -> list[Element]:
        """Return the entries of the Header, filled; raises as `body` does."""
        return self._filled(self._header, parameters)

    def _names(self) -> Iterator[str]:
        for element in (each for root in (*self._body, *self._header) for each in root.iter()):
            for text in (element.text, element.tail, *map(str, element.values())):
                for found in _PLACE.finditer(text or ""):
                    if found[0] in {"{{", "}}"}:
                        continue
                    if not _NAME.fullmatch(found[1] or ""):
                        expected = "{name of a parameter}, or {{ and }} for braces"
                        raise ConfigError(
                            [f"{self._place}: {local_name(element)}: expected {expected}, found {text!r}"]
                        )
                    yield found[1]

    def _filled(self, roots: Sequence[Element], parameters: Mapping[str, object]) -> list[Element]:
        return [made for root in roots for made in self._copies(root, parameters)]

    def _copies(self, element: Element, parameters: Mapping[str, object]) -> list[Element]:
        """Return what an element becomes: itself, nothing, or one for each value of a list."""
        name = None if len(element) else _own(element.text)
        given = None if name is None else parameters.get(name)
        if name is None:
            return [self._copy(element, parameters)]
        values = cast("list[object]", given) if isinstance(given, list) else [given]
        return [self._copy(element, {**parameters, name: value}) for value in values if value is not None]

    def _copy(self, element: Element, parameters: Mapping[str, object]) -> Element:
        # The stubs know of no default namespace.
        namespaces = cast("dict[str, str]", element.nsmap)
        copy = etree.Element(element.tag, nsmap=namespaces)
        for name, given in element.items():
            text = str(given)
            own = _own(text)
            if own is None or parameters.get(own) is not None:
                copy.set(name, self._text(element, text, parameters))
        copy.text = self._text(element, element.text, parameters) or None
        for child in element:
            copy.extend(self._copies(child, parameters))
            _append(copy, self._text(element, child.tail, parameters))
        return copy

    def _text(self, element: Element, text: str | None, parameters: Mapping[str, object]) -> str:
        def value(found: re.Match[str]) -> str:
            if found[1] is None:
                return found[0][0]
            return self._lexical(element, found[1], parameters.get(found[1]))

        return _PLACE.sub(value, text or "")

    def _lexical(self, element: Element, name: str, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float, Decimal)):
            return str(value)
        found = "nothing" if value is None else type(value).__name__
        expected = "a text, a number or a truth"
        raise ConfigError([f"{self._place}: {local_name(element)}: {name}: expected {expected}, found {found}"])


def _append(element: Element, text: str) -> None:
    """Put a text after what an element has by now."""
    if not text:
        return
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _own(text: str | None) -> str | None:
    """Return the name of the parameter that is all of a text."""
    found = _PLACE.fullmatch((text or "").strip())
    return None if found is None or found[1] is None else found[1]
