"""What the sandbox shall do beside answering: a scenario file, or the options of the command."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from contracts.document import Document, fulfilled, read

__all__ = ["Behaviour", "Breakage", "Drift", "FaultRate", "Latency", "Paging", "Scenario", "read_scenario"]

Rate = Annotated[float, Ge(0), Le(1)]
Span = Annotated[timedelta, Ge(timedelta(0))]
Steps = Annotated[
    tuple[str, ...], BeforeValidator(lambda path: tuple(path.split("/")) if isinstance(path, str) else path)
]
BreakageKind: TypeAlias = Literal["unavailable", "html", "empty", "cut"]
DriftKind: TypeAlias = Literal["add-element", "drop-optional", "reorder", "rename", "bad-value", "new-enum"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Latency(_Model):
    """How long an answer takes."""

    least: Span
    most: Span | None = None
    """Each call takes a time between the two; the least where this is left out."""
    errors: Rate = 0
    """Share of the calls that get no answer after that time: the connection ends."""

    @model_validator(mode="after")
    def _is_a_range(self) -> "Latency":
        if self.most is not None and self.most < self.least:
            raise ValueError("expected most to be at least as long as least")
        return self


class FaultRate(_Model):
    """A fault in place of an answer."""

    name: str
    """A declared fault; or `Client` or `Server` for one that is not declared."""
    rate: Rate = 1
    """Share of the calls."""


class Breakage(_Model):
    """An answer of HTTP that is none of SOAP."""

    kind: BreakageKind
    """`unavailable`: 503; `html`: a page; `empty`: no body; `cut`: the body ends in the middle."""
    rate: Rate = 1
    """Share of the calls."""


class Drift(_Model):
    """An answer as another version of the service might send it; the contract does not allow it."""

    kind: DriftKind
    """`drop-optional` alone is allowed by the contract, and breaks those who count on it."""
    rate: Rate = 1
    """Share of the calls."""


class Paging(_Model):
    """A list that is answered in pages: a fixed number of items, each on one page.

    Paths count from the child of the SOAP Body, that left out: `page/offset`.
    """

    items: Steps
    """The repeated element of the answer."""
    total: Annotated[int, Ge(0)] = 100
    """How many items there are."""
    size: Annotated[int, Ge(1)] = 20
    """Items of a page, where the request names no limit."""
    offset: Steps | None = None
    """Field of the request: how many items to skip."""
    limit: Steps | None = None
    """Field of the request: how many items at most."""
    token: Steps | None = None
    """Field of the request: where the page before ended, as `next` said there."""
    next: Steps | None = None
    """Element of the answer for the token; left out on the last page."""
    count: Steps | None = None
    """Element of the answer that tells the total."""
    complete: Steps | None = None
    """Element of the answer that tells whether this is the last page."""
    key: str | None = None
    """Child of an item by which no two are the same."""


class Behaviour(_Model):
    """How calls are answered."""

    items: Annotated[int, Ge(0)] | None = None
    """How often repeated elements stand, those that need not be there, too; one to three times by default."""
    latency: Latency | None = None
    faults: tuple[FaultRate, ...] = ()
    broken: tuple[Breakage, ...] = ()
    drift: tuple[Drift, ...] = ()
    paging: Paging | None = None
    check_headers: bool = False
    """Refuse a request without a SOAP header that the contract declares, or with one that it does not allow. Many
    callers leave them out, and many services let them."""
    match: tuple[Steps, ...] = ()
    """Fields of a request that make it the same as a recorded one; the whole request where there are none."""


class Scenario(_Model):
    """What the sandbox does."""

    seed: int = 0
    """Another one makes other samples."""
    every: Behaviour = Field(default_factory=Behaviour)
    """For all operations."""
    operations: Mapping[str, Behaviour] = Field(default_factory=dict[str, Behaviour])
    """By name; what is given here replaces what is given for all."""

    def behaviour(self, operation: str) -> Behaviour:
        """Return what holds for one operation."""
        own = self.operations.get(operation)
        if own is None:
            return self.every
        return self.every.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def read_scenario(path: Path | None, given: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a YAML file, and what is given over it.

    Raises:
        ConfigError: All that is wrong with it, each mistake with its line where it has one.
    """
    document = Document(values={}, places={}, problems=()) if path is None else read(path, what="a scenario")
    return fulfilled(document, Scenario, _merged(document.values, given), noun="setting")


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        there: Any = merged.get(name)
        merged[name] = _merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType] - any keys: the model refuses what it does not know
    return merged
