"""W3C trace context, levels 1 and 2: what is continued, what is not, and what goes on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from routers.facade.accounting.tracecontext import continue_, header, threshold

TRACE, PARENT = "5a1e0d6c9f3b48278c6f0d1e2b3a4958", "7d3c5b1a9e8f6042"
NEVER, ALWAYS = threshold(0), threshold(1)
GOOD = f"00-{TRACE}-{PARENT}-01"


def new(traceparent: str | None) -> bool:
    trace = continue_(None if traceparent is None else traceparent.encode("latin-1"), b"a=1", sample=NEVER)
    began = trace.parent_id is None
    assert began == (trace.trace_id != TRACE)
    assert trace.tracestate == ("" if began else "a=1")
    return began


def test_a_valid_traceparent_is_continued_with_a_span_of_our_own() -> None:
    trace = continue_(GOOD.encode(), None, sample=NEVER)

    assert (trace.trace_id, trace.parent_id, trace.flags) == (TRACE, PARENT, 1)
    assert re.fullmatch("[0-9a-f]{16}", trace.span_id)
    assert trace.span_id != PARENT


@pytest.mark.parametrize("blanks", [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")])
def test_blanks_around_a_traceparent_are_none_of_it(blanks: tuple[str, str]) -> None:
    assert not new(GOOD.join(blanks))


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "x",
        GOOD[:-1],
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-011",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-what-the-future-holds",
        f"00-{TRACE}-{PARENT}-01.",
        f"00-{TRACE}-{PARENT}-0g",
        f"00-{TRACE}-{PARENT}-0A",
        f"00-{TRACE}-{PARENT}-.1",
        f"0-{TRACE}-{PARENT}-01",
        f"000-{TRACE}-{PARENT}-01",
        f"0x-{TRACE}-{PARENT}-01",
        f".0-{TRACE}-{PARENT}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"FF-{TRACE}-{PARENT}-01",
        f"CC-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE[:-1]}.-{PARENT}-01",
        f"00-.{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT[:-1]}-01",
        f"00-{TRACE}-{PARENT}0-01",
        f"00-{TRACE}-{PARENT[:-1]}.-01",
        f"00_{TRACE}_{PARENT}_01",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE}-{PARENT}-01\xa0",
        f"00-{TRACE[:-1]}\xb2-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-011",
        f"cc-{TRACE}-{PARENT}-01.what-the-future-holds",
        f"cc-{TRACE}-{PARENT}-0",
        f"cc-{TRACE}-{PARENT}-0x",
        f"cc-{TRACE}-{'0' * 16}-01",
        f"cc-{'0' * 32}-{PARENT}-01-more",
    ],
)
def test_what_is_no_traceparent_begins_a_trace_and_drops_the_tracestate(traceparent: str | None) -> None:
    assert new(traceparent)


@pytest.mark.parametrize("tail", ["", "-", "-what-the-future-holds", "-\xe4", "-01-02"])
@pytest.mark.parametrize("version", ["01", "0f", "cc", "fe", "f0"])
def test_a_version_to_come_is_read_as_far_as_it_is_known(version: str, tail: str) -> None:
    trace = continue_(f"{version}-{TRACE}-{PARENT}-03{tail}".encode("latin-1"), b"a=1", sample=NEVER)

    assert (trace.trace_id, trace.parent_id, trace.flags, trace.tracestate) == (TRACE, PARENT, 1, "a=1")
    assert header(trace) == f"00-{TRACE}-{trace.span_id}-01".encode()


@given(st.text(alphabet="0123456789abcdef-ABCDEFg ", max_size=70) | st.text(max_size=60))
def test_whatever_a_caller_sends_something_valid_goes_on(text: str) -> None:
    trace = continue_(text.encode("latin-1", errors="replace"), text.encode("latin-1", errors="replace"), sample=NEVER)

    assert re.fullmatch(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]", header(trace))


def test_ids_are_new_each_time() -> None:
    traces = [continue_(None, None, sample=NEVER) for _ in range(1000)]
    spans = [continue_(GOOD.encode(), None, sample=NEVER).span_id for _ in range(1000)]

    assert len({trace.trace_id for trace in traces}) == len({trace.span_id for trace in traces}) == 1000
    assert len(set(spans)) == 1000


@pytest.mark.parametrize(
    ("given_flags", "ratio", "sent"),
    [
        ("00", 0, "00"),
        ("01", 0, "01"),
        ("02", 0, "02"),
        ("03", 0, "03"),
        ("00", 1, "01"),
        ("02", 1, "03"),
        ("fc", 0, "00"),
        ("ff", 0, "03"),
        ("09", 0, "01"),
    ],
)
def test_flags_go_on_as_the_callers_or_our_own(given_flags: str, ratio: float, sent: str) -> None:
    """Reserved flags are zero; the random flag is passed on as it came."""
    trace = continue_(f"00-{TRACE}-{PARENT}-{given_flags}".encode(), None, sample=threshold(ratio))

    assert header(trace).decode()[-2:] == sent
    assert trace.sampled == bool(ratio)


@pytest.mark.parametrize(("ratio", "sent"), [(0, "02"), (1, "03")])
def test_a_trace_that_begins_here_has_a_random_id_and_says_so(ratio: float, sent: str) -> None:
    trace = continue_(None, None, sample=threshold(ratio))

    assert header(trace) == f"00-{trace.trace_id}-{trace.span_id}-{sent}".encode()


@given(st.integers(1, (1 << 128) - 1), st.floats(0, 1))
def test_the_ratio_keeps_the_traces_that_opentelemetry_keeps(number: int, ratio: float) -> None:
    trace = continue_(f"00-{number:032x}-{PARENT}-00".encode(), None, sample=threshold(ratio))

    theirs = TraceIdRatioBased(ratio).should_sample(None, number, "call").decision
    assert trace.sampled == (theirs is Decision.RECORD_AND_SAMPLE)


def test_the_caller_has_no_say_in_what_the_facade_keeps() -> None:
    assert not continue_(GOOD.encode(), None, sample=NEVER).sampled
    assert continue_(GOOD[:-1].encode() + b"0", None, sample=ALWAYS).sampled


VALUE = "".join(map(chr, range(0x20, 0x7F))).replace(",", "").replace("=", "")


@pytest.mark.parametrize(
    "state",
    [
        "a=1",
        "a=1,b=2",
        "a=1 \t , \t b=2,\tc=3",
        " a=1 ",
        "\ta=1\t",
        "a=1,",
        ",a=1",
        "a=1,,b=2",
        "a=1, ,\t,b=2",
        "abcdefghijklmnopqrstuvwxyz0123456789_-*/=1",
        "tenant@system=1",
        "0tenant@system=1",
        "0=1",
        "a@b@c=1",
        "a@=1",
        f"{'k' * 256}=1",
        f"{'t' * 241}@{'s' * 14}=1",
        f"a={VALUE}",
        f"a={'v' * 256}",
        "a= 1",
        "a=!",
        ",".join(f"k{n}=v" for n in range(32)),
    ],
)
def test_a_valid_tracestate_goes_on_unchanged(state: str) -> None:
    assert continue_(GOOD.encode(), state.encode(), sample=NEVER).tracestate == state


@pytest.mark.parametrize(
    "state",
    [
        "",
        " ",
        ",",
        " ,\t,",
        "a",
        "a=",
        "a=,b=2",
        "=1",
        "a=1=2",
        "a =1",
        "a\t=1",
        "A=1",
        "a.b=1",
        "@a=1",
        "_a=1",
        "-a=1",
        "*a=1",
        "/a=1",
        "\xe4=1",
        "a=\xe4",
        "a=\x7f",
        "a=1\x002",
        "a=1\t2",
        "a=1;b=2",
        "a=1,a=1",
        "a=1,b=2,a=3",
        "a=1,b",
        f"{'k' * 257}=1",
        f"{'t' * 242}@{'s' * 14}=1",
        f"a={'v' * 257}",
        ",".join(f"k{n}=v" for n in range(33)),
        ",".join(f"k{n}=v" for n in range(32)) + ",",
    ],
)
def test_one_bad_member_drops_the_tracestate_and_leaves_the_trace(state: str) -> None:
    trace = continue_(GOOD.encode(), state.encode("latin-1"), sample=NEVER)

    assert (trace.trace_id, trace.parent_id, trace.tracestate) == (TRACE, PARENT, "")


def test_a_long_run_of_blanks_costs_no_more_than_its_length() -> None:
    state = b"a=" + b" " * 30_000 + b"=,b=" + b" \t" * 15_000

    assert continue_(GOOD.encode(), state, sample=NEVER).tracestate == ""
