"""The rules as people write them: right ones are read as they are meant, and every mistake is told at once."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigError
from routers.rulesets.capability import Capability
from routers.rulesets.document import read_rules
from routers.stage import Stage

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "rulesets.md"
HEAD = "namespaces: {r: 'urn:example:registry/v1'}\ncapabilities:\n"


def document(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def capability(folder: Path, text: str) -> Capability:
    """Return the capability `a` of a document with these fields."""
    return read_rules(document(folder, f"{HEAD}  a: {{salt: s, {text}}}\n")).capabilities["a"]


def problems(folder: Path, text: str, backends: list[str] | None = None) -> list[str]:
    """Return every mistake of a document, without the file's folder."""
    path = document(folder, text)
    with pytest.raises(ConfigError) as caught:
        read_rules(path, backends=backends)
    return [problem.replace(f"{path}:", "") for problem in caught.value.problems]


def test_prefixes_become_namespaces(tmp_path: Path) -> None:
    route = capability(
        tmp_path,
        "routes: {r: {soap: 'r:Change', key: {xpath: 'Body/r:Change/{urn:b/c}x/id/@ref'}, legacy: o, modern: n}}",
    ).routes["r"]

    assert route.soap == "{urn:example:registry/v1}Change"
    assert route.key is not None
    assert route.key.xpath == "Body/{urn:example:registry/v1}Change/{urn:b/c}x/id/@ref"


def test_names_in_clark_form_stay_as_they_are(tmp_path: Path) -> None:
    route = capability(tmp_path, "routes: {r: {soap: '{urn:x}Change', legacy: o, modern: n}}").routes["r"]

    assert route.soap == "{urn:x}Change"


@pytest.mark.parametrize("word", ["off", "'off'"])
def test_the_stage_off_is_no_boolean(tmp_path: Path, word: str) -> None:
    assert capability(tmp_path, f"current: {word}, next: complete").current is Stage.OFF


@pytest.mark.parametrize("word", ["no", "on", "yes", "1_000", "12:30:45", "0x1F", "2026-11-21"])
def test_a_word_is_text_where_text_belongs(tmp_path: Path, word: str) -> None:
    assert capability(tmp_path, f"description: {word}").description == word


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    text = "  a: {salt: a, key: &k {type: digits}}\n  b: {salt: b, key: *k}\n  c: {<<: *k, salt: c}\n"
    text = text.replace("<<: *k", "key: {<<: *k, case: upper}")

    found = read_rules(document(tmp_path, HEAD + text)).capabilities

    assert [each.key.type for each in found.values()] == ["digits"] * 3


def test_every_mistake_is_told_at_once_with_line_field_and_fix(tmp_path: Path) -> None:
    text = f"""{HEAD}  address:
    salt: a b
    current: shadw
    next: 5
    key: {{type: digit}}
    routes:
      change: {{soap: "q:Change", clas: safe, legacy: old, modern: new}}
      read: {{soap: Read, legacy: old, modern: new}}
      rest: {{rest: GET residents, legacy: old, modern: new}}
      head: {{rest: GET /, key: {{header: a b}}, legacy: old, modern: new}}
      none: {{legacy: old, modern: new}}
  Bad Name: {{salt: 12}}
  nothing:
  missing: {{share: 10001}}
capabilites: {{}}
"""

    assert sorted(problems(tmp_path, text)) == sorted(
        [
            "4: capabilities.address.salt: expected one or more of A-Z a-z 0-9 . _ -",
            (
                "5: capabilities.address.current: input should be 'off', 'dualwrite', 'shadow', 'live', 'rampdown' or "
                "'complete'; did you mean 'shadow'?"
            ),
            (
                "6: capabilities.address.next: input should be 'off', 'dualwrite', 'shadow', 'live', 'rampdown' or "
                "'complete'"
            ),
            "7: capabilities.address.key.type: input should be 'digits' or 'text'; did you mean 'digits'?",
            "9: capabilities.address.routes.change.soap: unknown prefix 'q'",
            "9: capabilities.address.routes.change.clas: unknown field; did you mean 'class'?",
            (
                "10: capabilities.address.routes.read.soap: expected `prefix:Name` with a prefix of `namespaces`, "
                "or `{namespace}Name`"
            ),
            "11: capabilities.address.routes.rest.rest: expected a method and a path, such as `GET /residents/{id}`",
            "12: capabilities.address.routes.head.key.header: expected the name of a header: A-Z a-z 0-9 -",
            "13: capabilities.address.routes.none: expected one of soap, rest, record; found none",
            "14: capabilities.Bad Name: expected a name: a-z 0-9 . _ -, a letter or digit first, at most 100",
            "14: capabilities.Bad Name.salt: input should be a valid string; put it in quotes",
            "15: capabilities.nothing: input should be a valid dictionary",
            "16: capabilities.missing.salt: is missing",
            "16: capabilities.missing.share: input should be less than or equal to 10000",
            "17: capabilites: unknown field; did you mean 'capabilities'?",
        ]
    )


