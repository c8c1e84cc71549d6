"""A contract as lines for people: what it offers, the shape of a message, and findings."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.model import Body, Contract, Finding, Operation, Port, Severity
from contracts.legacy.soap.contract.outline import Node
from contracts.legacy.xml import local

__all__ = ["counted", "findings_lines", "folded", "offer_lines", "tree_lines"]

_WIDEST: Final = 100
_MANY: Final = 40
"""More operations than that are summarised."""
_NAMED: Final = 10
_SHOWN: Final = 4
_HEADINGS: Final[Mapping[Severity, str]] = {"broken": "Broken", "hurts": "Will hurt", "note": "Good to know"}


def offer_lines(contract: Contract, *, show_all: bool) -> Iterator[str]:
    """Yield services, ports and operations; those of a binding that several ports have once."""
    yield f"{contract.name}  {contract.namespace}"
    shown: dict[str, Port] = {}
    bindings = {port.binding: len(port.operations) for _, port in contract.ports}
    short = sum(bindings.values()) > _MANY and not show_all
    groups = {f"service {local(service.name)}": service.ports for service in contract.services.values()}
    if contract.unbound:
        groups["bindings that no service offers"] = contract.unbound
    for title, ports in groups.items():
        yield from ("", title)
        for port in ports.values():
            soap = f"SOAP {port.soap}" if port.soap else "not SOAP"
            first = f"port {port.name}  {soap}  binding {local(port.binding)}"
            yield from folded(first, first="  ", then="    ")
            yield from folded(without_secrets(port.address or "no address"), first="    ", then="    ")
            same = shown.setdefault(port.binding, port)
            if same is port:
                yield from _operations(port, short=short)
            else:
                yield f"    operations as of port {same.name}"


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
    by_text: defaultdict[str, list[Finding]] = defaultdict(list)
    for each in found:
        by_text[each.text].append(each)
    shown = [*by_text.items()] if show_all or len(by_text) <= _SHOWN + 1 else [*by_text.items()][:_SHOWN]
    for text, same in shown:
        yield from folded(f"{code}  {_places(same, show_all=show_all)}", first="  ", then="    ")
        yield from folded(text, first="    ", then="    ")
    left = [each for text, same in by_text.items() if text not in dict(shown) for each in same]
    if left:
        yield from folded(
            f"{code}  {len(left)} more (--all shows them): {_places(left, show_all=False)}", first="  ", then="    "
        )


def _places(found: Sequence[Finding], *, show_all: bool) -> str:
    """Return places with what is there; what is as in the place before is not said again."""
    shown = found if show_all else found[:_NAMED]
    told: list[str] = []
    for number, each in enumerate(shown):
        after = shown[number - 1] if number else None
        follows = shown[number + 1] if number + 1 < len(shown) else None
        place = str(each.place.line) if after is not None and after.place.uri == each.place.uri else str(each.place)
        last = follows is None or follows.about != each.about or follows.place.uri != each.place.uri
        told.append(f"{place} {each.about}".rstrip() if last else place)
    more = len(found) - len(shown)
    return ", ".join(told) + (f" and {more} more" if more else "")


def _operations(port: Port, *, short: bool) -> Iterator[str]:
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
    yield f"    {operation.name}  {operation.style}/{use}{one_way}"
    yield from folded(f'action "{operation.action}"', first="      ", then="             ")
    yield from folded(f"in     {_body(operation.input)}", first="      ", then="             ")
    if operation.output is not None:
        yield from folded(f"out    {_body(operation.output)}", first="      ", then="             ")
    if operation.faults:
        details = [each.name if each.part is None else local(each.part.tag) for each in operation.faults]
        yield from folded(f"fault  {', '.join(dict.fromkeys(details))}", first="      ", then="             ")


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
