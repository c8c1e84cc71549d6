"""Changes of whole replies: other documents, broken ones, faults instead of answers, faults that say something else."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from lxml import etree

from contracts.legacy.soap.answer import ENVELOPES, Refusal, fault
from contracts.legacy.soap.contract.model import SoapVersion
from contracts.legacy.xml import Element, local_name
from tests.mutations import Mutant

_SIGNS: Final = b'abzAZ019 .-+:/"<>&;\n\t\r#='
_NAMESPACE: Final = re.compile(rb"xmlns[^=]*=.[^'\"]*.")
_HTML: Final = b"<html><body>Service unavailable</body></html>"


def documents(data: bytes, version: SoapVersion, draw: Random, *, may_have_more: bool) -> Iterator[Mutant]:
    """Yield replies that are no answer any more, or hold another one.

    Args:
        data: The reply.
        version: Of SOAP.
        draw: Says where it is cut.
        may_have_more: More may stand in the Body and say nothing: SOAP encoding puts there what others refer to.
    """
    end = data.rindex(b">")
    for operator, cut in (("truncated at the end", end), ("truncated", draw.randrange(1, end)), ("nothing", 0)):
        yield _mutant(operator, data[:cut])
    yield _mutant("HTML", _HTML)
    yield _mutant("a second document", data + b"<more/>")
    yield _mutant("a DTD", data.replace(b"<soap:Envelope", b"<!DOCTYPE x []><soap:Envelope", 1))
    yield _mutant("fault instead of answer", fault(version, Refusal(code="Server", text="no")))
    for operator, edit in {**_EDITS, **({} if may_have_more else _MORE)}.items():
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
    """Return a reply with a few bytes of its Body lost, doubled, turned or others; namespaces keep their names."""
    low, high = data.find(b"Body>") + 5, data.rfind(b"</soap:Body")
    if high <= low:
        return data
    start = draw.randrange(low, high)
    end = min(high, start + draw.choice([0, 0, 1, 1, 1, 2, 30]))
    inner = data[start:end]
    new = draw.choice([b"", bytes([draw.choice(_SIGNS)]), inner[::-1], inner * 2])
    changed = data[:start] + new + data[end:]
    return changed if _NAMESPACE.findall(changed) == _NAMESPACE.findall(data) else data


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


_EDITS: Final[dict[str, Callable[[Element], None]]] = {
    "another document root": _rename,
    "envelope in another namespace": _move,
    "Body emptied": _empty,
    "another child of Body": _another,
    "no Body": _no_body,
}
_MORE: Final[dict[str, Callable[[Element], None]]] = {"a second child of Body": _second, "text in Body": _text}


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


_FAULTS_1_1: Final = {
    "fault: another code": _set("faultcode", "soap:Client"),
    "fault: a longer code": _set("faultcode", "soap:Server.Database"),
    "fault: another text": _set("faultstring", "another"),
    "fault: an actor": _actor,
}
_FAULTS_1_2: Final = {
    "fault: another code": _set("Code/Value", "soap:Sender"),
    "fault: a subcode": _subcode,
    "fault: another text": _set("Reason/Text", "another"),
    "fault: a role": _role,
}


def _no_detail(found: Element) -> None:
    found.remove(_detail(found))


def _other_detail(found: Element) -> None:
    _detail(found)[:] = [etree.Element("{urn:other}problem")]


def _more_detail(found: Element) -> None:
    etree.SubElement(_detail(found), "{urn:other}problem")


def _detail_attribute(found: Element) -> None:
    _detail(found)[0].set("unknown", "x")


_DETAILS: Final[dict[str, Callable[[Element], None]]] = {
    "fault: no detail": _no_detail,
    "fault: another detail": _other_detail,
    "fault: one more detail": _more_detail,
    "fault: an attribute of the detail": _detail_attribute,
}
