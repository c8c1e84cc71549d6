"""The documents of a contract as the sandbox serves them: all imports and addresses lead to itself."""

from collections import defaultdict
from collections.abc import Mapping

from lxml import etree

from contracts.legacy.soap.contract.bundle import WSDL, XSD, Bundle, Document
from contracts.legacy.xml import Element

__all__ = ["rewritten"]

_ADDRESSES = ("{http://schemas.xmlsoap.org/wsdl/soap/}address", "{http://schemas.xmlsoap.org/wsdl/soap12/}address")
_IMPORTS = (WSDL + "import", XSD + "import", XSD + "include", XSD + "redefine")


def rewritten(bundle: Bundle, base: str, addresses: Mapping[tuple[str, str], str]) -> Mapping[str, bytes]:
    """Return each document by the query that it is served under: `wsdl`, `wsdl=2`, `xsd=3`.

    Args:
        bundle: The contract.
        base: What the queries are put behind, after a `?`.
        addresses: Where each port answers, by the local names of service and port.
    """
    queries = {
        uri: "wsdl" if uri == bundle.start else f"{'wsdl' if _is_wsdl(document) else 'xsd'}={number}"
        for number, (uri, document) in enumerate(bundle.documents.items())
    }
    urls = {uri: f"{base}?{query}" for uri, query in queries.items()}
    imports: dict[str, dict[str, str]] = defaultdict(dict)
    for (importer, said), meant in bundle.by_import.items():
        imports[importer][said] = urls[meant]
    return {queries[uri]: _rewrite(document, imports[uri], addresses) for uri, document in bundle.documents.items()}


def _rewrite(document: Document, urls: Mapping[str, str], addresses: Mapping[tuple[str, str], str]) -> bytes:
    # Without its DTD, if it has one: its entities are resolved, and clients may refuse it.
    root = etree.fromstring(etree.tostring(document.root, with_tail=False))
    for element in [*root.iter(*_IMPORTS)]:
        attribute = "location" if element.tag == WSDL + "import" else "schemaLocation"
        said = (element.get(attribute) or "").strip() or element.get("namespace") or ""
        above = element.getparent()
        if said in urls:
            element.set(attribute, urls[said])
        elif element.tag == XSD + "import":
            element.attrib.pop(attribute, "")
        elif above is not None:
            above.remove(element)  # what the contract itself lacks, nobody shall look for elsewhere
    for port in root.iter(WSDL + "port"):
        own = addresses.get((_name(port.getparent()), _name(port)))
        for address in port.iterchildren(*_ADDRESSES):
            if own is not None:
                address.set("location", own)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _is_wsdl(document: Document) -> bool:
    return document.root.tag == WSDL + "definitions"


def _name(element: Element | None) -> str:
    return "" if element is None else element.get("name") or ""
