"""The packs of captured calls: what stands in them is read back, and what is cut is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordError
from contracts.intercepted import HEAD_BYTES, NOT_KEPT, head, sizes, unpack

FACTS = (
    b'{"request_id":"r1234567","ended_ns":5,"traceparent":"00-aa-bb-01","request_bytes":3,"reply_bytes":4,'
    b'"route":"a/b","operation":null,"side":"legacy","backend":"old","status":200,"outcome":"answered","version":7,'
    b'"request_type":"text/xml","request_coding":"","action":"","reply_type":"","reply_coding":""}'
)


def packed(request: bytes | None, reply: bytes | None, *, ended_ns: int = 1) -> bytes:
    lengths = (NOT_KEPT if body is None else len(body) for body in (request, reply))
    return head(ended_ns, len(FACTS), *lengths) + FACTS + (request or b"") + (reply or b"")


@given(st.lists(st.tuples(st.none() | st.binary(), st.none() | st.binary())))
def test_calls_are_read_back_as_they_were_packed(bodies: list[tuple[bytes | None, bytes | None]]) -> None:
    pack = b"".join(packed(*each) for each in bodies)

    found = list(unpack(pack))

    assert [(call.request, call.reply) for call in found] == bodies
    assert b"".join(call.packed for call in found) == pack
    assert {(call.route, call.span_id) for call in found} <= {("a/b", "bb")}


def test_a_pack_that_is_cut_anywhere_is_refused() -> None:
    whole = packed(b"abc", b"defg")

    for length in range(1, len(whole)):
        with pytest.raises(RecordError, match="pack: expected"):
            list(unpack(whole[:length]))


def test_a_body_that_was_not_kept_takes_no_room() -> None:
    assert sizes(packed(None, b"ab", ended_ns=9), 0) == (9, HEAD_BYTES + len(FACTS) + 2)


@pytest.mark.parametrize("facts", [b"", b"[]", b"{", b'{"request_id": 1}', FACTS[:-1] + b',"more":1}'])
def test_facts_that_are_none_are_refused(facts: bytes) -> None:
    with pytest.raises(RecordError, match="the facts of a call"):
        list(unpack(head(1, len(facts), 0, 0) + facts))
