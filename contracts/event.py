"""Business events: the shape they share, and the class that every field of theirs has.

A field without a class fails the definition of its model, so nothing personal can be added unnoticed.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

__all__ = ["DataClass", "Event", "Personal", "Public", "Sensitive", "classification", "masked", "models"]

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
    """Logical name of the topic."""

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
        cls.model_rebuild(force=True)

    @classmethod
    def dataschema(cls) -> str:
        """Return the URI of this event's schema."""
        return f"urn:banyan:schema:{cls.type}"


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
