"""What an integration engineer says about one intercepted operation."""

from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Config"]

Name = Annotated[str, Field(min_length=1)]


def _location(value: object) -> object:
    return fspath(value) if isinstance(value, PathLike) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - what it is a path of is checked next


class Config(BaseModel):
    """One operation, as it passes the façade.

    >>> Config(name="moves", route="address/update", wsdl="registry.wsdl", operation="UpdateAddress").identity
    'request'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Name of the source; it is in event sources, topics and transactional ids."""
    route: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$")]
    """`capability/route`, as `facade.intercept.routes` names it."""
    wsdl: Annotated[str, BeforeValidator(_location), Field(min_length=1)]
    """Path of the WSDL, or of a folder that `banyan wsdl import` wrote."""
    bundle: Path | None = None
    """Folder that the WSDL's imports may come from; its own folder by default."""
    service: str | None = None
    """`wsdl:service`; needed where the WSDL has several with this operation."""
    port: str | None = None
    """`wsdl:port`; by default the first SOAP port that has the operation."""
    operation: Name
    """The operation that the route's calls are of."""
    side: Literal["legacy", "modern"] | None = None
    """Only calls that this side answered become events: `legacy` where the modern side has a feed of its own."""
    identity: Literal["request", "call"] = "request"
    """What makes the event's id. `request`: the request id and the request's bytes, so that a call that a caller
    repeats is the same event. `call`: each call is an event, for callers that send one id with all they ask."""
    most_bytes: Annotated[int, Ge(1024)] = 16 * 1024**2
    """Longest request or reply after its content coding; a longer one is a dead letter."""
    once: bool = False
    """End with what is captured now."""
    chunk_calls: Annotated[int, Ge(1)] = 500
    """Most calls in one batch of events."""
