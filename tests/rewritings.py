"""The same answer in another form: whatever XML, SOAP and the schema leave to the one who writes it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree
from xmlschema.validators import XsdAttribute, XsdComplexType, XsdList, XsdUnion

from contracts.legacy.xml import Element, local_name
from tests.typed_tree import ANY_TYPE, XSI, Node, Typed, attributes
from tests.value_changes import same
from tests.value_space import shape

FORMS: Final = (
    "prefixes",
    "default namespace",
    "unused declarations",
    "attribute order",
    "quotes",
    "layout",
    "comments",
    "instructions",
    "CDATA",
    "character references",
    "empty pair",
    "values",
    "defaults",
    "xsi:type as declared",
    "nil as 1 or false",
    "schemaLocation",
    "order of xs:all",
    "header",
    "UTF-16",
    "ISO-8859-1",
    "UTF-8 with a mark",
    "XML declaration",
)
_NAMES: Final = ("a", "b", "ns1", "soapenv", "S", "tns", "x-y", "_q", "SOAP-ENV", "t")
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_QUALIFIED: Final = {"QName", "NOTATION"}


def rewritten(typed: Typed, forms: frozenset[str], draw: Random, *, is_encoded: bool = False) -> bytes:
    """Return an answer that says the same, in some of `FORMS`."""
    copy = typed.copy()
    _loosen(copy, forms, draw)
    copy = copy.again()
    is_pinned = is_encoded or any(_has_names_within(node) for node in copy.nodes)
    return _Writer(copy, forms, draw, is_pinned=is_pinned).document()


def _has_names_within(node: Node) -> bool:
    """Tell whether prefixes may stand where they are not looked for: in lists and unions."""
    kinds = [] if node.simple is None else [node.simple]
    if isinstance(node.kind, XsdComplexType):
        kinds += [each.type for each in node.kind.attributes.values() if isinstance(each, XsdAttribute)]
    for found in (shape(each) for each in kinds):
        inner = [found.item_type] if isinstance(found, XsdList) else []
        inner += found.member_types if isinstance(found, XsdUnion) else []
        if any(shape(each) in _QUALIFIED for each in inner):
            return True
    return False


def _loosen(typed: Typed, forms: frozenset[str], draw: Random) -> None:
    for node in typed.nodes:
        for form, change in _CHANGES.items():
            if form in forms:
                change(node, draw)
    if "header" in forms and local_name(typed.root[0]) != "Header":
        header = etree.Element(typed.root.tag.replace("Envelope", "Header"))
        etree.SubElement(header, "{urn:trace}Trace").text = str(draw.random())
        typed.root.insert(0, header)


def _write_values(node: Node, draw: Random) -> None:
    element, scope = node.element, dict(node.element.nsmap)
    if node.simple is not None and not node.is_nil and not len(element) and element.text:
        element.text = same(node.simple, element.text, scope, draw)
    for name, text in attributes(node.element):
        declared = node.attribute(name)
        if declared is not None and not name.startswith(XSI):
            element.set(name, same(declared.type, text, scope, draw))


def _write_defaults(node: Node, _: Random) -> None:
    """Turn defaults round: what is written goes, what is left out comes."""
    for name, given in _given_attributes(node):
        if node.element.get(name) == given:
            del node.element.attrib[name]
        elif name not in node.element.attrib:
            node.element.set(name, given)
    usual = None if node.declared is None else node.declared.default or node.declared.fixed
    if usual and not node.is_nil and node.simple is not None:
        if not node.element.text:
            node.element.text = usual
        elif node.element.text == usual:
            node.element.text = None


def _given_attributes(node: Node) -> Iterator[tuple[str, str]]:
    for name, declared in node.kind.attributes.items() if isinstance(node.kind, XsdComplexType) else ():
        if name is not None and isinstance(declared, XsdAttribute) and declared.is_optional():
            given = declared.default or declared.fixed
            if given is not None:
                yield name, given


def _say_type(node: Node, __: Random) -> None:
    kind = node.kind
    if kind.name is None or kind.name == ANY_TYPE or XSI + "type" in node.element.attrib:
        return
    namespace, _, local = kind.name.removeprefix("{").rpartition("}")
    prefix = next((each for each, uri in node.element.nsmap.items() if each and uri == namespace), None)
    if prefix is not None:
        node.element.set(XSI + "type", f"{prefix}:{local}")


def _say_nil(node: Node, _: Random) -> None:
    if node.declared is not None and node.declared.nillable:
        node.element.set(XSI + "nil", "1" if node.is_nil else "false")


def _tell_schema(node: Node, _: Random) -> None:
    if node.parent is None:
        node.element.set(XSI + "schemaLocation", "urn:nowhere http://127.0.0.1/nowhere.xsd")


def _shuffle_all(node: Node, draw: Random) -> None:
    if node.group is not None and node.group.model == "all" and not node.is_mixed:
        node.element[:] = draw.sample([*node.element], len(node.element))


_CHANGES: Final[dict[str, Callable[[Node, Random], None]]] = {
    "values": _write_values,
    "defaults": _write_defaults,
    "xsi:type as declared": _say_type,
    "nil as 1 or false": _say_nil,
    "schemaLocation": _tell_schema,
    "order of xs:all": _shuffle_all,
}


@dataclass(slots=True)
class _Scope:
    """What is declared where something is written."""

    names: dict[str, str]
    """Prefix -> namespace; the default namespace is at the empty prefix."""
    used: set[str] = field(default_factory=set[str])
    """Prefixes that stand in the start tag, and so must not be declared in it once more."""

    def prefix(self, namespace: str, *, is_attribute: bool) -> str | None:
        found = (each for each, uri in self.names.items() if uri == namespace and (each or not is_attribute))
        return next(found, None)


class _Writer:
    def __init__(self, typed: Typed, forms: frozenset[str], draw: Random, *, is_pinned: bool) -> None:
        self._typed, self._forms, self._draw, self._is_pinned = typed, forms, draw, is_pinned
        self._nodes = {node.element: node for node in typed.nodes}
        self._charset = self._chosen_charset()
        # Without a prefix, a name in a text is of the default namespace, and there may be one without any.
        self._may_default = "default namespace" in forms and not any(
            "NOTATION" in str(shape(node.simple)) or shape(node.simple) == "QName"
            for node in typed.nodes
            if node.simple
        )

    def document(self) -> bytes:
        draw, charset = self._draw, self._charset
        body = "".join(self._element(self._typed.root, _Scope({"xml": _XML})))
        quote = draw.choice("'\"")
        head = ""
        if charset not in {"utf-8", "utf-8-sig"} or "XML declaration" in self._forms:
            alone = draw.choice(["", " standalone='yes'", ' standalone="no" '])
            named = charset.removesuffix("-sig")
            told = draw.choice([named, named.upper()])
            head = (
                f"<?xml version={quote}1.0{quote}  encoding={quote}{told}{quote}{alone}?>{draw.choice(['', chr(10)])}"
            )
        return (head + self._layout() + body + self._layout()).encode(charset)

    def _chosen_charset(self) -> str:
        wanted = {"UTF-16": "utf-16", "ISO-8859-1": "iso-8859-1", "UTF-8 with a mark": "utf-8-sig"}
        charset = next((wanted[form] for form in sorted(self._forms) if form in wanted), "utf-8")
        tags = "".join(str(each.tag) + "".join(map(str, each.keys())) for each in self._typed.root.iter())
        return charset if charset != "iso-8859-1" or tags.isascii() else "utf-8"

    def _element(self, element: Element, scope: _Scope) -> Iterator[str]:
        declared: dict[str, str] = {}
        inner = _Scope(dict(scope.names))
        if self._is_pinned:
            for prefix, uri in element.nsmap.items():
                if prefix and inner.names.get(prefix) != uri:
                    declared[prefix] = inner.names[prefix] = uri
        tag = self._named(element.tag, inner, declared, is_attribute=False)
        said: list[str] = []
        for name, text in attributes(element):
            shown = self._attribute(element, name, text, inner=inner, declared=declared)
            said.append(f"{self._named(name, inner, declared, is_attribute=True)}={shown}")
        text = self._own_text(element, inner, declared)
        if "unused declarations" in self._forms and self._draw.random() < 0.3:
            declared.setdefault("unused", "urn:unused")
        said += [f"xmlns{':' if prefix else ''}{prefix}={self._quoted(uri)}" for prefix, uri in declared.items()]
        if "attribute order" in self._forms:
            self._draw.shuffle(said)
        gap = self._draw.choice([" ", "\n  "]) if "layout" in self._forms else " "
        start = f"<{tag}{''.join(gap + each for each in said)}"
        content = text + "".join(self._children(element, inner))
        if not content and not ("empty pair" in self._forms and self._draw.random() < 0.5):
            yield start + "/>"
        else:
            yield f"{start}>{content}</{tag}{' ' if gap != ' ' else ''}>"

    def _children(self, element: Element, scope: _Scope) -> Iterator[str]:
        is_loose = self._is_loose(element)
        for child in element:
            yield self._layout() if is_loose else ""
            yield from self._element(child, scope)
            yield "" if is_loose else self._text(child.tail or "")
        yield self._layout() if is_loose and len(element) else ""

    def _is_loose(self, element: Element) -> bool:
        """Tell whether blanks among the children say nothing."""
        node = self._nodes.get(element)
        if node is None:
            above = [local_name(each) for each in element.iterancestors()]
            return len(element) > 0 and (len(above) < 2 or (len(above) < 4 and above[-2:] == ["Body", "Envelope"]))
        has_text = any((child.tail or "").strip() for child in element) or bool((element.text or "").strip())
        return node.group is not None and not node.is_mixed and not has_text

    def _layout(self) -> str:
        pieces = [""]
        pieces += ["\n", "\r\n\t ", "   "] if "layout" in self._forms else []
        pieces += ["<!-- no -->", "<!---->"] if "comments" in self._forms else []
        pieces += ["<?no say?>"] if "instructions" in self._forms else []
        return "".join(self._draw.choice(pieces) for _ in range(3))

    def _named(self, tag: str, scope: _Scope, declared: dict[str, str], *, is_attribute: bool) -> str:
        namespace, _, local = tag.rpartition("}")
        namespace = namespace.removeprefix("{")
        if not namespace:
            if not is_attribute and scope.names.get(""):
                declared[""] = scope.names[""] = ""
            return local
        prefix = scope.prefix(namespace, is_attribute=is_attribute)
        is_again = "prefixes" in self._forms and not self._is_pinned and self._draw.random() < 0.15
        if prefix is None or (is_again and namespace != _XML and prefix not in declared):
            prefix = self._fresh(namespace, scope, declared, is_attribute=is_attribute)
            declared[prefix] = scope.names[prefix] = namespace
        scope.used.add(prefix)
        return f"{prefix}:{local}" if prefix else local

    def _fresh(self, namespace: str, scope: _Scope, declared: dict[str, str], *, is_attribute: bool) -> str:
        may_default = self._may_default and not is_attribute and not self._is_pinned and "" not in declared
        may_default = may_default and "" not in scope.used
        if may_default and self._draw.random() < 0.6:
            return ""
        usual = [prefix for prefix, uri in self._typed.root.nsmap.items() if prefix and uri == namespace]
        taken = {*declared, *scope.used} if "prefixes" in self._forms and not self._is_pinned else set(scope.names)
        free = [each for each in (*([] if "prefixes" in self._forms else usual), *_NAMES) if each not in taken]
        free = free or [f"n{number}" for number in range(99) if f"n{number}" not in taken]
        return self._draw.choice(free) if "prefixes" in self._forms else free[0]

    def _attribute(self, element: Element, name: str, text: str, *, inner: _Scope, declared: dict[str, str]) -> str:
        node = self._nodes.get(element)
        kind = None if node is None else node.attribute(name)
        if name == XSI + "type" or (kind is not None and shape(kind.type) in _QUALIFIED):
            text = self._requalified(element, text, inner, declared)
        return self._quoted(text)

    def _own_text(self, element: Element, scope: _Scope, declared: dict[str, str]) -> str:
        text, node = element.text or "", self._nodes.get(element)
        simple = None if node is None else node.simple
        is_code = local_name(element) == "faultcode" or (local_name(element) == "Value" and node is None)
        if is_code or (simple is not None and shape(simple) in _QUALIFIED):
            text = self._requalified(element, text, scope, declared)
        return "" if self._is_loose(element) and not text.strip() else self._text(text)

    def _requalified(self, element: Element, text: str, scope: _Scope, declared: dict[str, str]) -> str:
        prefix, _, local = text.strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        if not namespace or self._is_pinned:
            return text
        return self._named(f"{{{namespace}}}{local}", scope, declared, is_attribute=True)

    def _quoted(self, text: str) -> str:
        mark = self._draw.choice("'\"") if "quotes" in self._forms else '"'
        known = {"\n": "&#10;", "\t": "&#9;", "\r": "&#xD;", mark: "&quot;" if mark == '"' else "&apos;"}
        return mark + self._narrow(escape(text, known)) + mark

    def _text(self, text: str) -> str:
        draw = self._draw
        if not text:
            return draw.choice(["", "<![CDATA[]]>"]) if "CDATA" in self._forms and draw.random() < 0.1 else ""
        cut = draw.randrange(len(text) + 1)
        if "CDATA" in self._forms and draw.random() < 0.3 and text.isascii() and "]]>" not in text and "\r" not in text:
            return self._escaped(text[:cut]) + f"<![CDATA[{text[cut:]}]]>"
        if "comments" in self._forms and draw.random() < 0.3:
            return self._escaped(text[:cut]) + "<!-- between -->" + self._escaped(text[cut:])
        if "instructions" in self._forms and draw.random() < 0.2:
            return self._escaped(text[:cut]) + "<?be tween?>" + self._escaped(text[cut:])
        return self._escaped(text)

    def _escaped(self, text: str) -> str:
        shown = self._narrow(escape(text, {"\r": "&#13;"}))
        if "character references" in self._forms:
            drawn = (f"&#x{ord(each):x};" if each.isalnum() and self._draw.random() < 0.2 else each for each in text)
            return "".join(
                each if each.startswith("&#x") else self._narrow(escape(each, {"\r": "&#13;"})) for each in drawn
            )
        return shown

    def _narrow(self, text: str) -> str:
        return (
            text.encode("iso-8859-1", "xmlcharrefreplace").decode("iso-8859-1")
            if self._charset == "iso-8859-1"
            else text
        )