def test_an_unknown_prefix_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    route = "{soap: 'rge:A', legacy: o, modern: n}"
    text = f"namespaces: {{reg: 'urn:x'}}\ncapabilities:\n  a: {{salt: a, routes: {{r: {route}}}}}\n"

    assert problems(tmp_path, text) == ["3: capabilities.a.routes.r.soap: unknown prefix 'rge'; did you mean 'reg'?"]


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        ("soap: 'r:A'", "soap: '{urn:example:registry/v1}A'", "soap"),
        ("soap: 'r:A', action: x", "soap: 'r:B', action: x", "action"),
        ("rest: 'GET /a/{id}/b'", "rest: 'GET /a/{other}/b'", "rest"),
    ],
)
def test_two_routes_for_the_same_calls_are_told(tmp_path: Path, one: str, other: str, field: str) -> None:
    text = f"  a: {{salt: a, routes: {{x: {{{one}, legacy: o, modern: n}}}}}}\n"
    text += f"  b: {{salt: b, routes: {{y: {{{other}, legacy: o, modern: n}}}}}}\n"

    [problem] = problems(tmp_path, HEAD + text)

    assert problem == (
        f"4: capabilities.b.routes.y.{field}: takes the same calls as 3: capabilities.a.routes.x: a call has one route"
    )


def test_routes_for_different_calls_are_no_mistake(tmp_path: Path) -> None:
    routes = [
        "soap: 'r:A', action: ''",
        "soap: 'r:B', action: ''",
        "rest: 'GET /a'",
        "rest: 'POST /a'",
        "rest: 'GET /{a}'",
    ]
    text = ", ".join(f"r{n}: {{{route}, legacy: o, modern: n}}" for n, route in enumerate(routes))

    assert len(capability(tmp_path, f"routes: {{{text}}}").routes) == len(routes)


@pytest.mark.parametrize(
    ("xpath", "fix"),
    [
        ("Body/r:Other/id", "Body/r:Change/id"),
        ("Body/{urn:y}Change/r:x/id", "Body/r:Change/r:x/id"),
        ("Body/id", "Body/r:Change"),
        ("Body/@id", "Body/r:Change"),
    ],
)
def test_a_key_that_no_call_of_its_route_has_is_told(tmp_path: Path, xpath: str, fix: str) -> None:
    head = f"{HEAD}  a:\n    salt: s\n    routes:\n      r:\n        soap: r:Change\n        key:\n          xpath: "

    [problem] = problems(tmp_path, f"{head}'{xpath}'\n        legacy: o\n        modern: n\n")

    assert problem.startswith("9: capabilities.a.routes.r.key.xpath: the Body's child is the operation, r:Change, and")
    assert problem.endswith(f"; did you mean {fix!r}?")


@pytest.mark.parametrize("xpath", ["Body/r:Change/id", "Body/Change/id", "Body/r:Change", "Header/r:Other/id"])
def test_a_key_that_a_call_may_have_is_no_mistake(tmp_path: Path, xpath: str) -> None:
    text = f"routes: {{r: {{soap: 'r:Change', key: {{xpath: '{xpath}'}}, legacy: o, modern: n}}}}"

    assert capability(tmp_path, text).routes["r"].key is not None


def test_backends_that_the_settings_do_not_have_are_told_also_of_wrong_capabilities(tmp_path: Path) -> None:
    text = HEAD + "  a: {salt: a b, routes: {x: {soap: 'r:A', legacy: regstry, modern: zzz}, y: {record: p}}}\n"

    assert problems(tmp_path, text, ["registry", "new"])[1:] == [
        "3: capabilities.a.routes.x.legacy: the settings have no backend 'regstry'; did you mean 'registry'?",
        "3: capabilities.a.routes.x.modern: the settings have no backend 'zzz'; there are: new, registry",
    ]


