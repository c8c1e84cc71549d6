"""Records that stand below each other become one object, as a whole or not at all."""

import io
import json
from functools import reduce
from operator import getitem
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.legacy.record_file import RecordFile, Refused
from tests.trees import COPYBOOK, NESTED, PARENTS, RULE, described, encoded, framed, records, seen


def decoded(kinds: str, file: RecordFile | None = None, **spec: Any) -> list[Any]:
    file = file or described(**spec)
    return list(file.decode(io.BytesIO(framed(records(kinds), file))))


def refused(found: list[Any]) -> list[tuple[int, str]]:
    return [(each.ordinal, each.error.code) for each in found if isinstance(each, Refused)]


def test_what_stands_below_a_group_is_in_it_as_lists_in_the_order_of_the_file() -> None:
    [tree] = decoded("CATTAK")

    assert json.loads(RecordFile.line(tree)) == {
        "REC-TYPE": "C",
        "SEQ": 0,
        "CUSTOMER": {
            "NAME": "N0",
            "ACCOUNT": [
                {
                    "REC-TYPE": "A",
                    "SEQ": 1,
                    "NUMBER": 1,
                    "TXN": [
                        {"REC-TYPE": "T", "SEQ": 2, "AMOUNT": "-2.00"},
                        {"REC-TYPE": "T", "SEQ": 3, "AMOUNT": "-3.00"},
                    ],
                },
                {"REC-TYPE": "A", "SEQ": 4, "NUMBER": 4, "TXN": []},
            ],
            "CARD": [{"REC-TYPE": "K", "SEQ": 5, "PAN": "P5"}],
        },
    }


def test_groups_may_be_in_a_group() -> None:
    found = decoded("CATKB", copybook=NESTED)

    assert [seen(each) for each in found] == ["0(1(2) 3)", "4"]
    assert found[0]["CONTENT"]["CUSTOMER"]["ACCOUNT"][0]["NUMBER"] == 1
    assert "CONTENT" not in found[0]["CONTENT"]["CUSTOMER"]["ACCOUNT"][0]


def test_an_order_that_is_not_by_group_is_told_and_written_back() -> None:
    file = described()
    data = framed(records("CKATAK"))
    [tree] = file.decode(io.BytesIO(data))

    assert isinstance(tree, dict)
    assert tree["CUSTOMER"]["Seg_Order"] == ["CARD", "ACCOUNT", "ACCOUNT", "CARD"]
    assert encoded(file, [tree]) == data
    del tree["CUSTOMER"]["Seg_Order"]
    assert encoded(file, [tree]) != data


def test_several_roots_end_each_others_trees_and_one_may_have_no_group() -> None:
    found = decoded("CBCAB", rule={**RULE, "map": {**RULE["map"], "B": ""}})

    assert [seen(each) for each in found] == ["0", "1", "2(3)", "4"]
    assert found[1] == {"REC-TYPE": "B", "SEQ": 1}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("ACA", [(0, "parent")]),
        ("TTC", [(0, "parent"), (1, "parent")]),
        ("CABT", [(3, "parent")]),
        ("CTAC", [(0, "tree"), (1, "parent"), (2, "tree")]),
        ("CAKTC", [(0, "tree"), (1, "tree"), (2, "tree"), (3, "parent")]),
    ],
)
def test_an_orphan_is_refused_and_so_is_the_tree_that_it_is_in(kinds: str, expected: list[tuple[int, str]]) -> None:
    assert refused(decoded(kinds)) == expected


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_record_that_can_not_be_read_spoils_its_tree_and_no_other(bad: int) -> None:
    parts = records("CATCA")
    parts[bad] = parts[bad][:1] + b"\xc1\xc2\xc3\xc4" + parts[bad][5:]
    data = framed(parts)

    found = list(described().decode(io.BytesIO(data)))

    assert [seen(each) for each in found if isinstance(each, dict)] == ["3(4)"]
    assert refused(found) == [(each, "zoned" if each == bad else "tree") for each in range(3)]
    letters = [each for each in found if isinstance(each, Refused)]
    assert [each.original for each in letters] == parts[:3]
    assert [data[(each.offset or 0) + 4 :][: len(each.original)] for each in letters] == parts[:3]
    assert f"record {bad} can't" in str(letters[bad - 1].error)


