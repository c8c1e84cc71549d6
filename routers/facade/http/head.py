"""Reads the heads of requests and answers.

A head that could be read in two ways is refused, never repaired: whoever stands before or behind us might read
it the other way (request smuggling). Rules are those of RFC 9112 and RFC 9110, sections as named.
"""

import re
from functools import lru_cache
from typing import Final, final

from routers.facade.http.fieldline import Field, FieldReader, FieldsError

__all__ = [
    "FORWARDED",
    "AnswerHead",
    "MalformedError",
    "RefusedError",
    "RequestHead",
    "listed",
    "read_answer",
    "read_answer_fields",
    "read_request",
]

_TEXT: Final = bytes(octet for octet in range(256) if (octet >= 0x20 and octet != 0x7F) or octet in b"\t\r\n")  # noqa: PLR2004 - space and DEL
_REQUEST_LINE: Final = re.compile(rb"([A-Z][A-Z-]*) ([!-~]+) HTTP/1\.([01])")
_VERSION: Final = re.compile(rb"[!-~]+ [!-~]+ HTTP/[0-9]\.[0-9]")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t -~\x80-\xff]*)?")
_TARGET: Final = re.compile(rb"/[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%|{}^`\"<>\\]*")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)(/[^#]*|\?[^#]*)?", re.IGNORECASE)
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_LENGTH_DIGITS: Final = 18
_METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
"""What is passed on; CONNECT and TRACE mean something else to an intermediary."""
_NONE: Final = frozenset[bytes]()

_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade", b"http2-settings"}
)
_OF_REQUESTS: Final = FieldReader(
    {
        *_HOP,
        *(b"host", b"content-length", b"expect", b"trailer", b"via", b"traceparent", b"tracestate", b"x-request-id"),
        *(b"proxy", b"proxy-authorization"),  # the first makes CGI programs call whom the caller likes (httpoxy)
    }
)
_OF_ANSWERS: Final = FieldReader({*_HOP, b"content-length", b"proxy-authenticate"})
_NEVER_OPTIONS: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"content-encoding", b"authorization", b"cookie", b"soapaction"}
)
FORWARDED: Final = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-real-ip"}
)
"""What earlier hops say of the caller."""
_ONCE: Final = frozenset({b"content-type", b"content-encoding", b"soapaction"})
_PERSISTENCE: Final = frozenset({b"close", b"keep-alive"})
_MOST_LINES: Final = 1_024
_known_lines: Final[dict[bytes, tuple[bytes, bytes, bool, str, bytes | None]]] = {}
"""Request lines that are repeated; of POST alone, whose target names a service, not a person."""
_known_hosts: Final[set[bytes]] = set()


@final
class RefusedError(Exception):
    """A request that is answered with an error and never sent on; `status` is HTTP's, `reason` one word."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(f"{status} {reason}")


@final
class MalformedError(Exception):
    """An answer of a backend that can't be passed on (502); `reason` is one word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@final
class RequestHead:
    """The head of one request, as it may be forwarded."""

    __slots__ = (
        "chunked", "fields", "forwarded", "host", "keep_alive", "length", "method", "minor", "names", "options", "path",
        "target",
    )  # fmt: skip

    method: bytes
    target: bytes
    """Origin form: path and query; `*` for OPTIONS of the server."""
    path: str
    """The target without its query, percent-encoding kept."""
    minor: bool
    """Whether it is HTTP/1.1, not 1.0."""
    host: bytes
    """Authority that was asked for; empty in HTTP/1.0 without one."""
    fields: list[Field]
    """In their order; none where the head was read by its shape."""
    forwarded: bytes
    """The lines of the fields that go on, unless `options` or the listener forbid it."""
    names: dict[bytes, bytes]
    """Lower-case name -> value, several joined with a comma."""
    length: int
    """Bytes of the body where they are known; 0 without a body; -1 when it is chunked."""
    chunked: bool
    keep_alive: bool
    options: frozenset[bytes]
    """Fields that `Connection` names: they end here, too."""


@final
class AnswerHead:
    """The head of one answer."""

    __slots__ = ("chunked", "dated", "identified", "keep_alive", "length", "onward", "status")

    onward: bytes
    """What goes on of it, whoever the caller is: status line, fields and length, without the empty line."""
    status: int
    dated: bool
    """It has a `Date`."""
    identified: bool
    """It has an `X-Request-Id`."""
    length: int
    """Bytes of the body where they are known; -1 when it is chunked or ends with the connection."""
    chunked: bool
    keep_alive: bool
    """The connection may be used again after this answer."""

    @property
    def until_close(self) -> bool:
        """Tell whether the body ends with the connection."""
        return self.length < 0 and not self.chunked


