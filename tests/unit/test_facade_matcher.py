from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.facade.soap.matcher import Matcher
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY, Rule, Ruleset
from tests.work import steps_of

_NONE: Mapping[str, str] = {}
_SIDES = {"legacy": "old", "modern": "new"}


def _capability(*routes: str, **actions: str) -> Capability:
    """Return a capability; routes with a blank are REST, `r0=action` declares the first one's action."""
    return Capability.model_validate(
        {
            "salt": "s",
            "routes": {
                f"r{number}": {("rest" if " " in route else "soap"): route, **_SIDES}
                | ({"action": actions[f"r{number}"]} if f"r{number}" in actions else {})
                for number, route in enumerate(routes)
            },
        }
    )


def _ruleset(**capabilities: Capability) -> Ruleset:
    return EMPTY.changed(capabilities, version=1, hash_="1" * 64)


def _matcher(*routes: str, **actions: str) -> Matcher:
    matcher = Matcher()
    matcher.use(_ruleset(c=_capability(*routes, **actions)), None)
    return matcher


def _found(matcher: Matcher, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
    found = matcher.rest(method, path)
    return None if found is None else (found[0].route.rest or "", found[1])


def _rule(matcher: Matcher, operation: str) -> Rule:
    rule = matcher.soap(operation)
    assert rule is not None
    return rule


def test_a_soap_rule_is_found_by_its_qualified_name_only() -> None:
    matcher = _matcher("{urn:x}Get", "{urn:y}Get")

    assert _rule(matcher, "{urn:y}Get").name == "c/r1"
    assert matcher.soap("Get") is None
    assert matcher.soap("{urn:z}Get") is None


def test_whether_there_is_soap_at_all_is_known() -> None:
    assert _matcher("{urn:x}Get").has_soap
    assert not _matcher("GET /a").has_soap


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/residents/12", ("GET /residents/{id}", {"id": "12"})),
        ("/residents/new", ("GET /residents/new", _NONE)),
        ("/residents/12/addresses/3", ("GET /residents/{id}/addresses/{n}", {"id": "12", "n": "3"})),
        ("/residents/new/addresses/3", ("GET /residents/{id}/addresses/{n}", {"id": "new", "n": "3"})),
        ("/residents/a%2Fb", ("GET /residents/{id}", {"id": "a/b"})),
        ("/residents/%C3%A9%20x", ("GET /residents/{id}", {"id": "é x"})),
        ("/residents/%2531", ("GET /residents/{id}", {"id": "%31"})),
        ("/%72esidents/12", ("GET /residents/{id}", {"id": "12"})),
        ("/residents/...", ("GET /residents/{id}", {"id": "..."})),
        ("/residents/12;v=1", ("GET /residents/{id}", {"id": "12;v=1"})),
        ("/", ("GET /", _NONE)),
        ("/list/", ("GET /list/", _NONE)),
        ("/k%C3%A4se", ("GET /käse", _NONE)),
        ("/residents", None),
        ("/residents/", None),
        ("/residents/12/", None),
        ("/list", None),
        ("/residents//12", None),
        ("/residents/./12", None),
        ("/residents/..", None),
        ("/residents/%2e%2E", None),
        ("/residents/.%2e", None),
        ("/residents/..;x", None),
        ("/residents/%2e%2e%3bx", None),
        ("/residents/%", None),
        ("/residents/%zz", None),
        ("/residents/%ff", None),
        ("/residents/é", None),
        ("/Residents/12", None),
        ("residents/12", None),
        ("*", None),
        ("", None),
    ],
)
def test_paths_are_matched_segment_by_segment(path: str, expected: object) -> None:
    matcher = _matcher(
        "GET /residents/{id}",
        "GET /residents/new",
        "GET /residents/{id}/addresses/{n}",
        "GET /",
        "GET /list/",
        "GET /käse",
    )

    assert _found(matcher, "GET", path) == expected


def test_the_method_is_part_of_the_match_and_head_reads_like_get() -> None:
    matcher = _matcher("GET /a/{id}", "POST /a/new", "HEAD /h", "GET /h")

    assert _found(matcher, "GET", "/a/new") == ("GET /a/{id}", {"id": "new"})
    assert _found(matcher, "HEAD", "/a/1") == ("GET /a/{id}", {"id": "1"})
    assert _found(matcher, "HEAD", "/h") == ("HEAD /h", {})
    assert _found(matcher, "PUT", "/a/1") is None


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("", False),
        ('""', False),
        ("urn:x/Get", False),
        ('"urn:x/Get"', False),
        ("urn:x#Get", False),
        ("urn:x:Get", False),
        ("urn:xGet", False),
        ("Get", False),
        ("GetRequest", False),
        ("urn:x/GetRequest", False),
        ("urn:other/Unknown", False),
        ("urn:x/Put", True),
        ('"urn:x/Put"', True),
        (" urn:x#Put ", True),
        ("urn:x:Put", True),
        ("urn:xPut", True),
        ("Put", True),
        ("PutRequest", True),
        ("urn:x/PutRequest", True),
        ("http://y.example/ws/Drop", True),
        ("http://y.example/ws//Drop", True),
        ("declared", True),
    ],
)
def test_an_undeclared_action_disagrees_when_it_names_another_known_operation(action: str, *, expected: bool) -> None:
    matcher = _matcher("{urn:x}Get", "{urn:x}Put", "{http://y.example/ws/}Drop", "{urn:x}Declared", r3="declared")
    rule = _rule(matcher, "{urn:x}Get")

    assert matcher.disagrees(rule, action) is expected
    assert matcher.disagrees(rule, action) is expected


