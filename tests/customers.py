"""Customers as events, each of one tree of records, and the adapter that reads them."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters import batch
from contracts.event import Event, Personal, Public
from contracts.legacy.file_spec import FileSpec
from tests.trees import COPYBOOK, RULE, seen

__all__ = ["MAPPING", "CustomerKnown", "folder_in", "make", "shaped"]


class CustomerKnown(Event):
    type = "org.example.customer.known.v1"
    topic = "customers"
    name: Personal[str]
    accounts: Public[list[int]] = []  # noqa: RUF012 - of a frozen model
    amounts: Public[list[list[Decimal]]] = []  # noqa: RUF012
    id: Public[str] = ""
    shape: Public[str] = ""


def name(text: str | None) -> str:
    return text or "none"


def below(values: list[Any] | None) -> list[Any]:
    """Return what stands below a root, which may be of another kind."""
    return values or []


MAPPING: Mapping[str, Any] = {"name": ("NAME", name), "accounts": ("NUMBER", below), "amounts": ("AMOUNT", below)}


def shaped(tree: Mapping[str, Any]) -> CustomerKnown:
    return CustomerKnown(name="x", shape=seen(tree))


def folder_in(path: Path) -> Path:
    """Make and return the folder that files arrive in, beside the copybook."""
    (path / "c.cpy").write_text(COPYBOOK)
    (path / "in").mkdir()
    return path / "in"


def make(
    folder: Path,
    changes: Mapping[str, object] | None = None,
    *,
    rule: Mapping[str, Any] | None = None,
    mapping: Any = MAPPING,
    **spec: Any,
) -> batch.Adapter:
    values = {"copybook": folder.parent / "c.cpy", "framing": {"recfm": "V"}, "segments": [{**RULE, **(rule or {})}]}
    config: dict[str, Any] = {
        "name": "customers",
        "path": folder / "C.*",
        "file": FileSpec.model_validate({**values, **spec}),
        "stable_for": 0,
        "once": True,
        "dead_letter_share": 1,
    }
    chosen = batch.Config.model_validate({**config, **(changes or {})})
    return batch.Adapter(chosen, model=CustomerKnown, key="name", mapping=mapping)
