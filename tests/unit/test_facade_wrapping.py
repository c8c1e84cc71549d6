import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from routers.facade.soap.message import action_of
from tests.soap_messages import (
    BODY_KEY,
    HEADER_KEY,
    MESSAGE,
    OPERATION,
    about,
    envelope,
    read,
    reader_of,
    reason_of,
)
from tests.work import steps_of


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (b"text/xml", "1.1"),
        (b"Text/XML;charset=UTF-8", "1.1"),
        (b'application/soap+xml; charset="utf-8"; action="urn:x"', "1.2"),
        (b" text/xml ;; charset = utf-8"[:10], "1.1"),
        (b'application/xop+xml; type="text/xml"', "1.1"),
        (b'application/xop+xml; type="application/soap+xml"', "1.2"),
        (b"multipart/related; type=text/xml; boundary=b", "1.1"),
        (b'multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; boundary=b', "1.2"),
        (b"text/xml;", "1.1"),
        (b'multipart/related; start-info="text/xml"; boundary=b', "1.1"),
        (b'multipart/related; start-info="application/soap+xml; action=\\"a\\""; boundary=b', "1.2"),
    ],
)
def test_the_content_types_of_soap_are_read(content_type: bytes, expected: str) -> None:
    reader = reader_of(content_type)

    assert reader is not None
    assert reader.soap_version == expected


@pytest.mark.parametrize(
    "content_type",
    [
        b"",
        b"text",
        b"a b/c",
        b"text/xmlx",
        b"text/xml charset=utf-8",
        b"application/json",
        b"multipart/form-data; boundary=b",
        b"multipart/related; boundary=b",
        b"multipart/related; type=image/png; boundary=b",
    ],
)
def test_other_content_types_are_not_read(content_type: bytes) -> None:
    assert reader_of(content_type) is None


@pytest.mark.parametrize(
    ("content_type", "coding", "reason"),
    [
        (b"text/xml; charset=utf-7", b"", "charset"),
        (b"text/xml; charset=utf-8; charset=utf-16", b"", "media"),
        (b'text/xml; charset="utf-8', b"", "media"),
        (b"text/xml; charset", b"", "media"),
        (b"text/xml", b"br", "coding"),
        (b"text/xml", b"gzip, gzip", "coding"),
        (b"multipart/related; type=text/xml", b"", "multipart"),
        (b'multipart/related; type=text/xml; boundary="' + b"b" * 71 + b'"', b"", "multipart"),
        (b'multipart/related; type=text/xml; boundary="a "', b"", "multipart"),
        (b'multipart/related; type=text/xml; boundary=b; start-info="application/soap+xml; action"', b"", "media"),
    ],
)
def test_headers_that_say_nothing_sure_are_errors(content_type: bytes, coding: bytes, reason: str) -> None:
    assert reason_of(lambda: reader_of(content_type, None, coding)) == reason


def test_a_parameter_that_is_said_twice_in_the_same_way_is_fine() -> None:
    assert reader_of(b"text/xml; charset=utf-8; charset=utf-8") is not None
    assert reader_of(b"text/xml; charset=utf-8; x=" + b"y" * 600) is not None


@pytest.mark.parametrize(
    ("content_type", "header", "expected"),
    [
        (b"text/xml", b'"urn:x/Op"', "urn:x/Op"),
        (b"text/xml", b"urn:x/Op", "urn:x/Op"),
        (b"text/xml", b' "urn:x/Op" ', "urn:x/Op"),
        (b"text/xml", b'""', None),
        (b"text/xml", b"", None),
        (b"text/xml", None, None),
        (b'text/xml; action="urn:no"', None, None),
        (b'application/soap+xml; action="urn:x/Op"', b'"urn:no"', "urn:x/Op"),
        (b"application/soap+xml;ACTION=urn:x/Op", None, "urn:x/Op"),
        (b'application/soap+xml; action="a\\"b"', None, 'a"b'),
        (b"application/soap+xml", b"urn:x/Op", "urn:x/Op"),
        (b'application/soap+xml; action=""', b"urn:x/Op", "urn:x/Op"),
        (b'multipart/related; type="application/soap+xml"; action="urn:x/Op"; boundary=b', None, "urn:x/Op"),
        (
            rb'multipart/related; start-info="application/soap+xml; action=\"urn:x/Op\""; boundary=b',
            None,
            "urn:x/Op",
        ),
        (b'multipart/related; start-info="text/xml"; boundary=b', b'"urn:x/Op"', "urn:x/Op"),
        (b"", b'"urn:x/Op"', "urn:x/Op"),
        (b"text/xml", b"x" * 600, "x" * 600),
    ],
)
def test_the_action_is_read_from_parameter_or_header(
    content_type: bytes, header: bytes | None, expected: str | None
) -> None:
    assert action_of(content_type, header) == expected


def _multipart(root: bytes, *, head: bytes = b"", before: bytes = b"", preamble: bytes = b"") -> bytes:
    return (
        preamble
        + before
        + b"--b\r\nContent-Type: application/xop+xml; charset=UTF-8\r\nContent-ID: <root@x>\r\n"
        + head
        + b"\r\n"
        + root
        + b"\r\n--b\r\nContent-ID: <image@x>\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\xff\r\n--b--\r\n"
    )


