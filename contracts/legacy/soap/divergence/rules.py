"""What is no divergence by agreement: declared per operation, each rule by the paths that it holds for."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts.document import fulfilled, read
from contracts.legacy.soap.divergence.paths import Pattern

__all__ = ["Rules", "TextRule", "Tolerance", "Unordered", "load_rules"]

_CONFIG = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
_Amount = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


def _checked(path: str) -> str:
    Pattern(path)
    return path


class Unordered(BaseModel):
    """A repeated element whose order says nothing."""

    model_config = _CONFIG

    path: str
    """The repeated element."""
    key: tuple[str, ...] = ()
    """Which of its elements or attributes (`id`, `address/postcode`, `@code`) say that two are the same; without one,
    they are matched by what they hold."""

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Tolerance(BaseModel):
    """How far values may lie apart; with several measures, one that holds is enough."""

    model_config = _CONFIG

    path: str
    """The element or attribute."""
    absolute: _Amount | None = None
    """Numbers: the largest difference."""
    relative: _Amount | None = None
    """Numbers: the largest difference, as a share of the larger one; 0.01 is one per cent."""
    seconds: _Amount | None = None
    """Dates, times and durations: the longest time between both."""

    @model_validator(mode="after")
    def _has_a_measure(self) -> Self:
        if self.absolute is None and self.relative is None and self.seconds is None:
            raise ValueError("expected absolute, relative or seconds, found none of them")
        return self


class TextRule(BaseModel):
    """How texts are changed before they are compared."""

    model_config = _CONFIG

    path: str
    """The element or attribute."""
    casefold: bool = False
    """Upper and lower case are the same."""
    trim: bool = False
    """Blanks at both ends say nothing, and runs of them are one."""
    nfc: bool = False
    """Composed and decomposed letters are the same (Unicode NFC)."""


class Rules(BaseModel):
    """What is no divergence, and what may be shown.

    A path begins at the element in the SOAP Body, by local names: `/ListResponse/resident/born`, an attribute as
    `/ListResponse/@total`. `*` stands for any name, `//name` for that name at any depth. Faults are at `/Fault/code`,
    `/Fault/text`, `/Fault/actor`, `/Fault/node` and `/Fault/detail/…`, headers at `/Header/…`, what stands in the
    envelope beside Header and Body at `/Envelope/…`.

    >>> Rules(ignore=("//lastModified",)).max_differences
    1000
    """

    model_config = _CONFIG

    ignore: tuple[str, ...] = ()
    """Elements (with all that they hold) and attributes that are not compared."""
    unordered: tuple[Unordered, ...] = ()
    """Repeated elements whose order says nothing."""
    tolerances: tuple[Tolerance, ...] = ()
    """Values that need not be the same to the last digit."""
    nil_is_absent: tuple[str, ...] = ()
    """Elements for which `xsi:nil` says the same as no element."""
    empty_is_absent: tuple[str, ...] = ()
    """Elements and attributes for which an empty one says the same as none."""
    absent_is_default: tuple[str, ...] = ()
    """Elements for which none says the same as their default or fixed value, as services that leave it out mean it. By
    XML Schema it stands for an empty element only; for attributes it always stands for an absent one."""
    default_zone: str | None = None
    """The zone of dates and times that have none: `Z`, `+01:00` or `Europe/Vienna`. Without it, a time without a zone
    differs from one with a zone. A time without a date gets an offset only, since a region's depends on the date."""
    texts: tuple[TextRule, ...] = ()
    """Texts that may differ in case, blanks or Unicode form."""
    headers: tuple[str, ...] = ()
    """Local names of the SOAP headers that are compared; `*` for all. The others are counted only."""
    ignore_fault_text: bool = False
    """Whether a fault's explanation for people (faultstring, Reason) may differ."""
    public: tuple[str, ...] = ()
    """Paths whose values are shown as they are; all others are masked."""
    max_differences: int = Field(default=1000, ge=1, le=100_000)
    """So many differences of one comparison are kept; then it stops."""

    @field_validator("ignore", "nil_is_absent", "empty_is_absent", "absent_is_default", "public")
    @classmethod
    def _are_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_checked, paths))

    @field_validator("unordered", "tolerances", "texts")
    @classmethod
    def _have_paths(
        cls, rules: tuple[Unordered | Tolerance | TextRule, ...]
    ) -> tuple[Unordered | Tolerance | TextRule, ...]:
        for rule in rules:
            _checked(rule.path)
        return rules


def load_rules(path: Path) -> Rules:
    """Read rules from a YAML file.

    Raises:
        ConfigError: All that is wrong with it, each mistake with its line where it has one.
    """
    return fulfilled(read(path, what="rules of a comparison"), Rules, noun="rule")
