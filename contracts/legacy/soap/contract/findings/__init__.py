"""What of a contract will hurt: everything that callers of such services have stumbled over, told before they do."""

from typing import Final

from contracts.legacy.soap.contract.findings.documents import documents
from contracts.legacy.soap.contract.findings.invalid import invalid
from contracts.legacy.soap.contract.findings.kind import KINDS
from contracts.legacy.soap.contract.findings.names import names
from contracts.legacy.soap.contract.findings.offer import offer
from contracts.legacy.soap.contract.findings.references import references
from contracts.legacy.soap.contract.findings.request import requests
from contracts.legacy.soap.contract.findings.structure import structure
from contracts.legacy.soap.contract.model import Contract, Finding, Place
from contracts.legacy.soap.contract.reach import reach
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.contract.shapes import Shapes

__all__ = ["KINDS", "inspect"]

_SEVERITIES: Final = ("broken", "hurts", "note")


def inspect(
    contract: Contract, schemas: Schemas | None, *, shapes: Shapes | None = None, operation: str | None = None
) -> tuple[Finding, ...]:
    """Return what is broken in a contract and what will hurt, the worst first.

    Of the schemas only what the operations can reach is judged, and what leads nowhere anywhere in them. A kind of
    trouble is told once for each declaration, with counts; what a binding has many times, once for its port.

    Args:
        contract: As it was read; its own findings are among the result.
        schemas: Its schemas as xmlschema has built them, for what only that knows to be wrong; None where it can't.
        shapes: Its schemas as components, where the caller has them already.
        operation: Its name, where only that of the contract is asked about; what is broken is told all the same.
    """
    shapes = shapes or Shapes(contract.bundle)
    reached = reach(contract, shapes, operation=operation)
    lost = [*references(contract, shapes)]
    found = [
        *contract.findings,
        *lost,
        *(() if lost or contract.bundle.missing or schemas is None else invalid(contract, schemas, shapes)),
        *offer(contract),
        *requests(contract, operation),
        *documents(contract, shapes, reached),
        *structure(shapes, reached),
        *names(shapes, reached),
    ]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda each: (_SEVERITIES.index(each.severity), each.code, *_order(each.place))))


def _order(place: Place) -> tuple[str, int]:
    return place.uri, place.line
