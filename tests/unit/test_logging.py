import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from contracts.errors import LegacyFaultError, RecordError
from observability import fields
from observability.logging import GUARDED, configure
from observability.testing import recorded_spans
from observability.tracing import span

Lines = Callable[[], list[dict[str, str]]]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    for name in GUARDED:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    configure("DEBUG", json_lines=True)
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_structured_line_is_one_json_object(lines: Lines) -> None:
    structlog.get_logger("events.pipeline").info("published", source="benefits", events=998)

    [line] = lines()
    assert line.pop(fields.TIMESTAMP).endswith("Z")
    assert line == {
        "event": "published",
        "level": "info",
        "logger": "events.pipeline",
        "source": "benefits",
        "events": 998,
    }


def test_the_standard_library_goes_through_the_same_formatter(lines: Lines) -> None:
    logging.getLogger("other").warning("%s is %d", "answer", 42)

    [line] = lines()
    assert (line["event"], line["level"], line["logger"]) == ("answer is 42", "warning", "other")


def test_each_line_has_the_current_trace_and_span(lines: Lines) -> None:
    with recorded_spans(), span("poll benefits") as opened:
        structlog.get_logger("a").info("inside")
        logging.getLogger("b").info("inside")
    structlog.get_logger("a").info("outside")

    *inside, outside = lines()
    context = opened.get_span_context()
    ids = (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert [(line["trace_id"], line["span_id"]) for line in inside] == [ids, ids]
    assert fields.TRACE_ID not in outside


def test_bound_context_is_in_every_line(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(source="benefits"):
        logging.getLogger("other").info("standard")
        structlog.get_logger("a").info("structured")

    assert [line["source"] for line in lines()] == ["benefits"] * 2


def broken() -> None:
    try:
        int("LOVELACE")
    except ValueError as error:
        raise RecordError("balance", expected="digits") from error


@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_an_error_is_told_from_its_cause_without_foreign_words(logger: Callable[[str], Any], lines: Lines) -> None:
    try:
        broken()
    except RecordError:
        logger("a").exception("failed")

    [line] = lines()
    told = line["exception"].splitlines()
    assert told[0] == "ValueError"
    assert told[1].endswith("in broken")
    assert told[2] == "RecordError: balance: expected digits"
    assert "LOVELACE" not in json.dumps(line)


def test_an_error_that_is_handed_over_is_told(lines: Lines) -> None:
    structlog.get_logger("a").warning("refused", exc_info=LegacyFaultError("crm", code="E17", text="no LOVELACE"))
    structlog.get_logger("a").warning("nothing", exc_info=True)
    logging.getLogger("b").warning("nothing", exc_info=(None, None, None))

    first, *others = lines()
    assert first["exception"] == "LegacyFaultError: crm: fault E17"
    assert [fields.EXCEPTION in line for line in others] == [False, False]


def test_errors_of_a_group_are_told_each(lines: Lines) -> None:
    group = ExceptionGroup("LOVELACE", [RecordError("balance", expected="digits"), ValueError("LOVELACE")])

    structlog.get_logger("a").error("failed", exc_info=group)

    [line] = lines()
    assert line["exception"].splitlines() == [
        "ExceptionGroup",
        "  | RecordError: balance: expected digits",
        "  | ValueError",
    ]


def test_errors_that_cause_each_other_in_a_circle_are_told_once(lines: Lines) -> None:
    first, second = ValueError(), TypeError()
    first.__cause__, second.__cause__ = second, first

    structlog.get_logger("a").error("failed", exc_info=first)

    assert lines()[0]["exception"].splitlines() == ["TypeError", "ValueError"]


@pytest.mark.parametrize("name", GUARDED)
def test_a_library_that_prints_payloads_stays_at_warning(name: str, lines: Lines) -> None:
    logger = logging.getLogger(f"{name}.transport")
    logger.debug("payload LOVELACE")
    logger.setLevel(logging.DEBUG)
    logger.debug("payload LOVELACE")
    logger.warning("connection lost")
    logger.setLevel(logging.NOTSET)

    assert [line["event"] for line in lines()] == ["connection lost"]


def test_handlers_that_a_library_gave_itself_are_taken_away(lines: Lines) -> None:
    logger = logging.getLogger("faststream")
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.propagate = False

    configure("DEBUG", json_lines=True)
    logger.error("broken")

    assert logger.handlers == []
    assert [line["event"] for line in lines()] == ["broken"]


def test_a_topic_that_is_just_being_made_is_no_error_of_a_library(lines: Lines) -> None:
    library = logging.getLogger("aiokafka.cluster")
    library.error("Topic %s not found in cluster metadata", "benefits.residents")
    library.error("Topic %s is not available", "benefits.residents")

    assert [line["event"] for line in lines()] == ["Topic benefits.residents is not available"]


def test_what_is_below_the_level_is_not_shown(lines: Lines) -> None:
    configure("WARNING", json_lines=True)
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    structlog.get_logger("a").warning("yes")

    assert [line["event"] for line in lines()] == ["yes"]


def test_a_second_set_up_replaces_the_first(lines: Lines) -> None:
    configure("INFO", json_lines=True)
    logging.getLogger("b").info("once")

    assert [line["event"] for line in lines()] == ["once"]


def test_a_terminal_gets_readable_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure()
    try:
        broken()
    except RecordError:
        structlog.get_logger("a").exception("failed", source="benefits")

    shown = capsys.readouterr().err
    assert "\x1b[" in shown
    assert "RecordError: balance: expected digits" in shown
    assert not shown.startswith("{")


def test_no_terminal_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger("a").info("hello", at=ValueError)

    assert json.loads(capsys.readouterr().err)["event"] == "hello"


def test_a_line_that_cannot_be_formatted_does_not_stop_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers.clear()  # pytest's own handlers raise
    configure("INFO")
    logging.getLogger("b").warning("%d", "LOVELACE")

    shown = capsys.readouterr().err
    assert shown.endswith("is no line: TypeError\n")
    assert "test_logging.py" in shown
    assert "LOVELACE" not in shown


def test_standard_error_that_is_closed_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    configure("INFO", json_lines=True)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)

    logging.getLogger("b").warning("nobody hears this")
