"""Messages with attachments: the envelope is found, and has what it includes."""

import pytest

from contracts.legacy.soap.related import root_part
from contracts.legacy.xml import XmlError, parse

TYPE = 'multipart/related; boundary="b"; type="{}"; start="<root@a>"{}'
PICTURE = bytes(range(256))


def related(*parts: tuple[str, str, bytes]) -> bytes:
    """Return the parts (content type, id, bytes) as they are sent."""
    heads = [
        f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{name}>\r\n\r\n".encode()
        for kind, name, _ in parts
    ]
    sent = b"".join(head + data + b"\r\n" for head, (_, _, data) in zip(heads, parts, strict=True))
    return sent + b"--b--\r\n"


def test_the_envelope_is_the_part_that_starts_wherever_it_stands() -> None:
    data = related(("image/png", "picture@a", PICTURE), ("text/xml; charset=utf-8", "root@a", b"<a>\xc3\xa9</a>"))

    assert root_part(data, TYPE.format("text/xml", "")) == (b"<a>\xc3\xa9</a>", "text/xml")


def test_without_a_start_it_is_the_first_part() -> None:
    data = related(("application/soap+xml", "x@a", b"<a/>"), ("image/png", "picture@a", PICTURE))

    assert root_part(data, "multipart/related; boundary=b") == (b"<a/>", "application/soap+xml")


def test_what_is_included_is_put_back_byte_for_byte() -> None:
    envelope = b'<a><b><x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:pic%2Bture@a"/></b></a>'
    kind = 'application/xop+xml; type="application/soap+xml"'
    data = related((kind, "root@a", envelope), ("image/png", "pic+ture@a", PICTURE))

    found, said = root_part(data, TYPE.format("application/xop+xml", '; start-info="application/soap+xml"'))

    assert said == "application/soap+xml"
    assert parse(found).findtext("b") == (
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9Q"
        "UVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6Ch"
        "oqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy"
        "8/T19vf4+fr7/P3+/w=="
    )


def test_what_has_no_parts_or_includes_none_of_them_is_refused() -> None:
    envelope = b'<a><Include xmlns="http://www.w3.org/2004/08/xop/include" href="cid:nothing"/></a>'

    with pytest.raises(XmlError, match="expected multipart/related with parts, found none"):
        root_part(b"<a/>", TYPE.format("text/xml", ""))
    with pytest.raises(XmlError, match="expected an included part that is there"):
        root_part(related(("application/xop+xml", "root@a", envelope)), TYPE.format("application/xop+xml", ""))
