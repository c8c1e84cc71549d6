"""What must agree in a file of records before anything of it is believed, as an integration engineer declares it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from contracts.errors import ConfigError
from contracts.legacy.copybook import Layout
from contracts.legacy.framing import Role

__all__ = [
    "Check",
    "CountCheck",
    "HashCheck",
    "OnBreak",
    "RecordsCheck",
    "SameCheck",
    "SequenceCheck",
    "SumCheck",
    "require_fields",
]

OnBreak: TypeAlias = Literal["hold", "quarantine", "warn"]

_PLACE: Final = re.compile(r"(header|trailer)\.[^.\s]+(\.[^.\s]+)*")


def _place(value: object) -> object:
    if not isinstance(value, str) or not _PLACE.fullmatch(value):
        bounds = "a number that stands in neither is a check of the kind records"
        raise ValueError(f"expected a field of header or trailer, such as trailer.TOTAL; {bounds}")
    return value


Place: TypeAlias = Annotated[str, BeforeValidator(_place)]
"""A field of the header or the trailer record: `trailer.TOTAL`."""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    on_break: OnBreak = "hold"
    """What becomes of a file that breaks it: `hold` until somebody decides, `quarantine` for good, `warn` and go on."""


class CountCheck(_Declared):
    """The number of records is what the header or trailer says."""

    check: Literal["count"]
    """Which kind of check it is."""
    of: Literal["data", "all"] = "data"
    """`data` records alone, or `all` with headers and trailers."""
    equals: Place
    """The field that says it."""


class SumCheck(_Declared):
    """The sum of a field over all data records is what the header or trailer says, exactly."""

    check: Literal["sum"]
    """Which kind of check it is."""
    field: str
    """The field, by its name, or by its path joined with dots; all occurrences in tables count."""
    equals: Place
    """The field that says it."""


class HashCheck(_Declared):
    """The sum of a key over all data records, a number without meaning of its own, is what the trailer says."""

    check: Literal["hash"]
    """Which kind of check it is."""
    field: str
    """The key: a number, or text of digits."""
    digits: int | None = Field(default=None, ge=1, le=38)
    """How many digits at the right of the sum count; by default all."""
    equals: Place
    """The field that says it."""


class SequenceCheck(_Declared):
    """A field counts up from record to record, without gaps and without doubles."""

    check: Literal["sequence"]
    """Which kind of check it is."""
    field: str
    """The field that counts."""
    start: int | None = None
    """Its first value; by default whatever the first record has."""
    step: int = Field(default=1, ge=1)
    """How much it grows from record to record."""


class SameCheck(_Declared):
    """A field of the header and one of the trailer say the same: business date, run number."""

    check: Literal["same"]
    """Which kind of check it is."""
    field: Place
    """The one."""
    equals: Place
    """The other."""


class RecordsCheck(_Declared):
    """There are neither too few data records nor too many: an empty or a cut file is no fact."""

    check: Literal["records"]
    """Which kind of check it is."""
    at_least: int | None = Field(default=None, ge=0)
    """The fewest."""
    at_most: int | None = Field(default=None, ge=0)
    """The most."""


Check: TypeAlias = Annotated[
    CountCheck | SumCheck | HashCheck | SequenceCheck | SameCheck | RecordsCheck, Field(discriminator="check")
]


def require_fields(checks: Iterable[Check], layouts: Mapping[Role, Layout]) -> None:
    """Make sure that the layouts have the fields that the checks name.

    Raises:
        ConfigError: All that they lack.
    """
    problems: list[str] = []
    for number, check in enumerate(checks):
        for place in _places(check):
            part, _, name = place.partition(".")
            layout = layouts.get(Role(part))
            if layout is None:
                problems.append(f"checks.{number}: {place}: the description names no {part} record")
            elif name not in _names(layout):
                problems.append(f"checks.{number}: {place}: record {layout.name} has no such field")
    if problems:
        raise ConfigError(problems)


def _places(check: Check) -> Iterator[str]:
    for name in ("field", "equals"):
        place: str | None = getattr(check, name, None)
        if place is not None:
            yield place if place.startswith(("header.", "trailer.")) else f"data.{place}"


def _names(layout: Layout) -> set[str]:
    names = {item.name for item in layout.walk() if item.name} | {".".join(item.path) for item in layout.walk()}
    # The outermost group has no name in a record.
    return names | {".".join(item.path[1:]) for item in layout.walk()}
