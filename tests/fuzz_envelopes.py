"""Damaged SOAP messages for `make fuzz`: in their bytes, their structure, their encoding, and what is around them."""

import gzip
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from lxml import etree

from contracts.legacy.xml import Element

__all__ = ["Message", "damaged", "graph", "wrapped"]

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_ENC: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
_TOKENS: Final = (
    *(b"<", b">", b"</", b"/>", b"&", b"&#0;", b"&#x10FFFF;", b"&lt;", b"&x;", b"]]>", b"<![CDATA[", b"-->", b"<!--"),
    *(b"<?p", b"?>", b"'", b'"', b"=", b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbf\xbe", b"\xc2\xa0"),
    *(b" xmlns=''", b" xmlns:s='urn:no'", b" xmlns:xml='urn:no'", b" xmlns:p='urn:\xc3\xa9'", b"xml:id='1'"),
    *(b"<s:Body>", b"</s:Body>", b"<Body/>", b"<Fault/>", b"\r\n", b"\x85", b"\xe2\x80\xa8"),
)
_TEXTS: Final = (
    "",
    " ",
    "\u00a0",
    "-1",
    "1e400",
    "9" * 400,
    "P1Y",
    "2020-02-30",
    "NaN",
    "\U0001f600",
    "a" * 70_000,
    "q:x",
)
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "utf-7", "utf-32", "cp037", "ascii")
_NAMES: Final = ("UTF-8", "utf-16", "ISO-8859-1", "windows-1252", "US-ASCII", "UTF-7", "EBCDIC-CP-US", "nope", "")
_DOCTYPES: Final = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>",
    '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/x"><!ENTITY % p SYSTEM "file:///etc/hosts"> %p;]>',
    '<!DOCTYPE x [<!ATTLIST x a CDATA "1">]>',
    "<!DOCTYPE x>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message with what is said of it outside."""

    data: bytes
    content_type: str = "text/xml; charset=utf-8"
    coding: str = ""
    action: str = '""'


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return a message with up to four of all kinds of damage."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
        data = rng.choice(_KINDS)(rng, data)
    return data


def wrapped(rng: random.Random, data: bytes, action: str) -> Message:
    """Return a message as it may come by HTTP: alone or among parts, packed or not, its action right or wrong."""
    media = rng.choice(
        ("text/xml", "text/xml", "application/soap+xml", "application/xop+xml", "text/plain", "TEXT/XML ;")
    )
    charset = rng.choice(("", "", "; charset=utf-8", '; charset="UTF-16"', "; charset=latin-1", "; charset=nope"))
    said = rng.choice((action, action, '""', "", "urn:other", f'"{action}Request"', '"' * 3))
    content_type = media + charset + rng.choice(("", "", f'; action="{said}"', "; action", ";;; a=b"))
    coding = ""
    if rng.random() < 0.3:
        data, content_type = _parts(rng, data, content_type)
    if rng.random() < 0.15:
        data, coding = gzip.compress(data, 1), "gzip"
        data = _bytes(rng, data) if rng.random() < 0.3 else data
    return Message(data=data, content_type=content_type, coding=coding, action=said)


def graph(rng: random.Random) -> bytes:
    """Return an answer in SOAP encoding, whose values refer to each other in any way."""
    ids = [f"i{number}" for number in range(rng.randint(1, 8))]

    def node(tag: str, own: str = "") -> str:
        kind = rng.choice(("", ' xsi:type="t:Node"', ' xsi:type="e:Array"', ' xsi:type="xsd:int"', ' xsi:type="q:No"'))
        array = rng.choice(
            ("", "", ' e:arrayType="xsd:anyType[2]"', ' e:arrayType="t:Node[99999999,9]"', ' e:arrayType="["')
        )
        to = rng.choice((*ids, "nobody"))
        inside = rng.choice(("1", "", f'<v href="#{to}"/>', f'<v>1</v><next href="#{to}"/>', f'<i href="#{to}"/>' * 5))
        return f"<{tag}{own}{kind}{array}>{inside}</{tag}>"

    many = "".join(node(rng.choice(("multiRef", "m", "n")), f' id="{rng.choice(ids)}"') for _ in ids)
    first = rng.choice((f'<result href="#{ids[0]}"/>', node("result"), f"<result>{node('v')}</result>"))
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:t"'
        ' xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body>'
        f"<t:r>{first}</t:r>{many}</s:Body></s:Envelope>"
    ).encode()


