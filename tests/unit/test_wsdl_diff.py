"""`banyan wsdl diff`, as its user runs it."""

from pathlib import Path

from tests.command_line import banyan
from tests.wsdl_changes import CASES
from tests.wsdl_edits import CODES, WSDL, Edit, child, edited
from tests.wsdls import OWN, registry_alone

REGISTRY = str(OWN / WSDL)


def test_no_change_is_told_with_0(tmp_path: Path) -> None:
    ran = banyan("wsdl", "diff", REGISTRY, str(registry_alone(tmp_path)))

    assert (ran.code, ran.out, ran.err) == (0, "nothing changed\n", "")


def test_what_breaks_is_told_with_1(tmp_path: Path) -> None:
    names = ("a part", "values", "a length", "an address", "a facet of answers")
    path = edited(tmp_path, *(edit for name in names for edit in CASES[name].new))

    ran = banyan("wsdl", "diff", REGISTRY, str(path))

    assert ran.code == 1
    assert ran.out.splitlines() == [
        "Breaking for callers and readers (1)",
        "  facet-changed  Country  length 2 -> length 3  (codes.xsd:11)",
        "",
        "Breaking for callers (1)",
        "  part-removed  Statistics11/Count/input/city  (registry.wsdl:116)",
        "",
        "Breaking for readers (2)",
        "  facet-loosened  Amount  totalDigits 9 -> totalDigits 11  (codes.xsd:25)",
        "  values-added  Status  GONE  (codes.xsd:4)",
        "",
        "Compatible (1)",
        "  values-removed  Status  was MOVED  (codes.xsd:4)",
        "",
        "Note (1)",
        "  address-changed  Registry12  http://127.0.0.1:8080/registry12 -> https://registry.example/",
        "      (registry.wsdl:126)",
        "",
        "6 changes: 2 breaking for callers, 3 breaking for readers, 1 compatible, 1 note",
    ]


def test_what_breaks_nobody_is_told_with_0_and_as_json(tmp_path: Path) -> None:
    path = edited(tmp_path, *CASES["a wider type"].new)

    ran = banyan("wsdl", "diff", REGISTRY, str(path), "--json")

    assert ran.code == 0
    assert ran.json == {
        "compatible": True,
        "changes": [
            {
                "kind": "type-changed",
                "about": "Limit",
                "old": "xs:int",
                "new": "xs:long",
                "verdicts": ["compatible"],
                "file": "types/resident.xsd",
                "line": 10,
            }
        ],
    }


def test_many_changes_are_summarised_unless_all_are_wanted(tmp_path: Path) -> None:
    path = str(edited(tmp_path, child(*(f'<xs:element name="x{each:02}" type="xs:int"/>' for each in range(30)))))

    short, everything = banyan("wsdl", "diff", REGISTRY, path).out, banyan("wsdl", "diff", REGISTRY, path, "--all").out

    assert "  and 10 more (--all shows them): 10 element-added\n" in short
    assert (short.count("Resident/x"), everything.count("Resident/x")) == (20, 30)


def test_a_contract_that_is_broken_is_told_to_be_compared_in_part(tmp_path: Path) -> None:
    path = edited(tmp_path, Edit(WSDL, "types/resident.xsd", "../resident.xsd"))

    ran = banyan("wsdl", "diff", str(path), REGISTRY)

    assert f"{path}: 1 thing in it is broken, so not all is compared; the first: registry.wsdl:9" in ran.err


def test_imports_from_above_need_their_root(tmp_path: Path) -> None:
    edited(tmp_path)
    (tmp_path / "below").mkdir()
    moved = tmp_path / "below" / WSDL
    moved.write_text((tmp_path / WSDL).read_text().replace('schemaLocation="types/', 'schemaLocation="../types/'))

    ran = banyan("wsdl", "diff", REGISTRY, str(moved), "--new-root", str(tmp_path))

    assert (ran.code, ran.out, ran.err) == (0, "nothing changed\n", "")
    assert (tmp_path / CODES).exists()
