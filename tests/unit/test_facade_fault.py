import json
from typing import Any, Literal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from zeep.exceptions import Fault
from zeep.wsdl.bindings.soap import Soap11Binding, Soap12Binding

from routers.facade.soap.fault import NAMESPACE, fault_status, problem, soap_fault

_VERSIONS: tuple[Literal["1.1", "1.2"], ...] = ("1.1", "1.2")
_CODES: tuple[Literal["Client", "Server"], ...] = ("Client", "Server")


def _zeep(version: str, body: bytes) -> Any:
    """Let zeep read a fault as it does when a call was answered with it."""
    kind: Any = Soap11Binding if version == "1.1" else Soap12Binding
    binding = kind.__new__(kind)
    with pytest.raises(Fault) as raised:
        binding.process_error(etree.fromstring(body), None)
    return raised.value


@pytest.mark.parametrize(
    ("version", "code", "expected"),
    [
        ("1.1", "Client", "Client"),
        ("1.1", "Server", "Server"),
        ("1.2", "Client", "Sender"),
        ("1.2", "Server", "Receiver"),
    ],
)
def test_zeep_reads_code_message_and_request_id(
    version: Literal["1.1", "1.2"], code: Literal["Client", "Server"], expected: str
) -> None:
    _, body = soap_fault(version, code, "action & Body disagree", word="a_word", request_id="7f-1")

    found = _zeep(version, body)

    assert (found.message, found.code.rpartition(":")[2]) == ("action & Body disagree", expected)
    assert found.detail.findtext(f".//{{{NAMESPACE}}}requestId") == "7f-1"
    assert found.detail.findtext(f".//{{{NAMESPACE}}}reason") == "a_word"


def test_the_subcode_of_soap_1_2_is_ours() -> None:
    _, body = soap_fault("1.2", "Server", "no answer", word="a_word", request_id="1")

    assert [(name.namespace, name.localname) for name in _zeep("1.2", body).subcodes] == [(NAMESPACE, "NotAnswered")]


def test_a_fault_has_the_media_type_and_the_status_of_its_version() -> None:
    found = [
        (soap_fault(version, code, "x", word="a_word", request_id="1")[0], fault_status(version, code))
        for version in _VERSIONS
        for code in _CODES
    ]

    assert found == [
        (b"text/xml; charset=utf-8", 500),
        (b"text/xml; charset=utf-8", 500),
        (b"application/soap+xml; charset=utf-8", 400),
        (b"application/soap+xml; charset=utf-8", 500),
    ]


@given(st.text(st.characters(codec=None)), st.text(), st.sampled_from(_VERSIONS), st.sampled_from(_CODES))
def test_any_text_makes_a_well_formed_fault(
    text: str, request_id: str, version: Literal["1.1", "1.2"], code: Literal["Client", "Server"]
) -> None:
    _, body = soap_fault(version, code, text, word="a_word", request_id=request_id)

    assert len(ET.fromstring(body)) == 1  # noqa: S314 - our own fault


def test_markup_in_the_text_stays_text() -> None:
    text = "</faultstring><x>]]>&{code}"

    assert _zeep("1.1", soap_fault("1.1", "Client", text, word="a_word", request_id="1")[1]).message == text


def test_a_problem_is_rfc_9457() -> None:
    content_type, body = problem(503, "No side answered", 'said "later"', word="a_word", request_id="7f")

    assert content_type == b"application/problem+json"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "No side answered",
        "status": 503,
        "detail": 'said "later"',
        "reason": "a_word",
        "request_id": "7f",
    }