def test_a_record_of_an_unknown_type_spoils_the_tree_that_it_may_be_in() -> None:
    """It may be a root, so what follows it is not given to the root before."""
    parts = records("CACAC")
    parts[2] = b"\xe7" + parts[2][1:]

    found = list(described().decode(io.BytesIO(framed(parts))))

    assert refused(found) == [(0, "tree"), (1, "tree"), (2, "segment"), (3, "tree")]
    assert [seen(each) for each in found if isinstance(each, dict)] == ["4"]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"tree_records": 3}, [(1, "tree-size"), (2, "tree-size"), (3, "tree-size"), (4, "tree-size"), (5, "parent")]),
        ({"tree_bytes": 13 + 11 + 9}, [*((each, "tree-size") for each in (1, 2, 3, 4)), (5, "parent")]),
    ],
)
def test_a_tree_beyond_the_bound_is_refused_and_what_comes_after_it_has_no_root(
    bound: dict[str, int], expected: list[tuple[int, str]]
) -> None:
    found = decoded("BCATTTCAT", rule={**RULE, **bound})

    assert refused(found) == expected
    assert [seen(each) for each in found if not isinstance(each, Refused)] == ["0", "6(7(8))"]


def test_ids_tell_what_a_record_stands_below_and_where_it_is() -> None:
    file = described(record_ids=True)
    data = framed(records("BCAKAT"))
    branch, tree = file.decode(io.BytesIO(data), prefix="file:ab")

    assert isinstance(branch, dict)
    assert isinstance(tree, dict)
    assert branch == {
        "Seg_Id0": "file:ab:000000000000",
        "Record_Id": 0,
        "Record_Offset": 0,
        "REC-TYPE": "B",
        "SEQ": 0,
    } | {"BRANCH": {"TOWN": "B0"}}
    root = "file:ab:000000000001"
    below = tree["CUSTOMER"]
    txn = below["ACCOUNT"][1]["TXN"][0]
    assert (tree["Seg_Id0"], [each["Seg_Id1"] for each in below["ACCOUNT"]]) == (root, [f"{root}_L1_1", f"{root}_L1_3"])
    assert below["CARD"][0]["Seg_Id1"] == f"{root}_L1_2"
    assert {name: txn[name] for name in txn if name.startswith("Seg")} == {
        "Seg_Id0": root,
        "Seg_Id1": f"{root}_L1_3",
        "Seg_Id2": f"{root}_L2_1",
    }
    assert data[txn["Record_Offset"] + 4 :] == records("BCAKAT")[txn["Record_Id"]]
    assert encoded(file, [branch, tree]) == data


