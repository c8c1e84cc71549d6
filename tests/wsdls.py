"""WSDLs for tests: those of our own in `tests/wsdl/`, and the shared ones where they are."""

import json
import shutil
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from contracts.legacy.soap.contract.bundle import Bundle, Document, gather
from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.contract.wsdl import read_contract
from tests.data import real_data

OWN = Path(__file__).parent / "wsdl"


def bundle_of(path: Path, *, root: Path | None = None, catalog: Path | None = None) -> Bundle:
    """Gather the bundle of a WSDL; the root is its own folder where none is said."""

    def fetch(uri: str) -> bytes:
        return Path(unquote(urlsplit(uri).path)).read_bytes()

    def standard(uri: str | None, namespace: str | None) -> bytes | None:
        known: dict[str, str] = {} if catalog is None else json.loads((catalog / "catalog.json").read_text())
        name = known.get(uri or "") or known.get(namespace or "")
        return None if catalog is None or name is None else (catalog / name).read_bytes()

    return gather(path.as_uri(), root=(root or path.parent).as_uri() + "/", fetch=fetch, catalog=standard)


def registry_alone(folder: Path) -> Path:
    """Copy the registry's WSDL with its types into a folder where it is the only one; return that."""
    target = folder / "registry"
    shutil.copytree(OWN / "types", target / "types")
    shutil.copy(OWN / "registry.wsdl", target)
    return target


def contract_of(path: Path, *, root: Path | None = None) -> Contract:
    """Read a WSDL of our own."""
    return read_contract(bundle_of(path, root=root))


@cache
def shared(name: str) -> Contract:
    """Read a WSDL of the shared data by its path below `wsdl/`; skips where they are absent."""
    folder = real_data("wsdl")
    return read_contract(
        bundle_of(folder / name, root=folder / name.partition("/")[0], catalog=folder / "catalog"),
    )


def shared_names() -> list[str]:
    """Return the paths of the shared WSDLs that stand for themselves; skips where they are absent."""
    told = (real_data("wsdl").parent / "README.md").read_text().splitlines()
    return [line.split("`")[1] for line in told if line.startswith("| `") and ".wsdl`" in line]


def schemas_of(body: str) -> Schemas:
    """Build a schema of the namespace `urn:t` from its inside; `t:` and `xs:` are declared."""
    text = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t"'
        f' elementFormDefault="qualified">{body}</xs:schema>'
    )
    document = Document(uri="file:///t.xsd", data=text.encode())
    schemas = build(Bundle(start=document.uri, root="file:///", documents={document.uri: document}))
    assert schemas.errors == ()
    return schemas
