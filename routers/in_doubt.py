"""In-doubt records: calls of which nobody knows whether they were done, and writes that the modern side is owed."""

from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import RecordError
from routers.explanation import OWED

__all__ = ["InDoubt"]


class InDoubt(BaseModel):
    """One record of the in-doubt topic; fields that this version does not know are left out."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, use_attribute_docstrings=True)

    request_id: str
    """As the answer's `X-Request-Id` has it; a caller may have chosen it, and may have used it again."""
    at: AwareDatetime
    """When it was known."""
    route: str | None = None
    """`capability/route`; None where no route took the call."""
    operation: str = Field(default="unsafe", alias="class")
    """`safe`, `idempotent` or `unsafe`."""
    side: str | None = None
    """To whom it was sent last; of an owed write, who has it."""
    backend: str | None = None
    """The backend of that side."""
    why: str | None = None
    """What went wrong, in one word; of an owed write, with `owed_to_modern:` before it."""
    key_hash: str | None = None
    """Keyed hash of the key."""
    trace_id: str | None = None
    """32 hex digits; None where the worker died with it."""

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """Read the value of a record.

        Raises:
            RecordError: It is none.
        """
        try:
            return cls.model_validate_json(value or b"")
        except ValidationError as error:
            detail = error.errors(include_input=False)[0]
            field = ".".join(map(str, detail["loc"])) or "in-doubt record"
            raise RecordError(field, expected=f"an in-doubt record ({detail['type']})") from None

    @property
    def owed(self) -> bool:
        """Tell whether legacy has this write, and the modern side not yet; else the call itself is in doubt."""
        return (self.why or "").startswith(OWED)

    @property
    def cause(self) -> str:
        """Return what went wrong, in one word."""
        return (self.why or "unknown").removeprefix(OWED)
