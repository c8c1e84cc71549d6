"""The standard schemas that contracts import: found by address or by namespace, without any network.

Most come with the package xmlschema. What it has not, we state ourselves in `standard/`, from the public texts of the
standards: the names and types that contracts refer to, no more.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from contracts.legacy.soap.contract.bundle import XSD, Bundle, Catalog

__all__ = ["BY_ADDRESS", "BY_NAMESPACE", "chained", "kept", "standard"]

_W3: Final = "http://www.w3.org/"
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
BY_NAMESPACE: Final[Mapping[str, str]] = {
    "http://schemas.xmlsoap.org/soap/encoding/": "WSDL/soap-encoding.xsd",
    "http://schemas.xmlsoap.org/soap/envelope/": "WSDL/soap-envelope.xsd",
    "http://schemas.xmlsoap.org/wsdl/": "WSDL/wsdl.xsd",
    "http://schemas.xmlsoap.org/wsdl/soap/": "WSDL/wsdl-soap.xsd",
    _W3 + "1999/xhtml": "XHTML/xhtml1-strict.xsd",
    _W3 + "1999/xlink": "XLINK/xlink.xsd",
    _W3 + "2000/09/xmldsig#": "DSIG/xmldsig-core-schema.xsd",
    _W3 + "2001/04/xmlenc#": "XENC/xenc-schema.xsd",
    _W3 + "2001/XMLSchema": "XSD_1.0/XMLSchema.xsd",
    _W3 + "2001/XMLSchema-instance": "XSI/XMLSchema-instance.xsd",
    _W3 + "2004/08/xop/include": "own/xop-include.xsd",
    _W3 + "2005/05/xmlmime": "own/xmlmime.xsd",
    _W3 + "2005/08/addressing": "own/ws-addressing.xsd",
    _W3 + "2009/xmldsig11#": "DSIG/xmldsig11-schema.xsd",
    _W3 + "2009/xmlenc11#": "XENC/xenc-schema-11.xsd",
    _W3 + "XML/1998/namespace": "XML/xml.xsd",
    _WSS + "secext-1.0.xsd": "own/wss-secext.xsd",
    _WSS + "utility-1.0.xsd": "own/wss-utility.xsd",
    "http://ws-i.org/profiles/basic/1.1/xsd": "own/swaref.xsd",
}
"""A file for each namespace: of the package xmlschema, or of our own."""
BY_ADDRESS: Final[Mapping[str, str]] = {
    "schemas.xmlsoap.org/wsdl/2003-02-11.xsd": "WSDL/wsdl.xsd",
    "schemas.xmlsoap.org/wsdl/soap/2003-02-11.xsd": "WSDL/wsdl-soap.xsd",
    "www.w3.org/2000/09/xmldsig": "DSIG/xmldsig-core-schema.xsd",
    "www.w3.org/2000/09/xmldsig/xmldsig-core-schema.xsd": "DSIG/xmldsig-core-schema.xsd",
    "www.w3.org/TR/xmldsig-core/xmldsig-core-schema.xsd": "DSIG/xmldsig-core-schema.xsd",
    "www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd": "DSIG/xmldsig-core-schema.xsd",
    "www.w3.org/TR/2008/REC-xmldsig-core-20080610/xmldsig-core-schema.xsd": "DSIG/xmldsig-core-schema.xsd",
    "www.w3.org/TR/xmldsig-core1/xmldsig11-schema.xsd": "DSIG/xmldsig11-schema.xsd",
    "www.w3.org/TR/xmlenc-core/xenc-schema.xsd": "XENC/xenc-schema.xsd",
    "www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd": "XENC/xenc-schema.xsd",
    "www.w3.org/TR/xmlenc-core1/xenc-schema-11.xsd": "XENC/xenc-schema-11.xsd",
    "www.w3.org/1999/xlink.xsd": "XLINK/xlink.xsd",
    "www.w3.org/XML/2008/06/xlink.xsd": "XLINK/xlink.xsd",
    "www.w3.org/2001/xml.xsd": "XML/xml.xsd",
    "www.w3.org/2001/03/xml.xsd": "XML/xml.xsd",
    "www.w3.org/2005/08/xml.xsd": "XML/xml.xsd",
    "www.w3.org/2007/08/xml.xsd": "XML/xml.xsd",
    "www.w3.org/2009/01/xml.xsd": "XML/xml.xsd",
    "www.w3.org/2001/XMLSchema.xsd": "XSD_1.0/XMLSchema.xsd",
    "www.w3.org/2002/08/xhtml/xhtml1-strict.xsd": "XHTML/xhtml1-strict.xsd",
    "www.w3.org/2005/05/xmlmime": "own/xmlmime.xsd",
    "www.w3.org/2005/08/addressing": "own/ws-addressing.xsd",
    "www.w3.org/2005/08/addressing/ws-addr.xsd": "own/ws-addressing.xsd",
    "www.w3.org/2006/03/addressing/ws-addr.xsd": "own/ws-addressing.xsd",
    "www.w3.org/2004/08/xop/include": "own/xop-include.xsd",
    "ws-i.org/profiles/basic/1.1/swaref.xsd": "own/swaref.xsd",
}
"""A file for each address, without its scheme: contracts write either. A namespace may be an address as well."""


def standard(uri: str | None, namespace: str | None) -> bytes | None:
    """Return a standard schema by its address, `http` or `https`, or else by its namespace; None where there is none.

    >>> standard("https://www.w3.org/2001/xml.xsd", None) == standard(None, "http://www.w3.org/XML/1998/namespace")
    True
    >>> standard("http://www.example.org/types.xsd", "urn:example") is None
    True
    """
    address = (uri or "").removeprefix("http://").removeprefix("https://")
    name = BY_ADDRESS.get(address) or BY_NAMESPACE.get(uri or "") or BY_NAMESPACE.get(namespace or "")
    return None if name is None else _content(name)


def chained(*catalogs: Catalog) -> Catalog:
    """Return a catalog that asks these, one after the other."""

    def ask(uri: str | None, namespace: str | None) -> bytes | None:
        return next((data for each in catalogs if (data := each(uri, namespace)) is not None), None)

    return ask


def kept(bundle: Bundle) -> Catalog:
    """Return a catalog of the standard schemas that a bundle was taken with: those of today may differ."""
    documents = [document for document in bundle.documents.values() if document.is_standard]
    by_address = {document.uri: document.data for document in documents}
    by_namespace = {
        document.root.get("targetNamespace"): document.data
        for document in reversed(documents)
        if document.root.tag == XSD + "schema"
    }

    def ask(uri: str | None, namespace: str | None) -> bytes | None:
        found = None if uri is None else by_address.get(uri)
        return found if found is not None or namespace is None else by_namespace.get(namespace)

    return ask


@cache
def _content(name: str) -> bytes:
    if name.startswith("own/"):
        return (files("contracts.legacy.soap.contract") / "standard" / name.removeprefix("own/")).read_bytes()
    return (files("xmlschema") / "schemas" / name).read_bytes()