def read_request(head: bytes, *, target_bytes: int, headers: int) -> RequestHead:
    """Read a whole head, from the request line to the empty line.

    Raises:
        RefusedError: It breaks a rule, is ambiguous, or is beyond a bound.
    """
    lines = head.split(b"\r\n")
    count = len(lines) - 1
    request = RequestHead()
    known = _known_lines.get(lines[0])
    if known is None:
        known = _request_line(lines[0], target_bytes)
    request.method, request.target, request.minor, request.path, host = known
    if head.translate(None, _TEXT):
        raise RefusedError(400, "control_character")
    if head.count(b"\n") != count or head.count(b"\r") != count:
        raise RefusedError(400, "line_end")
    if count - 2 > headers:
        raise RefusedError(431, "headers")
    try:
        request.fields = fields = _OF_REQUESTS.read(lines[1:-2])
    except FieldsError:
        raise RefusedError(400, "field") from None
    request.names = names = _named(fields)
    if request.method == b"OPTIONS" and b"max-forwards" in names:
        request.fields = fields = [_one_less(field) for field in fields]
    request.forwarded = b"".join([field[2] for field in fields])
    if len(names) < len(fields) and not _ONCE.isdisjoint(names):
        _once(fields)
    _host(request, names.get(b"host"), host)
    _framing(request, names)
    return request


def _once(fields: list[Field]) -> None:
    """Refuse what says twice what the message is: each reader could believe another one."""
    said = [field[0] for field in fields if field[0] in _ONCE]
    if len(set(said)) < len(said):
        raise RefusedError(400, "repeated")


def _one_less(field: Field) -> Field:
    """Count Max-Forwards down; at zero this is the last recipient, which does not know the method (9110, 7.6.2)."""
    name, value, _ = field
    if name != b"max-forwards":
        return field
    left = _length(value)
    if left <= 0:
        raise RefusedError(501 if left == 0 else 400, "max_forwards")
    return name, value, b"Max-Forwards: %d\r\n" % (left - 1)


def _named(fields: list[Field]) -> dict[bytes, bytes]:
    names: dict[bytes, bytes] = {}
    for name, value, _ in fields:
        names[name] = value if name not in names else names[name] + b", " + value
    return names


def _request_line(line: bytes, target_bytes: int) -> tuple[bytes, bytes, bool, str, bytes | None]:
    """Return method, target in origin form, whether it is HTTP/1.1, path, and the host of an absolute form."""
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise _refused_line(line)
    method, target, minor = found[1], found[2], found[3] == b"1"
    if method not in _METHODS:
        raise RefusedError(501, "method")
    if len(target) > target_bytes:
        raise RefusedError(414, "target")
    target, host = _origin_form(method, target)
    known = (method, target, minor, target.partition(b"?")[0].decode("ascii"), host)
    if method == b"POST" and b"?" not in target:
        if len(_known_lines) >= _MOST_LINES:
            _known_lines.clear()
        _known_lines[line] = known
    return known


def _refused_line(line: bytes) -> RefusedError:
    """Say what is wrong with a request line (RFC 9112 section 3)."""
    if _VERSION.fullmatch(line):
        return RefusedError(501, "method") if line.endswith((b"/1.0", b"/1.1")) else RefusedError(505, "version")
    return RefusedError(400, "request_line")


