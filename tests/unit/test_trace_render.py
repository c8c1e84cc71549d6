import io
import json
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from observability.render import LIKE_SHOWN, render, to_json, tree
from observability.storedspan import StoredSpan

MS = 1_000_000
BEGAN = 1_795_312_347_000_000_000  # 2026-11-22 01:52:27 UTC


def stored(
    span_id: str,
    *,
    parent: str | None = None,
    name: str = "process residents",
    after_ms: int = 0,
    took_ms: int = 1,
    service: str = "subscriber",
    error: str | None = None,
    attributes: Mapping[str, object] | None = None,
    links: Sequence[str] = (),
    alike: int = 1,
) -> StoredSpan:
    start_ns = BEGAN + after_ms * MS
    return StoredSpan(
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        span_id=span_id,
        parent_id=parent,
        name=name,
        kind="INTERNAL",
        service=service,
        start_ns=start_ns,
        end_ns=start_ns + took_ms * MS,
        error=error,
        attributes=attributes or {},
        links=tuple(("4bf92f3577b34da6a3ce929d0e0e4736", link) for link in links),
        alike=alike,
    )


STORY = [
    stored("a", name="read benefits", took_ms=1240, service="pipeline",
           attributes={"banyan.file.name": "res.dat", "banyan.records": 1000, "banyan.file.sha256": "ab" * 9}),
    stored("b", parent="a", name="send residents", after_ms=10, took_ms=12, service="pipeline",
           attributes={"messaging.batch.message_count": 998, "messaging.system": "kafka"}),
    stored("c", parent="b", after_ms=30, took_ms=3,
           attributes={"messaging.destination.partition.id": "0", "messaging.kafka.offset": 7}),
    stored("d", parent="b", after_ms=34, error="RecordError: balance: expected digits"),
]  # fmt: skip


def test_a_trace_is_told_line_by_line() -> None:
    assert render(STORY).plain == (
        "Trace 4bf92f3577b34da6a3ce929d0e0e4736, began 2026-11-22 01:52:27 UTC, took 1.24 s: "
        "4 spans in 2 services, 1 failed\n"
        "\n"
        "    after       took  what\n"
        "   0.0 ms     1.24 s  read benefits          pipeline    file res.dat  sha256 abababababa…  records 1000\n"
        "  10.0 ms    12.0 ms    send residents       pipeline    messages 998\n"
        "  30.0 ms     3.0 ms      process residents  subscriber  partition 0  offset 7\n"
        "  34.0 ms     1.0 ms      process residents  subscriber  FAILED RecordError: balance: expected digits\n"
    )


def test_what_a_narrow_terminal_has_no_room_for_stands_below_its_span() -> None:
    assert render(STORY, width=80).plain == (
        "Trace 4bf92f3577b34da6a3ce929d0e0e4736, began 2026-11-22 01:52:27 UTC,\n"
        "took 1.24 s: 4 spans in 2 services, 1 failed\n"
        "\n"
        "    after       took  what\n"
        "   0.0 ms     1.24 s  read benefits          pipeline    file res.dat\n"
        "                        sha256 abababababa…  records 1000\n"
        "  10.0 ms    12.0 ms    send residents       pipeline    messages 998\n"
        "  30.0 ms     3.0 ms      process residents  subscriber  partition 0  offset 7\n"
        "  34.0 ms     1.0 ms      process residents  subscriber\n"
        "                            FAILED RecordError: balance: expected digits\n"
    )


@given(width=st.integers(40, 200))
def test_whatever_the_width_nothing_is_cut(width: int) -> None:
    wide, narrow = render(STORY).plain, render(STORY, width=width).plain

    assert narrow.split() == wide.split()
    longest = len("                            FAILED RecordError: balance: expected digits")
    assert max(map(len, narrow.splitlines())) <= max(width, longest)


def test_nothing_stored_is_said_so() -> None:
    assert render([]).plain == "no such trace is stored\n"
    assert to_json([]) == "[]"


def test_a_terminal_shows_a_failure_in_red() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=200)

    terminal.print(render(STORY))

    assert isinstance(terminal.file, io.StringIO)
    assert "\x1b[1;31mFAILED RecordError" in terminal.file.getvalue()


def test_a_name_from_outside_cannot_steer_the_terminal() -> None:
    attributes = {"banyan.file.name": "a\x1b[2Jb\nc" + "d" * 100}

    shown = render([stored("a", name="read\x07", attributes=attributes)]).plain

    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "file a?[2Jb c" + "d" * 39 + "…\n" in shown


def test_of_many_siblings_alike_a_few_are_shown_and_the_others_counted() -> None:
    many = [stored(f"p{n:03}", parent="b", after_ms=40 + n, alike=200) for n in range(100)]
    below = [stored(f"h{n:03}", parent=f"p{n:03}", name="handle it", after_ms=40 + n) for n in range(100)]

    lines = render([*STORY[:2], *many, *below]).plain.splitlines()

    assert sum("process residents" in line for line in lines) == LIKE_SHOWN + 1
    assert sum("handle it" in line for line in lines) == LIKE_SHOWN
    assert f"{'':26}... and 95 more like this" in lines
    assert lines[-1] == "100 more of process residents in subscriber were not kept"


def test_what_another_parent_has_is_shown_again() -> None:
    spans = [stored("a", name="read"), stored("b", parent="a", name="send", after_ms=1)]
    spans += [stored("c", parent="a", name="send", after_ms=50)]
    spans += [stored(f"b{n}", parent="b", after_ms=2 + n) for n in range(6)]
    spans += [stored(f"c{n}", parent="c", after_ms=60 + n) for n in range(6)]

    shown = render(spans).plain

    assert shown.count("process residents") == 2 * LIKE_SHOWN
    assert shown.count("... and 1 more like this") == 2


def test_a_linked_span_stands_below_what_it_links_to() -> None:
    spans = [stored("a", name="send"), stored("x", parent="gone", links=["gone", "a"], after_ms=1)]

    assert [(depth, span.span_id) for depth, span in tree(spans)] == [(0, "a"), (1, "x")]


def test_json_has_every_attribute_in_the_order_of_the_tree() -> None:
    shown = json.loads(to_json(STORY))

    assert [(span["depth"], span["span_id"]) for span in shown] == [(0, "a"), (1, "b"), (2, "c"), (2, "d")]
    assert shown[1]["attributes"] == STORY[1].attributes
    assert (shown[0]["duration_ms"], shown[3]["error"]) == (1240, "RecordError: balance: expected digits")


IDS = st.sampled_from("abcdefgh")


@given(
    st.lists(
        st.builds(stored, IDS, parent=st.none() | IDS, links=st.lists(IDS, max_size=2), after_ms=st.integers(0, 9)),
        unique_by=lambda span: span.span_id,
        max_size=8,
    )
)
def test_every_span_is_shown_once_whatever_points_where(spans: list[StoredSpan]) -> None:
    rows = list(tree(spans))

    assert sorted(span.span_id for _, span in rows) == sorted(span.span_id for span in spans)
    assert all(after <= before + 1 for (before, _), (after, _) in zip([(-1, None), *rows], rows, strict=False))
