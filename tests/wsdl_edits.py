"""Edits of the registry's contract: each replaces a text that stands in it once, so none goes stale unseen."""

import shutil
from pathlib import Path
from typing import NamedTuple

from tests.wsdls import OWN

WSDL = "registry.wsdl"
RESIDENT = "types/resident.xsd"
CODES = "types/codes.xsd"


class Edit(NamedTuple):
    """Replaces a text in a file of the contract."""

    file: str
    before: str
    after: str


def edited(folder: Path, *edits: Edit) -> Path:
    """Copy the registry's contract into a folder, edited, and return its WSDL."""
    shutil.copytree(OWN, folder, dirs_exist_ok=True)
    for file, before, after in edits:
        told = (folder / file).read_text()
        assert told.count(before) == 1, f"{file} has {before!r} {told.count(before)} times"
        (folder / file).write_text(told.replace(before, after))
    return folder / WSDL


def schema(*children: str) -> Edit:
    """Add declarations to the schema of the residents."""
    end = "</xs:schema>"
    return Edit(RESIDENT, end, "".join(children) + end)


def child(*children: str) -> Edit:
    """Add children to a resident, which only answers hold."""
    last = '<xs:element name="lastModified" type="xs:dateTime"/>'
    return Edit(RESIDENT, last, last + "".join(children))
