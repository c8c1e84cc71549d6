"""A YAML file as its model: every mistake, each with the place that is known."""

from pathlib import Path
from typing import Self

import pytest
from pydantic import BaseModel, ConfigDict, model_validator

from contracts.document import Document, fulfilled, read
from contracts.errors import ConfigError


class Pair(BaseModel):
    """Two numbers, the second the larger."""

    model_config = ConfigDict(extra="forbid")

    low: int
    high: int

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("Expected low below high")
        return self


def problems(text: str, folder: Path) -> tuple[str, ...]:
    path = folder / "pair.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        fulfilled(read(path, what="a pair"), Pair, noun="setting", where="pair.yaml")
    return tuple(problem.replace(f"{folder}/", "") for problem in raised.value.problems)


def test_each_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    assert problems("low: x\nhihg: 2\n", tmp_path) == (
        "pair.yaml:1: low: input should be a valid integer, unable to parse string as an integer",
        "pair.yaml: high: field required",
        "pair.yaml:2: hihg: unknown setting; did you mean 'high'?",
    )


def test_what_is_wrong_with_all_of_it_has_the_place_that_is_given(tmp_path: Path) -> None:
    assert problems("low: 2\nhigh: 1\n", tmp_path) == ("pair.yaml: expected low below high",)


def test_what_the_file_alone_tells_is_told_too(tmp_path: Path) -> None:
    assert problems("low: 1\nlow: 2\nhigh: 3\n", tmp_path) != ()


def test_other_values_are_checked_where_they_are_given() -> None:
    document = Document(values={"low": 5}, places={}, problems=())

    assert fulfilled(document, Pair, {"low": 1, "high": 2}, noun="setting") == Pair(low=1, high=2)
