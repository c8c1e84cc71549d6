"""A contract as one document: what it imports stands in it. What can't be said so exactly is an error.

Schemas that are included or imported become schemas of their own in wsdl:types, each once for a namespace; they find
each other by namespace. Definitions are put in only where they have the namespace of the whole, since a document
has one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final
from xml.sax.saxutils import quoteattr

from contracts.errors import ContractError
from contracts.legacy.soap.contract.bundle import WSDL, XSD, Bundle, Document
from contracts.legacy.soap.markup import Edit, Markup, edited
from contracts.legacy.xml import Element, XmlError, canonical, parse_contract

__all__ = ["single_text"]

_KEPT: Final = frozenset({"name", "targetNamespace", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"})
"""Attributes of definitions that lose nothing when they are put into others."""
_REFERENCES: Final = (WSDL + "import", XSD + "import", XSD + "include", XSD + "redefine")

_OF_NAMESPACES: Final = re.compile(r"<!ATTLIST\s+\S+\s+xmlns(?::\S+)?\s+CDATA\s+#FIXED\s+(?:\"[^\"]*\"|'[^']*')\s*>")
"""What our parser heeds of a document type's defaults; others may heed all of them."""

_Namespaces = Mapping[str | None, str]


def single_text(bundle: Bundle, markups: Mapping[str, Markup], edits: Callable[[Markup], Iterable[Edit]]) -> str:
    """Return the text of the one document.

    Args:
        bundle: The contract.
        markups: Its documents, by address.
        edits: Gives what is to be changed in each of them besides.

    Raises:
        ContractError: It can't be done exactly; says why.
    """
    return _Single(bundle, markups, edits).text()


class _Single:
    def __init__(
        self, bundle: Bundle, markups: Mapping[str, Markup], edits: Callable[[Markup], Iterable[Edit]]
    ) -> None:
        self._bundle, self._markups, self._edits = bundle, markups, edits
        self._start = bundle.documents[bundle.start]
        self._types = self._start.root.find(WSDL + "types")
        self._around: _Namespaces = self._start.root.nsmap
        self._around_schemas: _Namespaces = self._around if self._types is None else self._types.nsmap
        # By content: what a contract has in two folders would be defined twice.
        self._seen: set[tuple[str, str | None]] = {(self._start.sha256, None)}
        self._schemas: list[str] = []
        self._definitions: list[str] = []

    def text(self) -> str:
        """Return it."""
        self._follow(self._start, None)
        markup, root = self._markups[self._start.uri], self._start.root
        edits = [*self._edits(markup), *self._without_imports(markup)]
        if self._schemas:
            edits.append(self._typed(markup, "\n".join(["", *self._schemas, ""])))
        if self._definitions:
            at = markup.tags[root].close
            edits.append(Edit(at, at, "\n".join([*self._definitions, ""])))
        return edited(markup.text, edits)

    def _typed(self, markup: Markup, schemas: str) -> Edit:
        """Return the edit that puts schemas into wsdl:types, which may have to be made."""
        if self._types is not None:
            tag = markup.tags[self._types]
            if not tag.is_empty:
                return Edit(tag.close, tag.close, schemas)
            slash = markup.text.rindex("/", tag.start, tag.end)
            return Edit(slash, tag.end, f">{schemas}</{tag.name}>")
        root = self._start.root
        name = f"{root.prefix}:types" if root.prefix else "types"
        first = {WSDL + "import", WSDL + "documentation"}
        after = next((each for each in root.iterchildren("*") if each.tag not in first), None)
        at = markup.tags[root].close if after is None else markup.tags[after].start
        return Edit(at, at, f"<{name}>{schemas}</{name}>\n")

    def _follow(self, document: Document, namespace: str | None) -> None:
        """Put in what a document imports, and what that imports; once each."""
        for element in document.root.iter(*_REFERENCES):
            wanted = self._wanted(document, element)
            if wanted is None:
                continue
            is_wsdl = element.tag == WSDL + "import" and wanted.root.tag == WSDL + "definitions"
            if not is_wsdl and wanted.root.tag != XSD + "schema":
                raise _impossible(document, f"a reference to {wanted.root.tag}")
            into = None if is_wsdl else wanted.root.get("targetNamespace")
            if element.tag == XSD + "include" and into is None:
                into = _namespace_around(element) or namespace
            if (wanted.sha256, into) in self._seen:
                continue
            self._seen.add((wanted.sha256, into))
            if is_wsdl:
                self._put_definitions(wanted)
            else:
                self._put_schema(wanted, into)
            self._follow(wanted, into)

    def _wanted(self, document: Document, element: Element) -> Document | None:
        location = element.get("location" if element.tag == WSDL + "import" else "schemaLocation")
        if element.tag == XSD + "redefine":
            raise _impossible(document, "xsd:redefine, which needs a document of its own")
        if location is None:
            return None
        uri = self._bundle.by_import.get((document.uri, location.strip()))
        if uri is None:
            raise _impossible(document, f"a reference to {location}, which the contract lacks")
        return self._bundle.documents[uri]

    def _put_schema(self, document: Document, namespace: str | None) -> None:
        markup, root = self._markups[document.uri], document.root
        more: dict[str, str] = {}
        if root.get("targetNamespace") is None and namespace is not None:
            more["targetNamespace"] = namespace
            if None not in root.nsmap:
                if any(not element.tag.startswith("{") for element in root.iter("*")):
                    raise _impossible(document, "elements without a namespace in a schema that takes that of another")
                more["xmlns"] = namespace  # what it names without a prefix is of that namespace now
        said = _missing(markup, root, self._around_schemas) | more
        edits = [*_without_type(markup), *self._without_imports(markup), *_declared(markup, root, said)]
        self._schemas.append(edited(markup.text, edits, start=markup.begins).strip())

    def _put_definitions(self, document: Document) -> None:
        markup, root = self._markups[document.uri], document.root
        list(_without_type(markup))  # it stands before what is taken
        types, others = list[Element](), list[Element]()
        for child in root.iterchildren("*"):
            (types if child.tag == WSDL + "types" else others).append(child)
        others = [each for each in others if each.tag != WSDL + "import"]
        if root.get("targetNamespace") != self._start.root.get("targetNamespace") and others:
            raise _impossible(document, f"definitions of another namespace, {root.get('targetNamespace')}")
        if lost := set(root.attrib) - _KEPT:
            raise _impossible(document, f"definitions with the attribute {min(map(str, lost))}")
        inner = [child for each in types for child in each.iterchildren("*")]
        edits = [
            *self._edits(markup),
            *self._without_imports(markup),
            *(edit for each in inner for edit in _declared(markup, each, _missing(markup, each, self._around_schemas))),
            *(edit for each in others for edit in _declared(markup, each, _missing(markup, each, self._around))),
        ]
        for each in map(markup.tags.__getitem__, types):
            self._schemas.append(edited(markup.text, edits, start=each.inner, end=each.close).strip())
            edits.append(Edit(each.start, each.end, ""))
        if others:
            whole = markup.tags[root]
            self._definitions.append(edited(markup.text, edits, start=whole.inner, end=whole.close).strip())

    def _without_imports(self, markup: Markup) -> Iterator[Edit]:
        document = markup.document
        for element in document.root.iter(*_REFERENCES):
            if self._wanted(document, element) is None:
                continue
            tag = markup.tags[element]
            if element.tag == XSD + "import":
                there = markup.attribute(element, "schemaLocation")
                if there is not None:
                    yield Edit(there.start, there.end, "")
            else:
                yield Edit(tag.start, tag.end, "")


