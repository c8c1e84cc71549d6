from collections.abc import Callable
from functools import partial

import pytest

from routers.facade.soap.message import MessageError
from tests.soap_messages import (
    BODY_KEY,
    HEADER_KEY,
    MESSAGE,
    OPERATION,
    SOAP_11,
    SOAP_12,
    about,
    envelope,
    plain_reader,
    read,
    reader_of,
    reason_of,
    with_key,
)
from tests.work import steps_of

SHAPES = {
    "prefixes": MESSAGE,
    "other prefixes": MESSAGE.replace("<s:", "<S-E:").replace("</s:", "</S-E:").replace(":s=", ":S-E="),
    "default namespace": f'<Envelope xmlns="{SOAP_11}"><Body><ChangeAddress xmlns="urn:x">'
    "<residentId>12345</residentId></ChangeAddress></Body></Envelope>",
    "CDATA": with_key("<![CDATA[123]]>45"),
    "entities": with_key("&#49;2&#x33;45"),
    "comments": "<!-- a --><?pi b?>\n" + with_key("12<!-- <residentId>9</residentId> -->345") + "\n<!-- c -->",
    "single quotes": with_key("12345").replace('"', "'"),
    "blanks": with_key("12345").replace("><", ">\r\n\t <"),
    "SOAP 1.2": with_key("12345").replace(SOAP_11, SOAP_12),
    "markup in an attribute": envelope(
        '<x:ChangeAddress xmlns:x="urn:x" a="/>&lt;residentId>"><residentId>12345</residentId></x:ChangeAddress>'
    ),
    "declared above": f'<s:Envelope xmlns:s="{SOAP_11}" xmlns:x="urn:x"><s:Body s:encodingStyle="e"><x:ChangeAddress>'
    "<x:residentId>12345</x:residentId></x:ChangeAddress></s:Body></s:Envelope>",
    "same twice": with_key("12345</residentId><residentId>12345"),
}
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "declared": lambda text: b'<?xml version="1.0" encoding="utf-8"?>' + text.encode(),
    "utf-8 with mark": lambda text: text.encode("utf-8-sig"),
    "mark against declaration": lambda text: f'<?xml version="1.0" encoding="iso-8859-1"?>{text}'.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 little": lambda text: b"\xff\xfe" + f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16-le"),
    "utf-16 big": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-16 without mark": lambda text: f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16-le"),
    "latin-1": lambda text: b'<?xml version="1.0" encoding="ISO-8859-1"?>' + text.encode("latin-1"),
    "windows-1252": lambda text: b'<?xml version="1.0" encoding="windows-1252"?>' + text.encode("cp1252"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [None, 1, 7])
def test_operation_and_key_are_the_same_in_every_shape_and_encoding(
    shape: str, encoding: str, size: int | None
) -> None:
    data = ENCODINGS[encoding](SHAPES[shape])

    found = read(plain_reader(BODY_KEY), data, size)

    assert about(found) == (OPERATION, ["12345"], "1.2" if shape == "SOAP 1.2" else "1.1")


@pytest.mark.parametrize(
    ("text", "declared", "charset", "encoded"),
    [
        ("é€", "windows-1252", None, "cp1252"),
        ("é", "iso-8859-1", None, "latin-1"),
        ("é", "windows-1252", "UTF-8", "utf-8"),
        ("é", "utf-8", "ISO-8859-1", "latin-1"),
        ("ж", "utf-8", "windows-1251", "cp1251"),
        ("é", "utf-8", "iso-8859-15", "iso-8859-15"),
    ],
)
def test_the_charset_parameter_beats_the_declaration(
    text: str, declared: str, charset: str | None, encoded: str
) -> None:
    data = f'<?xml version="1.0" encoding="{declared}"?>{with_key(text)}'.encode(encoded)
    content_type = "text/xml" if charset is None else f'text/xml; charset="{charset}"'

    assert read(reader_of(content_type.encode(), BODY_KEY), data).keys == [text]


