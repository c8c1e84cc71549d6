"""Records to nested values and back."""

from typing import Any

import pytest

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Options, RowCodec, Segments, Trim, parse
from contracts.legacy.copybook.dialect import GNUCOBOL_IBM, ZOS, Dialect


def rows(*entries: str, options: Options | None = None, dialect: Dialect = ZOS) -> RowCodec:
    """Return a codec for a record with these entries; lines that begin with a level 66 end it."""
    text = "       01  R.\n" + "".join(f"         {entry}\n" for entry in entries)
    return RowCodec(parse(text, dialect=dialect), options)


def ebcdic(text: str) -> bytes:
    """Return characters in code page 037."""
    return text.encode("cp037")


def refused(decoding: RowCodec, record: bytes) -> tuple[str, str, int | None, bytes | None]:
    """Return field, code, place and bytes of what is refused."""
    with pytest.raises(RecordError) as caught:
        decoding.decode(record)
    return caught.value.field, caught.value.code, caught.value.start, caught.value.raw


def test_groups_are_objects_tables_arrays_and_filler_is_not_there() -> None:
    decoding = rows(
        "05 A.",
        "  10 B PIC 9.",
        "  10 FILLER PIC X.",
        "05 FILLER.",
        "  10 GONE PIC X.",
        "05 C OCCURS 2.",
        "  10 D PIC X OCCURS 2.",
        "  10 E PIC 9.",
    )

    values = decoding.decode(ebcdic("1-xab1cd2"))

    assert values == {"A": {"B": 1}, "C": [{"D": ["a", "b"], "E": 1}, {"D": ["c", "d"], "E": 2}]}
    assert decoding.encode(values) == ebcdic("1  ab1cd2")
    assert decoding.encode(values, ebcdic("1-xab1cd2")) == ebcdic("1-xab1cd2")


def test_a_record_may_be_one_field_or_have_no_level_01() -> None:
    assert RowCodec(parse("       01  R PIC 9(2).\n")).decode(ebcdic("12")) == {"R": 12}
    without = RowCodec(parse("       05  A PIC X.\n       05  B.\n         10  C PIC 9.\n"))
    assert without.decode(ebcdic("x1")) == {"A": "x", "B": {"C": 1}}
    assert without.encode({"A": "x", "B": {"C": 1}}) == ebcdic("x1")


ODO = (
    "05 N PIC 9.",
    "05 G OCCURS 0 TO 2 TIMES DEPENDING ON N.",
    "  10 M PIC 9.",
    "  10 H PIC X OCCURS 1 TO 3 TIMES DEPENDING ON M.",
    "05 TAIL PIC X(2).",
)


TABLES: list[tuple[str, dict[str, Any]]] = [
    ("0zz", {"N": 0, "G": [], "TAIL": "zz"}),
    ("10zz", {"N": 1, "G": [{"M": 0, "H": []}], "TAIL": "zz"}),
    ("22ab1czz", {"N": 2, "G": [{"M": 2, "H": ["a", "b"]}, {"M": 1, "H": ["c"]}], "TAIL": "zz"}),
]


@pytest.mark.parametrize(("record", "values"), TABLES)
def test_tables_in_tables_shift_what_follows(record: str, values: dict[str, Any]) -> None:
    decoding = rows(*ODO)

    assert decoding.decode(ebcdic(record)) == values
    assert decoding.encode(values) == ebcdic(record)
    assert decoding.encode(values, ebcdic(record)) == ebcdic(record)


def test_tables_at_their_longest_leave_room() -> None:
    decoding = rows(*ODO, options=Options(tables="max"))
    record = ebcdic("12ab-" + "----" + "zz")
    values = {"N": 1, "G": [{"M": 2, "H": ["a", "b"]}], "TAIL": "zz"}

    assert decoding.decode(record) == values
    assert decoding.encode(values, record) == record
    assert decoding.encode(values) == ebcdic("12ab " + "    " + "zz")