def _without_type(markup: Markup) -> Iterator[Edit]:
    """Yield what takes a document type declaration out, where the document means the same without it."""
    edit = markup.document_type
    if edit is None:
        return
    root = markup.document.root
    try:
        plain = parse_contract(edited(markup.text, [edit], start=markup.begins).encode())
    except XmlError:
        plain = None
    declared = markup.text[edit.start : edit.end]
    has_defaults = declared.count("<!ATTLIST") != len(_OF_NAMESPACES.findall(declared))
    if has_defaults or plain is None or plain.nsmap != root.nsmap or canonical(plain) != canonical(root):
        raise _impossible(markup.document, "a document type declaration that says what the document means")
    yield edit


def _missing(markup: Markup, element: Element, around: _Namespaces) -> dict[str, str]:
    """Return the declarations that stood above an element, and that it needs to mean the same in another place."""
    own, said = markup.attributes(element), dict[str, str]()
    for prefix, namespace in element.nsmap.items():
        name = "xmlns" if prefix is None else f"xmlns:{prefix}"
        if name not in own and around.get(prefix) != namespace:
            said[name] = namespace
    if None not in element.nsmap and None in around and "xmlns" not in own:
        said["xmlns"] = ""
    return said


def _declared(markup: Markup, element: Element, said: Mapping[str, str]) -> Iterator[Edit]:
    if said:
        tag = markup.tags[element]
        at = tag.start + 1 + len(tag.name)
        yield Edit(at, at, "".join(f" {name}={quoteattr(value)}" for name, value in said.items()))


def _namespace_around(element: Element) -> str | None:
    above = element.getparent()
    return None if above is None else above.get("targetNamespace")


def _impossible(document: Document, found: str) -> ContractError:
    return ContractError(document.uri, expected="what can stand in one document with the others", found=found)
