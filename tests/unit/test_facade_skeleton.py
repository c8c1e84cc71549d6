"""What was learnt of messages says of another one what a parser says, or nothing."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routers.facade.soap.message import MessageError, MessageReader
from routers.facade.soap.skeleton import Known, Skeletons
from tests.soap_messages import SOAP_11

BODY = ("Body", "{urn:x}Change", "id")
HEADER = ("Header", "{urn:h}Session", "who")
START = f'<?xml version="1.0"?>\n<s:Envelope xmlns:s="{SOAP_11}" xmlns:x="urn:x">'
PLAIN = (
    f'{START}<s:Header><h:Session xmlns:h="urn:h"><h:token>abc</h:token><h:who>77</h:who></h:Session></s:Header>'
    "<s:Body><x:Change a='1'><x:note>moved</x:note><x:id>12345</x:id><x:street>High Street</x:street>"
    "</x:Change></s:Body></s:Envelope>"
)


def parsed(data: bytes, steps: tuple[str, ...] | None) -> Known | None:
    """Return what the parser says; None where it says nothing, or finds several keys or none.

    What stands behind operation and key is not judged by the façade: it may be broken.
    """
    reader = MessageReader(lambda _: steps, charset=None, limit_bytes=65_536)
    with suppress(MessageError):
        if not any(reader.feed(data[at : at + 1]) for at in range(len(data))):
            reader.close()
    if reader.operation is None or (steps is not None and len(reader.keys) != 1):
        return None
    return Known(reader.operation, reader.soap_version, steps, reader.keys[0] if steps else None)


def learnt(message: str, steps: tuple[str, ...] | None) -> Skeletons:
    skeletons, data = Skeletons(), message.encode()
    known = parsed(data, steps)
    assert known is not None
    for _ in range(3):
        skeletons.learn(data, known)
    return skeletons


@pytest.mark.parametrize(("steps", "key"), [(BODY, "987"), (HEADER, "77"), (None, None)])
def test_a_message_with_other_texts_is_known(steps: tuple[str, ...] | None, key: str | None) -> None:
    other = PLAIN.replace("12345", "987").replace("abc", "x y z").replace("moved", "").replace("High", "Low")

    assert learnt(PLAIN, steps).of(other.encode(), whole=True) == Known("{urn:x}Change", "1.1", steps, key)


def test_it_takes_three_messages_to_learn() -> None:
    skeletons, known = Skeletons(), Known("{urn:x}Change", "1.1", BODY, "12345")
    found: list[bool] = []
    for _ in range(3):
        found.append(skeletons.of(PLAIN.encode(), whole=True) is not None)
        skeletons.learn(PLAIN.encode(), known)

    assert (found, len(skeletons)) == ([False, False, False], 1)
    assert skeletons.of(PLAIN.encode(), whole=True) == known


@pytest.mark.parametrize(
    "other",
    [
        PLAIN.replace("12345", "1<!-- -->2"),
        PLAIN.replace("12345", "<![CDATA[1]]>"),
        PLAIN.replace("12345", "&#49;"),
        PLAIN.replace("12345", "1\r\n2"),
        PLAIN.replace("12345", "ü"),
        PLAIN.replace("12345", "<b/>1"),
        PLAIN.replace("moved", "]]>"),
        PLAIN.replace("urn:x", "urn:y"),
        PLAIN.replace("<x:street>High Street</x:street>", "<x:id>6</x:id>"),
        PLAIN.replace("<x:Change a='1'>", "<x:Change  a='1'>"),
        PLAIN.replace("<?xml", " <?xml"),
    ],
)
def test_what_is_not_plain_or_not_the_same_is_left_to_the_parser(other: str) -> None:
    assert learnt(PLAIN, BODY).of(other.encode(), whole=True) is None


def test_a_key_is_not_known_before_the_message_is_whole() -> None:
    """Another match could follow."""
    assert learnt(PLAIN, BODY).of(PLAIN.encode(), whole=False) is None
    assert learnt(PLAIN, None).of(PLAIN.encode()[:400], whole=False) is not None


@pytest.mark.parametrize(
    "message",
    [
        PLAIN.replace("<x:note>moved</x:note>", "<x:note>a<!-- b --></x:note>"),
        PLAIN.replace("<?xml", "\ufeff<?xml"),
        PLAIN.replace("moved", "x" * 5000),
        PLAIN.replace("<x:note>", "<?pi?><x:note>"),
        PLAIN.replace("<x:street>High Street</x:street>", "<x:id>12345</x:id>"),
    ],
)
def test_what_is_not_plain_is_not_learnt(message: str) -> None:
    assert len(learnt(message, BODY)) == 0


def test_an_attribute_and_a_message_without_a_key_are_not_learnt() -> None:
    assert len(learnt(PLAIN, ("Body", "Change", "@a"))) == 0
    skeletons = Skeletons()
    for _ in range(3):
        skeletons.learn(PLAIN.encode(), Known("{urn:x}Change", "1.1", BODY, None))
    assert len(skeletons) == 0


def test_an_operation_without_content_is_learnt() -> None:
    message = f"{START}<s:Body><x:List/></s:Body></s:Envelope>"

    assert learnt(message, None).of(message.encode(), whole=True) == Known("{urn:x}List", "1.1", None, None)


def test_what_is_kept_is_bounded() -> None:
    skeletons = Skeletons()
    for number in range(100):
        message = PLAIN.replace("x:note", f"x:n{number}").encode()
        for _ in range(3):
            skeletons.learn(message, Known("{urn:x}Change", "1.1", BODY, "12345"))
    for number in range(1000):
        skeletons.learn(PLAIN.replace("x:note", f"x:m{number}").encode(), Known("{urn:x}Change", "1.1", None, None))

    assert len(skeletons) == 32


TEXTS = st.text(alphabet="ab 1<>&;]/\"'!-ü\r\n\t=?:", max_size=8)
PIECES = re.findall(r"<[^>]*>|[^<]+", PLAIN)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return the message with pieces of it replaced, left out, doubled or moved."""
    pieces = list(PIECES)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(pieces) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                pieces[place] = draw(TEXTS)
            case 1:
                pieces.insert(place, draw(TEXTS))
            case 2:
                pieces.insert(place, draw(st.sampled_from(PIECES)))
            case 3:
                pieces[place] = pieces[place].replace("x:", "h:", 1)
            case _:
                del pieces[place]
    return "".join(pieces)


@pytest.mark.parametrize("steps", [BODY, HEADER, None])
@given(message=mutated())
@example(message=PLAIN.replace("<x:id>12345</x:id>", "<x:id>1</x:id><x:id>2</x:id>"))
def test_what_is_known_without_the_parser_is_what_the_parser_says(steps: tuple[str, ...] | None, message: str) -> None:
    known = learnt(PLAIN, steps).of(message.encode(), whole=True)

    assert known is None or known == parsed(message.encode(), steps)
