"""Whether a service still has the contract that was pinned: what of its documents changed, in what it says.

A document that differs only in blanks, comments, the address of a port, or how it names the documents that it imports
says the same: servers write these as they are asked.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.legacy.soap.contract.bundle import WSDL, XSD, Bundle, Document, Missing
from contracts.legacy.soap.contract.pinned import digest, names
from contracts.legacy.xml import Element, local_name
from contracts.wsdl_drifted import WsdlDrifted

__all__ = ["Drift", "drift", "drifted"]

_IMPORTS: Final = {
    WSDL + "import": "location",
    XSD + "import": "schemaLocation",
    XSD + "include": "schemaLocation",
    XSD + "redefine": "schemaLocation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the live contract differs from the pinned one; documents by their file in the bundle's folder."""

    changed: tuple[str, ...] = ()
    """Say something else."""
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    only_formatting: tuple[str, ...] = ()
    """Have other bytes, and say the same."""
    unreachable: tuple[Missing, ...] = ()
    """Could be had when the contract was pinned, and can't be had now."""
    pinned_digest: str
    live_digest: str

    @property
    def is_changed(self) -> bool:
        """Tell whether the live contract says something else."""
        return bool(self.changed or self.added or self.gone)


def drift(pinned: Bundle, live: Bundle) -> Drift:
    """Compare what the service itself says; standard schemas are not compared.

    Documents are compared by their place below the bundle's root, so a contract may be compared with that of
    another server.
    """
    before, after = _Side(pinned), _Side(live)
    known = {(before.files[each.needed_by], each.location) for each in pinned.missing}
    unreachable = tuple(each for each in live.missing if (after.files[each.needed_by], each.location) not in known)
    here = {name: after.own[name] for name in before.own if name in after.own}
    differing = [name for name, document in here.items() if before.own[name].sha256 != document.sha256]
    same = {name for name in differing if before.said(before.own[name]) == after.said(after.own[name])}
    return Drift(
        changed=tuple(name for name in differing if name not in same),
        added=tuple(name for name in after.own if name not in before.own),
        # What hides behind an import that can't be had now may be there all the same.
        gone=() if unreachable else tuple(name for name in before.own if name not in after.own),
        only_formatting=tuple(name for name in differing if name in same),
        unreachable=unreachable,
        pinned_digest=digest(pinned),
        live_digest=digest(live),
    )


def drifted(found: Drift, *, source: str, wsdl: str) -> WsdlDrifted:
    """Return the event that tells of a drift."""
    return WsdlDrifted(
        source=source,
        wsdl=wsdl,
        pinned=found.pinned_digest,
        live=found.live_digest,
        changed=found.changed,
        added=found.added,
        gone=found.gone,
    )


class _Side:
    """A bundle with the names of its files."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.files = names(bundle)
        self.own = {self.files[uri]: each for uri, each in bundle.documents.items() if not each.is_standard}

    def said(self, document: Document) -> bytes:
        """Return a hash of what a document says."""
        found = hashlib.sha256()
        for element in document.root.iter():
            above = element.getparent()
            # A prefix may be meant in any value: which namespace it stands for is content.
            spaces = {} if above is not None and above.nsmap == element.nsmap else element.nsmap
            declared = sorted((prefix or "", uri) for prefix, uri in spaces.items())
            depth = sum(1 for _ in element.iterancestors())
            attributes = sorted(self._attributes(element, document))
            texts = [" ".join((text or "").split()) for text in (element.text, element.tail)]
            found.update(repr((depth, element.tag, declared, attributes, texts)).encode())
        return found.digest()

    def _attributes(self, element: Element, document: Document) -> Iterator[tuple[str, str]]:
        above = element.getparent()
        is_address = above is not None and above.tag == WSDL + "port" and local_name(element) == "address"
        location = "location" if is_address else _IMPORTS.get(element.tag)
        for name, value in ((str(key), str(value)) for key, value in element.items()):
            if name != location:
                yield name, value
            elif not is_address:
                meant = self._bundle.by_import.get((document.uri, value.strip()))
                yield name, value if meant is None else self.files[meant]
