"""Every error of ours, drawn as one tree; the caller's next step stands on the class.

BanyanError
├── ConfigError              the settings or an adapter file are wrong: fix them (exit code 2)
├── ContractError            a legacy contract (copybook, WSDL) is not understood
├── FramingError             a file's bytes are not framed as declared: its reading ends at that place
├── RecordError              one record or item can't be decoded or mapped: it is dead-lettered
├── FileHeldError            a whole file is refused: it is held, nothing of it is published
├── FileChangedError         a file changed after it was judged complete: what is left of it is not published
├── FileIncompleteError      a partition has not as many events of a file as its end says: they are dead-lettered
├── EnvelopeError            a Kafka record is no CloudEvent
├── FencedError              a newer instance took over: stop, and do not come back by itself (exit code 4)
├── LegacyFaultError         the legacy system answered with a fault
├── LegacyInDoubtError       a call that must not be made twice may have been made: look before it is made again
├── BrokerRefusedError       Kafka refuses what is sent, and would again
└── UnavailableError         retryable: the other side may answer later
    ├── LegacyUnavailableError
    │   ├── LegacyTimeoutError   it took too long to connect, to say more, or in all
    │   ├── CircuitOpenError     its operation is left alone for a while after failures in a row
    │   └── TooManyCallsError    as many calls of its operation are under way as may be
    ├── ListingRefusedError  a listing that can hardly be true: nothing of it is taken
    └── BrokerUnavailableError
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Literal, final

__all__ = [
    "BanyanError",
    "BrokerRefusedError",
    "BrokerUnavailableError",
    "CircuitOpenError",
    "ConfigError",
    "ContractError",
    "EnvelopeError",
    "FencedError",
    "FileChangedError",
    "FileHeldError",
    "FileIncompleteError",
    "FramingCode",
    "FramingError",
    "LegacyFaultError",
    "LegacyInDoubtError",
    "LegacyTimeoutError",
    "LegacyUnavailableError",
    "ListingRefusedError",
    "RecordError",
    "TimeoutKind",
    "TooManyCallsError",
    "UnavailableError",
    "is_retryable",
    "safe_message",
]


FramingCode = Literal[
    "truncated",  # the file ends inside a record, a block, a line or a compressed stream
    "length",  # a length that can't be
    "reserved",  # bytes that must be zero are not
    "block",  # a block's records do not fill it
    "segment",  # a segment of a spanned record at the wrong place
    "remainder",  # the file is no multiple of the record length
    "line",  # a line longer than a record
    "prefix",  # the prefix of an IMS segment
    "header",  # a record header that its plug-in refuses
    "records",  # fewer records than headers and trailers
    "compression",  # corrupt compressed data
    "bomb",  # more data than the limits allow
    "trailing",  # data after the end
]
"""What is wrong with the framing, for programs."""

TimeoutKind = Literal["connect", "read", "total"]
"""Which bound of one attempt was reached: until connected, without a further byte, or in all."""


class BanyanError(Exception):
    """The root of the tree; `retryable` tells whether the same call may succeed later."""

    retryable: ClassVar[bool] = False


@final
class ConfigError(BanyanError):
    """Settings or an adapter file are wrong; holds every problem found, one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@final
class ContractError(BanyanError):
    """A legacy contract is not understood at one place of its text."""

    def __init__(self, where: str, *, found: str, expected: str) -> None:
        self.where, self.found, self.expected = where, found, expected
        super().__init__(f"{where}: expected {expected}, found {found}")


@final
class FramingError(BanyanError):
    """A file's bytes are not framed as declared, at one place.

    `offset` counts in the decompressed stream from 0, `ordinal` the records before that place (None where the
    place is below records, in compressed data). The message shows at most the bytes of one header.
    """

    def __init__(self, code: FramingCode, *, offset: int, ordinal: int | None, expected: str, found: str) -> None:
        self.code, self.offset, self.ordinal = code, offset, ordinal
        self.expected, self.found = expected, found
        record = "" if ordinal is None else f" (record {ordinal})"
        super().__init__(f"{code}: expected {expected} at byte {offset}{record}, found {found}")


@final
class RecordError(BanyanError):
    """One field of one record can't be decoded or mapped.

    The message never holds more than the raw bytes of that one field, and none of them where the field
    is personal (`raw` is None then). `code` is stable: programs may look at it.
    """

    def __init__(
        self,
        field: str,
        *,
        expected: str,
        raw: bytes | None = None,
        start: int | None = None,
        code: str = "value",
    ) -> None:
        self.field, self.expected, self.raw, self.start, self.code = field, expected, raw, start, code
        place = "" if start is None else f" at byte {start}"
        found = "" if raw is None else f", found {raw!r}"
        super().__init__(f"{field}: expected {expected}{place}{found}")


@final
class FileHeldError(BanyanError):
    """A file is refused as a whole; nothing of it was published.

    `rule` names the declared rule that refused it, `next_step` what to do, where the rule knows that. With
    `for_good`, it is quarantined: another delivery has to come.
    """

    def __init__(
        self,
        file: str,
        *,
        expected: str,
        found: str,
        rule: str | None = None,
        next_step: str | None = None,
        for_good: bool = False,
    ) -> None:
        self.file, self.expected, self.found, self.rule, self.next_step = file, expected, found, rule, next_step
        self.for_good = for_good
        by = "" if rule is None else f" by {rule}"
        super().__init__(f"{file}: {'quarantined' if for_good else 'held'}{by}: expected {expected}, found {found}")


@final
class FileChangedError(BanyanError):
    """A file changed after it was judged complete: its proof is lost, and nothing more of it is published."""

    def __init__(self, file: str, *, found: str) -> None:
        self.file, self.found = file, found
        super().__init__(f"{file}: expected the file that was judged complete, found {found}")


