from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.legacy import xml
from routers.facade.soap.message import MessageError, action_of
from tests.soap_messages import SOAP_11, SOAP_12, envelope, plain_reader, read, reader_of


def _first_child(data: bytes) -> str | None:
    """Tell what the other parser of ours says is the operation; None for what it refuses."""
    try:
        root = xml.parse(data)
    except xml.XmlError:
        return None
    body = next((child for child in root if xml.local_name(child) == "Body"), None)
    return None if body is None or not len(body) else body[0].tag


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="<&>\ufffe\uffff"))
_FILLERS = st.sampled_from(["", " \n", "<!-- <id>1</id> -->", "<?p <id?>", "text"])
_ATTRIBUTES = st.sampled_from(["", ' a="/>"', " b='&lt;!--'", ' xmlns:q="urn:q" q:id="1"', ' id="id"'])
_NAMES = st.sampled_from(["a", "x:a", "id", "x:id", "y:id", "valid", "é", "id2"])


@st.composite
def _elements(draw: st.DrawFn, depth: int = 0) -> str:
    name, attributes = draw(_NAMES), draw(_ATTRIBUTES)
    inner = st.one_of(_FILLERS, _TEXTS, _TEXTS.map(lambda text: f"<![CDATA[{text}]]>"))
    children = inner if depth > 2 else st.one_of(inner, _elements(depth + 1))
    content = "".join(draw(st.lists(children, max_size=4)))
    return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    version = draw(st.sampled_from([SOAP_11, SOAP_12]))
    header = draw(st.sampled_from(["", "<s:Header/>", "<s:Header><s:Body><id>1</id></s:Body></s:Header>"]))
    body = "".join(draw(st.lists(_elements(), max_size=3)))
    text = (
        f'<s:Envelope xmlns:s="{version}" xmlns:x="urn:x" xmlns:y="urn:y">{header}<s:Body>{body}</s:Body></s:Envelope>'
    )
    return draw(st.sampled_from([text.encode(), text.encode("utf-16"), text.encode("utf-8-sig")]))


@given(_messages(), st.integers(1, 300))
def test_both_parsers_agree_on_the_operation(data: bytes, size: int) -> None:
    expected = _first_child(data)

    assert read(plain_reader(), data, size).operation == expected


def _keys(data: bytes, operation: str) -> list[str]:
    """Tell what the other parser of ours says are the keys at `Body/operation/id`."""
    root = xml.parse(data)
    body = next(child for child in root if xml.local_name(child) == "Body")
    above = [child for child in body if operation in {child.tag, xml.local_name(child)}]
    found = [key for child in above for key in child if xml.local_name(key) == "id"]
    # lxml's text ends at the first child; a key is all text of the element itself.
    return ["".join([key.text or "", *(inner.tail or "" for inner in key)]) for key in found]


@given(_messages(), st.integers(1, 300))
def test_both_parsers_agree_on_the_keys_however_a_message_is_cut(data: bytes, size: int) -> None:
    operation = _first_child(data) or "none"
    steps = ("Body", operation, "id")

    whole, cut = read(plain_reader(steps), data), read(plain_reader(steps), data, size)

    assert whole.keys == cut.keys == list(dict.fromkeys(_keys(data, operation)))


_PIECES = st.lists(
    st.sampled_from(
        [
            *("<b>text</b>", "<b k='/>'/>", '<b k="x>y"/>', "<c><b/></c>", "/>", "<c>'</c>", '<c>"/></c>', "<valid/>"),
            *(
                "<id>2</id>",
                "<b><id>no</id></b>",
                "<x:id xmlns:x='urn:x'>3</x:id>",
                "<!-- <id> -->",
                "<![CDATA[<b>]]>",
                "<?p <b>?>",
            ),
            *("<Act/>", "<Act><id>no</id></Act>", "</Act><Act>", "</Act><b/><Act>"),
        ]
    ),
    max_size=12,
)


@settings(max_examples=300)
@given(_PIECES, _PIECES, st.integers(1, 3000))
def test_both_parsers_agree_on_keys_at_the_end_of_a_long_way(before: list[str], after: list[str], size: int) -> None:
    pieces = "".join(before) + "<b>0123456789</b>" * 20
    data = envelope(f"<Act>{pieces}<id>1</id>{''.join(after)}{pieces}</Act><Act><id>9</id></Act>").encode()
    steps = ("Body", "Act", "id")

    whole, cut = read(plain_reader(steps), data), read(plain_reader(steps), data, size)

    assert whole.keys == cut.keys == list(dict.fromkeys(_keys(data, "Act")))


@example(b"", 0, b"")
@given(_messages(), st.integers(0, 400), st.binary(max_size=8))
def test_a_damaged_message_is_read_or_refused_and_nothing_else(data: bytes, at: int, damage: bytes) -> None:
    damaged = data[:at] + damage + data[at + len(damage) :]
    for content_type in (b"text/xml", b"multipart/related; type=text/xml; boundary=b"):
        for steps in (None, ("Body", "a", "id"), ("Header", "Body", "id")):
            with suppress(MessageError):
                read(reader_of(content_type, steps), damaged, 50)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_any_header_is_read_or_refused(content_type: bytes, action: bytes) -> None:
    for header in (content_type, b"text/xml;" + content_type, b"multipart/related; type=text/xml;" + content_type):
        with suppress(MessageError):
            reader_of(header)
            action_of(header, action)
