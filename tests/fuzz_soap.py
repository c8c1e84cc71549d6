"""The share of `make fuzz` that is about SOAP: damaged messages and contracts, and who reads them.

Whatever comes in, the answer is a value or an error of ours, soon and in bounded memory. What lxml says is no XML is
never taken; the façade finds the operation that a parser of the whole message finds; a reply that can be read is equal
to itself; and however a reply is cut into chunks, the same is read.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from lxml import etree

from contracts.errors import ConfigError
from contracts.legacy import xml
from contracts.legacy.soap import reply
from contracts.legacy.soap.answer import ENVELOPES, Answers, envelope
from contracts.legacy.soap.call import Call
from contracts.legacy.soap.call import Reader as Requests
from contracts.legacy.soap.contract.bundle import Bundle, gather
from contracts.legacy.soap.contract.findings import inspect
from contracts.legacy.soap.contract.model import Contract, Operation, SoapVersion
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.divergence.comparer import Comparer
from contracts.legacy.soap.message.deviation import DEFAULT_REFUSED, Kind, Tolerance
from contracts.legacy.soap.message.encoded import read_encoded
from contracts.legacy.soap.message.field import Field
from contracts.legacy.soap.message.reader import Reader
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.xml import XmlError
from routers.facade.http.head import RefusedError, read_request
from routers.facade.soap.inquiry import Inquiry
from routers.facade.soap.matcher import Matcher
from routers.facade.soap.message import MessageReader, action_of, reader_for
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY, Rule
from tests.fuzz_envelopes import Message, damaged, graph, wrapped
from tests.fuzz_trial import Trial, WrongError
from tests.mutated_contracts import constructs
from tests.wsdls import OWN, bundle_of, contract_of, schemas_of

__all__ = ["round_of_soap"]

_CONTRACTS: Final = 0.04
"""Share of rounds that read a damaged contract, which takes as long as a hundred messages."""
_VERSIONS: Final[tuple[SoapVersion, ...]] = ("1.1", "1.2")
_REFUSED: Final[tuple[frozenset[Kind], ...]] = (frozenset(), DEFAULT_REFUSED)
_READ: Final = frozenset({"answer", "fault"})
_SHORT: Final = 20_000
"""Bytes of a message that may be cut into its octets."""
_NODE: Final = """<xs:complexType name="Node"><xs:sequence><xs:element name="v" type="xs:int" form="unqualified"/>
<xs:element name="next" type="t:Node" minOccurs="0" form="unqualified"/></xs:sequence>
<xs:attribute name="a" type="xs:int"/></xs:complexType>"""


def round_of_soap(trial: Trial) -> None:
    """Read one damaged message, or contract, with all that reads it.

    Raises:
        WrongError: Something came out that must not; whatever else is raised is wrong as well.
    """
    if trial.rng.random() < _CONTRACTS:
        _contract(trial)
        return
    _request(trial)
    _reply(trial)
    _encoded(trial)


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """One contract with all that reads its messages."""

    contract: Contract
    schemas: Schemas
    operations: Sequence[Operation]
    requests: Requests
    matcher: Matcher
    answers: Answers
    readers: Readers


@cache
def _worlds() -> list[_World]:
    found: list[_World] = []
    for contract in (constructs(), *(contract_of(OWN / f"{name}.wsdl") for name in ("registry", "orders", "paged"))):
        schemas = build(contract.bundle)
        ports = [port for _, port in contract.ports if port.soap is not None]
        operations = [each for port in ports for each in port.operations.values() if each.output is not None]
        found.append(
            _World(
                contract=contract,
                schemas=schemas,
                operations=operations,
                requests=Requests(schemas, ports),
                matcher=_matcher(operations),
                answers=Answers(Sampler(schemas)),
                readers=Readers(schemas),
            )
        )
    return found


def _matcher(operations: Sequence[Operation]) -> Matcher:
    routes = {
        f"o{number}": {"soap": each.input.root, "action": each.action or None, "legacy": "a", "modern": "b"}
        for number, each in enumerate({each.input.root: each for each in operations}.values())
    }
    capability = Capability.model_validate({"salt": "fuzz", "routes": routes})
    matcher = Matcher()
    matcher.use(EMPTY.changed({"fuzz": capability}, version=1, hash_="0" * 64), None)
    return matcher


@cache
def _comparer(place: int, operation: str) -> Comparer:
    world = _worlds()[place]
    return Comparer(world.contract, operation, world.schemas)


def _request(trial: Trial) -> None:
    rng = trial.rng
    world = rng.choice(_worlds())
    operation, version = rng.choice(world.operations), rng.choice(_VERSIONS)
    whole = world.answers.request(version, operation, seed=rng.randrange(50), options=Options(items=rng.choice((1, 3))))
    message = wrapped(rng, damaged(rng, whole), operation.action)
    trial.inputs |= {"request": message.data, "headers": repr(message).encode()}
    found = _by_facade(trial, message)
    call: Any = None
    with trial.target("soap: request check"):
        _, call = world.requests.read(message.data, content_type=message.content_type, action=message.action)
    trial.counts[f"soap: request {'allowed' if isinstance(call, Call) else 'refused by a fault'}"] += 1
    rule = _by_inquiry(trial, world, message)
    if rule is not None:
        _judge(trial, world, message, (rule, call))
    if isinstance(call, Call) and not message.coding and found is not None and found.operation is not None:
        tag = call.body[0].tag if call.body else None
        if found.operation != tag:
            raise WrongError(f"the façade finds {found.operation}, the sandbox {tag}")
        trial.counts["soap: same operation"] += 1
    _by_whole_parser(trial, message, found)


def _by_inquiry(trial: Trial, world: _World, message: Message) -> Rule | None:
    """Return the rule that the façade has for a call, by its head and all of its body."""
    fields = {
        "Host": "h",
        "Content-Length": len(message.data),
        "Content-Type": message.content_type,
        "SOAPAction": message.action,
        "Content-Encoding": message.coding,
    }
    told = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    head = f"POST /x HTTP/1.1\r\n{told}\r\n".encode("latin-1", "replace")
    size = trial.rng.choice((64, 4_096, 10**9))
    pieces = [message.data[at : at + size] for at in range(0, len(message.data), size)] or [b""]
    try:
        inquiry = Inquiry(world.matcher, read_request(head, target_bytes=8_192, headers=100))
        _ask(inquiry, pieces)
    except RefusedError as error:
        trial.counts[f"soap: inquiry refused: {error.reason}"] += 1
        return None
    trial.counts[f"soap: inquiry {'routed' if inquiry.rule else 'not routed'}"] += 1
    return inquiry.rule


def _ask(inquiry: Inquiry, pieces: Sequence[bytes]) -> None:
    try:
        is_known = inquiry.begin(pieces[0], whole=len(pieces) == 1, limit_bytes=65_536)
        for number, piece in enumerate(pieces[1:], 2):
            is_known = is_known or inquiry.feed(piece, whole=number == len(pieces))
    finally:
        inquiry.release()


def _judge(trial: Trial, world: _World, message: Message, found: tuple[Rule, Any]) -> None:
    """See that no server behind the façade would do another operation, by its Body or by its action."""
    rule, call = found
    operation = rule.route.soap
    action = action_of(message.content_type.encode(), message.action.encode()) or ""
    meant = {each.input.root for each in world.operations if each.action and each.action == action}
    if meant and operation not in meant:
        raise WrongError(f"the façade routes {operation}, the action means {meant}")
    if isinstance(call, Call) and not message.coding and call.body and call.body[0].tag != operation:
        raise WrongError(f"the façade routes {operation}, the sandbox does {call.body[0].tag}")
    trial.counts["soap: routed as servers would"] += 1


def _by_facade(trial: Trial, message: Message) -> MessageReader | None:
    size = trial.rng.choice((1, 7, 64, 4096, 10**9))
    if size == 1 and len(message.data) > _SHORT:
        size = 64
    steps = trial.rng.choice((None, ("Body", "{urn:banyan:registry}List", "limit"), ("Header", "x", "@id")))
    with trial.target("soap: façade"):
        head = message.content_type.encode("utf-8", "replace")
        action_of(head, message.action.encode("utf-8", "replace"))
        made = reader_for(head, message.coding.encode(), resolve=lambda _: steps, limit_bytes=65_536)
        if made is not None:
            _feed(made, message.data, size)
        return made
    return None


def _feed(reader: MessageReader, data: bytes, size: int) -> None:
    try:
        for at in range(0, len(data), size):
            if reader.feed(data[at : at + size]):
                break
        reader.close()
    finally:
        reader.release()


def _by_whole_parser(trial: Trial, message: Message, found: MessageReader | None) -> None:
    """Compare with what a parser of the whole message finds, where nothing is around it."""
    if message.coding or "multipart" in message.content_type or "charset" in message.content_type:
        return
    try:
        root = xml.parse(message.data)
    except XmlError:
        return
    if not _is_xml(message.data):
        raise WrongError("lxml refuses what we take")
    local = xml.local_name(root)
    namespace = root.tag[1:].partition("}")[0]
    if local != "Envelope" or namespace not in ENVELOPES.values() or found is None:
        return
    body = next((each for each in root if each.tag == f"{{{namespace}}}Body"), None)
    first = None if body is None or not len(body) else body[0].tag
    if found.operation is not None and found.operation != first:
        raise WrongError(f"the façade finds {found.operation}, the whole parser {first}")
    trial.counts["soap: both parsers agree"] += 1


def _reply(trial: Trial) -> None:
    rng = trial.rng
    place = rng.randrange(len(_worlds()))
    world = _worlds()[place]
    operation, version = rng.choice(world.operations), rng.choice(_VERSIONS)
    whole = _answer(rng, world, operation, version)
    data = damaged(rng, whole)
    trial.inputs["reply"] = data
    reader = Reader(operation, world.readers, system="fuzz")
    is_read = False
    with trial.target("soap: typed reply"):
        reader.read(data)
        is_read = True
    if is_read and not _is_xml(data.lstrip(b" \t\r\n")):
        raise WrongError("lxml refuses a reply that is read")
    path = _path(rng, reader, xml.local_name(etree.fromstring(whole)[-1][0]))
    size = rng.choice((1, 13, 1_000)) if len(data) < _SHORT else 4_096
    found = [_items(trial, data, path, each) for each in (10**9, size)]
    if found[0] != found[1]:
        raise WrongError(f"in chunks of {size} another reply: {found[0]!r:.200} {found[1]!r:.200}")
    with trial.target("soap: typed items"):
        for _ in reader.items([data], path):
            pass
    _compare(trial, _comparer(place, operation.name), (whole, data))


def _path(rng: random.Random, reader: Reader, root: str) -> tuple[str, ...]:
    """Return a path to what stands in an answer, if anything does."""
    try:
        kind = reader.field_at((root,)).type
    except ConfigError:
        return (root,)
    inside = [tag.rpartition("}")[2] for tag in getattr(kind, "fields", ())]
    return (root, rng.choice(inside)) if inside else (root,)


def _answer(rng: random.Random, world: _World, operation: Operation, version: SoapVersion) -> bytes:
    seed = rng.randrange(50)
    if operation.faults and rng.random() < 0.2:
        return world.answers.fault(version, rng.choice(operation.faults), seed=seed)
    assert operation.output is not None
    body, headers = world.answers.parts(operation.output, seed=seed, options=Options(items=rng.choice((1, 2, 5))))
    return envelope(version, body, headers)


def _items(trial: Trial, data: bytes, path: tuple[str, ...], size: int) -> list[str] | None:
    """Return the items of a reply; None where it is refused, however many came before."""
    with trial.target("soap: text items"):
        chunks = (data[at : at + size] for at in range(0, len(data), size))
        return [item.digest for item in reply.read(chunks, path, system="fuzz")]
    return None


def _compare(trial: Trial, comparer: Comparer, replies: tuple[bytes, bytes]) -> None:
    whole, data = replies
    with trial.target("soap: comparison"):
        itself, copy = comparer.compare(data, data), comparer.compare(data, data + b"\n")
        there, back = comparer.compare(whole, data), comparer.compare(data, whole)
        if itself.left in _READ and not itself.is_equal:
            raise WrongError(f"a reply is not itself: {itself.differences}")
        # What is nested deeper than the comparer goes is only equal octet by octet.
        if {itself.left, copy.left} <= _READ and not copy.is_equal:
            raise WrongError(f"a blank at the end is a difference: {copy.differences}")
        if there.is_equal != back.is_equal:
            raise WrongError(f"equal in one direction: {there.differences} {back.differences}")
        trial.counts[f"soap: comparison of {itself.left}: {'equal' if there.is_equal else 'different'}"] += 1


@cache
def _node_readers() -> Readers:
    return Readers(schemas_of(_NODE))


def _encoded(trial: Trial) -> None:
    data = graph(trial.rng)
    data = damaged(trial.rng, data) if trial.rng.random() < 0.3 else data
    trial.inputs["encoded"] = data
    readers = _node_readers()
    found = readers.named("{urn:t}Node")
    assert found is not None
    part = Field(name="result", type=found[1], lookup=readers)
    with trial.target("soap: encoded reply"):
        body = next(iter(xml.parse(data)), None)
        if body is not None and len(body):
            repr(read_encoded({"result": part}, body[0], Tolerance(trial.rng.choice(_REFUSED), body), readers))


def _contract(trial: Trial) -> None:
    rng = trial.rng
    wsdl = rng.choice(sorted(OWN.glob("*.wsdl")))
    bundle = bundle_of(wsdl)
    documents = {uri: document.data for uri, document in bundle.documents.items()}
    chosen = rng.choice(sorted(documents))
    documents[chosen] = damaged(rng, documents[chosen])
    trial.inputs[f"contract {chosen.rpartition('/')[2]}"] = documents[chosen]
    with trial.target("soap: contract"):
        _inspect(_gathered(bundle, documents))


def _gathered(bundle: Bundle, documents: dict[str, bytes]) -> Bundle:
    def fetch(uri: str) -> bytes:
        if uri not in documents:
            raise OSError("there is no such document")
        return documents[uri]

    return gather(bundle.start, root=bundle.root, fetch=fetch, catalog=lambda _uri, _name: None)


def _inspect(bundle: Bundle) -> None:
    contract = read_contract(bundle)
    schemas: Schemas | None = None
    try:
        schemas = build(bundle)
    finally:
        inspect(contract, schemas)


def _is_xml(data: bytes) -> bool:
    """Tell what lxml itself says, but for names of namespaces that are no addresses."""
    parser: Any = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return all(each.type == etree.ErrorTypes.WAR_NS_URI for each in parser.error_log)
    return True
