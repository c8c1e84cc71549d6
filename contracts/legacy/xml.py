"""The one hardened XML parser: every message from a legacy system goes through it.

No DTD ever, so no entities of anybody's; no network; bounded depth and size. Documents are streamed: what
matches a path is handed out as it ends and then freed, so memory stays flat however long the reply is. Contracts
are read whole by `parse_contract`: the W3C's own schemas have a DTD, so there one may stand, with inner entities.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias, cast, final

from lxml import etree
from lxml.etree import _Element  # pyright: ignore[reportPrivateUsage] - lxml has no public name for it

from contracts.errors import BanyanError

__all__ = [
    "BLANKS",
    "Element",
    "Limits",
    "Path",
    "XmlError",
    "canonical",
    "line",
    "local",
    "local_name",
    "parse",
    "parse_contract",
    "stream",
]

Element: TypeAlias = _Element
"""An XML element; the name of the type is taken from here, so that only one module knows lxml's."""
Path: TypeAlias = tuple[str, ...]
"""From the root down; a step is a local name (any namespace) or `{namespace}name`."""

BLANKS: Final = " \t\r\n"
"""XML's own; Python has more, such as the no-break space, which is content like any other character."""

_HARDENED: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    # Also keeps libxml2's own limits: 256 levels, 10 MB in one text, an amplification factor of 5.
    "huge_tree": False,
    # So that names of namespaces that are no addresses pass; whatever else is wrong is refused by `_refuse_errors`.
    "recover": True,
    # Two documents that differ in comments only say the same, and must have the same hash.
    "remove_comments": True,
    "remove_pis": True,
}


@final
class XmlError(BanyanError):
    """A document is not well-formed, or has what is forbidden; no content of it is in the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a document is taken."""

    document_bytes: int = 4 * 1024**3
    """Most bytes of one document."""
    item_bytes: int = 16 * 1024**2
    """Most bytes before the next match ends, which is what has to be in memory at once."""


_MOST_KEPT = 10_000
_MOST_WARNINGS = 100_000
_CONTRACT = Limits(document_bytes=64 * 1024**2)


def parse(data: bytes, limits: Limits | None = None) -> Element:
    """Read a whole small document and return its root.

    >>> parse(b"<a><b/></a>").tag
    'a'

    Raises:
        XmlError: It is not well-formed, has a DTD, or is too long.
    """
    _bound(len(data), len(data), limits or Limits())
    parser = etree.XMLParser(**_HARDENED)
    root = _root(data, parser)
    _refuse_dtd(root)
    return root


def parse_contract(data: bytes) -> Element:
    """Read a document of a contract (WSDL, XML Schema) and return its root.

    Unlike a message it may have a DTD with entities of its own: they are resolved while they amplify the document
    at most fivefold or stay below libxml2's floor of 1 MB. Nothing outside of it is ever read.

    >>> parse_contract(b'<!DOCTYPE a [<!ENTITY b "urn:b">]><a c="&b;"/>').get("c")
    'urn:b'

    Raises:
        XmlError: It is not well-formed, has an entity outside of it or too large, or is too long.
    """
    _bound(len(data), 0, _CONTRACT)
    options: dict[str, Any] = {**_HARDENED, "resolve_entities": "internal"}
    parser = etree.XMLParser(**options)
    return _root(data, parser)


def stream(
    chunks: Iterable[bytes], paths: Sequence[Path], limits: Limits | None = None, *, keep: bool = False
) -> Iterator[tuple[Path, Element]]:
    """Yield each element that lies on one of the paths as it ends; last the root itself, with the path `()`.

    An element is valid until the next one is asked for: then it is freed, and its elder siblings with it. With
    `keep`, its siblings stay, a bounded number of them, and the root has all but what was yielded, and but groups that
    held nothing else.
    One thread reads a document from beginning to end: when another reads on, lxml 6.1 crashes the process.

    >>> found = stream([b"<a><b>1</b><c/><b>", b"2</b></a>"], [("a", "b")])
    >>> [(path, element.text) for path, element in found]
    [(('a', 'b'), '1'), (('a', 'b'), '2'), ((), None)]

    Raises:
        XmlError: It is not well-formed, has a DTD, or is too long.
    """
    limits = limits or Limits()
    parser = _parser(paths)
    total = pending = warned = 0
    try:
        for chunk in chunks:
            total, pending = total + len(chunk), pending + len(chunk)
            _bound(total, pending, limits)
            parser.feed(chunk)
            warned = _refuse_errors(parser.feed_error_log, warned)
            for path, element in _matches(parser, paths):
                yield path, element
                pending = 0
                if keep:
                    _take(element)
                else:
                    _free(element)
        root = _there(cast("Element | None", parser.close()))
    except etree.XMLSyntaxError as error:
        raise XmlError(f"expected well-formed XML: {_without_content(error.msg)}") from error
    _refuse_errors(parser.feed_error_log, warned)
    _refuse_dtd(root)
    yield (), root


