"""Arrays of SOAP encoding (SOAP 1.1, section 5.4.2): a schema says of what, in an attribute of WSDL's."""

from dataclasses import dataclass
from typing import Any, Final

from xmlschema.validators import XsdAttribute, XsdComplexType, XsdType

from contracts.legacy.soap.contract.bundle import WSDL, XSD
from contracts.legacy.soap.sample.text import ancestry

__all__ = ["ARRAY_TYPE", "ENCODING", "Array", "array_of"]

ENCODING: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
ARRAY_TYPE: Final = ENCODING + "arrayType"


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """What an array holds."""

    name: str
    """`{namespace}name` of the type of its items, without the brackets."""
    inner: str = ""
    """Brackets of arrays that are items."""


def array_of(kind: XsdType) -> Array | None:
    """Return what a type is an array of; None where it is none."""
    if not any(each.name == ENCODING + "Array" for each in ancestry(kind)):
        return None
    attribute = kind.attributes.get(ARRAY_TYPE) if isinstance(kind, XsdComplexType) else None
    if isinstance(attribute, XsdAttribute):
        element: Any = attribute.elem
        written = (element.get(WSDL + "arrayType") or "").partition("[")
        prefix, _, local = written[0].rpartition(":")
        namespace = attribute.schema.namespaces.get(prefix, "")
        if local:
            inner = ("[" + written[2]).rpartition("[")[0]
            return Array(name=f"{{{namespace}}}{local}" if namespace else local, inner=inner)
    return Array(name=XSD + "anyType")
