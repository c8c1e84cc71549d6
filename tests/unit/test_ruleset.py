"""A ruleset never changes; a change makes the next one."""

import gc

from hypothesis import given
from hypothesis import strategies as st

from routers.rulesets.capability import Capability, Route
from routers.rulesets.ruleset import EMPTY, GENESIS, Ruleset, in_bulk
from tests.rulesets import capability

NAMES = st.sampled_from(["a", "b", "c"])


def made(share: int, routes: set[str]) -> Capability:
    return capability(share=share, routes={route: Route(record=route) for route in routes})


CAPABILITIES = st.builds(made, st.integers(0, 10_000), st.sets(st.sampled_from(["x", "y"])))


def rules_of(capabilities: dict[str, Capability]) -> set[str]:
    return {f"{name}/{route}" for name, each in capabilities.items() for route in each.routes}


@given(st.lists(st.dictionaries(NAMES, st.none() | CAPABILITIES), max_size=6))
def test_a_ruleset_has_the_routes_of_its_capabilities_after_any_changes(
    changes: list[dict[str, Capability | None]],
) -> None:
    ruleset, plain, versions = EMPTY, dict[str, Capability](), dict[str, int]()
    for version, each in enumerate(changes, start=1):
        ruleset = ruleset.changed(each, version=version, hash_=str(version))
        plain = {name: found for name, found in {**plain, **each}.items() if found is not None}
        versions |= dict.fromkeys(each, version)

    assert ruleset.version == len(changes)
    assert ruleset.capabilities == plain
    assert set(ruleset.rules) == rules_of(plain)
    assert all(
        (rule.capability, rule.version) == (plain[rule.capability_name], versions[rule.capability_name])
        for rule in ruleset.rules.values()
    )
    restored = {name: (versions[name], each) for name, each in plain.items()}
    assert Ruleset.restored(restored, version=ruleset.version, hash_=ruleset.hash) == ruleset


def test_a_change_leaves_the_ruleset_before_as_it_was() -> None:
    one = EMPTY.changed({"a": capability()}, version=1, hash_="1")

    one.changed({"a": None, "b": capability()}, version=2, hash_="2")

    assert (set(one.capabilities), set(one.rules)) == ({"a"}, {"a/pay"})
    assert (EMPTY.version, EMPTY.hash, len(EMPTY.rules)) == (0, GENESIS, 0)


def test_garbage_is_collected_again_after_a_bulk() -> None:
    with in_bulk(), in_bulk():
        inside = gc.isenabled()

    assert (inside, gc.isenabled()) == (False, True)
