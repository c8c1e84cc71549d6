"""Structured logs: structlog and the standard library through one formatter, to standard error.

JSON lines, or readable lines when standard error is a terminal. Each line has the current trace and span.
An error is shown by class and place; its message only where it is known to hold nothing personal, since a
`ValueError` quotes what it could not read.
"""

import logging
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Literal, cast, final

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from contracts.errors import safe_message
from observability import fields

__all__ = ["GUARDED", "Level", "configure"]

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

REPEAT_SECONDS: Final = 30.0
"""How long a library's message that was shown is not shown again."""
_MOST_SAID: Final = 1_000
_last_said: Final[dict[tuple[str, str], float]] = {}
_TOLD: Final = frozenset({"Topic %s not found in cluster metadata"})
"""What libraries say and is nothing new: a topic that is just being made; where none comes, our own error says so."""
GUARDED: Final = ("aiokafka", "asyncio", "botocore", "faststream", "fsspec", "httpx", "lxml", "urllib3", "zeep")
"""Loggers of libraries that print payloads, keys or addresses with passwords below WARNING: never shown there.

FastStream's brokers log to standard output by themselves unless they are given `logger=None` or a logger.
"""

_ERROR_DEPTH = 8


def configure(level: Level = "INFO", *, json_lines: bool | None = None) -> None:
    """Send the logs of this process to standard error; a second call replaces the first.

    Args:
        level: The lowest level that is shown; guarded libraries are shown from WARNING in any case.
        json_lines: One JSON object a line; by default where standard error is no terminal.
    """
    as_json = not sys.stderr.isatty() if json_lines is None else json_lines
    handler = _Stderr()
    handler.addFilter(_shown)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_shared(), processors=_final(as_json)))
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _Stderr)] + [handler]
    root.setLevel(level)
    for name in GUARDED:
        _guard(name)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


@final
class _Stderr(logging.Handler):
    """Writes to what standard error is at that moment, as tests and daemons replace it."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - the contract of logging: a line that fails must not stop the work
            # The handler's own report would quote the arguments, which may be personal.
            line = f"a log line of {record.pathname}:{record.lineno} is no line: {type(error).__qualname__}"
        with suppress(OSError, ValueError):  # standard error may be closed
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def _guard(name: str) -> None:
    # FastStream gives its loggers handlers of their own when it is imported.
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(max(logging.WARNING, logging.getLogger().level))


def _shown(record: logging.LogRecord) -> bool:
    # A library may lower the level of a logger below the guarded one.
    if record.name.partition(".")[0] not in GUARDED:
        return True
    return record.levelno >= logging.WARNING and record.msg not in _TOLD and not _is_repeated(record)


def _is_repeated(record: logging.LogRecord) -> bool:
    """Tell whether a library said the same moments ago: some do so a hundred times a second while a server is away."""
    said, now = (record.name, str(record.msg)), time.monotonic()
    if now - _last_said.get(said, -REPEAT_SECONDS) < REPEAT_SECONDS:
        return True
    if len(_last_said) >= _MOST_SAID:
        _last_said.clear()
    _last_said[said] = now
    return False


def _shared() -> Sequence[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key=fields.TIMESTAMP),
        _add_trace,
        _show_exception,
    ]


def _final(as_json: bool) -> Sequence[Processor]:  # noqa: FBT001 - the one thing that it decides by
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event[fields.TRACE_ID] = f"{context.trace_id:032x}"
        event[fields.SPAN_ID] = f"{context.span_id:016x}"
    return event


def _show_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    error: BaseException | None = sys.exc_info()[1] if given else None
    if isinstance(given, BaseException):
        error = given
    elif isinstance(given, tuple):
        error = cast("tuple[Any, BaseException | None, Any]", given)[1]
    if error is not None:
        event[fields.EXCEPTION] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> list[str]:
    """Tell the chain of errors from the first cause to the last, each with its places, without foreign messages."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain and len(chain) < _ERROR_DEPTH:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return [line for each in reversed(chain) for line in _one(each)]


def _one(error: BaseException) -> list[str]:
    name, message = type(error).__qualname__, safe_message(error)
    places = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    within = (
        cast("BaseExceptionGroup[BaseException]", error).exceptions if isinstance(error, BaseExceptionGroup) else ()
    )
    inner = [f"  | {line}" for each in within[:_ERROR_DEPTH] for line in _lines(each)]
    return [name if message is None else f"{name}: {message}", *places, *inner]