def _origin_form(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """Bring a target to origin form, and return the host that it names (RFC 9112 section 3.2)."""
    host = None
    if target[0] != 0x2F:  # noqa: PLR2004 - a slash
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is not None:
            host, rest = absolute[1], absolute[2] or b"/"
            target = rest if rest.startswith(b"/") else b"/" + rest
            if method == b"OPTIONS" and absolute[2] is None:
                return b"*", host  # of the server as a whole (RFC 9112 section 3.2.4)
        elif target == b"*" and method == b"OPTIONS":
            return target, None
        else:
            raise RefusedError(400, "target")
    if not _TARGET.fullmatch(target):
        raise RefusedError(400, "target")
    return target, host


def _host(request: RequestHead, named: bytes | None, absolute: bytes | None) -> None:
    """Find the host: that of an absolute form wins, but the field has to be there (RFC 9112 section 3.2)."""
    if named is None and request.minor:
        raise RefusedError(400, "host")
    request.host = host = absolute or named or b""
    if host not in _known_hosts or absolute is not None:
        for each in (named, absolute):
            if each and not _HOST.fullmatch(each):
                raise RefusedError(400, "host")
        if len(_known_hosts) >= _MOST_LINES:
            _known_hosts.clear()
        _known_hosts.add(host)


def _framing(request: RequestHead, names: dict[bytes, bytes]) -> None:
    """Find where the body ends, and refuse whatever leaves that open (RFC 9112 section 6)."""
    coding, length = names.get(b"transfer-encoding"), names.get(b"content-length")
    request.chunked, request.length = False, 0
    if coding is not None:
        if length is not None or not request.minor:
            raise RefusedError(400, "framing")
        if coding.lower() != b"chunked":
            raise RefusedError(400 if b"chunked" in coding.lower() else 501, "transfer_coding")
        request.chunked, request.length = True, -1
    elif length is not None:
        request.length = _length(length)
        if request.length < 0:
            raise RefusedError(400, "framing")
    connection = names.get(b"connection")
    request.keep_alive, request.options = request.minor, _NONE
    if connection is not None:
        options = listed(connection)
        request.keep_alive = request.minor and b"close" not in options
        # Would a field vanish that says who is meant or how the body is read, both sides read different calls.
        if not _NEVER_OPTIONS.isdisjoint(options):
            raise RefusedError(400, "connection")
        request.options = options - _PERSISTENCE


def _length(value: bytes) -> int:
    """Return a Content-Length, or -1 when it is none (RFC 9110 section 8.6)."""
    return int(value) if value.isdigit() and len(value) <= _LENGTH_DIGITS else -1


@lru_cache(maxsize=256)
def listed(value: bytes) -> frozenset[bytes]:
    """Return the members of a comma-separated value, in lower case."""
    return frozenset(option.strip(b" \t") for option in value.lower().split(b","))


def read_answer(head: bytes, *, method: bytes, headers: int) -> AnswerHead:
    """Read a whole head of an answer to a request with this method.

    Raises:
        MalformedError: It breaks a rule, is ambiguous, or is beyond a bound.
    """
    return read_answer_fields(head, method=method, headers=headers)[0]


def read_answer_fields(head: bytes, *, method: bytes, headers: int) -> tuple[AnswerHead, list[Field]]:
    """Read a head as `read_answer` does, and return its fields, too.

    Raises:
        MalformedError: It breaks a rule, is ambiguous, or is beyond a bound.
    """
    lines = head.split(b"\r\n")
    count = len(lines) - 1
    line = _STATUS_LINE.fullmatch(lines[0])
    if line is None:
        raise MalformedError("status_line")
    if head.translate(None, _TEXT) or head.count(b"\n") != count or head.count(b"\r") != count:
        raise MalformedError("octets")
    if count - 2 > headers:
        raise MalformedError("headers")
    try:
        fields = _OF_ANSWERS.read(lines[1:-2])
    except FieldsError:
        raise MalformedError("field") from None
    answer, names = AnswerHead(), _named(fields)
    answer.status, answer.dated, answer.identified = int(line[2]), b"date" in names, b"x-request-id" in names
    options = _answer_framing(answer, names, minor=line[1] == b"1", method=method)
    parts = [b"HTTP/1.1 %b\r\n" % lines[0][9:].ljust(4)]  # a blank follows the code, whatever the backend wrote
    parts += [onward for name, _, onward in fields if name not in options]
    length = names.get(b"content-length")
    if length is not None and answer.status >= 200 and answer.status != 204:  # noqa: PLR2004 - these have none
        parts.append(b"Content-Length: %b\r\n" % length)
    answer.onward = b"".join(parts)
    return answer, fields


def _answer_framing(answer: AnswerHead, names: dict[bytes, bytes], *, minor: bool, method: bytes) -> frozenset[bytes]:
    """Find where the body ends (RFC 9112 section 6.3), and return the fields that end here, too."""
    coding, length, connection = names.get(b"transfer-encoding"), names.get(b"content-length"), names.get(b"connection")
    answer.chunked = False
    options = _NONE if connection is None else listed(connection)
    answer.keep_alive = minor and b"close" not in options
    known = _length(length) if length is not None else -1
    if length is not None and (known < 0 or coding is not None):
        raise MalformedError("framing")
    if method == b"HEAD" or answer.status in {204, 304} or answer.status < 200:  # noqa: PLR2004 - final answers begin there
        answer.length = 0
    elif coding is not None:
        if coding.lower() != b"chunked" or not minor:
            raise MalformedError("transfer_coding")
        answer.chunked, answer.length = True, -1
    else:
        answer.length = known
        answer.keep_alive = answer.keep_alive and known >= 0
    return options - _PERSISTENCE
