"""Whom a change breaks is what xmlschema says of messages: requests the old allowed, and answers the new allows."""

from functools import cache
from pathlib import Path

import pytest

from contracts.legacy.soap.contract.difference import difference
from contracts.legacy.soap.contract.model import Contract
from contracts.legacy.soap.contract.schema import Schemas, build
from tests.instances import instances
from tests.wsdl_changes import CASES
from tests.wsdl_edits import WSDL, Edit, edited
from tests.wsdl_offer_changes import OFFER
from tests.wsdls import OWN, contract_of

TNS = "{urn:banyan:registry}"
REQUESTS = ("List", "Move", "Touch")
ANSWERS = ("ListResponse", "MoveResponse", "UnknownResident")
SCHEMA = [name for name in CASES if name not in OFFER]
NOT_DRAWN = {
    "an abstract type",  # needs xsi:type
    "a derived type",
    "a member of a substitution group",  # needs another element in its place
    "a wider type",  # bounds that stay keep the new values out: then the verdict errs on the safe side
}


@cache
def registry() -> tuple[Contract, Schemas]:
    contract = contract_of(OWN / WSDL)
    return contract, build(contract.bundle)


def made(folder: Path, edits: tuple[Edit, ...]) -> tuple[Contract, Schemas]:
    if not edits:
        return registry()
    contract = contract_of(edited(folder, *edits))
    return contract, build(contract.bundle)


def refused(valid: Schemas, by: Schemas, tags: tuple[str, ...]) -> bool:
    """Tell whether one takes an instance that the other refuses."""
    for tag in tags:
        other = by.element(TNS + tag)
        assert other is not None
        if not all(other.is_valid(each) for each in instances(valid, TNS + tag, seed=1, count=30)):
            return True
    return False


@pytest.mark.parametrize("name", SCHEMA)
def test_verdicts_are_those_of_messages(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    (one, was), (other, now) = made(tmp_path / "old", case.old), made(tmp_path / "new", case.new)
    schemas = was, now

    for (old, new), (before, after) in (((one, other), schemas), ((other, one), schemas[::-1])):
        said = {verdict for change in difference(old, new) for verdict in change.verdicts}
        seen = {
            "breaking for callers": refused(before, after, REQUESTS),
            "breaking for readers": refused(after, before, ANSWERS),
        }
        breaks = {verdict for verdict, found in seen.items() if found}
        assert breaks <= said
        assert name in NOT_DRAWN or breaks == said - {"compatible", "note"}
