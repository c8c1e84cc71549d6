"""Heads that repeat: what is learnt of answers, and what is not."""

import pytest

from routers.facade.http.head import read_answer_fields
from routers.facade.http.shape import AnswerShape, Shapes

PLAIN = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nX-Case: %b\r\n\r\n"


def learnt(head: bytes, times: int = 3) -> AnswerShape | None:
    """Return what a worker has learnt after it met a head so often."""
    shapes, answer = Shapes(), read_answer_fields(head, method=b"POST", headers=100)
    return [shapes.of_answer(head, *answer) for _ in range(times)][-1]


def test_a_shape_is_learnt_at_the_third_meeting() -> None:
    assert learnt(PLAIN % b"a", times=2) is None
    assert learnt(PLAIN % b"a", times=3) is not None


def test_values_that_differ_are_taken_from_each_answer() -> None:
    shape, other = learnt(PLAIN % b"a"), (PLAIN % b"b c").replace(b": 5", b": 71")
    assert shape is not None

    assert shape.read(other, len(other)) is None  # a blank within was not in the first
    other = other.replace(b"b c", b"bc")
    answer = shape.read(other, len(other))

    assert answer is not None
    assert answer.length == 71
    assert answer.onward == b"HTTP/1.1 200 OK\r\nServer: x\r\nX-Case: bc\r\nContent-Length: 71\r\n"


def test_what_comes_behind_the_head_is_not_looked_at() -> None:
    shape, head = learnt(PLAIN % b"a"), PLAIN % b"a"
    assert shape is not None

    assert shape.read(head + b"\r\n\r\n\x00", len(head)) is not None


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 3000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_read_by_the_rules_each_time(head: bytes) -> None:
    assert learnt(head, times=10) is None