MTOM = b'multipart/related; type="application/xop+xml"; start-info="text/xml"; boundary="b"'
STARTED = MTOM + b'; start="<root@x>"'
OTHER = b"--b\r\nContent-ID: <other@x>\r\n\r\n<not><soap/></not>\r\n"


@pytest.mark.parametrize("size", [None, 1, 5])
@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        (MTOM, _multipart(MESSAGE.encode())),
        (STARTED, _multipart(MESSAGE.encode())),
        (STARTED, _multipart(MESSAGE.encode(), before=OTHER)),
        (MTOM, _multipart(MESSAGE.encode(), preamble=b"This is a multipart message\r\n--bb\r\nno\r\n")),
        (MTOM, _multipart(MESSAGE.encode(), head=b"Content-Transfer-Encoding: 8bit\r\nX-Long: a\r\n b\r\n")),
        (MTOM, _multipart(MESSAGE.encode().replace(b"><", b">\r\n--c\r\n<", 0)).replace(b"--b\r\n", b"--b \t\r\n")),
        (MTOM, b"--b\r\n\r\n" + MESSAGE.encode() + b"\r\n--b--\r\n"),
        (MTOM, _multipart(MESSAGE.encode("utf-16")).replace(b"; charset=UTF-8", b"")),
    ],
)
def test_the_root_part_is_read(content_type: bytes, data: bytes, size: int | None) -> None:
    assert about(read(reader_of(content_type, BODY_KEY), data, size)) == (OPERATION, ["12345"], "1.1")
    assert about(read(reader_of(content_type, HEADER_KEY), data, size)) == (OPERATION, ["7"], "1.1")


def test_a_root_part_without_a_match_ends_with_its_part() -> None:
    reader = reader_of(MTOM, BODY_KEY)

    assert reader is not None
    assert reader.feed(_multipart(MESSAGE.encode())[:-40])
    assert reader.keys == ["12345"]
    assert reader.feed(b"more")


@pytest.mark.parametrize(
    ("content_type", "data", "reason"),
    [
        (MTOM, b"no parts at all", "malformed"),
        (STARTED, b"--b\r\nContent-ID: <other@x>\r\n\r\n<a/>\r\n--b--\r\n", "multipart"),
        (MTOM, b"--b\r\n\r\n" + MESSAGE[:100].encode() + b"\r\n--b--\r\n", "malformed"),
        (MTOM, _multipart(b"PHM6RW52", head=b"Content-Transfer-Encoding: base64\r\n"), "multipart"),
        (MTOM, _multipart(MESSAGE.encode()).replace(b"UTF-8", b"utf-7"), "charset"),
        (MTOM, b"x" * 100_000, "too_long"),
        (MTOM, b"--b\r\n" + b"X: y\r\n" * 20_000, "too_long"),
        (STARTED, b"--b\r\nContent-ID: <o>\r\n\r\n" + b"x" * 100_000, "too_long"),
    ],
)
@pytest.mark.parametrize("size", [None, 7])
def test_a_multipart_body_without_a_readable_root_is_an_error(
    content_type: bytes, data: bytes, reason: str, size: int | None
) -> None:
    assert reason_of(lambda: read(reader_of(content_type, BODY_KEY), data, size)) == reason


def _bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("size", [None, 1, 9])
@pytest.mark.parametrize(
    ("coding", "pack"),
    [(b"gzip", gzip.compress), (b"X-GZIP", gzip.compress), (b"deflate", zlib.compress), (b"deflate", _bare_deflate)],
)
def test_content_codings_are_undone(coding: bytes, pack: Callable[[bytes], bytes], size: int | None) -> None:
    for content_type, data in ((b"text/xml", MESSAGE.encode()), (MTOM, _multipart(MESSAGE.encode()))):
        assert read(reader_of(content_type, BODY_KEY, coding), pack(data), size).keys == ["12345"]


@pytest.mark.parametrize(
    ("coding", "data", "reason"),
    [
        (b"gzip", MESSAGE.encode(), "coding"),
        (b"deflate", b"\xff\xff\xff", "coding"),
        (b"gzip", b"", "malformed"),
        (b"deflate", b"x", "malformed"),
        (b"gzip", gzip.compress(MESSAGE.encode(), mtime=0)[:60], "malformed"),
        (b"gzip", gzip.compress(b" " * 50_000_000, mtime=0), "too_long"),
        (b"gzip", gzip.compress(envelope("<a>" + "<b/>" * 5_000_000).encode(), mtime=0), "too_long"),
        (b"deflate", b"\x00\x00\x00\xff\xff" * 20_000, "too_long"),
    ],
)
@pytest.mark.parametrize("size", [None, 997])
def test_what_does_not_inflate_within_the_bound_is_refused(
    coding: bytes, data: bytes, reason: str, size: int | None
) -> None:
    reasons: list[str] = []

    def refused() -> None:
        reasons.append(reason_of(lambda: read(reader_of(b"text/xml", BODY_KEY, coding), data, size)))

    steps = steps_of(refused)
    tracemalloc.start()
    try:
        refused()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reasons == [reason, reason]
    assert steps < 20_000, "more than some ten for each piece up to the limit"
    assert peak_bytes < 4_000_000, "more than some copies of what the limit lets through"