def canonical(element: Element, *, exclusive: bool = True) -> bytes:
    """Return the element in exclusive canonical form, without what follows it; comments are left out.

    Prefixes that only values need are lost in it; without `exclusive`, all that are declared stay.

    >>> canonical(parse(b"<a  y='2' x='1' />"))
    b'<a x="1" y="2"></a>'
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False, with_tail=False)
    except etree.C14NError:
        # libxml2 refuses names of namespaces that are relative addresses, such as `www.example.com/types`.
        found: str = etree.canonicalize(etree.tostring(element, with_tail=False, encoding="unicode"))
        return found.encode()


def local(name: str) -> str:
    """Return a name without its namespace.

    >>> local("{urn:p}a"), local("a")
    ('a', 'a')
    """
    return name.rpartition("}")[2]


def local_name(element: Element) -> str:
    """Return the element's name without its namespace.

    >>> local_name(parse(b"<p:a xmlns:p='urn:p'/>"))
    'a'
    """
    return local(element.tag)


def line(element: Element) -> int:
    r"""Return the line that an element begins on, from 1; 0 where nobody knows.

    >>> line(parse(b"<a>\n<b/></a>")[0])
    2
    """
    # The stubs have no type for it.
    found: Any = element.sourceline
    return found or 0


def _root(data: bytes, parser: etree.XMLParser) -> Element:
    try:
        root = cast("Element | None", etree.fromstring(data, parser))
    except etree.XMLSyntaxError as error:
        raise XmlError(f"expected well-formed XML: {_without_content(error.msg)}") from error
    _refuse_errors(parser.error_log)
    return _there(root)


def _there(root: Element | None) -> Element:
    if root is None:
        raise XmlError("expected well-formed XML: no element")
    return root


def _parser(paths: Sequence[Path]) -> etree.XMLPullParser:
    # The root's name is among the tags for its start event alone: a DTD is refused there, before anything else.
    tags = {_tag(step) for path in paths for step in (path[0], path[-1])}
    return etree.XMLPullParser(events=("start", "end"), tag=sorted(tags) or None, **_HARDENED)


def _tag(step: str) -> str:
    return step if step.startswith("{") else "{*}" + step


def _bound(total: int, pending: int, limits: Limits) -> None:
    if total > limits.document_bytes:
        raise XmlError(f"expected at most {limits.document_bytes} bytes in a document")
    if pending > limits.item_bytes:
        raise XmlError(f"expected at most {limits.item_bytes} bytes before the next item ends")


def _matches(parser: etree.XMLPullParser, paths: Sequence[Path]) -> Iterator[tuple[Path, Element]]:
    known: tuple[Element | None, Path] | None = None
    for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
        above = element.getparent()
        if event == "start":
            if above is None:
                _refuse_dtd(element)
            continue
        # Items are siblings, mostly: then the way up need not be walked for each.
        if known is None or above is not known[0] or not _is_step(element, known[1][-1]):
            path = next((p for p in paths if _lies_on(element, p)), None)
            if path is None:
                continue
            known = (above, path)
        yield known[1], element


def _lies_on(element: Element, path: Path) -> bool:
    node: Element | None = element
    for step in reversed(path):
        if node is None or not _is_step(node, step):
            return False
        node = node.getparent()
    return node is None


def _is_step(element: Element, step: str) -> bool:
    return element.tag == step if step.startswith("{") else local_name(element) == step


def _free(element: Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _take(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        if (tail := element.tail) is not None and tail.strip(BLANKS):
            # lxml takes it away with the element that it follows.
            elder = element.getprevious()
            if elder is None:
                parent.text = (parent.text or "") + tail
            else:
                elder.tail = (elder.tail or "") + tail
        parent.remove(element)
        if len(parent) > _MOST_KEPT:
            raise XmlError(f"expected at most {_MOST_KEPT} elements beside the items")
        _drop_hollow(parent)


def _drop_hollow(group: Element | None) -> None:
    """Drop the groups before this one that held nothing but items; the last one stays, to say that there were some."""
    while group is not None and (above := group.getparent()) is not None:
        while (elder := group.getprevious()) is not None and elder.tag == group.tag and _is_hollow(elder):
            above.remove(elder)
        group = above


def _is_hollow(element: Element) -> bool:
    says = element.keys() or f"{element.text or ''}{element.tail or ''}".strip(BLANKS)
    return not says and all(map(_is_hollow, element))


def _refuse_dtd(element: Element) -> None:
    if cast("etree.DTD | None", element.getroottree().docinfo.internalDTD) is not None:
        raise XmlError("expected no DTD, found one")


def _refuse_errors(log: etree._ListErrorLog, seen: int = 0) -> int:  # pyright: ignore[reportPrivateUsage] - as above
    """Refuse what libxml2 calls an error, but for names; return how much of the log was seen."""
    for each in islice(log, seen, None):
        # libxml2 tells of `urn:é`, which is no URI; XML only says what a namespace should be called.
        if each.type != etree.ErrorTypes.WAR_NS_URI and each.level >= etree.ErrorLevels.ERROR:
            place = f", line {each.line}, column {each.column}"
            raise XmlError(f"expected well-formed XML: {_without_content(each.message + place)}")
        seen += 1
    if seen > _MOST_WARNINGS:
        raise XmlError(f"expected at most {_MOST_WARNINGS} names of namespaces that are no addresses")
    return seen


def _without_content(message: str | None) -> str:
    # libxml2 quotes names, never text; the place helps, the file name would not.
    return (message or "unreadable").removesuffix(" (<string>)")
