from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.legacy import xml
from contracts.legacy.xml import Limits, Path, XmlError

LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (letter + 1, b"&%c;" % letter * 20) for letter in b"abcdefgh"
)


def _texts(document: bytes, *paths: Path, size: int = 7) -> list[str | None]:
    chunks = (document[at : at + size] for at in range(0, len(document), size))
    return [element.text for path, element in xml.stream(chunks, list(paths)) if path]


def test_items_are_found_by_local_names_and_by_qualified_names() -> None:
    document = b"<r xmlns:p='urn:p'><p:i>1</p:i><i>2</i></r>"

    assert _texts(document, ("r", "i")) == ["1", "2"]
    assert _texts(document, ("r", "{urn:p}i")) == ["1"]


def test_an_element_of_the_same_name_elsewhere_is_no_item() -> None:
    document = b"<r><x><i>no</i></x><i>1<i>inner</i></i><i>2</i></r>"

    assert _texts(document, ("r", "i")) == ["1", "2"]


def test_each_path_is_told_with_its_elements() -> None:
    found = [
        (path, element.text) for path, element in xml.stream([b"<r><a>1</a><b>2</b></r>"], [("r", "a"), ("r", "b")])
    ]

    assert found == [(("r", "a"), "1"), (("r", "b"), "2"), ((), None)]


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N"])), max_size=20), st.integers(1, 50))
def test_however_a_document_is_cut_the_items_are_the_same(texts: list[str], size: int) -> None:
    document = ("<r>" + "".join(f"<i>{text}</i>" for text in texts) + "</r>").encode()

    assert [text or "" for text in _texts(document, ("r", "i"), size=size)] == texts


def test_memory_stays_flat_since_what_was_handed_out_is_freed() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<r>"
        for number in range(1000):
            yield b"<i>%d</i>" % number
        yield b"</r>"

    *_, (_, root) = xml.stream(chunks(), [("r", "i")])

    assert len(root) <= 1


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE r><r/>",
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r><r/>'.encode("utf-16"),
    ],
)
@pytest.mark.parametrize("paths", [[], [("r", "i")], [("other", "i")]])
def test_a_dtd_is_refused_wherever_it_points(document: bytes, paths: list[Path]) -> None:
    with pytest.raises(XmlError, match="no DTD"):
        list(xml.stream([document], paths))


@pytest.mark.parametrize("root", [b"<r a='&i;'/>", b"<r>&i;</r>"])
def test_entities_that_multiply_are_refused(root: bytes) -> None:
    with pytest.raises(XmlError, match=r"DTD|amplification"):
        xml.parse(LAUGHS + b"]>" + root)


@pytest.mark.parametrize("document", [b"", b"no xml", b"<r>", b"<r></x>", b"<r>&unknown;</r>", b"<a>" * 300])
def test_what_is_not_well_formed_is_refused(document: bytes) -> None:
    with pytest.raises(XmlError, match="well-formed"):
        xml.parse(document)


def test_no_text_of_the_document_is_in_the_message() -> None:
    with pytest.raises(XmlError) as caught:
        xml.parse(b"<r><name>Ada</name><born>1815</r>")

    assert "Ada" not in str(caught.value)
    assert "1815" not in str(caught.value)


def test_a_document_is_taken_up_to_its_bound() -> None:
    with pytest.raises(XmlError, match="at most 10 bytes in a document"):
        xml.parse(b"<r>12345678</r>", Limits(document_bytes=10))


def test_an_item_is_taken_up_to_its_bound_and_many_items_beyond_it() -> None:
    limits = Limits(item_bytes=100)
    many = [b"<r>", *[b"<i>1234567890</i>"] * 100, b"</r>"]

    assert len(list(xml.stream(many, [("r", "i")], limits))) == 101
    with pytest.raises(XmlError, match="at most 100 bytes before the next item"):
        list(xml.stream([b"<r><i>", *[b"1234567890"] * 10], [("r", "i")], limits))


def test_the_canonical_form_is_the_same_for_the_same_content() -> None:
    one = xml.parse(b'<p:a xmlns:p="urn:p" xmlns:unused="urn:u" y="2"   x=\'1\'><!-- said --><b/></p:a>')
    other = xml.parse(b'<p:a x="1" y="2" xmlns:p="urn:p"><b></b></p:a>')

    assert xml.canonical(one) == xml.canonical(other)


@pytest.mark.parametrize("namespace", ["my-namespace", "www.example.com/types", "../types"])
def test_a_namespace_that_is_a_relative_address_has_a_canonical_form_too(namespace: str) -> None:
    one = xml.parse(f'<p:r xmlns:p="urn:r"><a xmlns="{namespace}" z="1" b="2">x<b/></a>tail</p:r>'.encode())
    other = xml.parse(f"<a b='2' xmlns='{namespace}' z='1'>x<b></b></a>".encode())

    assert xml.canonical(one[0]) == xml.canonical(other)
    assert xml.canonical(other) == f'<a xmlns="{namespace}" b="2" z="1">x<b></b></a>'.encode()


@pytest.mark.parametrize("namespace", ["urn:\u00e9", "a b", "http://[x", "urn:100%", "\u00e9"])
def test_a_namespace_that_is_no_address_is_a_name_like_any_other(namespace: str) -> None:
    document = f'<p:a xmlns:p="{namespace}"><p:b/></p:a>'.encode()

    for root in (xml.parse(document), xml.parse_contract(document), [*xml.stream([document], [("a", "b")])][-1][1]):
        assert root.tag == f"{{{namespace}}}a"
    assert xml.canonical(xml.parse(document)) == f'<p:a xmlns:p="{namespace}"><p:b></p:b></p:a>'.encode()
    for broken in (document.replace(b"</p:a>", b""), document.replace(b"<p:b/>", b"<q:b/>")):
        with pytest.raises(XmlError, match="well-formed"):
            xml.parse(broken)
        with pytest.raises(XmlError, match="well-formed"):
            list(xml.stream([broken], [("a", "b")]))


def test_groups_that_held_nothing_but_items_are_dropped_and_others_stay() -> None:
    groups = b"<g> <i/> </g> <g><i/><i/></g> <g><n>1</n><i/></g> <g a='1'><i/></g> <g><i/></g> <g><i/></g>"

    *_, (_, root) = xml.stream([b"<a>", groups, b"</a>"], [("a", "g", "i")], keep=True)

    assert xml.canonical(root).replace(b" ", b"") == b'<a><g><n>1</n></g><ga="1"></g><g></g></a>'


def test_memory_stays_flat_where_items_stand_in_groups() -> None:
    def document() -> Iterator[bytes]:
        yield b"<a>"
        for _ in range(2_000):
            yield b"<h><g><i>1</i></g></h>" * 50
        yield b"</a>"

    *_, (_, root) = xml.stream(document(), [("a", "h", "g", "i")], keep=True)

    assert len(root) == 1