def test_a_table_that_grows_or_shrinks_keeps_what_else_was_there() -> None:
    decoding = rows(
        "05 N PIC S9.", "05 T OCCURS 0 TO 3 DEPENDING ON N.", "  10 A PIC S9.", "  10 FILLER PIC X.", "05 Z PIC S9."
    )
    base = bytes.fromhex("f2f1c1f3c2f4")

    assert decoding.decode(base) == {"N": 2, "T": [{"A": 1}, {"A": 3}], "Z": 4}
    assert decoding.encode({"N": 1, "T": [{"A": 1}], "Z": 4}, base) == bytes.fromhex("c1f1c1f4")
    grown = decoding.encode({"N": 3, "T": [{"A": 1}, {"A": -3}, {"A": 5}], "Z": 4}, base)
    assert grown == bytes.fromhex("c3f1c1d3c2c540f4")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("3zz", ("G", "count", 1, None)),
        ("2", ("M", "short-record", 1, b"")),
        ("12a", ("H", "short-record", 3, b"")),
        ("xzz", ("N", "zoned", 0, b"\xa7")),
        ("0zz!", ("R", "long-record", 3, b"\x5a")),
        (" zz", ("N", "blank", 0, b"\x40")),
    ],
)
def test_what_no_counter_explains_is_refused(record: str, expected: tuple[str, str, int, bytes | None]) -> None:
    assert refused(rows(*ODO), ebcdic(record)) == expected


def test_bytes_after_a_record_are_dropped_where_they_are_filling_or_told() -> None:
    assert rows("05 A PIC X.").decode(ebcdic("a  ") + b"\0") == {"A": "a"}
    assert rows("05 A PIC X.", options=Options(drop_rest=True)).decode(ebcdic("a!!")) == {"A": "a"}
    assert rows("05 A PIC X.").encode({"A": "b"}, ebcdic("a  ")) == ebcdic("b  ")


def test_records_may_lack_blanks_at_the_end() -> None:
    decoding = rows("05 A PIC X(2).", "05 B PIC X(3).", options=Options(is_trimmed=True))

    assert decoding.decode(ebcdic("a")) == {"A": "a", "B": ""}


def test_a_counter_may_be_text_that_means_a_count() -> None:
    options = Options(counts={"N": {"ONE": 1, "TWO": 2}})
    decoding = rows("05 N PIC X(3).", "05 T PIC X OCCURS 0 TO 2 DEPENDING ON N.", options=options)

    assert decoding.decode(ebcdic("TWOab")) == {"N": "TWO", "T": ["a", "b"]}
    assert decoding.encode({"N": "ONE", "T": ["a"]}) == ebcdic("ONEa")
    assert refused(decoding, ebcdic("SIX"))[:2] == ("N", "count")


def test_a_counter_that_is_in_no_record_can_not_be_decoded() -> None:
    with pytest.raises(ContractError, match="a counter ELSEWHERE in the record"):
        rows("05 T PIC X OCCURS 1 TO 2 DEPENDING ON ELSEWHERE.")


VIEWS = ("05 K PIC X.", "05 A PIC X(4).", "05 B REDEFINES A.", "  10 C PIC 9(2).", "  10 D PIC 9(2).", "05 E PIC X.")


def test_all_views_of_the_same_bytes_are_there() -> None:
    decoding = rows(*VIEWS)

    assert decoding.decode(ebcdic("k1234e")) == {"K": "k", "A": "1234", "B": {"C": 12, "D": 34}, "E": "e"}
    assert decoding.encode({"K": "k", "B": {"C": 12, "D": 34}, "E": "e"}) == ebcdic("k1234e")
    assert decoding.encode({"B": {"D": 99}}, ebcdic("k1234e")) == ebcdic("k1299e")
    assert decoding.encode({"A": "5678"}, ebcdic("k1234e")) == ebcdic("k5678e")


def test_blanks_that_only_fill_contradict_nothing() -> None:
    record = {"K": "k", "A": "12  ", "E": "e"}

    assert rows(*VIEWS[:2], "05 B REDEFINES A PIC X(2).", VIEWS[-1]).encode(record) == ebcdic("k12  e")


def test_views_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(RecordError) as caught:
        rows(*VIEWS).encode({"K": "k", "A": "1234", "B": {"C": 12, "D": 35}, "E": "e"})

    assert (caught.value.field, caught.value.code) == ("A", "conflict")


