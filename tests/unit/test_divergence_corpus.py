"""Every reply that says something else is found, where it does; none that says the same in another form is.

What changes and what keeps the meaning is written from XML Schema and SOAP (`tests/mutations.py`,
`tests/rewritings.py`), and judged by `tests/value_space.py`, without the comparer's own code.
"""

from functools import cache

import pytest

from contracts.legacy.soap.contract.model import Contract
from tests.mutated_contracts import constructs
from tests.mutation_corpus import Corpus, Tally
from tests.rewritings import FORMS
from tests.wsdls import OWN, contract_of, shared, shared_names

PER_CONTRACT = 2
"""Operations of each shared contract."""
TRIED = {
    "a second child of Body",
    "an element before Body",
    "an element behind Body",
    "another name",
    "another namespace",
    "another document root",
    "attribute added",
    "attribute removed",
    "attribute, string: a letter",
    "attribute, float: last digit",
    "base64Binary: one bit",
    "boolean: flipped",
    "choice: another branch",
    "choice: renamed to another branch",
    "date: a day off",
    "date: the same clock in another zone",
    "dateTime: a second later",
    "dateTime: digit 7 of the fraction",
    "dateTime: zone dropped or given",
    "decimal: last digit",
    "decimal: one off",
    "double: last digit",
    "duration: a month for 30 days",
    "enumeration: another member",
    "fault instead of answer",
    "empty to absent",
    "fault: another code",
    "fault: a node",
    "fault: a role",
    "fault: a subcode",
    "fault: a text in another language",
    "fault: an actor",
    "fault: an attribute",
    "fault: an element beside its parts",
    "fault: another detail",
    "fault: another language",
    "fault: text behind its parts",
    "fault: text in front of its parts",
    "fault: text in its reason",
    "fault: two texts",
    "gMonth: last digit",
    "hexBinary: one bit",
    "integer: a point, though the type forbids it",
    "item doubled",
    "item inserted",
    "item removed",
    "items swapped",
    "list: item changed",
    "list: item dropped",
    "list: items swapped",
    "mixed: text changed",
    "mixed: text moved",
    "neighbours swapped",
    "nil beside a text",
    "nil beside an element",
    "nil to absent",
    "nil to empty",
    "nil to value",
    "optional element added",
    "optional element removed",
    "QName: another local name",
    "QName: another namespace",
    "string: a letter",
    "string: case",
    "string: blank at the end",
    "string: empty",
    "string: inner blank",
    "text at the end of Body",
    "text in Body",
    "text in the envelope",
    "time: a second",
    "truncated",
    "union: a value of another member",
    "unknown element at the end",
    "unknown element in front",
    "value to nil",
    "xsi:type: another derived type",
    "xsi:type: left out",
}
"""Operators that must have had something to change, so that no corpus is empty unnoticed."""


@cache
def own() -> tuple[Corpus, ...]:
    contracts: list[Contract] = [constructs(), *(contract_of(OWN / f"{each}.wsdl") for each in ("registry", "pages"))]
    return tuple(Corpus(each) for each in contracts)


def test_every_changed_reply_is_found_where_it_is_changed() -> None:
    tally = Tally()
    for corpus in own():
        tally.add(corpus.changed(corpus.operations, seeds=range(2)))

    print(tally)
    assert tally.failed == []
    assert set(tally.tried) >= TRIED


def test_wrong_bytes_are_found_where_they_say_something_else() -> None:
    tally = Tally()
    for corpus in own():
        tally.add(corpus.touched(corpus.operations, seeds=range(2), each=30))

    print(tally)
    assert tally.failed == []
    assert set(tally.tried) == {"bytes: broken", "bytes: other", "bytes: same"}


def test_no_reply_in_another_form_differs() -> None:
    tally = Tally()
    for corpus in own():
        tally.add(corpus.kept(corpus.operations, seeds=range(2), each=12))

    print(tally)
    assert tally.failed == []
    assert set(tally.tried) == set(FORMS)


@pytest.mark.parametrize("part", range(4))
def test_both_hold_for_the_contracts_of_others(part: int) -> None:
    tally = Tally()
    for name in shared_names()[part::4]:
        corpus = Corpus(shared(name))
        operations = corpus.operations[:: max(1, len(corpus.operations) // PER_CONTRACT)][:PER_CONTRACT]
        tally.add(corpus.changed(operations, seeds=range(1)))
        tally.add(corpus.kept(operations, seeds=range(1), each=6))

    print(tally)
    assert tally.failed == []
    assert tally.tried.total() > 100