def _bytes(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                changed[at:at] = rng.choice(_TOKENS)
            case 1:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 2:
                del changed[at : at + rng.randint(1, 30)]
            case 3:
                changed[at:at] = changed[at : at + rng.randint(1, 60)]
            case _:
                end = min(len(changed), at + rng.randint(1, 60))
                changed[at:end] = changed[at:end][::-1]
    return bytes(changed)


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _structure(rng: random.Random, data: bytes) -> bytes:
    try:
        root = etree.fromstring(data)
    except (etree.XMLSyntaxError, ValueError):
        return data
    for _ in range(rng.randint(1, 3)):
        every = [each for each in root.iter("*") if each.getparent() is not None]
        if not every:
            break
        _change(rng, rng.choice(every), rng.choice(every))
    encoding = rng.choice(("UTF-8", "UTF-8", "UTF-16", "US-ASCII"))
    return etree.tostring(root, encoding="unicode").encode(encoding, "xmlcharrefreplace")


def _change(rng: random.Random, one: Element, other: Element) -> None:
    rng.choice(_CHANGES)(rng, one, other)


def _remove(_: random.Random, one: Element, __: Element) -> None:
    above = one.getparent()
    if above is not None:
        above.remove(one)


def _double(_: random.Random, one: Element, other: Element) -> None:
    above = one.getparent()
    if above is not None:
        above.append(deepcopy(other))


def _text(rng: random.Random, one: Element, _: Element) -> None:
    if rng.random() < _HALF:
        one.text = rng.choice(_TEXTS)
    else:
        one.tail = rng.choice(_TEXTS)


def _rename(rng: random.Random, one: Element, other: Element) -> None:
    one.tag = rng.choice(("{urn:other}x", "x", other.tag, "{urn:\u00e9}x", one.tag.rpartition("}")[2]))


def _instance(rng: random.Random, one: Element, _: Element) -> None:
    one.set(_XSI + rng.choice(("nil", "type")), rng.choice(("true", "1", "\u00a0true", "q:x", "xsd:int", "", ":")))


def _attribute(rng: random.Random, one: Element, _: Element) -> None:
    one.set(rng.choice(("href", "id", f"{_ENC}arrayType", "a", "{urn:q}a")), rng.choice(("#a", "a", "x[1", *_TEXTS)))


def _silent(_: random.Random, one: Element, __: Element) -> None:
    one.append(etree.Comment("c"))
    one.append(etree.ProcessingInstruction("p", "q"))


def _reverse(_: random.Random, one: Element, __: Element) -> None:
    one[:] = [*reversed(one)]


_HALF: Final = 0.5
_CHANGES: Final = (_remove, _double, _text, _text, _rename, _instance, _attribute, _silent, _reverse)


def _encoding(rng: random.Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    declared = rng.choice(("", f"<?xml version='1.0' encoding='{rng.choice(_NAMES)}'?>", "<?xml version='1.1'?>", " "))
    return (declared + text).encode(rng.choice(_ENCODINGS), "xmlcharrefreplace")


def _doctype(rng: random.Random, data: bytes) -> bytes:
    at = data.find(b"<", data.find(b"?>") + 1 if data.startswith(b"<?xml") else 0)
    end = data.find(b">", at + 1)
    told = rng.choice(_DOCTYPES).encode()
    return data[: max(at, 0)] + told + data[max(at, 0) : end + 1] + rng.choice((b"", b"&i;", b"&e;")) + data[end + 1 :]


def _deep(rng: random.Random, data: bytes) -> bytes:
    levels = rng.choice((50, 101, 200, 300, 5_000))
    name = rng.choice((b"a", b"b:c", b"Body"))
    opened = b"<%b%b>" % (name, rng.choice((b"", b" xmlns:b='urn:b'")))
    return _put(rng, data, opened * levels + b"x" + b"</%b>" % name * rng.choice((levels, levels, levels - 1)))


def _wide(rng: random.Random, data: bytes) -> bytes:
    size = rng.choice((100, 5_000, 40_000))
    many = b"".join(b" a%d='1'" % number for number in range(size // 10))
    namespaces = b"".join(b" xmlns:n%d='urn:%d'" % (number, number) for number in range(size // 20))
    said = (b" a='" + b"x" * size + b"'", many, namespaces, b" xmlns='urn:" + b"y" * size + b"'")
    return _put(rng, data, b"<w" + rng.choice(said) + rng.choice((b"/>", b">", b"></w>")))


def _many(rng: random.Random, data: bytes) -> bytes:
    one = rng.choice((b"<a/>", b"<a>1</a>", b"<!--c-->", b"<?p q?>", b"<![CDATA[x]]>", b"&#65;", b"<r:resident/>"))
    return _put(rng, data, one * rng.choice((20, 2_000, 20_000)))


def _put(rng: random.Random, data: bytes, what: bytes) -> bytes:
    """Put something behind or before a tag."""
    tags = [at for at, octet in enumerate(data[:20_000]) if octet in b"<>"] or [0]
    at = rng.choice(tags)
    at += data[at : at + 1] == b">"
    return data[:at] + what + data[at:]


def _parts(rng: random.Random, data: bytes, content_type: str) -> tuple[bytes, str]:
    boundary = rng.choice(("b", "b" * 70, "--", "a b", "", "b'"))
    mark = boundary.encode()
    end = rng.choice((b"\r\n", b"\r\n", b"\n"))
    root = b"--%b%bContent-Type: %b%bContent-ID: <root>%b%b" % (mark, end, content_type.encode(), end, end, end)
    more = b"%b--%b%bContent-ID: <a>%b%bBYTES" % (end, mark, end, end, end)
    pieces = [root + data, more * rng.choice((0, 1, 200))]
    if rng.random() < 0.2:
        pieces.reverse()
    closing = rng.choice((end + b"--" + mark + b"--", end + b"--" + mark, b"", b"--" + mark + b"--"))
    start = rng.choice(("", '; start="<root>"', '; start="<no>"', "; start-info=text/xml"))
    kind = rng.choice(("text/xml", "application/xop+xml", "application/soap+xml", "x"))
    return b"".join(pieces) + closing, f'multipart/related; type="{kind}"; boundary="{boundary}"{start}'


_KINDS: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    *(_bytes, _bytes, _bytes, _structure, _structure, _structure),
    *(_cut, _encoding, _doctype, _deep, _wide, _many),
)
