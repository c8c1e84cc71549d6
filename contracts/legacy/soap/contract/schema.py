"""The XML Schemas of a bundle as one set of components, built by the package xmlschema without any other document.

xmlschema gives the components (content models, facets, substitution groups) and checks instances by them; how
messages are read fast is compiled from these components, elsewhere.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from email.message import Message
from io import BytesIO
from typing import Any, Final, Self, cast
from urllib.request import BaseHandler, OpenerDirector, Request
from urllib.response import addinfourl

from lxml import etree
from xmlschema import XMLSchema10, XMLSchemaException
from xmlschema.validators import XsdElement, XsdPatternFacets, XsdSimpleType, XsdType

from contracts.errors import ContractError
from contracts.legacy.soap.automaton import is_plain, matcher
from contracts.legacy.soap.contract.bundle import XSD, Bundle, Document
from contracts.legacy.xml import Element, parse_contract

__all__ = ["Schemas", "build"]

_HOST: Final = "http://bundle.invalid/"
_BUILT_IN: Final = frozenset(
    {
        "http://www.w3.org/XML/1998/namespace",
        "http://www.w3.org/2001/XMLSchema",
        "http://www.w3.org/2001/XMLSchema-instance",
    }
)
_OK = 200


class Schemas:
    """All components of a contract, found by `{namespace}name`."""

    def __init__(self, schema: XMLSchema10) -> None:
        self._schema = schema

    @property
    def xsd(self) -> XMLSchema10:
        """Return xmlschema's own object."""
        return self._schema

    @property
    def errors(self) -> tuple[str, ...]:
        """Return what is wrong with the schemas themselves, one sentence each."""
        return tuple(str(getattr(error, "message", error)) for error in self._schema.maps.all_errors)

    def element(self, tag: str) -> XsdElement | None:
        """Return a global element."""
        return self._schema.maps.elements.get(tag)

    def type(self, name: str) -> XsdType | None:
        """Return a global type, those of XML Schema itself included."""
        return self._schema.maps.types.get(name)


def build(bundle: Bundle) -> Schemas:
    """Build the components of all schemas of a bundle. Takes up to a few seconds for thousands of elements.

    Raises:
        ContractError: They can't be built at all; what is wrong in parts is in `errors`.
    """
    shelf = _Shelf(bundle)
    try:
        with warnings.catch_warnings():
            # What an import does not find is told by the bundle.
            warnings.simplefilter("ignore")
            schema = XMLSchema10(
                [*shelf.sources()] or f'<schema xmlns="{XSD[1:-1]}"/>',
                validation="lax",
                use_fallback=False,
                base_url=_HOST,
                opener=shelf.opener(),
                allow="all",
                # Each document was read by our own parser; what xmlschema gets has no DTD.
                defuse="never",
            )
    except (XMLSchemaException, RecursionError) as error:
        raise ContractError(bundle.start, expected="XML Schemas that can be built", found=str(error)) from error
    untyped: Any = schema
    for kind in untyped.iter_components(XsdSimpleType):
        _bound_patterns(kind)
    return Schemas(schema)


def _bound_patterns(kind: XsdSimpleType) -> None:
    """Let patterns that Python's engine might never have tried out be matched by our own; xmlschema asks them, too."""
    facets: Any = (kind.facets or {}).get(XSD + "pattern")
    if not isinstance(facets, XsdPatternFacets):
        return
    for place, pattern in enumerate(facets.regexps):
        try:
            if not is_plain(pattern):
                facets.patterns[place] = cast("re.Pattern[str]", _Bounded(matcher(pattern)))
        except ContractError:
            continue  # it is none to xmlschema either, which lets anything pass


class _Bounded:
    """Stands for a compiled pattern, of which is only asked whether it matches."""

    def __init__(self, fits: Callable[[str], bool]) -> None:
        self._fits = fits

    def match(self, text: str) -> Self | None:
        """Return something where a whole text fits."""
        return self if self._fits(text) else None


class _Shelf(BaseHandler):
    """Hands xmlschema the documents of a bundle, and none else.

    Imports lose their locations: all namespaces are given from the start. Includes name documents of the bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._address = {uri: f"{_HOST}{number}.xsd" for number, uri in enumerate(bundle.documents)}
        self._uri = {address: uri for uri, address in self._address.items()}

    def sources(self) -> Iterator[str]:
        """Yield the schemas that stand for themselves, each content once."""
        included = {self._meant(doc, each) for doc in self._bundle.documents.values() for each in _includes(doc.root)}
        seen: set[str] = set()
        for document in self._bundle.documents.values():
            if document.uri in included or document.sha256 in seen:
                continue
            seen.add(document.sha256)
            for root in document.root.iter(XSD + "schema"):
                if root.get("targetNamespace") not in _BUILT_IN:
                    yield self._prepared(document, root)

    def opener(self) -> OpenerDirector:
        """Return what opens the documents that are included."""
        director = OpenerDirector()
        director.add_handler(self)
        return director

    def http_open(self, request: Request) -> addinfourl:
        """Open one (urllib finds this by its name)."""
        document = self._bundle.documents[self._uri[request.full_url]]
        content = BytesIO(self._prepared(document, document.root).encode())
        return addinfourl(content, Message(), request.full_url, _OK)

    def _prepared(self, document: Document, root: Element) -> str:
        copy = parse_contract(etree.tostring(root, with_tail=False))
        # Who includes is asked on the original: a copy has other places.
        for element in [*copy.iter(XSD + "import", XSD + "include", XSD + "redefine")]:
            meant = self._meant(document, element)
            above = element.getparent()
            if element.tag == XSD + "import":
                element.attrib.pop("schemaLocation", "")
            elif meant is not None:
                element.set("schemaLocation", self._address[meant])
            elif above is not None:
                above.remove(element)
        return etree.tostring(copy, encoding="unicode")

    def _meant(self, document: Document, element: Element) -> str | None:
        return self._bundle.by_import.get((document.uri, (element.get("schemaLocation") or "").strip()))


def _includes(root: Element) -> Iterator[Element]:
    return root.iter(XSD + "include", XSD + "redefine")