def test_a_byte_order_mark_beats_the_charset_parameter() -> None:
    assert read(reader_of(b"text/xml; charset=iso-8859-1", BODY_KEY), with_key("é").encode("utf-8-sig")).keys == ["é"]
    assert read(reader_of(b"text/xml; charset=utf-8", BODY_KEY), with_key("é").encode("utf-16")).keys == ["é"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (HEADER_KEY, ["7"]),
        (("Header", "Session", "@id"), ["7"]),
        (("Header", "{urn:other}Session", "@id"), []),
        (("Header", "Absent"), []),
        (BODY_KEY, ["12345"]),
        (("Body", "ChangeAddress", "residentId"), ["12345"]),
        (("Body", OPERATION, "{urn:x}residentId"), ["12345"]),
        (("Body", OPERATION, "{urn:y}residentId"), []),
        (("Body", OPERATION, "residentId", "inner"), []),
        (("Body", OPERATION, "absent"), []),
        (("Body", OPERATION, "@id"), []),
        (("Body", "@id"), []),
        (("Body", OPERATION), [""]),
        (("Body", "Other", "residentId"), []),
    ],
)
def test_the_steps_lead_to_the_key(steps: tuple[str, ...], expected: list[str]) -> None:
    for size in (None, 1):
        assert read(plain_reader(steps), MESSAGE.encode(), size).keys == expected


@pytest.mark.parametrize(
    ("body", "steps", "expected"),
    [
        ("<a><p><id>1</id></p><p><id>2</id></p></a>", ("Body", "a", "p", "id"), ["1", "2"]),
        ("<a><p><id>1</id></p><id>3</id><p><id>1</id></p></a>", ("Body", "a", "p", "id"), ["1"]),
        ("<a><id><b>1</b>2<c>3</c>4</id></a>", ("Body", "a", "id"), ["24"]),
        ("<a><id><id>no</id>1</id><valid>2</valid></a>", ("Body", "a", "id"), ["1"]),
        ("<a><q><id>1</id></q></a><b><id>2</id></b>", ("Body", "a", "id"), []),
        ("<m/><a><id>1</id></a>", ("Body", "a", "id"), ["1"]),
        ("<a><id/></a>", ("Body", "a", "id"), [""]),
        ("<a><p id='1'/><p id='2'/></a>", ("Body", "a", "p", "@id"), ["1", "2"]),
        ("<a id='1' xmlns:o='urn:o' o:id='2'/>", ("Body", "a", "@id"), ["1", "2"]),
        ("<a><id>1</id><id>2</id><id>1</id></a>", ("Body", "a", "id"), ["1", "2"]),
        ("<a><é>1</é></a>", ("Body", "a", "é"), ["1"]),
    ],
)
def test_all_matches_are_read_and_nothing_else(body: str, steps: tuple[str, ...], expected: list[str]) -> None:
    for size in (None, 1, 13):
        assert read(plain_reader(steps), envelope(body).encode(), size).keys == expected


def test_the_operation_is_known_without_the_rest() -> None:
    reader = plain_reader()

    assert reader.feed(MESSAGE[: MESSAGE.index("<x:resident")].encode())
    assert reader.operation == OPERATION
    assert reader.feed(b"<not well-formed")


def test_a_header_key_is_known_with_the_operation() -> None:
    reader = plain_reader(HEADER_KEY)

    assert reader.feed(MESSAGE[: MESSAGE.index("<x:resident")].encode())
    assert reader.keys == ["7"]


def test_an_absent_key_is_known_at_the_end_of_the_body() -> None:
    reader = plain_reader(("Body", OPERATION, "absent"))

    assert reader.feed(MESSAGE.removesuffix("</s:Envelope>").encode())
    assert reader.keys == []


def test_a_second_key_that_comes_later_is_read() -> None:
    first, second = "<a><id>1</id>", "<b/><id>2</id></a>"
    reader = plain_reader(("Body", "a", "id"))

    assert not reader.feed(envelope(first).removesuffix("</s:Body></s:Envelope>").encode())
    assert reader.keys == ["1"]
    assert reader.feed(f"{second}</s:Body>".encode())
    assert reader.keys == ["1", "2"]


def test_an_empty_body_has_no_operation() -> None:
    for size in (None, 1):
        found = read(plain_reader(BODY_KEY), envelope("<!-- nothing -->").encode(), size)

        assert about(found) == (None, [], "1.1")