def test_a_declared_action_is_the_only_one() -> None:
    matcher = _matcher("{urn:x}Get", r0='"http://x/act"')
    rule = _rule(matcher, "{urn:x}Get")

    found = [matcher.disagrees(rule, action) for action in ("http://x/act", '"http://x/act"', "", "urn:x/Get")]

    assert found == [False, False, False, True]


@pytest.mark.parametrize(
    ("operation", "action", "expected"),
    [
        (None, "urn:x/Get", True),
        (None, '"http://x/act"', True),
        (None, "GetRequest", True),
        (None, "", False),
        (None, '""', False),
        (None, "urn:x/Ping", False),
        ("{urn:x}Ping", "urn:x/Ping", False),
        ("{urn:x}Ping", "urn:x/Get", True),
        ("{urn:y}Get", "urn:y/Get", False),
        ("{urn:y}Get", "Get", False),
        ("{urn:y}Get", "urn:x#Get", True),
        ("Ping", "Ping", False),
        ("Ping", "http://x/act", True),
    ],
)
def test_an_action_of_an_operation_that_is_known_belongs_to_no_other(
    operation: str | None, action: str, *, expected: bool
) -> None:
    matcher = _matcher("{urn:x}Get", "{urn:x}Put", r1="http://x/act")

    assert matcher.strays(operation, action) is expected


def test_an_element_with_request_in_its_name_agrees_with_the_action_without_it() -> None:
    matcher = _matcher("{urn:x}GetRequest", "{urn:x}Put")

    assert not matcher.disagrees(_rule(matcher, "{urn:x}GetRequest"), "urn:x/Get")


def test_an_exact_name_comes_before_a_suffix() -> None:
    matcher = _matcher("{urn:x}Get", "{urn:x}GetRequest")

    assert matcher.disagrees(_rule(matcher, "{urn:x}Get"), "urn:x/GetRequest")
    assert matcher.disagrees(_rule(matcher, "{urn:x}GetRequest"), "urn:x/Get")


def test_verdicts_are_bounded_and_forgotten_when_the_rules_change() -> None:
    matcher, before = Matcher(), _ruleset(c=_capability("{urn:x}Get"))
    matcher.use(before, None)
    rule = _rule(matcher, "{urn:x}Get")
    for number in range(5000):
        assert not matcher.disagrees(rule, f"urn:x/Put{number}")
    assert not matcher.disagrees(rule, "Put")
    assert not matcher.disagrees(rule, "x" * 10_000)

    matcher.use(before.changed({"d": _capability("{urn:z}Put")}, version=2, hash_="2" * 64), ["d"])

    assert matcher.disagrees(rule, "Put")


_ROUTES = st.sampled_from(
    ["{urn:x}A", "{urn:x}B", "GET /a", "GET /a/{id}", "GET /a/{name}", "POST /a/{id}/b", "GET /{x}/b", "GET /"]
)
_CHANGES = st.dictionaries(
    st.sampled_from("cdef"), st.none() | st.lists(_ROUTES, unique=True, max_size=4), min_size=1, max_size=4
)


@given(st.lists(_CHANGES, max_size=6))
def test_following_differences_is_the_same_as_beginning_anew(steps: list[dict[str, list[str] | None]]) -> None:
    live, ruleset = Matcher(), EMPTY
    for version, step in enumerate(steps, 1):
        changes = {name: None if routes is None else _capability(*routes) for name, routes in step.items()}
        ruleset = ruleset.changed(changes, version=version, hash_="0" * 64)
        live.use(ruleset, list(changes))
    fresh = Matcher()
    fresh.use(ruleset, None)

    for operation in ("{urn:x}A", "{urn:x}B"):
        assert live.soap(operation) == fresh.soap(operation)
    for method, path in (("GET", "/a"), ("GET", "/a/1"), ("POST", "/a/1/b"), ("GET", "/a/b"), ("GET", "/")):
        assert live.rest(method, path) == fresh.rest(method, path)
    if (rule := live.soap("{urn:x}A")) is not None:
        for action in ("B", "urn:xB", "urn:x/B", "C"):
            assert live.disagrees(rule, action) == fresh.disagrees(rule, action)


def test_nothing_stays_of_rules_that_are_gone() -> None:
    matcher = Matcher()
    before = _ruleset(c=_capability("GET /a/{id}/b", "{urn:x}A", r1="act"))
    matcher.use(before, None)

    matcher.use(before.changed({"c": None}, version=2, hash_="2" * 64), ["c"])

    [root] = [getattr(matcher, name) for name in ("_root",)]
    assert root.empty
    assert not any(getattr(matcher, name) for name in ("_operations", "_actions", "_locals", "_joined", "_parameters"))


def _many(capabilities: int) -> tuple[Ruleset, Matcher]:
    many = {
        f"c{number}": _capability(*(f"{{urn:c{number}}}Op{route}" for route in range(50)), f"GET /c{number}/{{id}}")
        for number in range(capabilities)
    }
    ruleset, matcher = _ruleset(**many), Matcher()
    matcher.use(ruleset, None)
    return ruleset, matcher


def test_a_change_among_100_000_rules_takes_no_longer_than_it_is_large() -> None:
    changes = {"c7": _capability("{urn:new}Op")}
    (few, among_few), (before, matcher) = _many(20), _many(2000)
    small = few.changed(changes, version=2, hash_="2" * 64)
    large = before.changed(changes, version=2, hash_="2" * 64)

    steps = steps_of(lambda: matcher.use(large, ["c7"]))

    assert steps <= 1.1 * steps_of(lambda: among_few.use(small, ["c7"]))
    assert matcher.soap("{urn:c7}Op1") is None
    assert _rule(matcher, "{urn:new}Op").name == "c7/r0"
    assert _found(matcher, "GET", "/c8/1") == ("GET /c8/{id}", {"id": "1"})