def test_a_stage_that_the_facade_does_not_serve_is_told_and_records_may_be_in_it(tmp_path: Path) -> None:
    route = "routes: {x: {rest: 'GET /', legacy: o, modern: n}}"

    assert problems(tmp_path, f"{HEAD}  a: {{salt: a, next: shadow, {route}}}\n") == [
        (
            "3: capabilities.a.next: the façade serves only `off` and `complete` so far; `shadow` is for capabilities "
            "with `record` routes alone"
        )
    ]
    assert capability(tmp_path, "next: shadow, routes: {x: {record: pay}}").next is Stage.SHADOW


def test_a_share_that_changes_nothing_is_a_warning(tmp_path: Path) -> None:
    path = document(tmp_path, HEAD + "  a: {salt: a, next: off, share: 5}\n  b: {salt: b, next: off}\n")

    assert read_rules(path).warnings == (
        f"{path}:3: capabilities.a.share: changes nothing, since current and next are both `off`",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["capabilities: is missing"]),
        ("capabilities:\n", ["1: capabilities: input should be a valid dictionary"]),
        ("capabilities: []\n", ["1: capabilities: input should be a valid dictionary"]),
        (
            "capabilities: {a: {salt: a, routes: [1]}}\n",
            ["1: capabilities.a.routes: input should be a valid dictionary"],
        ),
        (
            "capabilities: {a: {salt: a, routes: {r: 1}}}\n",
            ["1: capabilities.a.routes.r: input should be a valid dictionary or instance of Route"],
        ),
        ("capabilities: {a: {salt: a, salt: b}}\n", ["1: capabilities.a.salt: stands twice; the first is 1"]),
        (
            "capabilities: {a: {salt: a, share: 0100}}\n",
            ["1: capabilities.a.share: a number with a leading zero: without it, or in quotes if it is text"],
        ),
        (
            "namespaces: {'1': u}\ncapabilities: {}\n",
            ["1: namespaces.1: expected a name: a-z 0-9 . _ -, a letter or digit first, at most 100"],
        ),
        ("namespaces: 1\ncapabilities: {}\n", ["1: namespaces: input should be a valid dictionary"]),
    ],
)
def test_a_document_of_another_shape_is_told(tmp_path: Path, text: str, said: list[str]) -> None:
    assert problems(tmp_path, text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [*a]\n", "is nested too deep, or within itself"),
        ("[" * 100_000, "is nested too deep, or within itself"),
        ("a: " + "[" * 60 + "]" * 60, "is nested too deep, or within itself"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "its aliases stand for more than 100000 values",
        ),
        (
            "a0: &a0 {x: 1}\n"
            + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9)),
            "its aliases stand for more than 100000 values",
        ),
    ],
    ids=["itself", "deep", "fifty", "laughs", "merges"],
)
def test_what_would_fill_the_memory_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = document(tmp_path, text)

    with pytest.raises(ConfigError, match=re.escape(said)):
        read_rules(path)


@given(st.text())
def test_whatever_the_text_is_only_a_config_error_comes_out(text: str) -> None:
    path = Path(__file__).with_name("no-such-file.yaml")

    class Text(type(path)):  # type: ignore[misc] # a file without a file
        def read_text(self, *_: object, **__: object) -> str:
            return text

    with pytest.raises(ConfigError):
        read_rules(Text(path))


def test_a_redraw_is_declared_for_a_capability_by_its_mark(tmp_path: Path) -> None:
    text = HEAD + "  a: {salt: s}\nredraws: {a: {replaces: '0123456789ab', reason: because}}\n"
    wrong = HEAD + "  a: {salt: s}\nredraws:\n  a: {replaces: s}\n"

    assert read_rules(document(tmp_path, text)).redraws["a"].reason == "because"
    assert problems(tmp_path, wrong) == [
        "5: redraws.a.replaces: expected 12 hex digits, as the refusal of the change says them",
        "5: redraws.a.reason: is missing",
    ]
    [warning] = read_rules(document(tmp_path, text.replace("redraws: {a:", "redraws: {b:"))).warnings
    assert warning.endswith("rules.yaml:4: redraws.b: no capability is called so")


def test_the_document_of_the_guide_is_right(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    assert blocks
    for text in blocks:
        found = read_rules(document(tmp_path, text))
        assert found.capabilities
        assert not found.warnings
