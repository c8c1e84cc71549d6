"""Whether a live contract still says what the pinned one says."""

import shutil
from pathlib import Path

import pytest

from adapters.soap.bundle import load_bundle
from contracts.event import masked
from contracts.legacy.soap.contract.bundle import Bundle, Document, Missing, gather
from contracts.legacy.soap.contract.drift import drift, drifted
from contracts.wsdl_drifted import WsdlDrifted
from tests.wsdls import OWN

SCHEMA = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"/>'
TRANSPORT = 'transport="http://schemas.xmlsoap.org/soap/http"'
FILES = ("registry.wsdl", "types/resident.xsd", "types/codes.xsd")


@pytest.fixture
def pinned() -> Bundle:
    return load_bundle(OWN / "registry.wsdl")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """Return the folder of the same contract, elsewhere."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(OWN / file, tmp_path / file)
    return tmp_path


def edit(path: Path, before: str, after: str) -> None:
    """Replace what stands in a file."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_a_contract_that_is_the_same_has_not_drifted(pinned: Bundle, live: Path) -> None:
    found = drift(pinned, load_bundle(live / "registry.wsdl"))

    assert not found.is_changed
    assert (found.only_formatting, found.pinned_digest) == ((), found.live_digest)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<wsdl:types>", "<!-- made on a Monday --><wsdl:types>\n\n"),
        ('location="http://127.0.0.1:8080/registry"', "location='https://node-2.example/registry'"),
        (f'style="document" {TRANSPORT}', f'{TRANSPORT} style="document"'),
        ("types/resident.xsd", "./types/../types/resident.xsd"),
    ],
    ids=["blanks and comments", "address", "order of attributes", "location"],
)
def test_what_says_the_same_is_only_formatting(pinned: Bundle, live: Path, before: str, after: str) -> None:
    path = live / "registry.wsdl"
    edit(path, before, after)

    found = drift(pinned, load_bundle(path))

    assert not found.is_changed
    assert found.only_formatting == ("registry.wsdl",)
    assert found.pinned_digest != found.live_digest


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("types/codes.xsd", 'value="MOVED"', 'value="LEFT"'),
        ("registry.wsdl", 'xmlns:tns="urn:banyan:registry"', 'xmlns:tns="urn:banyan:register"'),
        ("registry.wsdl", "registry/Move", "registry/Move2"),
    ],
    ids=["a value", "what a prefix means in values", "an action"],
)
def test_what_says_something_else_is_a_change(pinned: Bundle, live: Path, file: str, before: str, after: str) -> None:
    edit(live / file, before, after)

    found = drift(pinned, load_bundle(live / "registry.wsdl"))

    assert (found.changed, found.added, found.gone) == ((file,), (), ())


def test_what_stands_within_what_is_content() -> None:
    def taken(body: str) -> Bundle:
        start = "file:///c/a.xsd"
        return Bundle(start=start, root="file:///c/", documents={start: Document(uri=start, data=body.encode())})

    assert drift(taken("<a><b/><c/></a>"), taken("<a><b><c/></b></a>")).changed == ("a.xsd",)
    assert drift(taken("<a><b/><c/></a>"), taken("<a>\n<b></b> <c/>\n</a>")).changed == ()
    assert drift(taken("<a>b c</a>"), taken("<a>b d</a>")).changed == ("a.xsd",)


def test_documents_that_came_and_went_are_named(pinned: Bundle, live: Path) -> None:
    edit(live / "types/resident.xsd", 'schemaLocation="codes.xsd"', 'schemaLocation="code-lists.xsd"')
    (live / "types/codes.xsd").rename(live / "types/code-lists.xsd")

    found = drift(pinned, load_bundle(live / "registry.wsdl"))

    assert found.changed == ("types/resident.xsd",)
    assert (found.added, found.gone) == (("types/code-lists.xsd",), ("types/codes.xsd",))


def test_what_can_not_be_had_now_is_not_said_to_be_gone(pinned: Bundle, live: Path) -> None:
    (live / "types/codes.xsd").unlink()

    bundle = load_bundle(live / "registry.wsdl")
    found = drift(pinned, bundle)

    assert not found.is_changed
    assert found.unreachable == bundle.missing
    assert [each.location for each in found.unreachable] == ["codes.xsd"]
    again = drift(bundle, bundle)
    assert again.unreachable == ()


def test_standard_schemas_are_not_compared() -> None:
    wsdl = (
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><types>'
        '<schema xmlns="http://www.w3.org/2001/XMLSchema"><import namespace="urn:a"/></schema>'
        "</types></definitions>"
    )

    def taken(schema: str) -> Bundle:
        def standard(_: str | None, namespace: str | None) -> bytes | None:
            return schema.encode() if namespace == "urn:a" else None

        return gather("file:///a.wsdl", root="file:///", fetch=lambda _: wsdl.encode(), catalog=standard)

    old, new = taken(SCHEMA), taken(SCHEMA.replace("/>", ' version="2"/>'))

    assert len(old.documents) == 2
    assert drift(old, new) == drift(old, old)


def test_the_server_may_be_another_one() -> None:
    def taken(server: str, body: str) -> Bundle:
        start = f"{server}/registry?wsdl"
        documents = {start: Document(uri=start, data=body.encode())}
        missing = (Missing(location="a.xsd", needed_by=start, line=1, reason="HTTP 503"),)
        return Bundle(start=start, root=server + "/", documents=documents, missing=missing)

    found = drift(taken("https://test.example", SCHEMA), taken("http://production.example:81", SCHEMA + " "))

    assert (found.only_formatting, found.unreachable) == (("registry.xsd",), ())


def test_a_drift_is_told_by_an_event(pinned: Bundle, live: Path) -> None:
    edit(live / "types/codes.xsd", 'value="MOVED"', 'value="LEFT"')
    found = drift(pinned, load_bundle(live / "registry.wsdl"))

    event = drifted(found, source="registry", wsdl="https://registry.example/?wsdl")

    assert event == WsdlDrifted(
        source="registry",
        wsdl="https://registry.example/?wsdl",
        pinned=found.pinned_digest,
        live=found.live_digest,
        changed=("types/codes.xsd",),
    )
    assert (len(event.pinned), event.pinned != event.live) == (64, True)
    assert masked(event)["changed"] == ["types/codes.xsd"]
