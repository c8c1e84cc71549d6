import pytest

from contracts.legacy import xml
from contracts.legacy.soap import fault

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

PLAIN = (
    f"<s:Fault xmlns:s='{SOAP_11}'><faultcode>s:Client.Key</faultcode><faultstring>no such key</faultstring>"
    "<detail><e:Unknown xmlns:e='urn:e'>12345</e:Unknown></detail></s:Fault>"
)
QUALIFIED = (
    f"<s:Fault xmlns:s='{SOAP_11}'><s:faultcode>s:Client.Key</s:faultcode><s:faultstring>no such key</s:faultstring>"
    "<s:detail><e:Unknown xmlns:e='urn:e'/></s:detail></s:Fault>"
)
DEFAULT_NAMESPACE = (
    f"<Fault xmlns='{SOAP_11}'><faultcode xmlns=''>Client.Key</faultcode>"
    "<faultstring xmlns=''>no\n  such key</faultstring><detail xmlns=''><Unknown xmlns='urn:e'/></detail></Fault>"
)
SHAPED_1_2 = (
    "<s:Fault xmlns:s='{}'><s:Code><s:Value>s:Client</s:Value><s:Subcode><s:Value>e:Key</s:Value></s:Subcode></s:Code>"
    "<s:Reason><s:Text xml:lang='en'>no such key</s:Text><s:Text xml:lang='de'>unbekannt</s:Text></s:Reason>"
    "<s:Detail><e:Unknown xmlns:e='urn:e'/></s:Detail></s:Fault>"
)


@pytest.mark.parametrize(
    "document", [PLAIN, QUALIFIED, DEFAULT_NAMESPACE, SHAPED_1_2.format(SOAP_12), SHAPED_1_2.format(SOAP_11)]
)
def test_every_shape_of_a_fault_reads_the_same(document: str) -> None:
    found = fault.read(xml.parse(document.encode()))

    assert found == fault.Fault(code="Client.Key", text="no such key", detail="{urn:e}Unknown")


def test_a_fault_that_says_nothing_is_still_a_fault() -> None:
    assert fault.read(xml.parse(b"<Fault/>")) == fault.Fault(code="unknown", text="", detail=None)


def test_the_content_of_the_detail_is_not_in_the_error() -> None:
    error = fault.read(xml.parse(PLAIN.encode())).error("registry")

    assert str(error) == "registry: fault Client.Key: no such key"


@pytest.mark.parametrize(
    ("code", "expected"), [("Server", True), ("Receiver.Busy", True), ("Sender", False), ("Serve", False)]
)
def test_only_faults_of_the_server_may_be_tried_again(code: str, *, expected: bool) -> None:
    assert fault.is_of_the_server(code) is expected
