"""Business events: the shape they share, and the class that every field of theirs has.

A field without a class fails the definition of its model, so nothing personal can be added unnoticed.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["DataClass", "Event", "IsoText", "Personal", "Public", "Sensitive", "classification", "masked", "models"]

_T = TypeVar("_T")


class DataClass(StrEnum):
    """How a field may be shown outside the event itself."""

    PUBLIC = "public"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


Public = Annotated[_T, DataClass.PUBLIC]
"""May be shown in logs, traces and dead-letter views."""
Personal = Annotated[_T, DataClass.PERSONAL]
"""Relates to a person: shown masked."""
Sensitive = Annotated[_T, DataClass.SENSITIVE]
"""Health, origin, belief and the like: shown masked."""


class Event(BaseModel):
    """A business event: something that happened, in the past tense.

    A subclass names its `type` and `topic`, and gives every field a class:

    >>> class ResidentMoved(Event):
    ...     type = "org.example.resident.moved.v1"
    ...     topic = "residents"
    ...     resident_id: Personal[str]
    ...     city: Public[str]
    >>> ResidentMoved.dataschema()
    'urn:banyan:schema:org.example.resident.moved.v1'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: ClassVar[str]
    """CloudEvents `type`; ends in the contract's version."""
    topic: ClassVar[str]
    """Logical name of the topic; `*` stands on the topics of other events."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - pydantic's own signature
        """Refuse a field that nobody classified."""
        super().__pydantic_init_subclass__(**kwargs)
        missing = [name for name, field in cls.model_fields.items() if _class_of(field) is None]
        if missing:
            raise TypeError(
                f"{cls.__name__}: no class for {', '.join(missing)}; "
                "annotate with Public[...], Personal[...] or Sensitive[...]"
            )
        for field in cls.model_fields.values():
            field.json_schema_extra = {"x-classification": str(_class_of(field))}
            if _holds_time(field.annotation) and not any(isinstance(m, IsoText) for m in field.metadata):
                field.metadata.append(IsoText())
        cls.model_rebuild(force=True)

    @classmethod
    def dataschema(cls) -> str:
        """Return the URI of this event's schema."""
        return f"urn:banyan:schema:{cls.type}"


class IsoText:
    """Keeps a date or time from being guessed: pydantic reads numbers, and text of digits, as seconds since 1970.

    `00000000`, which is how mainframes write "no date", would be 1970-01-01.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Refuse numbers before pydantic sees them."""
        return core_schema.no_info_before_validator_function(_refuse_numbers, handler(source))


def _refuse_numbers(value: object) -> object:
    if isinstance(value, str):
        guessed = not ("-" in value[1:] or ":" in value or "P" in value)  # a sign alone makes no date
    else:
        guessed = isinstance(value, (int, float, Decimal))
    if guessed:
        raise PydanticCustomError("iso_text", "Input should be ISO 8601 text such as 2026-11-22; use a converter")
    return value


def _holds_time(annotation: Any) -> bool:  # noqa: ANN401 - any type expression
    return annotation in {date, datetime, time, timedelta} or any(map(_holds_time, get_args(annotation)))


def _class_of(field: FieldInfo) -> DataClass | None:
    return next((m for m in field.metadata if isinstance(m, DataClass)), None)


def classification(model: type[Event]) -> dict[str, DataClass]:
    """Return the class of each field."""
    return {name: found for name, field in model.model_fields.items() if (found := _class_of(field))}


def masked(event: Event) -> dict[str, object]:
    """Return the event's fields as they may be shown: what is not public is replaced by `***`."""
    classes = classification(type(event))
    values = event.model_dump(mode="json")
    return {name: value if classes[name] is DataClass.PUBLIC else "***" for name, value in values.items()}


def models() -> dict[str, type[Event]]:
    """Return every event model that this process has defined, by CloudEvents `type`."""
    found: dict[str, type[Event]] = {}
    waiting = Event.__subclasses__()
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if "type" in vars(model):
            found[model.type] = model
    return found
