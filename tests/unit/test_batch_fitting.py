"""A mapping is fitted to the copybook before any file is read: what no record could become is told."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator, create_model, field_validator

from adapters.batch import Config
from adapters.batch.fitting import Mapped, fit
from contracts.errors import ConfigError
from contracts.event import Event, Personal
from tests.payments import COPYBOOK


class Paid(Event):
    type = "org.example.paid.v1"
    topic = "paid"
    resident_id: Personal[str]


class Converting(Paid):
    @field_validator("amount", mode="before", check_fields=False)
    @classmethod
    def _text(cls, value: object) -> str:
        return str(value)


def fitted(folder: Path, kind: Any, to: str | tuple[str, Any] = "AMOUNT", base: type[Paid] = Paid) -> None:
    (folder / "payments.cpy").write_text(COPYBOOK)
    fit(
        Config(name="benefits", path=folder / "B.*", copybook=folder / "payments.cpy"),
        Mapped(
            model=create_model("PaidMore", __base__=base, amount=(kind, ...)),
            key="resident_id",
            mapping={"resident_id": "RESIDENT", "amount": to},
            canonical=None,
            changes=None,
        ),
    )


def test_a_field_of_text_that_would_get_numbers_is_told_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        fitted(tmp_path, Personal[str])

    assert told.value.problems == (
        "benefits: mapping: amount: AMOUNT is a number; text is made of it by a converter: ('AMOUNT', str)",
    )


@pytest.mark.parametrize(
    ("kind", "to", "base"),
    [
        (Personal[Decimal], "AMOUNT", Paid),
        (Personal[str], "KIND", Paid),
        (Personal[str], ("AMOUNT", str), Paid),
        (Personal[str], ("KIND", {"A": "allowance"}), Paid),
        (Personal[Annotated[str, BeforeValidator(str)]], "AMOUNT", Paid),
        (Personal[str], "AMOUNT", Converting),
    ],
)
def test_what_a_field_takes_is_fitted(tmp_path: Path, kind: Any, to: str | tuple[str, Any], base: type[Paid]) -> None:
    fitted(tmp_path, kind, to, base)
