"""The catalog of standard schemas, and when it is asked."""

import pytest

from contracts.legacy.soap.contract.bundle import Bundle, gather
from contracts.legacy.soap.contract.catalog import BY_ADDRESS, BY_NAMESPACE, chained, kept, standard
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.xml import parse_contract

DSIG = "http://www.w3.org/2000/09/xmldsig#"
WSA = "http://www.w3.org/2005/08/addressing"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


def gathered(content: str, others: dict[str, str] | None = None) -> Bundle:
    """Gather a WSDL with these schemas in its types; what it imports is in `others`, by name."""
    wsdl = (
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><types>'
        f'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">{content}</s:schema>'
        "</types></definitions>"
    )
    files = {"file:///c/a.wsdl": wsdl} | {f"file:///c/{name}": text for name, text in (others or {}).items()}

    def fetch(uri: str) -> bytes:
        if uri not in files:
            raise FileNotFoundError(2, "No such file")
        return files[uri].encode()

    return gather("file:///c/a.wsdl", root="file:///c/", fetch=fetch, catalog=standard)


@pytest.mark.parametrize("namespace", sorted(BY_NAMESPACE))
def test_each_schema_has_the_namespace_that_it_is_found_by(namespace: str) -> None:
    data = standard(None, namespace)

    assert data is not None
    assert parse_contract(data).get("targetNamespace") == namespace


@pytest.mark.parametrize("address", sorted(BY_ADDRESS))
def test_an_address_is_found_with_either_scheme(address: str) -> None:
    assert standard("http://" + address, None) == standard("https://" + address, None) is not None


@pytest.mark.parametrize("namespace", sorted({*BY_NAMESPACE} - {"http://www.w3.org/2001/XMLSchema"}))
def test_each_schema_can_be_built_with_what_it_imports(namespace: str) -> None:
    bundle = gathered(f'<s:import namespace="{namespace}"/>')

    assert bundle.missing == ()
    assert build(bundle).errors == ()


@pytest.mark.parametrize(
    ("namespace", "element", "valid", "invalid"),
    [
        (WSA, "ReplyTo", "<a:Address>urn:b</a:Address>", "<a:Adress/>"),
        (WSA, "RelatesTo", "urn:b", "<a:Address>urn:b</a:Address>"),
        (WSU, "Timestamp", "<a:Created>2026-11-29T00:00:00Z</a:Created>", "text"),
        (WSSE, "UsernameToken", "<a:Username>u</a:Username><a:Password>p</a:Password>", "<a:Password>p</a:Password>"),
    ],
)
def test_the_vocabularies_of_our_own_tell_right_from_wrong(
    namespace: str, element: str, valid: str, invalid: str
) -> None:
    schemas = build(gathered(f'<s:import namespace="{namespace}"/>'))

    for content, expected in ((valid, True), (invalid, False)):
        text = f'<a:{element} xmlns:a="{namespace}">{content}</a:{element}>'
        assert schemas.xsd.is_valid(text) is expected


def test_the_attributes_of_media_types_are_there() -> None:
    bundle = gathered('<s:import namespace="http://www.w3.org/2005/05/xmlmime"/>')

    attributes = build(bundle).xsd.maps.attributes
    namespace = "{http://www.w3.org/2005/05/xmlmime}"
    assert {namespace + "contentType", namespace + "expectedContentTypes"} <= set(attributes)


def test_a_location_that_leads_elsewhere_is_not_followed_where_the_namespace_is_standard() -> None:
    bundle = gathered(f'<s:import namespace="{DSIG}" schemaLocation="http://elsewhere.example/dsig.xsd"/>')

    [document] = [document for document in bundle.documents.values() if document.is_standard]
    assert document.data == standard(None, DSIG)
    assert bundle.missing == ()


def test_a_wsdl_is_not_found_by_the_namespace_of_a_schema() -> None:
    lost = f'<import namespace="{DSIG}" location="none.wsdl"/>'
    bundle = gathered(f'</s:schema></types>{lost}<types><s:schema xmlns:s="http://www.w3.org/2001/XMLSchema">')

    assert [each.location for each in bundle.missing] == ["none.wsdl"]


def test_a_standard_schema_that_the_contract_brings_is_not_taken_twice() -> None:
    own = f'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="{DSIG}"/>'
    far = "http://www.w3.org/TR/xmldsig-core/xmldsig-core-schema.xsd"
    bundle = gathered(
        f'<s:import namespace="{DSIG}" schemaLocation="{far}"/><s:import namespace="{DSIG}"/>'
        f'<s:import namespace="{DSIG}" schemaLocation="own.xsd"/>',
        {"own.xsd": own},
    )

    assert [*bundle.documents] == ["file:///c/a.wsdl", "file:///c/own.xsd"]
    assert {name: uri for (_, name), uri in bundle.by_import.items()} == dict.fromkeys(
        ("own.xsd", far, DSIG), "file:///c/own.xsd"
    )


def test_a_standard_schema_within_the_wsdl_is_enough() -> None:
    far = "http://www.w3.org/TR/xmldsig-core/xmldsig-core-schema.xsd"
    inner = f'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="{DSIG}"/>'
    other = '<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema">'

    bundle = gathered(f'<s:import namespace="{DSIG}" schemaLocation="{far}"/></s:schema>{inner}{other}')

    assert (len(bundle.documents), bundle.by_import, bundle.missing) == (1, {}, ())


def test_an_import_without_a_location_may_mean_a_schema_beside_it() -> None:
    bundle = gathered('<s:import namespace="urn:b"/>')

    assert (bundle.missing, len(bundle.documents)) == ((), 1)


def test_a_catalog_is_asked_after_another() -> None:
    catalog = chained(lambda uri, _: b"first" if uri == "urn:a" else None, standard)

    assert catalog("urn:a", DSIG) == b"first"
    assert catalog(None, DSIG) == standard(None, DSIG)
    assert catalog(None, "urn:b") is None


def test_a_bundle_keeps_the_standard_schemas_that_it_was_taken_with() -> None:
    far = "http://www.w3.org/TR/xmldsig-core/xmldsig-core-schema.xsd"
    catalog = kept(gathered(f'<s:import namespace="{DSIG}" schemaLocation="{far}"/>'))

    assert catalog(far, None) == catalog(None, DSIG) == standard(None, DSIG)
    assert catalog("http://www.w3.org/2001/xml.xsd", None) is catalog(None, None) is None
