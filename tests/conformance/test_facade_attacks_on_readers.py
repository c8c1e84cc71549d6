"""What an attacker found in the readers of heads, messages and settings, kept so that it stays mended."""

from collections.abc import Callable
from time import perf_counter

import pytest

from routers.facade.http.head import RefusedError, read_request
from routers.facade.settings import FacadeSettings, Listener
from routers.facade.soap.content_type import MessageError
from routers.facade.soap.content_type import read as read_content_type
from routers.facade.soap.multipart import RootPart
from routers.facade.soap.skeleton import Known, Skeletons
from tests.soap_messages import envelope, plain_reader, read

STEPS = ("Body", "{urn:x}o", "id")


def content_type_of_blanks(size: int) -> None:
    with pytest.raises(MessageError):
        read_content_type(b"text/xml;" + b" " * size + b"x")


def part_with_a_long_line(size: int) -> None:
    RootPart("b", None, 65_536).feed(b"--b\r\n" + b"a" * size + b"\r\n\r\nx")


def seconds_of(act: Callable[[int], None], size: int) -> float:
    """Return the least of three: the machine may be busy with others."""
    taken: list[float] = []
    for _ in range(3):
        began = perf_counter()
        act(size)
        taken.append(perf_counter() - began)
    return min(taken)


@pytest.mark.parametrize("act", [content_type_of_blanks, part_with_a_long_line])
def test_what_a_caller_wrote_is_read_in_linear_time(act: Callable[[int], None]) -> None:
    """A quadratic reader takes sixteen times as long for four times as much; seconds, of the whole worker."""
    assert seconds_of(act, 60_000) < 10 * max(seconds_of(act, 15_000), 0.01)


def test_an_empty_key_teaches_nobody_to_read_what_follows_it() -> None:
    """`<id/>` and `<id></id>` say the same, but the text behind the first is outside of the element."""
    skeletons = Skeletons()
    message = envelope('<x:o xmlns:x="urn:x"><id/></x:o>').encode()
    other = message.replace(b"<id/>", b"<id/>12345")
    reader = read(plain_reader(STEPS), message)
    assert (reader.operation, reader.keys) == ("{urn:x}o", [""])

    for _ in range(4):
        skeletons.learn(message, Known("{urn:x}o", reader.soap_version, STEPS, ""))
    known = skeletons.of(other, whole=True)

    assert read(plain_reader(STEPS), other).keys == [""]
    assert known is None or known.key == ""


@pytest.mark.parametrize(
    ("text", "key"),
    [("12<b/>", "12"), ("12<b></b>", "12"), ("12<!-- -->", "12"), ("<![CDATA[12]]>", "12"), ("&#49;2", "12")],
)
def test_a_key_that_is_not_plain_is_learnt_from_without_harm(text: str, key: str) -> None:
    """What is behind it may be broken, with end tags of nothing."""
    skeletons = Skeletons()
    message = envelope(f'<x:o xmlns:x="urn:x"><id>{text}</id></x:o>').encode() + b"</x></y></z></w>"

    for _ in range(4):
        skeletons.learn(message, Known("{urn:x}o", "1.1", STEPS, key))

    known = skeletons.of(message, whole=True)
    assert known is None or known.key == key


@pytest.mark.parametrize("codec", ["utf-8", "iso-8859-1"])
def test_a_key_below_an_element_of_other_than_ascii_is_found_in_each_encoding(codec: str) -> None:
    inner = f'<x:o xmlns:x="urn:x">{"<p>abc</p>" * 30}<Größe><id>12</id></Größe></x:o>'
    data = f'<?xml version="1.0" encoding="{codec}"?>{envelope(inner)}'.encode(codec)

    assert read(plain_reader(("Body", "{urn:x}o", "Größe", "id")), data).keys == ["12"]


def test_a_folded_line_is_refused_behind_one_that_was_read_before() -> None:
    """RFC 9112 section 5.2; lines are remembered, and their memory must not judge what follows them."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(2):
        read_request(head, target_bytes=8_192, headers=100)

    with pytest.raises(RefusedError):
        read_request(head[:-2] + b" folded: 1\r\n\r\n", target_bytes=8_192, headers=100)


@pytest.mark.parametrize("port", [65_536, 99_999])
def test_an_address_with_a_port_that_can_not_be_is_refused_at_start(port: int) -> None:
    backends = {"old": {"url": "http://127.0.0.1:9"}}
    with pytest.raises(ValueError, match="a port is at most 65535"):
        Listener(address=f"127.0.0.1:{port}", legacy="old")
    with pytest.raises(ValueError, match="a port is at most 65535"):
        FacadeSettings.model_validate({"listeners": {}, "backends": backends, "probes": f"[::1]:{port}"})

    assert Listener(address="127.0.0.1:65535", legacy="old").address == "127.0.0.1:65535"
