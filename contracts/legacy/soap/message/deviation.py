"""How a message differs from its contract: what is tolerated is told, what is not is an error that names the place."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from contracts.errors import RecordError
from contracts.legacy.xml import Element, local_name

__all__ = ["DEFAULT_REFUSED", "Deviation", "Kind", "Tolerance", "path_of"]

Kind: TypeAlias = Literal[
    "namespace",  # an element in another namespace than the contract has it in
    "unknown",  # an element or attribute that the contract does not have
    "missing",  # an element or attribute that must be there
    "too-many",  # more of an element than the contract has
    "content",  # the order of elements, or a choice
    "value",  # text that is no value of its type
    "facet",  # a value that its type does not allow: a new code, a longer name
    "nil",  # xsi:nil where the contract has none
    "type",  # an xsi:type that there is not, or that does not fit; an abstract type without one
    "text",  # text between elements
]
"""What a deviation is, for programs."""

DEFAULT_REFUSED: Final[frozenset[Kind]] = frozenset({"missing", "value", "nil", "type"})
"""What a typed record could not be made of, or not without guessing."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference from the contract; equal ones of many items are one."""

    kind: Kind
    path: str
    """From the item down, without places: `resident/address/@country`."""
    expected: str


@dataclass(slots=True)
class Tolerance:
    """Collects the deviations of one item, and refuses those of some kinds."""

    refused: frozenset[Kind] = DEFAULT_REFUSED
    root: Element | None = None
    """The item's element: paths begin with it."""
    found: list[Deviation] = field(default_factory=list[Deviation])
    apart: frozenset[str] = frozenset()
    """Elements that were read apart: they are not missed."""

    def note(self, kind: Kind, element: Element, expected: str, *, below: str = "") -> None:
        """Note a deviation at an element, or at what is named below it.

        Raises:
            RecordError: This kind is refused.
        """
        path = path_of(element, self.root) + (f"/{below}" if below else "")
        if kind in self.refused:
            raise RecordError(path, expected=expected, code=kind)
        self.found.append(Deviation(kind, path, expected))


def path_of(element: Element, root: Element | None) -> str:
    """Return the names from the root (itself included) down to an element, without namespaces.

    >>> from contracts.legacy.xml import parse
    >>> item = parse(b"<a xmlns='urn:a'><b><c/></b></a>")
    >>> path_of(item[0][0], item)
    'a/b/c'
    """
    names = [local_name(element)]
    node: Element | None = element
    while node is not None and node is not root:
        node = node.getparent()
        if node is not None:
            names.append(local_name(node))
    return "/".join(reversed(names))
