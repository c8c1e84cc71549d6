"""What is said of two values that differ: in what they are alike, and neither of them."""

import pytest

from tests.replies import answer, comparer_of, typed


@pytest.mark.parametrize(
    ("kind", "left", "right", "hint"),
    [
        ("xs:dateTime", "2026-01-02T12:00:00Z", "2026-01-02T12:00:00", "one has no zone"),
        ("xs:dateTime", "2026-01-02T12:00:00Z", "2026-01-02T13:00:00Z", "by 1 h"),
        ("xs:dateTime", "2026-01-02T12:00:00", "2026-01-02T14:00:00", "by 2 h"),
        ("xs:dateTime", "2026-01-02T12:00:00Z", "2026-01-02T12:00:00.5Z", "by less than a second"),
        ("xs:dateTime", "2026-01-02T12:00:00Z", "2026-01-02T12:20:00Z", "by minutes"),
        ("xs:date", "2026-01-02", "2026-02-01", "by days or more"),
        ("xs:duration", "P1M", "P2M", ""),
        ("xs:decimal", "1.50", "-1.5", "sign only"),
        ("xs:decimal", "1234.5", "1234.51", "by about 10^-2"),
        ("xs:decimal", "1", "5001", "by about 10^3"),
        ("xs:double", "1", "NaN", ""),
        ("xs:string", "007", "7", "the same number"),
        ("xs:string", "Ada ", " Ada", "blanks only"),
        ("xs:string", "ADA", "Ada", "case only"),
        ("xs:string", "Zo\u00eb", "Zoe\u0308", "Unicode form only"),
        ("xs:string", "ZO\u00cb ", "zoe\u0308", "case, blanks and Unicode form only"),
        ("xs:string", "Ada", "Grace", ""),
        ("xs:string", "", " ", ""),
    ],
)
def test_how_two_values_differ_is_told(kind: str, left: str, right: str, hint: str) -> None:
    compared = comparer_of(typed(kind))

    for one, other in ((left, right), (right, left)):
        [found] = compared.compare(answer(one), answer(other)).differences
        assert found.hint == hint


def test_differences_of_another_hint_are_another_class() -> None:
    compared = comparer_of(typed("xs:string"))
    case, other = (compared.compare(answer("Ada"), answer(right)).differences[0] for right in ("ADA", "EVE"))

    assert (case.shape, case.class_id == other.class_id) == (other.shape, False)