def test_an_operation_may_have_no_namespace() -> None:
    assert read(plain_reader(), envelope("<a/>").encode()).operation == "a"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "malformed"),
        ("{}", "malformed"),
        ("<a>", "not_soap"),
        ("<a/>", "not_soap"),
        ("<Envelope/>", "not_soap"),
        ("<s:Envelope xmlns:s='urn:other'/>", "not_soap"),
        (f"<s:Body xmlns:s='{SOAP_11}'><a/></s:Body>", "not_soap"),
        (f"<s:Envelope xmlns:s='{SOAP_11}'/>", "envelope"),
        (f"<s:Envelope xmlns:s='{SOAP_11}'><s:Header/></s:Envelope>", "envelope"),
        (f"<s:Envelope xmlns:s='{SOAP_11}'><Body><a/></Body></s:Envelope>", "envelope"),
        (f"<s:Envelope xmlns:s='{SOAP_11}'><t:Body xmlns:t='{SOAP_12}'><a/></t:Body></s:Envelope>", "envelope"),
        (envelope("<a/>", "<a/>"), "envelope"),
        (envelope("<a/>", "<s:Header/><s:Header/>"), "envelope"),
        (envelope("<a/>", "<s:Header><s:Body><b/></s:Body></s:Header>x<y/>"), "envelope"),
        ("<!DOCTYPE a>" + MESSAGE, "dtd"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd">' + MESSAGE, "dtd"),
        ('<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>' + MESSAGE, "dtd"),
        ('<?xml version="1.0" encoding="utf-7"?>' + MESSAGE, "charset"),
        ('<?xml version="1.0" encoding="punycode"?>' + MESSAGE, "charset"),
        (envelope("<p:a/>"), "malformed"),
        (envelope("&b;<a/>"), "malformed"),
        (envelope("<a b='1' b='2'/>"), "malformed"),
        (envelope("<a/>").removesuffix("<a/></s:Body></s:Envelope>"), "malformed"),
    ],
)
def test_what_is_no_message_is_told_in_one_word(message: str, reason: str) -> None:
    for size in (None, 1):
        assert reason_of(partial(read, plain_reader(BODY_KEY), message.encode(), size)) == reason


def test_a_body_inside_the_header_is_no_body() -> None:
    message = envelope("<real/>", "<s:Header><w><s:Body><spoof/></s:Body></w></s:Header>")

    assert read(plain_reader(), message.encode()).operation == "real"


def test_an_error_holds_nothing_of_the_message() -> None:
    with pytest.raises(MessageError) as raised:
        read(plain_reader(), envelope("<secret attribute=12345/>").encode())

    assert str(raised.value).startswith(
        "malformed: expected well-formed XML: not well-formed (invalid token) at line 1"
    )


@pytest.mark.parametrize("size", [None, 1000, 1])
def test_a_key_far_into_the_message_is_found_within_the_bound(size: int | None) -> None:
    filler = "<line>0123456789</line>" * 2700
    data = envelope(f"<a>{filler}<id>1</id></a>").encode()

    assert len(data) > 60_000
    assert read(plain_reader(("Body", "a", "id")), data, size).keys == ["1"]
    assert reason_of(lambda: read(plain_reader(("Body", "a", "id"), limit_bytes=50_000), data, size)) == "too_long"


@pytest.mark.parametrize(
    "data",
    [
        f"<s:Envelope xmlns:s='{SOAP_11}' " + " ".join(f"a{number}='1'" for number in range(20_000)),
        f"<s:Envelope xmlns:s='{SOAP_11}'><s:Header>" + "<a>" * 50_000,
        f"<s:Envelope xmlns:s='{SOAP_11}' a='{'x' * 100_000}'>",
        "<!--" + "x" * 100_000,
        " " * 100_000,
    ],
    ids=["attributes", "depth", "attribute", "comment", "blanks"],
)
@pytest.mark.parametrize("size", [None, 1])
def test_what_is_too_long_costs_little(data: str, size: int | None) -> None:
    reasons: list[str] = []

    steps = steps_of(lambda: reasons.append(reason_of(lambda: read(plain_reader(), data.encode(), size))))

    assert reasons == ["too_long"]
    assert steps < 300 * 65_536, "more than some hundred for each byte up to the limit"


def test_keys_before_the_bound_are_enough() -> None:
    data = envelope(f"<a><id>1</id>{'<b>x</b>' * 10_000}<id>2</id></a>").encode()

    for size in (None, 100):
        assert read(plain_reader(("Body", "a", "id"), limit_bytes=2000), data, size).keys == ["1"]
