"""Writes a reply in other ways that mean the same, by draws: prefixes, layout, encodings, lexical forms of values."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final, cast
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from contracts.legacy.xml import Element

__all__ = ["ENCODINGS", "VALUES", "rewritten"]

ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "us-ascii")
_NAMES: Final = ("a", "b", "ns1", "soapenv", "S", "tns", "x-y", "_q")
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"


def _decimal(text: str, draw: Random) -> str:
    text = text.lstrip("+")
    sign, digits = ("-", text[1:]) if text.startswith("-") else (draw.choice(["", "+"]), text)
    whole, _, fraction = digits.partition(".")
    zeros = draw.choice(["", "0", "00"])
    return f"{sign}{'0' * draw.randrange(3)}{whole}" + (f".{fraction}{zeros}" if fraction or zeros else "")


def _whole(text: str, draw: Random) -> str:
    return draw.choice(["", "+"]) + "0" * draw.randrange(3) + text


def _moment(text: str, draw: Random) -> str:
    """Write a `dateTime` that ends in Z one hour to the east, with zeros."""
    if not text.endswith("Z") or not 0 < int(text[11:13]) < 23:
        return text
    fraction = draw.choice([".0", ".000000000", ""]) if "." not in text else "000"
    moved = draw.choice([-1, 0, 1])
    zone = "Z" if moved == 0 else f"{'+' if moved > 0 else '-'}01:00"
    return f"{text[:11]}{int(text[11:13]) + moved:02d}{text[13:-1]}{fraction}{zone}"


def _boolean(text: str, draw: Random) -> str:
    return draw.choice(["true", "1"] if text in {"true", "1"} else ["false", "0"])


VALUES: Final[dict[str, Callable[[str, Random], str]]] = {
    "fee": _decimal,
    "postcode": lambda text, draw: "0" * draw.randrange(3) + text if text.isdigit() else text,
    "lastModified": _moment,
    "complete": _boolean,
    "count": _whole,
}
"""Element, by its local name -> how its value may be written."""
_BLANK_ROUND: Final = frozenset({"born", "died", "fee", "lastModified", "complete", "count"})


def rewritten(reply: bytes, draw: Random) -> bytes:
    """Return a reply that means the same."""
    root = etree.fromstring(reply)
    encoding = draw.choice(ENCODINGS)
    writer = _Writer(draw, is_narrow=encoding in {"us-ascii", "iso-8859-1"})
    body = "".join(writer.element(root, {}, 0))
    quote = draw.choice("'\"")
    named = encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    needs = encoding not in {"utf-8", "utf-8-sig"} or draw.random() < 0.5
    head = f"<?xml version={quote}1.0{quote} encoding={quote}{named.upper()}{quote}?>" if needs else ""
    data = (head + writer.layout() + body + writer.layout()).encode(encoding)
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    return marks.get(encoding, b"") + data


class _Writer:
    def __init__(self, draw: Random, *, is_narrow: bool) -> None:
        self._draw, self._is_narrow = draw, is_narrow
        self._is_pretty = draw.random() < 0.5

    def element(self, element: Element, scope: dict[str, str], level: int) -> Iterator[str]:
        """Write an element, with prefixes of its own."""
        draw, declared = self._draw, dict[str, str]()
        names = cast("list[tuple[str, str]]", element.items())
        for tag in (element.tag, *(name for name, _ in names)):
            namespace = tag[1:].partition("}")[0] if tag.startswith("{") else ""
            if namespace and (namespace not in scope or draw.random() < 0.1):
                prefix = draw.choice([each for each in _NAMES if each not in declared.values()])
                scope = {uri: other for uri, other in scope.items() if other != prefix} | {namespace: prefix}
                declared = {uri: other for uri, other in declared.items() if other != prefix} | {namespace: prefix}
        name = self._named(element.tag, scope)
        said = [f"{self._named(key, scope)}={self._quoted(text)}" for key, text in names]
        said += [f"xmlns:{prefix}={quoteattr(uri)}" for uri, prefix in declared.items()]
        said += self._defaults(element)
        draw.shuffle(said)
        start = f"<{name}{''.join(draw.choice([' ', '  ', chr(10)]) + each for each in said)}"
        text = "" if len(element) else self._value(element)
        if not len(element) and not text and draw.random() < 0.5:
            yield start + draw.choice(["/>", " />"])
            return
        yield start + draw.choice([">", " >"]) + self._text(text)
        for child in element:
            yield self.layout()
            yield from self.element(child, scope, level + 1)
        yield (self.layout() if len(element) else "") + f"</{name}{draw.choice(['', ' '])}>"

    def layout(self) -> str:
        """Return blanks, comments and instructions between elements."""
        draw = self._draw
        pieces = ["", "\n", "\r\n\t ", "<!-- no -->", "<?no say?>"] if self._is_pretty else ["", "<!--x-->"]
        return "".join(draw.choice(pieces) for _ in range(draw.randrange(3)))

    def _named(self, tag: str, scope: dict[str, str]) -> str:
        namespace, _, local = tag.rpartition("}")
        return f"{scope[namespace[1:]]}:{local}" if namespace else local

    def _defaults(self, element: Element) -> list[str]:
        is_address = element.tag.endswith("}address") and element.get("country") is None
        return ['country="AT"'] if is_address and self._draw.random() < 0.5 else []

    def _value(self, element: Element) -> str:
        text, draw, local = element.text or "", self._draw, element.tag.rpartition("}")[2]
        if element.get(_XSI + "nil") in {"true", "1"}:
            return ""
        change = VALUES.get(local)
        text = text if change is None else change(text, draw)
        return draw.choice(["", " ", "\n"]) + text + draw.choice(["", "\t"]) if local in _BLANK_ROUND else text

    def _text(self, text: str) -> str:
        draw = self._draw
        is_plain = text.isascii() or not self._is_narrow
        if text and is_plain and "]]>" not in text and draw.random() < 0.2:
            at = draw.randrange(len(text))
            return f"{self._escaped(text[:at])}<![CDATA[{text[at:]}]]>{draw.choice(['', '<!-- c -->'])}"
        return self._escaped(text)

    def _escaped(self, text: str) -> str:
        draw: Any = self._draw
        pieces: list[str] = []
        for each in text:
            is_reference = draw.random() < 0.05 or (self._is_narrow and not each.isascii())
            pieces.append(draw.choice([f"&#{ord(each)};", f"&#x{ord(each):X};"]) if is_reference else escape(each))
        return "".join(pieces)

    def _quoted(self, text: str) -> str:
        written = self._escaped(text).replace('"', "&quot;").replace("'", "&apos;")
        quote = self._draw.choice("'\"")
        return quote + written + quote