def test_a_segment_chooses_a_view() -> None:
    segments = (Segments(field="K", groups={"1": "A", "2": "B", "3": ""}),)
    decoding = rows(*VIEWS, options=Options(segments=segments))

    assert decoding.decode(ebcdic("1wxyze")) == {"K": "1", "A": "wxyz", "E": "e"}
    assert decoding.decode(ebcdic("21234e")) == {"K": "2", "B": {"C": 12, "D": 34}, "E": "e"}
    assert decoding.decode(ebcdic("3wxyze")) == {"K": "3", "E": "e"}
    assert decoding.encode({"K": "2", "B": {"C": 1, "D": 2}, "E": "e"}) == ebcdic("20102e")
    assert decoding.encode({"E": "f"}, ebcdic("3wxyze")) == ebcdic("3wxyzf")
    assert refused(decoding, ebcdic("4wxyze")) == ("K", "segment", 0, ebcdic("4"))


def test_a_shorter_segment_at_the_end_makes_a_shorter_record() -> None:
    segments = (Segments(field="K", groups={"L": "LONG", "*": "SHORT"}),)
    entries = ("05 K PIC X.", "05 LONG PIC X(9).", "05 SHORT REDEFINES LONG PIC X(2).")
    decoding = rows(*entries, options=Options(segments=segments))

    assert decoding.decode(ebcdic("Sab")) == {"K": "S", "SHORT": "ab"}
    assert decoding.encode({"K": "S", "SHORT": "ab"}) == ebcdic("Sab")


@pytest.mark.parametrize(
    ("segments", "problem"),
    [
        (Segments(field="GONE", groups={}), "no single item GONE"),
        (Segments(field="K", groups={"1": "E"}), "R.E redefines nothing"),
        (Segments(field="B", groups={"1": "A"}), "B is no field at one place"),
    ],
)
def test_segments_that_the_layout_does_not_have_are_refused(segments: Segments, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        rows(*VIEWS, options=Options(segments=(segments,)))


def test_options_that_name_no_item_are_refused_all_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        rows("05 A PIC X.", options=Options(pages={"A": "cp500", "B": "cp037", "C": "cp037"}))

    assert [problem.split()[-1] for problem in caught.value.problems] == ["B", "C"]


def test_two_items_of_one_name_in_a_group_can_not_be_decoded() -> None:
    with pytest.raises(ContractError, match="unique in their group"):
        rows("05 A.", "  10 B PIC X.", "05 A.", "  10 C PIC X.")


CONDITIONS = (
    "05 A PIC X(2).",
    "   88 IS-P VALUE 'P'.",
    "   88 IS-DIGIT VALUES '0' THRU '99'.",
    "   88 NONE-THERE VALUE SPACES LOW-VALUES.",
    "05 B PIC S9(3)V9 COMP-3.",
    "   88 IS-SMALL VALUE -1.5 THRU 1.5.",
    "   88 IS-ZERO VALUE ZERO.",
    "05 T OCCURS 2.",
    "  88 IS-ALL-A VALUE ALL 'A'.",
    "  10 C PIC X.",
    "     88 IS-HEX VALUE X'C1'.",
)


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (ebcdic("P ") + bytes.fromhex("00015d") + ebcdic("AB"), ["IS-P", "IS-SMALL", "IS-ALL-A(1)", "IS-HEX(1)"]),
        (
            ebcdic("42") + bytes.fromhex("00000f") + ebcdic("BA"),
            ["IS-DIGIT", "IS-SMALL", "IS-ZERO", "IS-HEX(2)", "IS-ALL-A(2)"],
        ),
        (b"\0\0" + bytes.fromhex("00016c") + ebcdic("BB"), ["NONE-THERE"]),
        (ebcdic("  ") + bytes.fromhex("00016c") + ebcdic("BB"), ["NONE-THERE"]),
    ],
)
def test_condition_names_that_hold(record: bytes, names: list[str]) -> None:
    assert sorted(rows(*CONDITIONS).conditions(record)) == sorted(names)


def test_renames_are_more_names_for_bytes() -> None:
    text = (
        "       01  R.\n           05  A PIC X.\n           05  B PIC 9(2).\n           05  C PIC S9 COMP-3.\n"
        "       66  AB RENAMES A THRU B.\n       66  N RENAMES B.\n       66  ALL-OF RENAMES A THRU C.\n"
    )
    decoding = RowCodec(parse(text))
    record = ebcdic("x12") + b"\x3c"

    values = decoding.decode(record)

    assert values == {"A": "x", "B": 12, "C": 3, "AB": "x12", "N": 12}
    assert decoding.encode(values, record) == record
    with pytest.raises(RecordError) as caught:
        decoding.encode({**values, "N": 13}, record)
    assert (caught.value.field, caught.value.code) == ("N", "conflict")


