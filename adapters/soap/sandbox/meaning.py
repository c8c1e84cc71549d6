"""What a request says, whatever its bytes: prefixes, layout and the order of attributes say nothing."""

from typing import Final, TypeAlias

from contracts.legacy.xml import Element

__all__ = ["Meaning", "meaning"]

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS: Final = frozenset({f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"})

Meaning: TypeAlias = tuple[str, tuple[tuple[str, str], ...], tuple["str | Meaning", ...]]
"""Name, attributes, and what stands within."""


def meaning(element: Element) -> Meaning:
    """Return what is the same for two elements that say the same: names, attributes, and texts without outer blanks.

    >>> from contracts.legacy.xml import parse
    >>> meaning(parse(b"<a:x xmlns:a='urn:a'> <y>1</y></a:x>"))
    ('{urn:a}x', (), (('y', (), ('1',)),))
    """
    attributes = (
        (str(name), _name(str(value), element) if name == f"{_XSI}type" else " ".join(str(value).split()))
        for name, value in element.attrib.items()
        if name not in _HINTS
    )
    content: list[str | Meaning] = [*_text(element.text)]
    for child in element:
        content += [meaning(child), *_text(child.tail)]
    return element.tag, tuple(sorted(attributes)), tuple(content)


def _text(text: str | None) -> list[str]:
    words = (text or "").split()
    return [" ".join(words)] if words else []


def _name(text: str, element: Element) -> str:
    """Return the name that a text with a prefix stands for."""
    prefix, _, name = text.strip().rpartition(":")
    return f"{{{element.nsmap.get(prefix or None, prefix)}}}{name}"
