"""All kinds of findings: the severity of each, and what it means for the one who calls."""

from collections.abc import Iterable, Mapping
from typing import Final

from contracts.legacy.soap.contract.model import Finding, Place, Severity
from contracts.legacy.xml import local

__all__ = ["KINDS", "finding", "listed"]

_SHOWN: Final = 3

KINDS: Final[Mapping[str, tuple[Severity, str]]] = {
    # The offer: services, ports, bindings.
    "unoffered-binding": (
        "note",
        "No service offers this binding, so it has no address: it can be called with an address from elsewhere only.",
    ),
    "several-ports": (
        "note",
        "The ports {ports} offer the same operations ({names}). Say which port is meant; their addresses may differ.",
    ),
    "address-missing": ("hurts", "There is no address for {names}. Ask the provider, and set it in the settings."),
    "address-local": (
        "hurts",
        "{names}: the machine itself, left over from development. Set the real address.",
    ),
    "address-in-clear": (
        "hurts",
        "{names}: http, so what is sent can be read and changed on the way. Ask for https.",
    ),
    "address-other": (
        "hurts",
        "{names}: neither http nor https, so no call can be sent there. Set the real address.",
    ),
    "not-soap": (
        "hurts",
        "The binding is not SOAP (HTTP GET or POST, or another). It is not called; use another port.",
    ),
    "other-transport": ("hurts", "The transport is {transport}, not HTTP. It is not called; use another port."),
    "required-extension": (
        "hurts",
        "{names} is marked wsdl:required: who does not know it must not call. It is not known here; ask what it asks.",
    ),
    "ws-policy": (
        "hurts",
        "WS-Policy says what a caller must do ({names}). It is not negotiated: read it, and set it by hand.",
    ),
    "ws-security-policy": (
        "hurts",
        "The policy asks for WS-Security ({names}). It is not negotiated: set tokens and signatures by hand.",
    ),
    "ws-addressing": (
        "hurts",
        "WS-Addressing is asked for. Headers like wsa:To and wsa:MessageID are not made from the contract: set them.",
    ),
    # Requests and answers: operations.
    "rpc-encoded": (
        "hurts",
        (
            "SOAP encoding is used by {names}: values travel with xsi:type and may be shared by href. "
            "Most stacks refuse it, and no schema can check it."
        ),
    ),
    "empty-body": (
        "note",
        "The Body is empty in {names}: a façade can tell such a call by its SOAPAction only.",
    ),
    "multi-part-body": (
        "hurts",
        (
            "Several parts stand in the document/literal Body of {names}. WS-I forbids it, and many stacks read "
            "the first only."
        ),
    ),
    "part-by-type": (
        "hurts",
        (
            "A part of a document/literal message is named by type in {names}: no element is declared for the wire, so "
            "stacks differ in what they send. Compare with a captured message."
        ),
    ),
    "part-by-element": (
        "hurts",
        "A part of an rpc message is named by element in {names}. WS-I forbids it; stacks differ in what they send.",
    ),
    "wrapper-without-namespace": (
        "hurts",
        (
            "soap:body has no namespace in {names}: the element around the parts has none, and many stacks put the "
            "targetNamespace there."
        ),
    ),
    "header-parts": (
        "note",
        (
            "SOAP headers ({headers}) belong to {names}. The contract does not say whether they must be sent: ask, and "
            "set them with each call."
        ),
    ),
    "missing-action": (
        "hurts",
        "No soapAction is said for {names}. Send an empty one; a façade tells such calls by the Body alone.",
    ),
    "empty-action": (
        "note",
        'The SOAPAction is "" for {names}: a façade tells such calls by the Body alone.',
    ),
    "shared-action": (
        "hurts",
        "The SOAPAction {action} is the same for {names}: a façade can't tell them by it.",
    ),
    "shared-root": (
        "hurts",
        (
            "{root} is the root element of each of {names}: only the SOAPAction tells them apart, and a server that "
            "goes by the Body may run the wrong one."
        ),
    ),
    "indistinguishable": (
        "broken",
        (
            "The root element {root} and the SOAPAction are the same for {names}: nothing in a request says which is "
            "meant."
        ),
    ),
    "one-way": (
        "note",
        "There is no answer from {names}: that the call was taken says nothing about whether it was done.",
    ),
    "attachments": (
        "hurts",
        "MIME parts travel with {names}: SOAP with attachments, which most stacks of today do not send.",
    ),
    "fault-without-element": (
        "hurts",
        "The detail of the fault {names} has no element: what comes in it can't be told by its name.",
    ),
    # Documents.
    "unresolved-reference": (
        "broken",
        "{said} leads nowhere: {why}. What it stands for can't be read or checked.",
    ),
    "missing-schema": (
        "broken",
        "There is no schema of the namespace {namespace}, which {names} stand in. Add its file.",
    ),
    "undeclared-import": (
        "hurts",
        "The schema uses the namespace {namespace} without an xsd:import for it. Strict stacks refuse the contract.",
    ),
    "import-namespace": (
        "hurts",
        "The xsd:import says the namespace {said}, the schema there has {found}. Some stacks take it, others refuse.",
    ),
    "invalid-schema": ("hurts", "Against the rules of XML Schema: {text}. Strict stacks refuse the contract."),
    "declared-twice": (
        "hurts",
        "{kind} {name} is declared again at {again}, with other content. Here the first counts; other stacks differ.",
    ),
    "dtd": ("hurts", "The document has a DTD. Parsers that are set up safely refuse it; have a copy without one."),
    "no-target-namespace": (
        "hurts",
        "The schema has no targetNamespace: what it declares ({names}) has none, and is easily mistaken.",
    ),
    "unqualified-children": (
        "note",
        (
            "Elements inside of types have no namespace here (elementFormDefault is not qualified; {names}). Sent with "
            "that of their parent they are not known to the other side."
        ),
    ),
    # Structure.
    "soap-array": (
        "hurts",
        "A SOAP-encoded array ({names}): its items may have any name, size and place stand in attributes.",
    ),
    "substitution-group": (
        "hurts",
        "In its place may stand {names}. Several stacks know the head only, and refuse the others.",
    ),
    "abstract-element": (
        "hurts",
        "The element is abstract: it never comes itself, but {names} in its place.",
    ),
    "abstract-type": (
        "hurts",
        "The type is abstract: each element of it needs xsi:type with one of {names}.",
    ),
    "derived-types": (
        "note",
        "With xsi:type there may come in its place: {names}.",
    ),
    "mixed-content": (
        "hurts",
        "Text stands between its elements (mixed). JSON has no place for it, and models lose it.",
    ),
    "wildcard": (
        "hurts",
        "It takes elements that the contract does not name (xsd:any). They are kept as XML, unchecked.",
    ),
    "any-attribute": ("note", "It takes attributes that the contract does not name (xsd:anyAttribute)."),
    "any-type": (
        "hurts",
        "Of any type: {names}. What comes says xsi:type, or is taken as XML.",
    ),
    "repeated-choice": (
        "hurts",
        "A choice repeats ({names}): the order of its elements may mean something, and lists by name lose it.",
    ),
    "repeated-sequence": (
        "hurts",
        (
            "A sequence of several elements repeats ({names}): which belong together is told by their order alone, and "
            "lists by name lose it."
        ),
    ),
    "element-again": (
        "hurts",
        "{names} stands at several places of the content: lists by name lose which is which.",
    ),
    "union": ("hurts", "A union of types: the text alone says which is meant, and models take it for text."),
    "list": ("note", "A list in one text, parted by blanks: in JSON an array, on the wire one element."),
    "recursive": ("hurts", "It can hold itself ({names}): its depth has no bound but that of the parser."),
    "absent-or-nil": (
        "hurts",
        "Left out or nil may be {names}: often one means unchanged, the other cleared. Keep them apart.",
    ),
    "mtom": (
        "hurts",
        "Beside the message may travel {names} (xmime:expectedContentTypes): such messages come as MTOM.",
    ),
    "binary": ("note", "Bytes as text: {names}. They are a third larger so, and whole in memory."),
    # Names.
    "clash": (
        "hurts",
        (
            "{names} is the name of several children or attributes once namespaces and @ are left out: JSON and models "
            "need another name for one of them."
        ),
    ),
    "awkward-name": (
        "note",
        "No names for fields in Python: {names}. Models have others, with the name on the wire beside.",
    ),
    "same-name": (
        "note",
        "{name} is declared in several namespaces ({names}): without them, models need another name.",
    ),
}


def finding(code: str, place: Place, *, about: str = "", **facts: object) -> Finding:
    """Return a finding of a kind, its text filled with facts."""
    severity, text = KINDS[code]
    return Finding(code=code, severity=severity, place=place, about=about, text=text.format(**facts))


def listed(names: Iterable[str]) -> str:
    """Return the first few names, without their namespaces, and how many more there are.

    >>> listed(["{urn:a}b", "c", "d", "e", "f"])
    'b, c, d and 2 more'
    """
    unique = [*dict.fromkeys(local(name) if name.startswith("{") else name for name in names)]
    more = len(unique) - _SHOWN
    return ", ".join(unique[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