def test_records_that_are_no_trees_get_ids_too() -> None:
    file = described(rule={**RULE, "parents": {}}, record_ids=True)
    data = framed(records("CA"))
    found = [json.loads(line) for line in file.lines(io.BytesIO(data)) if isinstance(line, bytes)]

    assert [(each["Seg_Id0"], each["Record_Id"], each["Record_Offset"]) for each in found] == [
        ("000000000000", 0, 0),
        ("000000000001", 1, 17),
    ]
    assert encoded(file, found) == data


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (["ACCOUNT"], {}, "ACCOUNT"),
        (["ACCOUNT"], [1], "ACCOUNT"),
        (["Seg_Order"], ["ACCOUNT"], "Seg_Order"),
        (["Seg_Order"], ["CARD", "CARD"], "Seg_Order"),
        (["Seg_Order"], "CARD", "Seg_Order"),
        (["ACCOUNT", 0, "MORE"], 1, "MORE"),
        (["ACCOUNT", 0, "REC-TYPE"], None, "REC-TYPE"),
        (["CARD", 0, "PAN"], "TOO LONG", "PAN"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused_as_a_whole(place: list[Any], value: Any, field: str) -> None:
    file, letters = described(), list[Refused]()
    tree = json.loads(RecordFile.line(decoded("CAK")[0]))
    *above, name = ["CUSTOMER", *place]
    reduce(getitem, above, tree)[name] = value
    line = json.dumps(tree).encode()

    written = b"".join(file.encode([line, RecordFile.line(decoded("B")[0])], letters))

    assert written == framed(records("B"))
    assert [(each.ordinal, each.error.field, each.original) for each in letters] == [(0, field, line)]


def test_lists_that_are_missing_are_empty() -> None:
    file = described()

    assert encoded(file, [{"REC-TYPE": "C", "SEQ": 0, "CUSTOMER": {"NAME": "N0"}}]) == framed(records("C"))


@pytest.mark.parametrize(
    ("parents", "problems"),
    [
        ({"GONE": "CUSTOMER", "CARD": "LOST"}, ["no single item GONE", "no single item LOST"]),
        ({"ACCOUNT": "TXN", "TXN": "ACCOUNT"}, ["ACCOUNT below TXN below ACCOUNT: no root is above them"]),
        ({"CARD": "CARD"}, ["CARD below CARD: no root is above them"]),
        ({"ENTRY.TXN": "ACCOUNT", "txn": "CARD"}, ["a group is there twice under different names"]),
        ({"NAME": "CUSTOMER", "CARD": "SEQ"}, ["NAME is no group", "no value is mapped to SEQ", "SEQ is no group"]),
    ],
)
def test_what_can_not_be_is_told_at_once(parents: dict[str, str], problems: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        described(rule={**RULE, "parents": parents})

    for said in problems:
        assert sum(said in problem for problem in error.value.problems) == 1, error.value.problems


def test_trees_need_one_rule_and_no_gaps() -> None:
    with pytest.raises(ConfigError, match="parents go with one rule"):
        described(segments=[RULE, {"field": "SEQ", "map": {"1": "BRANCH"}}])
    with pytest.raises(ConfigError, match=r"framing.resync: behind a gap"):
        described(framing={"recfm": "VBS", "resync": True})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("NUMBER  ", "SEQ     ", "SEQ is in ACCOUNT and outside it"),
        ("NAME   ", "CARD   ", "CARD below CUSTOMER: there is another of that name"),
        ("SEQ   ", "TXN-NO", None),
    ],
)
def test_names_that_would_stand_twice_in_one_object_are_refused(old: str, new: str, said: str | None) -> None:
    rule = {**RULE, "map": {**RULE["map"], "K": "ENTRY.CARD"}, "parents": {**PARENTS, "ENTRY.CARD": "CUSTOMER"}}
    del rule["parents"]["CARD"]
    if said is None:
        described(COPYBOOK.replace(old, new), rule)
        return
    with pytest.raises(ConfigError, match=said):
        described(COPYBOOK.replace(old, new), rule)


def test_a_group_in_a_filler_is_in_no_record() -> None:
    with pytest.raises(ConfigError, match="CUSTOMER is in a FILLER"):
        described(NESTED.replace("CONTENT.", "FILLER. "))


def test_lines_of_text_that_lack_their_blanks_are_trees_too() -> None:
    text = COPYBOOK.replace(" COMP-3", "")
    file = described(text, framing={"recfm": "LS"}, encoding="ascii")
    data = b"C0001ADA\nA0002000017\nT0003000010}\nK0004\nC0005\nB0006ROME\n"

    found = list(file.decode(io.BytesIO(data)))

    assert [seen(each) for each in found if not isinstance(each, Refused)] == ["1(2(3) 4)", "5", "6"]
    assert encoded(file, [each for each in found if not isinstance(each, Refused)]) == data
