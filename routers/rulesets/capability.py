"""What is migrated: capabilities and their routes, as a ruleset holds them.

A capability owns the salt, the canonical key, the stages and the share; its routes are its operations, each
on one channel. Two records of one capability that say the same have the same `digest`.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.keys import BUCKETS, CanonicalKey
from routers.stage import OperationClass, Stage

__all__ = ["NAME", "Capability", "KeyExpression", "Route"]

NAME = r"^[a-z0-9][a-z0-9._-]{0,99}$"
"""Names of capabilities, routes and backends."""

_CLARK = r"^\{[^{}\s]+\}[^{}\s/:]+$"
_REST = r"^[A-Z]+ /[^?#\s]*$"
_STEP = re.compile(r"(\{[^{}\s]+\})?[^{}\s/:@]+|@[^{}\s/:@]+")
_STEPS = re.compile(r"(?:\{[^}]*\}|[^/{}])+")
_PARAMETER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")

Name = Annotated[str, StringConstraints(pattern=NAME)]


class KeyExpression(BaseModel):
    """Where a call holds the capability's key: exactly one place."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    """A request header."""
    path: str | None = None
    """A parameter of the REST route's path template."""
    xpath: str | None = None
    """Steps below the SOAP Envelope: `Body/{urn:example}ChangeAddress/residentId`, `Header/{urn:x}Session/@id`.

    A step without a namespace takes any; `@name` at the end is an attribute.
    """

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("header", "path", "xpath") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of header, path, xpath; found {', '.join(given) or 'none'}")
        if self.xpath is not None:
            self._readable(self.xpath, self.steps)
        return self

    @staticmethod
    def _readable(xpath: str, steps: tuple[str, ...]) -> None:
        part, *inner = steps or ("",)
        whole = "/".join(steps) == xpath and all(map(_STEP.fullmatch, steps))
        if part not in {"Body", "Header"} or not inner or not whole:
            raise ValueError(f"xpath {xpath!r}: expected Body/… or Header/… with steps `name` or `{{namespace}}name`")
        if any(step.startswith("@") for step in inner[:-1]):
            raise ValueError(f"xpath {xpath!r}: an attribute can only be the last step")

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the steps of `xpath`, the part (`Body`, `Header`) first."""
        return tuple(_STEPS.findall(self.xpath or ""))


class Route(BaseModel):
    """One operation of a capability on one channel."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True, serialize_by_alias=True
    )

    soap: str | None = Field(default=None, pattern=_CLARK)
    """Name of the Body's child: `{urn:example:registry}ChangeAddress`."""
    action: str | None = None
    """The operation's SOAPAction (1.1) or `action` (1.2), where the contract declares one."""
    rest: str | None = Field(default=None, pattern=_REST)
    """Method and path template: `GET /residents/{id}`."""
    record: str | None = Field(default=None, pattern=NAME)
    """Type of a batch record or a command; such a route has no backends here."""
    key: KeyExpression | None = None
    """Where the key is in a call; without it, every call has no key."""
    operation: OperationClass = Field(default=OperationClass.UNSAFE, alias="class")
    """`safe`, `idempotent` or `unsafe`: what may be done when a side fails."""
    legacy: Name | None = None
    """Backend of the legacy side, by its name in the settings."""
    modern: Name | None = None
    """Backend of the modern side, by its name in the settings."""
    record_hashes: bool = False
    """Put the sha256 of both bodies, as they passed, into the decision record of each call."""
    held: str | None = Field(default=None, min_length=1)
    """Why this route lags behind its capability; while it is set, legacy answers."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [name for name in ("soap", "rest", "record") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of soap, rest, record; found {', '.join(given) or 'none'}")
        if self.action is not None and self.soap is None:
            raise ValueError("action: only a soap route has one")
        if self.record is None and (self.legacy is None or self.modern is None):
            missing = "legacy" if self.legacy is None else "modern"
            raise ValueError(f"{missing}: is missing; name a backend of the settings")
        self._key_fits()
        return self

    def _key_fits(self) -> None:
        parameters = self.parameters
        if len(set(parameters)) < len(parameters):
            raise ValueError(f"rest {self.rest!r}: each parameter can stand once only")
        if any("{" in part and not _PARAMETER.fullmatch(part) for part in (self.rest or "").split("/")):
            raise ValueError(f"rest {self.rest!r}: a parameter is a whole segment of the path, as in /residents/{{id}}")
        if self.key is None:
            return
        if self.key.xpath is not None and self.soap is None:
            raise ValueError("key.xpath: only a soap route has one; use header or path")
        if self.key.path is not None and self.key.path not in self.parameters:
            named = ", ".join(self.parameters) or "none"
            raise ValueError(f"key.path: {self.key.path!r} is no parameter of the path; there are: {named}")

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the parameters of the path template."""
        return tuple(_PARAMETER.findall(self.rest or ""))


class Capability(BaseModel):
    """A business function under migration."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    description: str = ""
    """What it is, for people."""
    salt: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    """Mixed into the bucket, so that two capabilities move different people first; never change it midway."""
    key: CanonicalKey = CanonicalKey()
    """How the key is written, whatever channel it came by."""
    unfit_key: Literal["legacy", "reject"] = "legacy"
    """What is done with a call whose key is missing or not of that form."""
    several_keys: Literal["legacy", "reject"] = "legacy"
    """What is done with a call that has several keys which are not all on one side."""
    current: Stage = Stage.OFF
    """The stage of the keys that are not yet in `next`."""
    next: Stage = Stage.COMPLETE
    """The stage of the keys whose bucket is below `share`."""
    share: int = Field(default=0, ge=0, le=BUCKETS)
    """How much of the cohort space is in `next`, in basis points: 2500 is a quarter."""
    routes: Mapping[Name, Route] = Field(default={})
    """Its operations, by name."""

    def canonical_json(self) -> str:
        """Return the one JSON text of this record: what is on the topic, and what is hashed."""
        return self.model_dump_json(exclude_defaults=True, by_alias=True)

    def digest(self) -> str:
        """Return the sha256 of `canonical_json`, in hex."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()
