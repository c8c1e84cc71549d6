"""What is guessed of a contract, and what is not."""

import pytest

from contracts.errors import ConfigError
from hub.scaffold.item import item_of
from hub.scaffold.naming import module_problem, short_names
from hub.scaffold.soap_guess import guess_key
from hub.scaffold.soap_plan import Wanted, plan
from hub.scaffold.text import comment, docstring, imports, literal, quoted
from tests.wsdls import OWN, schemas_of


def key_of(fields: str, key: str | None = None) -> str:
    """Return the key that is guessed of an item with these fields."""
    body = f'<xs:element name="thing"><xs:complexType><xs:sequence>{fields}</xs:sequence></xs:complexType></xs:element>'
    element = schemas_of(body).element("{urn:t}thing")
    assert element is not None
    return guess_key(item_of(element), key).member.path


def field(name: str, kind: str = "string", more: str = "") -> str:
    return f'<xs:element name="{name}" type="xs:{kind}" {more}/>'


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (field("id") + field("ownerId"), "id"),
        (field("thingNumber") + field("ownerId"), "thingNumber"),
        (field("ref", "ID") + field("id"), "ref"),
        (field("ownerId") + field("key"), "ownerId"),
        (field("name") + field("number", "int"), "number"),
        (field("id", "string", 'minOccurs="0"') + field("key"), "key"),
    ],
)
def test_the_field_that_looks_most_like_a_key_is_taken(fields: str, found: str) -> None:
    assert key_of(fields) == found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (field("aId") + field("bId"), "several fields may be the key of thing; --key FIELD with one of: aId, bId"),
        (field("name"), "no field that must be there looks like the key of thing; --key FIELD with one of: name"),
        (field("id", "decimal"), "thing: it has no field that could tell one from another"),
        (field("id", "string", 'maxOccurs="2"'), "thing: it has no field that could tell one from another"),
    ],
)
def test_a_key_that_is_not_clear_is_asked_for(fields: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        key_of(fields)


def test_a_key_that_is_said_may_be_optional() -> None:
    assert key_of(field("name", "string", 'minOccurs="0"') + field("id"), "name") == "name"


def test_a_date_is_no_watermark_since_what_is_sent_is_a_moment() -> None:
    made = plan(Wanted(name="orders", wsdl=str(OWN / "orders.wsdl"), operation="Both", items="BothResponse/order"))

    assert made.watermark is None
    assert made.parameters == {}


def test_names_are_as_short_as_they_can_be_and_none_that_python_has() -> None:
    paths = ["a/street", "b/street", "type", "class", "@id", "total/#text", "model_x", "größe"]

    assert [*short_names(paths, item="order").values()] == [
        "a_street",
        "b_street",
        "order_type",
        "order_class",
        "order_id",
        "total",
        "order_model_x",
        "größe",
    ]


def test_modules_that_python_would_not_find_are_refused() -> None:
    assert module_problem("residents") is None
    assert module_problem("2nd") == "it is no name that Python can import"
    assert module_problem("hub") == "Python would import another module hub"


def test_what_a_contract_says_can_not_end_its_docstring_or_comment() -> None:
    said, text = 'a """ b\\ c "', '"\\\n\u2028'
    names: dict[str, type] = {}
    lines = ["class A:", docstring(said), comment("x\ny", indent=4), f"    b = {quoted(text)}"]

    exec("\n".join(lines), {}, names)  # noqa: S102 - the text is what is tested

    assert names["A"].__doc__ == "a ''' b\\ c \""
    assert vars(names["A"])["b"] == text


def test_literals_are_broken_where_they_are_too_wide() -> None:
    wide = {"name": "x" * 40, "list": ["y" * 30, None]}

    assert eval(literal(wide)) == wide  # noqa: S307 - the text is what is tested
    assert literal(wide).count("\n") == 3


def test_only_what_is_used_is_imported() -> None:
    body = '"""A date."""\nx: list[Decimal]  # datetime\ny = "Path"\nclass Field(BaseModel): ...'

    assert imports(body, own=["Field"]) == "from decimal import Decimal\n\nfrom pydantic import BaseModel"
