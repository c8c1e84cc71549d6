"""Changes of whole replies: other documents, broken ones, faults instead of answers, faults that say something else."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Final

from lxml import etree

from contracts.legacy.soap.answer import ENVELOPES, Refusal, fault
from contracts.legacy.soap.contract.model import SoapVersion
from contracts.legacy.xml import Element, local_name
from tests.mutations import Mutant

_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_SIGNS: Final = b'abzAZ019 .-+:/"<>&;\n\t\r#='
_HTML: Final = b"<html><body>Service unavailable</body></html>"


def documents(data: bytes, version: SoapVersion, draw: Random) -> Iterator[Mutant]:
    """Yield replies that are no answer any more, hold another one, or have something beside it."""
    end = data.rindex(b">")
    for operator, cut in (("truncated at the end", end), ("truncated", draw.randrange(1, end)), ("nothing", 0)):
        yield _mutant(operator, data[:cut])
    yield _mutant("HTML", _HTML)
    yield _mutant("a second document", data + b"<more/>")
    yield _mutant("a DTD", data.replace(b"<soap:Envelope", b"<!DOCTYPE x []><soap:Envelope", 1))
    yield _mutant("fault instead of answer", fault(version, Refusal(code="Server", text="no")))
    for operator, edit in _EDITS.items():
        root = etree.fromstring(data)
        before = etree.tostring(root, method="c14n")
        edit(root)
        if etree.tostring(root, method="c14n") != before:
            yield _mutant(operator, etree.tostring(root, encoding="UTF-8"))


def faults(data: bytes, version: SoapVersion) -> Iterator[Mutant]:
    """Yield faults that say something else than one does."""
    known = _FAULTS_1_1 if version == "1.1" else _FAULTS_1_2
    for operator, edit in {**known, **_DETAILS}.items():
        root = etree.fromstring(data)
        edit(_fault(root))
        yield _mutant(operator, etree.tostring(root, encoding="UTF-8"))


def slipped(data: bytes, draw: Random) -> bytes:
    """Return a reply with a few bytes of its Body lost, doubled, turned or others."""
    low, high = data.find(b"Body>") + 5, data.rfind(b"</soap:Body")
    if high <= low:
        return data
    start = draw.randrange(low, high)
    end = min(high, start + draw.choice([0, 0, 1, 1, 1, 2, 30]))
    inner = data[start:end]
    new = draw.choice([b"", bytes([draw.choice(_SIGNS)]), inner[::-1], inner * 2])
    return data[:start] + new + data[end:]


def _mutant(operator: str, data: bytes) -> Mutant:
    return Mutant(operator=operator, path="/", data=data)


def _body(root: Element) -> Element:
    return next(each for each in root if local_name(each) == "Body")


def _fault(root: Element) -> Element:
    return _body(root)[0]


def _detail(found: Element) -> Element:
    return next(each for each in found if local_name(each) in {"detail", "Detail"})


def _rename(root: Element) -> None:
    root.tag = root.tag.replace("Envelope", "Letter")


def _move(root: Element) -> None:
    root.tag = "{urn:other}Envelope"


def _empty(root: Element) -> None:
    body = _body(root)
    body[:] = []
    body.text = None


def _second(root: Element) -> None:
    etree.SubElement(_body(root), "{urn:other}second")


def _another(root: Element) -> None:
    _empty(root)
    _second(root)


def _no_body(root: Element) -> None:
    root.remove(_body(root))


def _text(root: Element) -> None:
    _body(root).text = "text"


def _last_text(root: Element) -> None:
    _body(root)[-1].tail = "text"


def _behind(root: Element) -> None:
    etree.SubElement(root, "{urn:other}behind")


def _before(root: Element) -> None:
    _body(root).addprevious(etree.Element("{urn:other}before"))


def _loose(root: Element) -> None:
    _body(root).tail = "text"


_EDITS: Final[dict[str, Callable[[Element], None]]] = {
    "another document root": _rename,
    "envelope in another namespace": _move,
    "Body emptied": _empty,
    "another child of Body": _another,
    "no Body": _no_body,
    "a second child of Body": _second,
    "text in Body": _text,
    "text at the end of Body": _last_text,
    "an element behind Body": _behind,
    "an element before Body": _before,
    "text in the envelope": _loose,
}


def _set(path: str, text: str) -> Callable[[Element], None]:
    def edit(found: Element) -> None:
        step = found
        for name in path.split("/"):
            step = next(each for each in step if local_name(each) == name)
        step.text = text

    return edit


def _actor(found: Element) -> None:
    actor = etree.Element("faultactor")
    actor.text = "urn:somebody"
    found.insert(2, actor)


def _role(found: Element) -> None:
    role = etree.Element(f"{{{ENVELOPES['1.2']}}}Role")
    role.text = "urn:somebody"
    found.insert(2, role)


def _subcode(found: Element) -> None:
    namespace = f"{{{ENVELOPES['1.2']}}}"
    subcode = etree.SubElement(found[0], namespace + "Subcode")
    etree.SubElement(subcode, namespace + "Value", nsmap={"own": "urn:own"}).text = "own:Missing"


def _node(found: Element) -> None:
    node = etree.Element(f"{{{ENVELOPES['1.2']}}}Node")
    node.text = "urn:somewhere"
    found.insert(2, node)


def _language(found: Element) -> None:
    found[1][0].set(_LANGUAGE, "tlh")


def _translated(found: Element) -> None:
    text = etree.SubElement(found[1], f"{{{ENVELOPES['1.2']}}}Text")
    text.text = "nein"
    text.set(_LANGUAGE, "de")


def _again(name: str) -> Callable[[Element], None]:
    def edit(found: Element) -> None:
        step = next(each for each in found if local_name(each) == name)
        step.addnext(deepcopy(step))

    return edit


def _loose_in(name: str) -> Callable[[Element], None]:
    def edit(found: Element) -> None:
        next(each for each in found if local_name(each) == name).text = "text"

    return edit


_FAULTS_1_1: Final = {
    "fault: another code": _set("faultcode", "soap:Client"),
    "fault: a longer code": _set("faultcode", "soap:Server.Database"),
    "fault: another text": _set("faultstring", "another"),
    "fault: an actor": _actor,
    "fault: two texts": _again("faultstring"),
}
_FAULTS_1_2: Final = {
    "fault: another code": _set("Code/Value", "soap:Sender"),
    "fault: a subcode": _subcode,
    "fault: another text": _set("Reason/Text", "another"),
    "fault: a role": _role,
    "fault: a node": _node,
    "fault: another language": _language,
    "fault: a text in another language": _translated,
    "fault: text in its code": _loose_in("Code"),
    "fault: text in its reason": _loose_in("Reason"),
}


def _no_detail(found: Element) -> None:
    found.remove(_detail(found))


def _other_detail(found: Element) -> None:
    _detail(found)[:] = [etree.Element("{urn:other}problem")]


def _more_detail(found: Element) -> None:
    etree.SubElement(_detail(found), "{urn:other}problem")


def _detail_attribute(found: Element) -> None:
    _detail(found)[0].set("unknown", "x")


def _stranger(found: Element) -> None:
    etree.SubElement(found, "{urn:other}stranger")


def _text_behind(found: Element) -> None:
    found[-1].tail = "text"


def _text_in_front(found: Element) -> None:
    found.text = "text"


def _attribute(found: Element) -> None:
    found.set("unknown", "x")


_DETAILS: Final[dict[str, Callable[[Element], None]]] = {
    "fault: no detail": _no_detail,
    "fault: another detail": _other_detail,
    "fault: one more detail": _more_detail,
    "fault: an attribute of the detail": _detail_attribute,
    "fault: an element beside its parts": _stranger,
    "fault: an attribute": _attribute,
    "fault: text in front of its parts": _text_in_front,
    "fault: text behind its parts": _text_behind,
}
