"""Replies that mean the same are equal, however they are written: no false difference."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replies import SOAP12, comparer, envelope, listed, resident, told
from tests.same_meaning import rewritten

NIL = '<t:died xsi:nil="true"/>'
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
REPLIES = [
    listed(),
    listed(resident()),
    listed(resident(1), resident(2, country=' country="DE"'), resident(3, died="<t:died>2020-01-01</t:died>")),
    listed(resident(1, died=NIL), resident(2, name="Zoë &amp; &lt;Søn&gt; Ørsted 𝄞"), resident(3, postcode="unknown")),
    listed(*(resident(number) for number in range(30)), complete="false"),
    listed(resident(more="<t:nickname>a</t:nickname><t:nickname> a</t:nickname><t:phone/>"), soap=SOAP12),
]


@pytest.mark.parametrize("reply", range(len(REPLIES)))
@pytest.mark.parametrize("seed", range(60))
def test_a_reply_that_is_written_in_another_way_is_equal(reply: int, seed: int) -> None:
    draw = Random(seed)
    left, right = rewritten(REPLIES[reply], draw), rewritten(REPLIES[reply], draw)

    found = comparer().compare(left, right)

    assert (told(found), found.is_equal) == ([], True)


@pytest.mark.parametrize("seed", range(30))
def test_the_answer_of_an_rpc_operation_that_is_written_in_another_way_is_equal(seed: int) -> None:
    reply = envelope('<c:CountResponse xmlns:c="urn:banyan:statistics"><count>12</count></c:CountResponse>')

    found = comparer("Count").compare(reply, rewritten(reply, Random(seed)))

    assert told(found) == []


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), max_size=5),
    seed=st.integers(),
)
def test_texts_of_any_letters_are_equal_to_themselves(names: list[str], seed: int) -> None:
    safe = [name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for name in names]
    reply = listed(*(resident(number, name=name) for number, name in enumerate(safe)))

    assert told(comparer().compare(reply, rewritten(reply, Random(seed)))) == []


def test_soap_11_and_12_are_compared_by_their_bodies() -> None:
    found = comparer().compare(listed(resident()), listed(resident(), soap=SOAP12))

    assert found.is_equal


def test_what_settled_it_is_told() -> None:
    reply = listed(resident())

    assert comparer().compare(reply, reply).how == "bytes"
    assert comparer().compare(reply, reply.replace(b"<s:Body>", b"<s:Body >")).how == "canonical"
    assert comparer().compare(reply, reply.replace(b"1.50", b"1.5")).how == "typed"


def test_a_type_that_is_the_declared_one_says_nothing() -> None:
    said = 'xsi:type="t:Resident"'

    assert (
        comparer()
        .compare(listed(resident()), listed(resident().replace("r:resident>", f"r:resident {said}>", 1)))
        .is_equal
    )
