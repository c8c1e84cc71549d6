from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import LegacyFaultError, LegacyUnavailableError
from contracts.legacy.soap import reply
from contracts.legacy.soap.reply import Item, Record

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
PATH = ("ListResponse", "item")
NIL = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil"


def _envelope(body: str, namespace: str = SOAP_11) -> bytes:
    head = f"<?xml version='1.0'?><s:Envelope xmlns:s='{namespace}'><s:Header/><s:Body>"
    return f"{head}{body}</s:Body></s:Envelope>".encode()


def _read(document: bytes, size: int = 64) -> list[Item]:
    chunks = (document[at : at + size] for at in range(0, len(document), size))
    return list(reply.read(chunks, PATH, system="registry"))


def _record(item: str) -> Record:
    (found,) = _read(_envelope(f"<ListResponse>{item}</ListResponse>"))
    return found.record


@pytest.mark.parametrize("namespace", [SOAP_11, SOAP_12])
def test_items_are_read_from_either_envelope(namespace: str) -> None:
    items = "<item><id>1</id></item><item><id>2</id></item>"
    found = _read(_envelope(f"<l:ListResponse xmlns:l='urn:l'>{items}</l:ListResponse>", namespace))

    assert [item.record for item in found] == [{"id": "1"}, {"id": "2"}]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("<item><a>1</a><b/></item>", {"a": "1", "b": ""}),
        ("<item><a> x </a></item>", {"a": " x "}),
        (f"<item><a {NIL}='true'/></item>", {"a": None}),
        (f"<item><a {NIL}='false'>1</a></item>", {"a": "1"}),
        ("<item><a>1</a><a>2</a><a>3</a></item>", {"a": ["1", "2", "3"]}),
        ("<item><a><b>1</b><c><d>2</d></c></a></item>", {"a": {"b": "1", "c": {"d": "2"}}}),
        ("<item>\n  <a>\n  <b>1</b>\n  </a>\n</item>", {"a": {"b": "1"}}),
        ("<item id='7'><a unit='EUR'>1</a></item>", {"@id": "7", "a": {"@unit": "EUR", "#text": "1"}}),
        ("<item>said <a>1</a> so</item>", {"a": "1", "#text": "said  so"}),
        ("<item>7</item>", {"#text": "7"}),
        ("<item xmlns:p='urn:p'><p:a>1</p:a></item>", {"a": "1"}),
        ("<item><!-- no --><a>1</a></item>", {"a": "1"}),
    ],
)
def test_an_item_becomes_a_dict_of_text(item: str, expected: Record) -> None:
    assert _record(item) == expected


def test_what_is_absent_and_what_is_nil_stay_apart() -> None:
    assert _record(f"<item><a {NIL}='1'/></item>") != _record("<item/>")


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P"])), max_size=10), st.integers(1, 80))
def test_texts_come_back_whatever_they_are_and_however_the_reply_is_cut(texts: list[str], size: int) -> None:
    escaped = [text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for text in texts]
    items = "".join(f"<item><t>{text}</t></item>" for text in escaped)

    found = _read(_envelope(f"<ListResponse>{items}</ListResponse>"), size)

    assert [item.record["t"] for item in found] == texts


def test_the_hash_follows_the_content_and_not_how_it_is_written() -> None:
    items = ["<item><a x='1' y='2'/></item>", '<item ><a y="2"  x="1"></a></item>', "<item><a x='1' y='3'/></item>"]
    digests = [item.digest for item in _read(_envelope(f"<ListResponse>{''.join(items)}</ListResponse>"))]

    assert [one == other for one, other in pairwise(digests)] == [True, False]


def test_the_bytes_of_an_item_are_kept() -> None:
    (found,) = _read(_envelope("<l:ListResponse xmlns:l='urn:l'><l:item><l:a>1</l:a></l:item>\n</l:ListResponse>"))

    assert found.xml == b'<l:item xmlns:l="urn:l"><l:a>1</l:a></l:item>'


def test_a_reply_without_items_lists_none() -> None:
    assert _read(_envelope("<ListResponse/>")) == []


def test_blanks_before_the_declaration_are_tolerated() -> None:
    assert len(_read(b"\r\n " + _envelope("<ListResponse><item/></ListResponse>"), size=2)) == 1


@pytest.mark.parametrize("before", ["", "<ListResponse><item/></ListResponse>"])
def test_a_fault_is_raised_also_after_items(before: str) -> None:
    fault = "<s:Fault><faultcode>s:Server</faultcode><faultstring>closed</faultstring></s:Fault>"

    with pytest.raises(LegacyFaultError, match="registry: fault Server: closed"):
        _read(_envelope(before + fault))


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (b"", "an empty body"),
        (b"  \n", "an empty body"),
        (b"<html><body>Sorry</body></html>", "found HTML"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html><br></html>", "found HTML"),
        (b"Service Unavailable", "found no XML"),
        (b"--uuid:1\r\nContent-Type: text/xml\r\n\r\n", "found no XML"),
        (_envelope("<ListResponse><item/>")[:-30], "well-formed"),
        (_envelope("<ListResponse><item></ListResponse>"), "well-formed"),
        (b"<error>12</error>", "a SOAP envelope, found error"),
        (b"<Envelope xmlns='urn:other'><Body/></Envelope>", "a SOAP envelope, found {urn:other}Envelope"),
        (_envelope(""), "ListResponse in the SOAP Body, found nothing"),
        (_envelope("<OtherResponse/>"), "ListResponse in the SOAP Body, found OtherResponse"),
        (f"<Envelope xmlns='{SOAP_11}'/>".encode(), "found nothing"),
        (b"<!DOCTYPE x>" + _envelope("<ListResponse/>").partition(b"?>")[2], "no DTD"),
        (_envelope("<ListResponse><item>" + "<a>" * 150 + "</a>" * 150 + "</item></ListResponse>"), "100 levels"),
    ],
)
def test_what_is_no_reply_is_unavailable_and_says_what_was_found(document: bytes, found: str) -> None:
    with pytest.raises(LegacyUnavailableError, match=f"registry: not available: .*{found}"):
        _read(document)


def test_items_before_a_cut_are_handed_on() -> None:
    whole = _envelope("<ListResponse><item><a>1</a></item></ListResponse>")
    items = reply.read([whole[:-40], whole[-40:-20]], PATH, system="registry")

    assert next(items).record == {"a": "1"}
    with pytest.raises(LegacyUnavailableError):
        next(items)
