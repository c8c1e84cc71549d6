"""Findings of operations: what is on the wire, and whether a façade can tell which one is meant."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from contracts.legacy.soap.contract.bundle import WSDL
from contracts.legacy.soap.contract.findings.kind import finding, listed
from contracts.legacy.soap.contract.model import Body, Contract, Finding, Operation, Place, Port
from contracts.legacy.xml import line, local

__all__ = ["requests"]


def requests(contract: Contract, wanted: str | None) -> Iterator[Finding]:
    """Yield what is to be known of operations, each kind once for a port with the names of all that have it.

    Where one is wanted, only what that has, alone or with others.
    """
    silent = _silent(contract)
    # Two ports of one binding have the same troubles.
    by_binding = {port.binding: port for _, port in reversed(contract.ports) if port.soap is not None}
    for port in reversed(by_binding.values()):
        yield from _of_port(port, silent, wanted)


def _of_port(port: Port, silent: set[Place], wanted: str | None) -> Iterator[Finding]:
    met: defaultdict[str, list[tuple[Operation, str]]] = defaultdict(list)
    operations = [each for each in port.operations.values() if wanted in {None, each.name}]
    for operation in operations:
        for code, name in _codes(operation, silent):
            met[code].append((operation, name))
    for code, found in met.items():
        names = [name for _, name in found]
        yield finding(code, found[0][0].place, about=port.name, names=listed(names))
    yield from _headers(port, operations)
    yield from _shared(port, wanted)


def _codes(operation: Operation, silent: set[Place]) -> Iterator[tuple[str, str]]:
    """Yield code and name for all that an operation has alone."""
    if operation.is_encoded:
        yield "rpc-encoded", operation.name
    if operation.output is None:
        yield "one-way", operation.name
    if not operation.action:
        yield "missing-action" if operation.place in silent else "empty-action", operation.name
    for body, name in _bodies(operation):
        yield from ((code, name) for code in _of_body(operation, body))
    for fault in operation.faults:
        if fault.part is None or fault.part.element is None:
            yield "fault-without-element", f"{fault.name} of {operation.name}"


def _of_body(operation: Operation, body: Body) -> Iterator[str]:
    is_rpc = operation.style == "rpc"
    if body.root is None:
        yield "empty-body"
    if body.is_mime or body.attachments:
        yield "attachments"
    if is_rpc and body.wrapper is not None and not body.wrapper.startswith("{"):
        yield "wrapper-without-namespace"
    if is_rpc and any(part.element for part in body.parts):
        yield "part-by-element"
    if not is_rpc and len(body.parts) > 1:
        yield "multi-part-body"
    if not is_rpc and any(part.element is None for part in body.parts):
        yield "part-by-type"


def _bodies(operation: Operation) -> Iterator[tuple[Body, str]]:
    yield operation.input, f"{operation.name} (input)"
    if operation.output is not None:
        yield operation.output, f"{operation.name} (output)"


def _silent(contract: Contract) -> set[Place]:
    """Return the places of bound operations that say no soapAction, not even an empty one."""
    return {
        Place(uri=document.uri, line=line(bound))
        for document in contract.bundle.documents.values()
        for bound in document.root.iterfind(f"{WSDL}binding/{WSDL}operation")
        if all(child.get("soapAction") is None for child in bound)
    }


def _headers(port: Port, operations: Sequence[Operation]) -> Iterator[Finding]:
    """Tell once of the headers that the same messages have."""
    met: defaultdict[str, list[tuple[Operation, str]]] = defaultdict(list)
    for operation in operations:
        for body, name in _bodies(operation):
            for header in body.headers:
                met[header.part.tag].append((operation, name))
    together: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for tag, found in met.items():
        together[tuple(name for _, name in found)].append(tag)
    for names, tags in together.items():
        place = met[tags[0]][0][0].place
        yield finding("header-parts", place, about=port.name, headers=listed(tags), names=listed(names))


def _shared(port: Port, wanted: str | None) -> Iterator[Finding]:
    actions: defaultdict[str, list[Operation]] = defaultdict(list)
    roots: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in port.operations.values():
        if operation.action:
            actions[operation.action].append(operation)
        if operation.input.root is not None:
            roots[operation.input.root].append(operation)
    for action, found in actions.items():
        if len(found) > 1 and wanted in {None, *(each.name for each in found)}:
            names = listed(each.name for each in found)
            yield finding("shared-action", found[0].place, about=port.name, action=action, names=names)
    for root, found in roots.items():
        if len(found) > 1 and wanted in {None, *(each.name for each in found)}:
            code = "shared-root" if len({each.action for each in found}) == len(found) else "indistinguishable"
            names = listed(each.name for each in found)
            yield finding(code, found[0].place, about=port.name, root=local(root), names=names)
