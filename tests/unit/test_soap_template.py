"""A request by a template: what stands in it, what its parameters become, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigError
from contracts.legacy.soap.template import Template
from contracts.legacy.xml import canonical, parse

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def filled(text: str, **parameters: object) -> str:
    """Return the one child of the Body."""
    (child,) = Template(text.encode(), place="list.xml").body(parameters)
    return canonical(child).decode()


@pytest.mark.parametrize(
    ("text", "parameters", "made"),
    [
        ("<a>{b}</a>", {"b": "x"}, "<a>x</a>"),
        ("<r><a>{b}</a></r>", {}, "<r></r>"),
        ("<r><a> {b} </a></r>", {}, "<r></r>"),
        ("<r><a>{b}</a></r>", {"b": None}, "<r></r>"),
        ("<r><a>{b}</a></r>", {"b": ""}, "<r><a></a></r>"),
        ("<r><a t='1'>{b}</a></r>", {"b": [1, 2]}, '<r><a t="1">1</a><a t="1">2</a></r>'),
        ("<r><a>{b}</a></r>", {"b": []}, "<r></r>"),
        ("<r><a>{b}</a></r>", {"b": [1, None]}, "<r><a>1</a></r>"),
        ("<r><a t='{b}' u='x{b}'/></r>", {"b": True}, '<r><a t="true" u="xtrue"></a></r>'),
        ("<r><a t='{b}' u='y'/></r>", {}, '<r><a u="y"></a></r>'),
        ("<a>{b}-{c}</a>", {"b": Decimal("1.50"), "c": 2}, "<a>1.50-2</a>"),
        ("<a>{{b}} {b}</a>", {"b": "x"}, "<a>{b} x</a>"),
        ("<a>one<b>{x}</b>two{y}<c/>three</a>", {"y": 1}, "<a>onetwo1<c></c>three</a>"),
        ("<a>one<b>{x}</b>two<c/>three</a>", {"x": [1, 2]}, "<a>one<b>1</b><b>2</b>two<c></c>three</a>"),
        ("<a>{b}</a>", {"b": "<c/>&amp;{d}"}, "<a>&lt;c/&gt;&amp;amp;{d}</a>"),
    ],
)
def test_a_place_becomes_its_parameter(text: str, parameters: dict[str, object], made: str) -> None:
    assert filled(text, **parameters) == made


def test_of_an_envelope_body_and_header_are_taken() -> None:
    parts = "<s:Header><h>{h}</h></s:Header><s:Body><a xmlns='urn:a'>{b}</a></s:Body>"
    text = f"<s:Envelope xmlns:s='{SOAP}'>{parts}</s:Envelope>"
    template = Template(text.encode(), place="list.xml")

    assert template.names == {"h", "b"}
    assert [canonical(each) for each in template.header({"h": 1})] == [b"<h>1</h>"]
    assert [canonical(each) for each in template.body({"b": 2})] == [b'<a xmlns="urn:a">2</a>']


def test_the_template_is_filled_anew_each_time() -> None:
    template = Template(b"<r><a>{b}</a></r>", place="list.xml")

    assert [canonical(template.body({"b": each})[0]) for each in (1, None, 2)] == [
        b"<r><a>1</a></r>",
        b"<r></r>",
        b"<r><a>2</a></r>",
    ]


def test_namespaces_of_values_stay() -> None:
    made = Template(b"<r xmlns:t='urn:t' xmlns:i='urn:i'><a i:type='t:Kind'>{b}</a></r>", place="x").body({"b": 1})

    assert made[0][0].nsmap["t"] == "urn:t"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=20))
def test_any_value_arrives_as_it_is(value: str) -> None:
    template = Template(b"<r><a t='{b}'>{b}</a></r>", place="list.xml")

    element = parse(canonical(template.body({"b": value})[0]))[0]

    assert (element.text or "", element.get("t")) == (value, value)


@pytest.mark.parametrize(
    ("text", "parameters", "told"),
    [
        (
            "<a>{b c}</a>",
            {},
            r"list.xml: a: expected \{name of a parameter\}, or \{\{ and \}\} for braces, found '\{b c\}'",
        ),
        ("<a>}</a>", {}, "for braces"),
        ("<a t='{'/>", {}, "for braces"),
        ("<a>x{b}</a>", {}, "list.xml: a: b: expected a text, a number or a truth, found nothing"),
        ("<a>{b}</a>", {"b": {"c": 1}}, "list.xml: a: b: expected a text, a number or a truth, found dict"),
        ("<a>", {}, "list.xml: expected well-formed XML"),
        ("<!DOCTYPE a><a/>", {}, "list.xml: .*DTD"),
        (f"<s:Envelope xmlns:s='{SOAP}'/>", {}, "list.xml: expected a SOAP Body, found nothing"),
    ],
)
def test_what_can_not_be_filled_is_refused(text: str, parameters: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Template(text.encode(), place="list.xml").body(parameters)
