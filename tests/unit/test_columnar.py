"""Events column by column are what pydantic makes of them one by one."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    computed_field,
    field_validator,
    model_validator,
)

from contracts import columnar
from contracts.columnar import event_encoder
from contracts.event import Event, Public
from contracts.mapping import compile_mapping
from tests.flat import GOOD, LEGACY, TABLE, Base, Flat, Status, columns, one_by_one

TRICKY = st.sampled_from(
    ['"', '","', ",", "\\", '\\"', ",\\", "null", "%b", "%", "\x00", "\n", "\x7f", "é", "€", "", "[]"]
)
TEXT = st.one_of(TRICKY, st.lists(TRICKY, max_size=4).map("".join), st.text(max_size=9))
ROW = st.fixed_dictionaries(
    {
        "ID": TEXT,
        "NAME": TEXT,
        "COUNT": st.one_of(st.integers(-2, 10**20), st.just("7"), st.just("x")),
        "AMOUNT": st.one_of(st.decimals(-99999, 99999, places=2), st.just("1e2"), st.just("NaN"), st.just("")),
        "BORN": st.one_of(st.dates(), st.just("2026-02-30"), st.just("2026-02-28")),
        "AT": st.one_of(st.datetimes(), st.just("2026-02-28T01:02:03Z"), st.integers(0, 10**9)),
        "AGREED": st.sampled_from([True, False, "yes", "maybe", 1]),
        "KIND": st.sampled_from(["a", "b", "c", ""]),
        "STATUS": st.sampled_from(["open", "closed", "gone", Status.OPEN]),
        "NOTE": st.one_of(st.none(), TEXT),
        "LEFT": st.one_of(st.none(), st.dates(), st.just("")),
    }
)


@given(st.lists(ROW, max_size=5))
def test_columns_give_what_pydantic_gives_one_by_one(rows: list[dict[str, Any]]) -> None:
    encoder = event_encoder(Flat, mapped=TABLE, key="id")

    found = encoder({name.lower(): column for name, column in columns(rows).items()})

    values, bad = one_by_one(Flat, rows)
    assert (list(found.values), {index: error.field for index, error in found.bad.items()}) == (values, bad)
    assert found.keys == [row["ID"] for index, row in enumerate(rows) if index not in bad]


@given(st.lists(st.fixed_dictionaries({"ID": TEXT, "NOTE": st.one_of(st.none(), TEXT)}), max_size=6))
def test_text_is_cut_at_the_right_quotes(rows: list[dict[str, Any]]) -> None:
    class Texts(Event):
        type = "org.example.texts.v1"
        topic = "texts"
        id: Public[str]
        note: Public[str | None]

    encoded = event_encoder(Texts, mapped=("id", "note"), key="id")(
        {"id": [row["ID"] for row in rows], "note": [row["NOTE"] for row in rows]}
    )

    assert (list(encoded.values), encoded.bad) == (one_by_one(Texts, rows)[0], {})


class Ordered(Base):
    @model_validator(mode="after")
    def _check(self) -> "Ordered":
        if self.low > self.high:
            raise ValueError(f"{self.low} is above {self.high}")
        return self


class Doubled(Base):
    @field_validator("high")
    @classmethod
    def _double(cls, value: int) -> int:
        return value * 2


class Summed(Base):
    @computed_field(json_schema_extra={"x-classification": "public"})  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        return self.low + self.high


class Stripped(Base):
    model_config = ConfigDict(str_strip_whitespace=True)


class Aliased(Base):
    other: Public[str] = Field(default="", exclude=True)


class Listed(Base):
    parts: Public[tuple[str, ...]] = ("a", "b")


class Checked(Base):
    other: Public[Annotated[int, AfterValidator(abs)]] = -3


class Written(Base):
    other: Public[Annotated[int, PlainSerializer(str)]] = -3


class Fresh(Base):
    other: Public[list[int]] = Field(default_factory=list[int])


class Mixed(Base):
    other: Public[int | str | None] = None


class OneOf(Base):
    other: Public[Literal[1, "a"]] = 1


class Initialised(Base):
    def model_post_init(self, _: Any, /) -> None:
        if self.low == 7:
            raise ValueError("not seven")


@pytest.mark.parametrize(
    "model",
    [
        *(Ordered, Doubled, Summed, Stripped, Aliased, Listed, Checked, Written, Fresh, Mixed, OneOf, Initialised),
        Base,
    ],
)
def test_a_model_that_says_more_than_its_fields_gives_what_pydantic_gives(model: type[Event]) -> None:
    rows = [{"ID": " x ", "LOW": low, "HIGH": high} for low, high in [(1, 2), (3, 2), (7, 9), ("-", 4), (5, "x")]]

    mapping = {"id": "ID", "low": "LOW", "high": "HIGH"}
    encoded = compile_mapping(model, mapping, key="id", legacy=mapping.values()).encode_records(rows)

    values, bad = one_by_one(model, rows)
    assert list(encoded.values) == values
    assert list(encoded.bad) == list(bad)
    assert list(encoded.rows) == [index for index in range(len(rows)) if index not in bad]


def test_a_flat_model_takes_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "_ByEvent", None)

    assert compile_mapping(Flat, TABLE, key="id", legacy=LEGACY).encode(columns([GOOD])).rows == range(1)
