"""Bundles in folders: written whole or not at all, and read again with every hash verified."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.bundle import Bundle, Catalog
from contracts.legacy.soap.contract.pinned import MANIFEST, Manifest, Pinned, pin, read_manifest, unpin
from contracts.legacy.xml import XmlError, parse_contract

__all__ = ["Plan", "folder_catalog", "is_pinned", "planned", "read_bundle", "read_folder"]

_CATALOG: Final = "catalog.json"
_ENTRIES: Final = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What writing a bundle into a folder would change; files by their place in it."""

    pinned: Pinned
    folder: Path
    is_new: bool
    """There is no bundle yet."""
    added: tuple[str, ...]
    changed: tuple[str, ...]
    """Have other bytes than the bundle; the manifest is among them where it alone says something else."""
    gone: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Tell whether nothing would change."""
        return not (self.added or self.changed or self.gone)

    def carry_out(self) -> None:
        """Write the folder anew, and put it into place; whoever looks sees the old bundle or the new one.

        Raises:
            ConfigError: It can't be written.
        """
        fresh, old = (self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}") for _ in range(2))
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            _write(fresh, {**self.pinned.files, MANIFEST: self.pinned.manifest.text().encode()})
            if self.folder.exists():
                self.folder.rename(old)
            try:
                fresh.rename(self.folder)
            except OSError:
                if old.exists():
                    old.rename(self.folder)
                raise
        except OSError as error:
            raise ConfigError([f"{self.folder}: can't be written: {error.strerror or error}"]) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def planned(bundle: Bundle, folder: Path, *, taken: datetime) -> Plan:
    """Compare a bundle with what is in a folder.

    Raises:
        ConfigError: The folder is none, or holds what is not of a bundle.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise ConfigError([f"{folder}: expected a folder, or nothing, found a file"])
    pinned = pin(bundle, taken=taken)
    there = {name: _hash(folder / name) for name in _files(folder)}
    manifest = _manifest_there(folder) if there else None
    known = {MANIFEST} if manifest is None else {MANIFEST, *(each.file for each in manifest.documents)}
    strange = sorted(there.keys() - known)
    if strange:
        found = ", ".join(strange[:3]) + (" and more" if len(strange) > 3 else "")  # noqa: PLR2004 - enough to see
        raise ConfigError([f"{folder}: expected an empty folder or a bundle and nothing else, found {found}"])
    wanted = {name: sha256(data).hexdigest() for name, data in pinned.files.items()}
    changed = [name for name, hashed in wanted.items() if name in there and there[name] != hashed]
    added = tuple(name for name in wanted if name not in there)
    gone = tuple(sorted(there.keys() - wanted.keys() - {MANIFEST}))
    if manifest is not None and not (changed or added or gone) and not _say_the_same(manifest, pinned.manifest):
        changed = [MANIFEST]
    return Plan(pinned=pinned, folder=folder, is_new=not there, added=added, changed=tuple(changed), gone=gone)


def is_pinned(folder: Path) -> bool:
    """Tell whether a folder holds a bundle."""
    return (folder / MANIFEST).is_file()


def read_folder(folder: Path) -> Manifest:
    """Read the manifest of a bundle in a folder.

    Raises:
        ConfigError: There is none.
        ContractError: It is not understood.
    """
    path = folder / MANIFEST
    try:
        return read_manifest(path.read_text(encoding="utf-8"), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        found = error.strerror if isinstance(error, OSError) else "no text"
        raise ConfigError([f"{path}: expected what `banyan wsdl import` wrote: {found}"]) from error


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle again, as it was taken; nothing but its own files is read.

    Raises:
        ConfigError: There is none.
        ContractError: A file of it changed, or is lacking.
    """
    folder = folder.expanduser().resolve()

    def read(file: str) -> bytes:
        path = (folder / file).resolve()
        if not path.is_relative_to(folder):
            raise OSError("a link that leads out of the bundle's folder")
        if not path.is_file():
            raise OSError("no such file: put it back, or import the contract again")
        return path.read_bytes()

    return unpin(read_folder(folder), read)


def folder_catalog(folder: Path) -> Catalog:
    """Return a catalog of one's own: `catalog.json` in a folder names a file for an address or a namespace.

    Raises:
        ConfigError: It is not understood, or names a file that is lacking, elsewhere or no XML.
    """
    folder = folder.expanduser().resolve()
    path = folder / _CATALOG
    try:
        told = _ENTRIES.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        found = error.strerror if isinstance(error, OSError) else "something else"
        expected = "an object in JSON that names a file for each address or namespace"
        raise ConfigError([f"{path}: expected {expected}: {found}"]) from error
    problems: list[str] = []
    content = {key: _entry(folder, name, problems) for key, name in told.items()}
    if problems:
        raise ConfigError(problems)

    def ask(uri: str | None, namespace: str | None) -> bytes | None:
        return next((content[each] for each in (uri, namespace) if each in content), None)

    return ask


def _entry(folder: Path, name: str, problems: list[str]) -> bytes:
    path, where = (folder / name).resolve(), f"{folder / _CATALOG}: {name}"
    if not path.is_relative_to(folder):
        problems.append(f"{where}: it lies outside of the catalog's folder")
        return b""
    try:
        data = path.read_bytes()
        parse_contract(data)
    except (OSError, XmlError) as error:
        problems.append(f"{where}: {(error.strerror if isinstance(error, OSError) else None) or error}")
        return b""
    return data


def _manifest_there(folder: Path) -> Manifest | None:
    try:
        return read_folder(folder)
    except (ConfigError, ContractError):
        return None


def _say_the_same(one: Manifest, other: Manifest) -> bool:
    return one.model_copy(update={"taken": other.taken}) == other


def _files(folder: Path) -> Iterator[str]:
    for above, folders, files in os.walk(folder):
        links = [name for name in folders if Path(above, name).is_symlink()]
        yield from (Path(above, name).relative_to(folder).as_posix() for name in (*files, *links))


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
