"""A contract as lines for people: what it offers, the shape of a message, and findings."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

from contracts.legacy.soap.contract.component import local
from contracts.legacy.soap.contract.model import Body, Contract, Finding, Operation, Port, Severity
from contracts.legacy.soap.contract.outline import Node

__all__ = ["counted", "findings_lines", "folded", "offer_lines", "tree_lines"]

_WIDEST: Final = 100
_MANY: Final = 40
"""More operations than that are summarised."""
_NAMED: Final = 10
_SHOWN: Final = 4
_HEADINGS: Final[Mapping[Severity, str]] = {"broken": "Broken", "hurts": "Will hurt", "note": "Good to know"}


def offer_lines(contract: Contract, *, show_all: bool) -> Iterator[str]:
    """Yield services, ports and operations."""
    yield f"{contract.name}  {contract.namespace}"
    total = sum(len(port.operations) for _, port in contract.ports)
    for service in contract.services.values():
        yield from ("", f"service {local(service.name)}")
        for port in service.ports.values():
            yield from _port(port, short=total > _MANY and not show_all)
    if contract.unbound:
        yield from ("", "bindings that no service offers")
        for port in contract.unbound.values():
            yield from _port(port, short=total > _MANY and not show_all)


def tree_lines(node: Node, depth: int = 1) -> Iterator[str]:
    """Yield a message as an indented tree."""
    occurs = "" if node.occurs == "1" else f" [{node.occurs}]"
    nil = " nillable" if node.is_nillable else ""
    kind = f": {node.type}" if node.type else ""
    said = f"  ({'; '.join(node.facets)})" if node.facets else ""
    yield from folded(f"{node.name}{occurs}{kind}{nil}{said}", first="  " * depth, then="  " * depth + "    ")
    for child in node.children:
        yield from tree_lines(child, depth + 1)


def findings_lines(found: Sequence[Finding], *, show_all: bool) -> Iterator[str]:
    """Yield findings by severity and kind; of a kind that there are many of, the first ones."""
    by_kind: defaultdict[tuple[Severity, str], list[Finding]] = defaultdict(list)
    for each in found:
        by_kind[each.severity, each.code].append(each)
    for severity, heading in _HEADINGS.items():
        kinds = {code: each for (worth, code), each in by_kind.items() if worth == severity}
        if kinds:
            yield from ("", f"{heading} ({sum(map(len, kinds.values()))})")
        for code, same in kinds.items():
            yield from _kind(code, same, show_all=show_all)


def counted(summary: Mapping[str, int]) -> str:
    """Return the summary as a line.

    >>> counted({"documents": 1, "services": 2, "broken": 0, "notes": 3})
    '1 document, 2 services, 0 broken, 3 notes'
    """
    fixed = {"broken": "broken", "hurts": "will hurt"}
    names = {
        name: fixed.get(name) or (name.removesuffix("s") if count == 1 else name) for name, count in summary.items()
    }
    return ", ".join(f"{count} {names[name]}" for name, count in summary.items())


def _kind(code: str, found: Sequence[Finding], *, show_all: bool) -> Iterator[str]:
    shown = found if show_all or len(found) <= _SHOWN + 1 else found[:_SHOWN]
    for each in shown:
        about = f" {each.about}" if each.about else ""
        yield from folded(f"{code}  {each.place}{about}", first="  ", then="    ")
        yield from folded(each.text, first="    ", then="    ")
    if len(shown) < len(found):
        others = [each.about or str(each.place) for each in found[len(shown) :]]
        more = ", ".join(dict.fromkeys(others[:_NAMED])) + (", …" if len(others) > _NAMED else "")
        yield from folded(f"{code}  {len(others)} more (--all shows them): {more}", first="  ", then="    ")


def _port(port: Port, *, short: bool) -> Iterator[str]:
    soap = f"SOAP {port.soap}" if port.soap else "not SOAP"
    binding = f"  binding {local(port.binding)}" if local(port.binding) != port.name else ""
    yield from folded(f"port {port.name}  {soap}  {port.address or 'no address'}{binding}", first="  ", then="    ")
    operations = sorted(port.operations.values(), key=lambda each: each.name)
    if short:
        names = ", ".join(each.name for each in operations[:_NAMED])
        more = f", … ({len(operations)} in all, --all shows them)" if len(operations) > _NAMED else ""
        yield from folded(f"operations {names}{more}" if names else "no operation", first="    ", then="      ")
        return
    for operation in operations:
        yield from _operation(operation)


def _operation(operation: Operation) -> Iterator[str]:
    use = "encoded" if operation.is_encoded else "literal"
    one_way = "  one-way" if operation.output is None else ""
    action = f'action "{operation.action}"'
    yield from folded(f"{operation.name}  {operation.style}/{use}{one_way}  {action}", first="    ", then="        ")
    yield from folded(f"in     {_body(operation.input)}", first="      ", then="             ")
    if operation.output is not None:
        yield from folded(f"out    {_body(operation.output)}", first="      ", then="             ")
    for fault in operation.faults:
        detail = "no detail" if fault.part is None else local(fault.part.tag)
        named = detail if detail == fault.name else f"{detail} ({fault.name})"
        yield from folded(f"fault  {named}", first="      ", then="             ")


def _body(body: Body) -> str:
    names = [local(part.tag) if part.element else f"{part.name}: {local(part.type or '?')}" for part in body.parts]
    said = ", ".join(names) or "nothing"
    told = f"{local(body.wrapper)}({said if names else ''})" if body.wrapper else said
    headers = f"  headers {', '.join(local(each.part.tag) for each in body.headers)}" if body.headers else ""
    attached = f"  attachments {', '.join(body.attachments)}" if body.attachments else ""
    return told + headers + attached


def folded(text: str, *, first: str, then: str) -> list[str]:
    """Return a text in lines of a width that is read well."""
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    return wrap(
        text, width, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    ) or [first]
