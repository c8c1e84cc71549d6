"""What reads a SOAP reply beside us, and the reply that all read."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.soap.bundle import load_bundle
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.reader import Item, Reader
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.reply import read

__all__ = ["CONTENDERS", "WSDL", "Contender", "reply"]

WSDL: Final = Path(__file__).parent.parent / "tests" / "wsdl" / "registry.wsdl"
_CHUNK: Final = 65_536
Contender = Callable[[bytes], int]
"""Reads a reply, and returns how many records it has."""


def reply(records: int) -> bytes:
    """Return a reply of so many records, each another."""
    items = "".join(
        f"<r:resident><t:id>R{n:08}</t:id><t:name>Name {n}</t:name>"
        f"<t:born>19{n % 100:02}-0{1 + n % 9}-1{n % 10}</t:born><t:status>ACTIVE</t:status>"
        f'<t:address country="AT"><t:street>Street {n}</t:street><t:city>City {n % 100}</t:city>'
        f"<t:postcode>{1000 + n % 9000}</t:postcode></t:address><t:fee>{n % 1000}.50</t:fee>"
        f"<t:lastModified>2026-01-{1 + n % 28:02}T12:{n % 60:02}:{n % 59:02}.{n % 1000:03}Z</t:lastModified>"
        f"<t:nickname>nick</t:nickname><t:nickname>n{n}</t:nickname><t:phone>+43 {n}</t:phone></r:resident>"
        for n in range(records)
    )
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><r:ListResponse'
        f' xmlns:r="urn:banyan:registry" xmlns:t="urn:banyan:registry:types">{items}<r:complete>true</r:complete>'
        "</r:ListResponse></s:Body></s:Envelope>"
    ).encode()


def banyan() -> Contender:
    """Read typed records by the contract, with every check."""
    reader = _reader()
    path = ("ListResponse", "resident")
    return lambda data: sum(
        isinstance(each, Item) and bool(each.record) for each in reader.items(_chunks(data), path, with_xml=False)
    )


def banyan_hashed() -> Contender:
    """Read typed records, with the hash of each that tells changes."""
    reader = _reader()
    path = ("ListResponse", "resident")
    return lambda data: sum(
        isinstance(each, Item) and bool(each.record) and bool(each.digest) for each in reader.items(_chunks(data), path)
    )


def _reader() -> Reader:
    contract = read_contract(load_bundle(WSDL))
    operation = next(port.operations["List"] for _, port in contract.ports if "List" in port.operations)
    return Reader(operation, Readers(build(contract.bundle)), system="registry")


def banyan_untyped() -> Contender:
    """Read records of text, with a hash of each."""
    path = ("ListResponse", "resident")
    return lambda data: sum(bool(each.digest) for each in read(_chunks(data), path, system="registry"))


def zeep_() -> Contender:
    """Read by zeep's binding."""
    library: Any = importlib.import_module("zeep")
    client = library.Client(str(WSDL))
    binding = client.wsdl.bindings["{urn:banyan:registry}Registry11"]
    operation = binding.get("List")

    class Answer:
        status_code, headers, encoding = 200, {"Content-Type": "text/xml"}, "utf-8"

        def __init__(self, content: bytes) -> None:
            self.content = content

    return lambda data: len(binding.process_reply(client, operation, Answer(data)).resident)


def objectify() -> Contender:
    """Read by lxml's objectify, and look at each field."""
    library: Any = importlib.import_module("lxml.objectify")

    def found(data: bytes) -> int:
        root = library.fromstring(data)
        count = 0
        for resident in root.Body.getchildren()[0].getchildren()[:-1]:
            _ = [child.pyval if hasattr(child, "pyval") else child for child in resident.getchildren()]
            count += 1
        return count

    return found


def xmltodict_() -> Contender:
    """Read by xmltodict."""
    library: Any = importlib.import_module("xmltodict")
    return lambda data: len(library.parse(data)["s:Envelope"]["s:Body"]["r:ListResponse"]["r:resident"])


def xsdata_() -> Contender:
    """Read by the classes that xsdata generated."""
    parsers: Any = importlib.import_module("xsdata.formats.dataclass.parsers")
    # `xsdata generate` has just written it.
    generated: Any = importlib.import_module("registry.registry")
    parser, envelope = parsers.XmlParser(), generated.RegistryListOutput
    return lambda data: len(parser.from_bytes(data, envelope).body.list_response.resident)


def _chunks(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _CHUNK):
        yield data[at : at + _CHUNK]


CONTENDERS: Final[Mapping[str, Callable[[], Contender]]] = {
    "banyan": banyan,
    "banyan, hashed": banyan_hashed,
    "banyan, untyped": banyan_untyped,
    "zeep": zeep_,
    "xsdata": xsdata_,
    "xmltodict": xmltodict_,
    "lxml objectify": objectify,
}