@final
class FileIncompleteError(BanyanError):
    """A partition has not as many events of a file as the file's end there says; nothing of it is handled."""

    def __init__(self, file: str, *, topic: str, partition: int, expected: int, found: int) -> None:
        self.file, self.topic, self.partition = file, topic, partition
        self.expected, self.found = expected, found
        super().__init__(f"{file}: expected {expected} events on partition {partition} of {topic}, found {found}")


@final
class EnvelopeError(BanyanError):
    """A Kafka record is no CloudEvent in binary mode."""

    def __init__(self, attribute: str, *, expected: str) -> None:
        self.attribute, self.expected = attribute, expected
        super().__init__(f"{attribute}: expected {expected}")


@final
class FencedError(BanyanError):
    """A newer instance of the same source took over; this one stops and publishes nothing more."""

    def __init__(self, source: str, *, instance: str, newer: str) -> None:
        self.source, self.instance, self.newer = source, instance, newer
        super().__init__(
            f"{source}: instance {instance} stopped: the newer instance {newer} publishes now; "
            "it does not come back by itself"
        )


@final
class LegacyFaultError(BanyanError):
    """The legacy system received the call and answered with a fault.

    `fault` is the name of the declared fault, `detail` what its contract says of it, typed; both None where the
    contract declares none such. The detail may be personal: it is not in the message.
    """

    def __init__(
        self, system: str, *, code: str, text: str, fault: str | None = None, detail: object | None = None
    ) -> None:
        self.system, self.code, self.text, self.fault, self.detail = system, code, text, fault, detail
        declared = "" if fault is None else f" ({fault})"
        super().__init__(f"{system}: fault {code}{declared}: {text}")


@final
class LegacyInDoubtError(BanyanError):
    """A call that must not be made twice may have been made, and its answer is not known."""

    def __init__(self, system: str, *, operation: str, reason: str) -> None:
        self.system, self.operation, self.reason = system, operation, reason
        super().__init__(
            f"{system}: {operation} may have been done and is not called again: {reason}; "
            "find out whether it was, then start again"
        )


@final
class BrokerRefusedError(BanyanError):
    """Kafka refuses what is sent and would refuse it again: too large, a topic that can't be, no permission."""

    def __init__(self, system: str, *, reason: str) -> None:
        self.system, self.reason = system, reason
        super().__init__(f"{system}: refused: {reason}")


class UnavailableError(BanyanError):
    """The other side did not answer; the same call may succeed later, after `retry_after` where that is known."""

    retryable: ClassVar[bool] = True

    def __init__(self, system: str, *, reason: str, retry_after: timedelta | None = None) -> None:
        self.system, self.reason, self.retry_after = system, reason, retry_after
        super().__init__(f"{system}: not available: {reason}")


class LegacyUnavailableError(UnavailableError):
    """A legacy system did not answer in time, or not with a message of its protocol.

    `sent` is False where not a byte of the request left; `soon` is False where the same call would fail again if it
    were made at once.
    """

    def __init__(
        self, system: str, *, reason: str, retry_after: timedelta | None = None, sent: bool = True, soon: bool = True
    ) -> None:
        self.sent, self.soon = sent, soon
        super().__init__(system, reason=reason, retry_after=retry_after)


@final
class LegacyTimeoutError(LegacyUnavailableError):
    """A legacy system took too long; says which bound was reached, how long that is, and what was waited for."""

    def __init__(self, system: str, *, kind: TimeoutKind, after: timedelta, phase: str, sent: bool = True) -> None:
        self.kind, self.after, self.phase = kind, after, phase
        reason = f"TimeoutError: {kind} timeout after {after.total_seconds():g} s, {phase}"
        super().__init__(system, reason=reason, sent=sent)


@final
class CircuitOpenError(LegacyUnavailableError):
    """An operation of a legacy system failed several times in a row, and is not called before `until`."""

    def __init__(
        self, system: str, *, operation: str, until: datetime, retry_after: timedelta, failures: int, last: str
    ) -> None:
        self.operation, self.until, self.failures, self.last = operation, until, failures, last
        when = until.isoformat(timespec="milliseconds")
        reason = f"{operation} is left alone until {when} after {failures} failures in a row, the last: {last}"
        super().__init__(system, reason=reason, retry_after=retry_after, sent=False, soon=False)


@final
class TooManyCallsError(LegacyUnavailableError):
    """As many calls of an operation as may be are under way, and this one found no place in time."""

    def __init__(self, system: str, *, operation: str, calls: int, waited: timedelta) -> None:
        self.operation, self.calls, self.waited = operation, calls, waited
        reason = (
            f"the bulkhead of {operation} is full (calls: {calls}), and no place came free within "
            f"{waited.total_seconds():g} s: raise bulkhead.calls, or poll less often"
        )
        super().__init__(system, reason=reason, sent=False, soon=False)


@final
class ListingRefusedError(UnavailableError):
    """A legacy system listed what can hardly be true: nothing of it is taken, and the next listing may be right."""

    def __init__(self, system: str, *, reason: str) -> None:
        super().__init__(system, reason=reason)
        self.args = (f"{system}: the listing is not taken: {reason}",)


@final
class BrokerUnavailableError(UnavailableError):
    """Kafka did not answer in time."""


def is_retryable(error: BaseException) -> bool:
    """Tell whether the same call may succeed later; errors from outside say so with `retryable`."""
    return bool(getattr(error, "retryable", False))


def safe_message(error: BaseException) -> str | None:
    """Return the message where it holds nothing personal: our own errors, without a legacy system's words."""
    if isinstance(error, LegacyFaultError):
        return f"{error.system}: fault {error.code}"
    return str(error) if isinstance(error, BanyanError) else None
