"""A bundle that is kept in a folder: each document in a file, and a manifest that pins it by its hash.

Pure: what is to be written is returned, and whoever reads it again passes how a file is read. A bundle that is read
again is the one that was taken, addresses and what is missing included, without any network.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.errors import ContractError
from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.bundle import WSDL, Bundle, Document, Missing

__all__ = ["MANIFEST", "Manifest", "Pinned", "PinnedDocument", "digest", "names", "pin", "read_manifest", "unpin"]

MANIFEST: Final = "bundle.json"
"""Name of the manifest in its folder."""
_STANDARD: Final = "standard"
_APART: Final = "apart"
"""Folder of documents whose place another one has: names that differ in case, a file where another has a folder."""
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
_ENDINGS: Final = frozenset({".wsdl", ".xsd", ".xml"})
_LONGEST_NAME: Final = 100
_HASH: Final = r"^[0-9a-f]{64}$"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PinnedDocument(_Model):
    """One document of a bundle in a folder."""

    file: str
    """Its file, relative to the folder."""
    uri: str
    """The address that it was taken from."""
    sha256: str = Field(pattern=_HASH)
    """Hash of its bytes, in hex."""
    bytes: int
    """How many there are."""
    standard: bool = False
    """It comes from the catalog, not from the service."""

    @field_validator("file")
    @classmethod
    def _lies_in_the_folder(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or "\\" in file or not path.parts or not file.isprintable():
            raise ValueError(f"expected a file in the bundle's folder, found {file!r}")
        return file


class _PinnedMissing(_Model):
    location: str
    needed_by: str
    line: int
    reason: str


class Manifest(_Model):
    """What a bundle in a folder consists of; the content of `bundle.json`."""

    format: Literal[1] = 1
    """Version of this format."""
    start: str
    """Address of the WSDL itself."""
    root: str
    """What all addresses begin with that do not come from the catalog."""
    taken: AwareDatetime
    """When it was taken."""
    documents: tuple[PinnedDocument, ...]
    """The WSDL first."""
    imports: Mapping[str, Mapping[str, str]]
    """The file that an import means: by importing file, and by location or namespace."""
    missing: tuple[_PinnedMissing, ...] = ()
    """Imports that could not be had."""

    def text(self) -> str:
        """Return it as the text of its file."""
        return self.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A bundle as a folder holds it."""

    manifest: Manifest
    files: Mapping[str, bytes] = field(repr=False)
    """Each document's bytes by its file."""


def pin(bundle: Bundle, *, taken: datetime) -> Pinned:
    """Return the folder of a bundle: its own tree below the root, and `standard/` for what the catalog gave."""
    files = names(bundle)
    imports: dict[str, dict[str, str]] = {}
    for (importer, name), uri in bundle.by_import.items():
        imports.setdefault(files[importer], {})[name] = files[uri]
    documents = tuple(
        PinnedDocument(
            file=files[document.uri],
            uri=document.uri,
            sha256=document.sha256,
            bytes=len(document.data),
            standard=document.is_standard,
        )
        for document in bundle.documents.values()
    )
    missing = tuple(
        _PinnedMissing(location=each.location, needed_by=each.needed_by, line=each.line, reason=each.reason)
        for each in bundle.missing
    )
    manifest = Manifest(
        start=bundle.start, root=bundle.root, taken=taken, documents=documents, imports=imports, missing=missing
    )
    return Pinned(manifest=manifest, files={files[uri]: each.data for uri, each in bundle.documents.items()})


def read_manifest(text: str, *, where: str) -> Manifest:
    """Read the text of a manifest.

    Raises:
        ContractError: It is none, or of a newer version.
    """
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ContractError(where, expected="the manifest of a bundle", found=f"{place}: {first['msg']}") from error
    _check(manifest, where)
    return manifest


