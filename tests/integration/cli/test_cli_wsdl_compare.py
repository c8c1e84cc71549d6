"""`banyan wsdl compare`: one pair of replies, or folders of them."""

from pathlib import Path

import pytest

from tests.command_line import Ran, banyan
from tests.replies import fault, listed, resident
from tests.wsdls import OWN


def run(folder: Path, *more: str, left: str = "left", right: str = "right", operation: str = "List") -> Ran:
    return banyan(
        "wsdl", "compare", str(OWN / "registry.wsdl"), operation, str(folder / left), str(folder / right), *more
    )


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Return a folder with two replies that differ in one name."""
    (tmp_path / "left").write_bytes(listed(resident(1, name="Ada Igelkott"), resident(2)))
    (tmp_path / "right").write_bytes(listed(resident(1, name="Grace Igelkott"), resident(2, fee="2.5")))
    return tmp_path


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Return two folders of ten replies: four agree, five differ in a name, one is a fault."""
    for side, name in (("left", "Ada"), ("right", "Grace")):
        (tmp_path / side).mkdir()
        for number in range(9):
            reply = listed(resident(number, name=name if number > 3 else "Igelkott"))
            (tmp_path / side / f"{number}.xml").write_bytes(reply)
    (tmp_path / "left" / "9.xml").write_bytes(listed())
    (tmp_path / "right" / "9.xml").write_bytes(fault("s:Server", "Igelkott is gone"))
    return tmp_path


def test_a_difference_is_shown_masked_and_ends_with_its_code(pair: Path) -> None:
    done = run(pair)

    assert done.code == 3
    assert "/ListResponse/resident[1]/name" in done.out
    assert "'Xxx Xx(7)'" in done.out
    assert "Ada" not in done.out + done.err


def test_two_values_whose_masks_are_alike_are_said_to_be_two(pair: Path) -> None:
    (pair / "right").write_bytes(listed(resident(1, name="Eve Igelkott"), resident(2)))

    done = run(pair)

    assert done.code == 3
    assert "'Xxx Xx(7)'  'Xxx Xx(7)', another value" in done.out
    assert not {"Ada", "Eve"} & set(done.out.replace("'", " ").split())


def test_replies_that_agree_say_how(pair: Path) -> None:
    (pair / "right").write_bytes(listed(resident(1, name="Ada Igelkott"), resident(2, fee="2.50"), complete="1"))

    assert (run(pair).code, run(pair).out) == (0, "equal: by the types\n")
    assert (run(pair, right="left").code, run(pair, right="left").out) == (0, "equal: the same bytes\n")


def test_rules_say_what_is_no_divergence_and_what_is_public(pair: Path) -> None:
    (pair / "rules.yaml").write_text("ignore: ['//resident/name']\n")
    assert run(pair, "--rules", str(pair / "rules.yaml")).code == 0

    (pair / "rules.yaml").write_text("public: ['//resident/name']\n")
    assert "'Ada Igelkott'" in run(pair, "--rules", str(pair / "rules.yaml")).out


def test_a_pair_as_json_is_the_comparison(pair: Path) -> None:
    done = run(pair, "--json")

    assert (done.code, done.json["is_equal"], done.json["how"]) == (3, False, "typed")
    assert [each["generic"] for each in done.json["differences"]] == ["/ListResponse/resident/name"]


def test_folders_are_told_as_classes(folders: Path) -> None:
    done = run(folders)

    assert done.code == 3
    header, names, faults, summed = done.out.splitlines()
    assert header.split()[:4] == ["class", "count", "replies", "kind"]
    assert names.split()[1:6] == ["5", "5", "value", "/ListResponse/resident/name", "xs:string"]
    assert "answer -> fault Server" in faults
    assert summed == "4 of 10 pairs agree, 2 classes of differences"


def test_folders_as_json_name_what_has_no_pair(folders: Path) -> None:
    (folders / "left" / "lone.xml").write_bytes(listed())

    done = run(folders, "--json")

    assert (done.code, done.json["compared"], done.json["equal"]) == (3, 10, 4)
    assert done.json["without_a_pair"] == ["lone.xml"]
    assert [each["count"] for each in done.json["classes"]] == [5, 1]


def test_a_file_without_a_pair_is_no_agreement(folders: Path) -> None:
    for number in range(4, 10):
        (folders / "left" / f"{number}.xml").unlink()

    done = run(folders)

    assert done.code == 3
    assert "9.xml: on one side only, not compared" in done.out


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"right": "none"}, "none: No such file or directory"),
        ({"operation": "Lits"}, "no operation Lits in Registry; there are: List, Move, Touch, Count"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(pair: Path, given: dict[str, str], problem: str) -> None:
    done = run(pair, **given)

    assert done.code == 2
    assert problem in done.err


def test_a_rule_for_what_there_is_not_is_told_with_what_there_is(pair: Path) -> None:
    (pair / "rules.yaml").write_text("ignore: [/ListResponse/resident/nam]\n")

    done = run(pair, "--rules", str(pair / "rules.yaml"))

    assert done.code == 2
    assert "/ListResponse/resident has no nam; there are: id, name, born" in done.err


def test_a_port_can_be_chosen(pair: Path) -> None:
    assert run(pair, "--port", "Registry12").code == 3
    assert "no port Registry13 in Registry; there are: Registry11, Registry12" in run(pair, "--port", "Registry13").err