def test_an_edited_record_keeps_what_was_not_changed() -> None:
    decoding = rows("05 A PIC S9(3).", "05 FILLER PIC X(2).", "05 B PIC S9(3) COMP-3.", "05 C PIC X(3).")
    base = bytes.fromhex("f1f2f30102123fc10000")
    values = decoding.decode(base)

    assert decoding.encode(values, base) == base
    assert decoding.encode({**values, "A": -123}, base) == bytes.fromhex("f1f2d30102123fc10000")
    assert decoding.encode({"C": "B"}, base) == bytes.fromhex("f1f2f30102123fc24040")
    assert decoding.encode(values) == bytes.fromhex("f1f2c34040123cc10000")


def test_a_field_that_is_bad_stays_where_it_is_not_told() -> None:
    decoding = rows("05 A PIC 9(2).", "05 B PIC X.")

    assert decoding.encode({"B": "y"}, b"\xff\xff\xa7") == b"\xff\xff\xa8"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"N": 1, "T": ["a"]}, ("Z", "missing", 2)),
        ({"N": 1, "T": ["a", "b"], "Z": "z"}, ("T", "count", 1)),
        ({"N": 1, "T": "a", "Z": "z"}, ("T", "missing", 1)),
        ({"N": 1, "Z": "z"}, ("T", "missing", 1)),
        ({"N": 4, "T": ["a"] * 4, "Z": "z"}, ("T", "count", 1)),
        ({"N": "1", "T": ["a"], "Z": "z"}, ("N", "value", 0)),
        ({"N": 1, "T": ["ab"], "Z": "z"}, ("T", "value", 1)),
        ({"N": 1, "T": ["€"], "Z": "z"}, ("T", "value", 1)),
        ({"N": 10, "T": [], "Z": "z"}, ("N", "value", 0)),
        ({"N": -1, "T": [], "Z": "z"}, ("N", "value", 0)),
        ({"N": None, "T": [], "Z": "z"}, ("N", "value", 0)),
        ({"N": True, "T": ["a"], "Z": "z"}, ("N", "value", 0)),
        ({"N": 1, "T": ["a"], "Z": "z", "G": {"X": 1}}, ("G", "value", 3)),
        ({"N": 1, "T": ["a"], "Z": "z", "X": 1}, ("X", "value", None)),
        ({"N": 1, "T": ["a"], "Z": "z", "G": 1}, ("G", "value", 3)),
    ],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, Any], expected: tuple[str, str, int | None]) -> None:
    decoding = rows("05 N PIC 9.", "05 T PIC X OCCURS 0 TO 3 DEPENDING ON N.", "05 Z PIC X.", "05 G.", "  10 Y PIC X.")

    with pytest.raises(RecordError) as caught:
        decoding.encode(values)

    assert (caught.value.field, caught.value.code, caught.value.start) == expected
    assert caught.value.raw is None


@pytest.mark.parametrize(
    ("trim", "text"), [(Trim.RIGHT, " a b"), (Trim.LEFT, "a b "), (Trim.BOTH, "a b"), (Trim.NONE, " a b ")]
)
def test_blanks_are_cut_off_where_told(trim: Trim, text: str) -> None:
    assert rows("05 A PIC X(5).", options=Options(trim=trim)).decode(ebcdic(" a b ")) == {"A": text}


def test_many_records_of_a_buffer_are_decoded_or_refused_one_by_one() -> None:
    first, bad, last = rows("05 A PIC 9.").decode_all(ebcdic("1x3"), [(0, 1), (1, 1), (2, 1)])

    assert (first, last) == ({"A": 1}, {"A": 3})
    assert isinstance(bad, RecordError)
    assert (bad.code, bad.start, bad.raw) == ("zoned", 0, b"\xa7")


def test_slack_bytes_are_skipped_and_kept() -> None:
    decoding = rows("05 A PIC X.", "05 B PIC S9(4) COMP SYNC.", "05 C PIC X.", dialect=GNUCOBOL_IBM)
    record = bytes.fromhex("c1ee0001c2")

    assert decoding.decode(record) == {"A": "A", "B": 1, "C": "B"}
    assert decoding.encode({"B": 2}, record) == bytes.fromhex("c1ee0002c2")
    assert decoding.encode({"A": "A", "B": 1, "C": "B"}) == bytes.fromhex("c1400001c2")