def unpin(manifest: Manifest, read: Callable[[str], bytes]) -> Bundle:
    """Return the bundle as it was taken; `read` returns what is in a file of its folder.

    Raises:
        ContractError: A file is not what was pinned, or lacking.
        XmlError: A file is not well-formed or not safe.
    """
    uris = {document.file: document.uri for document in manifest.documents}
    documents = {each.uri: _verified(each, read) for each in manifest.documents}
    return Bundle(
        start=manifest.start,
        root=manifest.root,
        documents=documents,
        missing=tuple(
            Missing(location=each.location, needed_by=each.needed_by, line=each.line, reason=each.reason)
            for each in manifest.missing
        ),
        by_import={
            (uris[importer], name): uris[file]
            for importer, meant in manifest.imports.items()
            for name, file in meant.items()
        },
    )


def digest(bundle: Bundle) -> str:
    """Return one hash for all that the service itself says: of its documents' names and hashes."""
    files = names(bundle)
    own = sorted((files[each.uri], each.sha256) for each in bundle.documents.values() if not each.is_standard)
    return hashlib.sha256("".join(f"{sha256}  {file}\n" for file, sha256 in own).encode()).hexdigest()


def names(bundle: Bundle) -> Mapping[str, str]:
    """Return the file of each document by its address: stable, and distinct on every file system."""
    files: dict[str, str] = {}
    taken, folders = {MANIFEST}, set[str]()
    for document in bundle.documents.values():
        path = PurePosixPath(*_steps(document, bundle.root))
        above = {str(each).casefold() for each in path.parents}
        if str(path).casefold() in taken | folders or above & taken:
            mark = hashlib.sha256(document.uri.encode()).hexdigest()[:8]
            path = PurePosixPath(_APART, f"{path.stem}-{mark}{path.suffix}")
        taken.add(str(path).casefold())
        folders |= {str(each).casefold() for each in path.parents}
        files[document.uri] = str(path)
    return files


def _check(manifest: Manifest, where: str) -> None:
    known = {document.file for document in manifest.documents}
    meant = {file for each in manifest.imports.values() for file in each.values()}
    for file in (*manifest.imports, *sorted(meant)):
        if file not in known:
            raise ContractError(where, expected="imports among its documents", found=file)
    uris = {document.uri for document in manifest.documents}
    for missing in manifest.missing:
        if missing.needed_by not in uris:
            raise ContractError(where, expected="what is missing to be needed by a document", found=missing.needed_by)
    if not len(uris) == len(known) == len(manifest.documents) or manifest.start not in uris:
        raise ContractError(where, expected="each document once, the WSDL among them", found=manifest.start)


def _verified(pinned: PinnedDocument, read: Callable[[str], bytes]) -> Document:
    expected = f"{pinned.bytes} bytes with sha256 {pinned.sha256[:16]}…, as they were taken"
    try:
        data = read(pinned.file)
    except OSError as error:
        raise ContractError(pinned.file, expected=expected, found=error.strerror or str(error)) from error
    document = Document(uri=pinned.uri, data=data, is_standard=pinned.standard)
    if document.sha256 != pinned.sha256:
        found = f"{len(data)} bytes with sha256 {document.sha256[:16]}…: put it back, or import the contract again"
        raise ContractError(pinned.file, expected=expected, found=found)
    _ = document.root
    return document


def _steps(document: Document, root: str) -> Iterator[str]:
    """Yield the folders, and then the name, of a document's file."""
    address = urlsplit(without_secrets(document.uri))
    if document.is_standard:
        yield _STANDARD
        path = [re.sub(r"^(catalog:)?([a-z]+:/*)?", "", document.uri)]
    else:
        path = unquote(address.path).removeprefix(unquote(urlsplit(root).path)).split("/")
        path[-1] += "_" + address.query if address.query and address.query.lower() != "wsdl" else ""
    *folders, name = [_fit(step) for step in path if step] or ["contract"]
    yield from folders
    stem, ending = name, PurePosixPath(name).suffix.lower()
    if ending in _ENDINGS:
        stem = name[: -len(ending)]
    else:
        ending = ".wsdl" if document.root.tag == WSDL + "definitions" else ".xsd"
    yield stem[:_LONGEST_NAME] + ending


def _fit(step: str) -> str:
    return _UNFIT.sub("_", step).strip("._")[:_LONGEST_NAME] or "_"
