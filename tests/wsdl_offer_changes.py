"""Known changes of what the registry offers."""

from typing import Final

from tests.wsdl_case import BOTH, CALLERS, FINE, NOTE, READERS, Case
from tests.wsdl_edits import WSDL, Edit

TOUCH = '<wsdl:operation name="Touch"><wsdl:input message="tns:TouchRequest"/></wsdl:operation>'
MOVE_IN = '<soap:body use="literal"/>\n        <soap:header message="tns:MoveRequest" part="caller" use="literal"/>'
CITY = '<wsdl:part name="city" type="xs:string"/>'
FAULT = '<wsdl:fault name="unknown" message="tns:UnknownFault"/>'
PORT12 = (
    '<wsdl:port name="Registry12" binding="tns:Registry12">\n'
    '      <soap12:address location="http://127.0.0.1:8080/registry12"/>\n    </wsdl:port>'
)
BORN = '<wsdl:part name="born" type="xs:date"/>'
COUNT = '<soap:operation soapAction="urn:banyan:registry/Count"/>'
COUNTED = '<wsdl:output><soap:body use="literal" namespace'
END = "</wsdl:definitions>"
ANOTHER = f'<wsdl:service name="S">{PORT12}</wsdl:service>{END}'
BOUND_TOUCH = (
    '<wsdl:operation name="Touch">\n      <soap:operation soapAction=""/>\n'
    '      <wsdl:input><soap:body use="literal"/></wsdl:input>\n    </wsdl:operation>'
)


def _move_body(extra: str) -> Edit:
    return Edit(WSDL, MOVE_IN, MOVE_IN + extra)


OFFER: Final[dict[str, Case]] = {
    "a service": Case(
        new=(Edit(WSDL, END, f'<wsdl:service name="More"/>{END}'),),
        forth=(("service-added", "More", FINE),),
        back=(("service-removed", "More", CALLERS),),
    ),
    "a port": Case(
        old=(Edit(WSDL, END, ANOTHER),),
        new=(Edit(WSDL, PORT12, ""), Edit(WSDL, END, ANOTHER)),
        forth=(("port-removed", "Registry12", CALLERS),),
        back=(("port-added", "Registry12", FINE),),
    ),
    "an address": Case(
        new=(Edit(WSDL, "http://127.0.0.1:8080/registry12", "https://registry.example/"),),
        forth=(("address-changed", "Registry12", NOTE),),
    ),
    "another SOAP": Case(
        new=(Edit(WSDL, "<soap12:binding transport=", "<soap:binding transport="),),
        forth=(("soap-changed", "Registry12", BOTH),),
    ),
    "another transport": Case(
        new=(Edit(WSDL, '<soap12:binding transport="http:', '<soap12:binding transport="jms:'),),
        forth=(("transport-changed", "Registry12", CALLERS),),
    ),
    "an operation": Case(
        new=(Edit(WSDL, TOUCH, ""), Edit(WSDL, BOUND_TOUCH, "")),
        forth=(("operation-removed", "Registry11/Touch", CALLERS),),
        back=(("operation-added", "Registry11/Touch", FINE),),
    ),
    "an action": Case(
        new=(Edit(WSDL, 'soapAction="urn:banyan:registry/Move"', 'soapAction="Move"'),),
        forth=(("action-changed", "Registry11/Move", CALLERS),),
    ),
    "a style": Case(
        new=(Edit(WSDL, COUNT, COUNT.replace(" soap", ' style="document" soap')),),
        forth=(("style-changed", "Statistics11/Count", BOTH),),
    ),
    "a use": Case(
        new=(Edit(WSDL, COUNTED, COUNTED.replace("literal", "encoded")),),
        forth=(("use-changed", "Statistics11/Count/output", READERS),),
    ),
    "an answer": Case(
        new=(Edit(WSDL, TOUCH, TOUCH.replace("/></wsdl:op", '/><wsdl:output message="tns:ListAnswer"/></wsdl:op')),),
        forth=(("answer-added", "Registry11/Touch", READERS),),
        back=(("answer-removed", "Registry11/Touch", READERS),),
    ),
    "another message": Case(
        new=(Edit(WSDL, 'name="parameters" element="tns:Touch"', 'name="p" element="tns:Caller"'),),
        forth=(("message-changed", "Registry11/Touch/input", CALLERS),),
    ),
    "a part": Case(
        new=(Edit(WSDL, CITY, ""),),
        forth=(("part-removed", "Statistics11/Count/input/city", CALLERS),),
        back=(("part-added", "Statistics11/Count/input/city", CALLERS),),
    ),
    "the type of a part": Case(
        new=(Edit(WSDL, CITY, '<wsdl:part name="city" type="xs:token"/>'),),
        forth=(("type-changed", "Statistics11/Count/input/city", CALLERS),),
        back=(("type-changed", "Statistics11/Count/input/city", FINE),),
    ),
    "the order of parts": Case(
        new=(
            Edit(WSDL, CITY, ""),
            Edit(WSDL, BORN, BORN + CITY),
        ),
        forth=(("order-changed", "Statistics11/Count/input", CALLERS),),
    ),
    "a header": Case(
        new=(Edit(WSDL, MOVE_IN, '<soap:body use="literal" parts="parameters"/>'),),
        forth=(("header-removed", "Registry11/Move/input/Caller", NOTE),),
        back=(("header-added", "Registry11/Move/input/Caller", CALLERS),),
    ),
    "attachments": Case(
        new=(
            _move_body('<m:content part="caller" type="image/png" xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/"/>'),
        ),
        forth=(("attachments-changed", "Registry11/Move/input", CALLERS),),
    ),
    "a fault": Case(
        new=(Edit(WSDL, FAULT, ""),),
        forth=(("fault-removed", "Registry11/Move/unknown", FINE),),
        back=(("fault-added", "Registry11/Move/unknown", READERS),),
    ),
}
