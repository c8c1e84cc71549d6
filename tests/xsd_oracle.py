"""An independent judge of samples: libxml2's XML Schema, where it takes the schemas of a contract."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import xmlschema
from lxml import etree

from contracts.legacy.soap.contract.bundle import XSD, Bundle, Document
from contracts.legacy.xml import Element

_XML = "http://www.w3.org/XML/1998/namespace"
_KNOWN = Path(xmlschema.__file__).parent / "schemas" / "XML" / "xml.xsd"


def oracle(bundle: Bundle, folder: Path) -> etree.XMLSchema | None:
    """Return libxml2's reading of the schemas of a bundle; None where it does not take them."""
    files = {uri: f"{number}.xsd" for number, uri in enumerate(bundle.documents)}
    documents = bundle.documents.values()
    included = {_meant(bundle, document, each) for document in documents for each in _includes(document)}
    by_namespace: dict[str, list[str]] = defaultdict(list)
    for uri, document in bundle.documents.items():
        for number, root in enumerate(document.root.iter(XSD + "schema")):
            namespace = root.get("targetNamespace") or ""
            name = files[uri] if root is document.root else f"{number}-{files[uri]}"
            (folder / name).write_bytes(_local(bundle, document, root, files))
            if uri not in included and namespace not in {_XML, XSD[1:-1]}:
                by_namespace[namespace].append(name)
    driver = [f'<import namespace="{_XML}" schemaLocation="{_KNOWN}"/>']
    for number, (namespace, names) in enumerate(by_namespace.items()):
        _write(folder / f"all-{number}.xsd", namespace, [f'<include schemaLocation="{name}"/>' for name in names])
        own = f'namespace="{namespace}"' if namespace else ""
        driver.append(f'<import {own} schemaLocation="all-{number}.xsd"/>')
    _write(folder / "driver.xsd", "urn:banyan:driver", driver)
    try:
        return etree.XMLSchema(etree.parse(folder / "driver.xsd"))
    except etree.XMLSchemaParseError as error:
        print(f"libxml2 does not take the schemas of {bundle.start.rpartition('/')[2]}: {str(error)[:150]}")
        return None


def _write(path: Path, namespace: str, lines: list[str]) -> None:
    target = f'targetNamespace="{namespace}"' if namespace else ""
    path.write_text(f'<schema xmlns="{XSD[1:-1]}" {target}>{"".join(lines)}</schema>')


def _local(bundle: Bundle, document: Document, root: Element, files: dict[str, str]) -> bytes:
    copy = etree.fromstring(etree.tostring(root, with_tail=False))
    for element in copy.iter(XSD + "import"):
        element.attrib.pop("schemaLocation", "")
    for element in copy.iter(XSD + "include", XSD + "redefine"):
        element.set("schemaLocation", files.get(_meant(bundle, document, element) or "", "absent.xsd"))
    return etree.tostring(copy)


def _includes(document: Document) -> Iterator[Element]:
    return document.root.iter(XSD + "include", XSD + "redefine")


def _meant(bundle: Bundle, document: Document, element: Element) -> str | None:
    return bundle.by_import.get((document.uri, (element.get("schemaLocation") or "").strip()))
