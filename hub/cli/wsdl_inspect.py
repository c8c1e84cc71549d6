"""`banyan wsdl inspect`: what a contract offers, what is broken in it, and what will hurt."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.legacy.soap.contract.address import without_secrets
from contracts.legacy.soap.contract.findings import inspect as findings_of
from contracts.legacy.soap.contract.model import Body, Contract, Finding, Operation, Port
from contracts.legacy.soap.contract.outline import Node, outline
from contracts.legacy.soap.contract.reach import parts, reach
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.xml import local
from hub.cli.output import AsJson, console, print_json
from hub.cli.wsdl_contract import Root, built, load, narrowed, shown_path
from hub.cli.wsdl_lines import counted, findings_lines, offer_lines, tree_lines
from hub.cli.wsdl_options import CatalogFolder

__all__ = ["inspect"]

EXIT_PARTLY: Final = 3


def inspect(
    contract: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A WSDL, or a folder: imported, or of one.")],
    root: Root = None,
    catalog: CatalogFolder = None,
    service: Annotated[str | None, typer.Option(metavar="S", help="Only this service.")] = None,
    port: Annotated[str | None, typer.Option(metavar="P", help="Only this port.")] = None,
    operation: Annotated[
        str | None, typer.Option(metavar="O", help="Only this operation, with the shape of its messages.")
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show every operation and every finding.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a contract offers, what is broken in it, and what will hurt.

    Services, ports and operations; then findings, the worst first, with file and line. Exit code 3 where something is
    broken.
    """
    whole = load(contract, root, catalog)
    chosen = narrowed(whole, service=service, port=port, operation=operation)
    shapes = Shapes(whole.bundle)
    judged = narrowed(whole, service=service, port=port, operation=None)
    found = findings_of(judged, built(whole), shapes=shapes, operation=operation)
    trees = _trees(chosen, shapes) if operation is not None else {}
    summary = _summary(chosen, shapes, found)
    if as_json:
        print_json(_shown(chosen, found, summary, trees))
    else:
        _print(offer_lines(chosen, show_all=show_all))
        for title, tree in trees.items():
            _print(["", title, *tree_lines(tree)])
        _print(findings_lines(found, show_all=show_all))
        _print(["", counted(summary)])
    if any(each.severity == "broken" for each in found):
        raise typer.Exit(EXIT_PARTLY)


def _print(lines: Iterator[str] | list[str]) -> None:
    out = console()
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def _trees(contract: Contract, shapes: Shapes) -> dict[str, Node]:
    """Return the parts of the chosen operation by direction and name; those of several ports once."""
    trees: dict[str, Node] = {}
    for _, port in contract.ports:
        for operation in port.operations.values():
            for direction, part in parts(operation):
                trees.setdefault(f"{direction}: {local(part.tag)}", outline(shapes, part))
    return trees


def _summary(contract: Contract, shapes: Shapes, found: tuple[Finding, ...]) -> dict[str, int]:
    reached = reach(contract, shapes)
    ports = [port for _, port in contract.ports]
    severities = [each.severity for each in found]
    return {
        "documents": len(contract.bundle.documents),
        "services": len(contract.services),
        "ports": len(ports),
        "operations": sum(len(port.operations) for port in ports),
        "types": sum(shapes.type(name) is not None for name in reached.types),
        "elements": sum(shapes.element(name) is not None for name in reached.elements),
        "broken": severities.count("broken"),
        "hurts": severities.count("hurts"),
        "notes": severities.count("note"),
    }


def _shown(
    contract: Contract, found: tuple[Finding, ...], summary: dict[str, int], trees: dict[str, Node]
) -> dict[str, Any]:
    bundle = contract.bundle
    return {
        "name": contract.name,
        "namespace": contract.namespace,
        "documents": [
            {"path": shown_path(each.uri, bundle.start), "sha256": each.sha256, "standard": each.is_standard}
            for each in bundle.documents.values()
        ],
        "services": [
            {"name": service.name, "ports": [_port(port) for port in service.ports.values()]}
            for service in contract.services.values()
        ],
        "unoffered": [_port(port) for port in contract.unbound.values()],
        "messages": {title: asdict(tree) for title, tree in trees.items()},
        "findings": [
            {
                "code": each.code,
                "severity": each.severity,
                "file": shown_path(each.place.uri, bundle.start),
                "line": each.place.line,
                "about": each.about,
                "text": each.text,
            }
            for each in found
        ],
        "summary": summary,
    }


def _port(port: Port) -> dict[str, Any]:
    operations = sorted(port.operations.values(), key=lambda each: each.name)
    return {
        "name": port.name,
        "binding": port.binding,
        "soap": port.soap,
        "address": None if port.address is None else without_secrets(port.address),
        "operations": [_operation(each) for each in operations],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "style": operation.style,
        "use": operation.input.use,
        "action": operation.action,
        "input": _body(operation.input),
        "output": None if operation.output is None else _body(operation.output),
        "faults": [
            {"name": each.name, "part": None if each.part is None else each.part.tag} for each in operation.faults
        ],
        "line": operation.place.line,
    }


def _body(body: Body) -> dict[str, Any]:
    return {
        "root": body.root,
        "parts": [{"name": each.name, "element": each.element, "type": each.type} for each in body.parts],
        "headers": [each.part.tag for each in body.headers],
        "attachments": list(body.attachments),
    }
