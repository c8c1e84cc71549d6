"""What an integration engineer says about one polled operation."""

from datetime import timedelta
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import Ge, Gt, Le
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from adapters._edge import OperationClass, Patience
from adapters._gate import Breaker, Bulkhead
from contracts.legacy.soap.security import PasswordKind

__all__ = ["Config", "Credentials", "Keys", "Paging", "Snapshot", "Tls", "UsernameToken", "Watermark"]

Name = Annotated[str, Field(min_length=1)]
Span = Annotated[timedelta, Ge(timedelta(0))]


def _steps(path: object) -> object:
    return tuple(path.split("/")) if isinstance(path, str) and "{" not in path else path


def _location(value: object) -> object:
    return fspath(value) if isinstance(value, PathLike) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - what it is a path of is checked next


FieldPath = Annotated[tuple[Name, ...], BeforeValidator(_steps), Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Watermark(_Model):
    """How to ask for what has changed since the last poll."""

    parameter: Name
    """The request parameter that takes the point in time."""
    field: FieldPath
    """Where an item says when it was last modified: `lastModified`, or `audit/changed` where it is nested."""
    overlap: Span = timedelta(minutes=5)
    """How far each poll looks back behind the newest change seen: covers equal timestamps, transactions that
    end late and clocks that differ. What is read twice is published once."""
    zone: str | None = None
    """Time zone of timestamps that state none, such as `Europe/Vienna`; without it such a timestamp is refused."""

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str | None) -> str | None:
        try:
            return zone if zone is None else ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"expected a time zone such as Europe/Vienna, found {zone!r}") from error


class Credentials(_Model):
    """HTTP Basic authentication."""

    user: Name
    """Name of the technical user."""
    password: SecretStr
    """Its password."""


class Paging(_Model):
    """How a long listing is asked for page by page.

    By offset, pages overlap by one item, so that a listing that changes meanwhile fails rather than lacks an item. By
    page number that can't be seen: deletes are not looked for there.
    """

    by: Literal["offset", "page", "token"]
    """What says where a page begins: how many items come before it, its number, or a token from the page before."""
    parameter: Name
    """The request parameter that takes it."""
    size: Annotated[int, Ge(2)] = 1000
    """Items of a full page. By page, one with fewer is the last; by offset, too, where the service takes a size and the
    first page had it: else the service may have a size of its own, and is asked on until nothing more comes."""
    size_parameter: str | None = None
    """The request parameter that takes the size, where the service has one."""
    first: Annotated[int, Ge(0)] = 0
    """By offset or page: what the first page is called, 0 or 1."""
    token: FieldPath | None = None
    """By token: where a reply has the next one (`ListResponse/nextToken`); the last has none, or an empty one."""
    most_pages: Annotated[int, Ge(1)] = 100_000
    """More pages than these are taken for a service that goes round in circles."""

    @model_validator(mode="after")
    def _has_a_token(self) -> Self:
        if (self.by == "token") != (self.token is not None):
            raise ValueError("token: expected with `by: token`, and only there")
        return self


class Keys(_Model):
    """How a long listing is asked for by ranges of keys, in which no item can be passed over."""

    after: Name | None = None
    """The request parameter that takes the key after which a chunk begins: that of the last item of the chunk before.
    The service must list in the order in which it compares. A chunk without another key is the end."""
    at_least: Name | None = None
    """Instead: the request parameter that takes the least key of a chunk, where keys are whole numbers."""
    at_most: Name | None = None
    """The request parameter that takes its greatest key."""
    first: Annotated[int, Ge(0)] = 0
    """With `at_least`: the least key of all."""
    last: Annotated[int, Ge(0)] | None = None
    """With `at_least`: the greatest of all; without it, an empty chunk beyond the greatest known key is the end."""
    size: Annotated[int, Ge(2)] = 1000
    """Items of a chunk; with `at_least`, how many keys it spans."""
    size_parameter: str | None = None
    """The request parameter that takes the size, where the service has one."""
    most_chunks: Annotated[int, Ge(1)] = 1_000_000
    """More chunks than these are taken for a service that goes round in circles."""

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if (self.after is None) == (self.at_least is None) or (self.at_least is None) != (self.at_most is None):
            raise ValueError("expected either after, or at_least and at_most")
        return self


class Snapshot(_Model):
    """How everything is listed in chunks, a call each, while changes are polled as ever.

    Begins when nothing is known, then by `full_every`, and on demand. After a crash it goes on at the chunk.
    """

    operation: Name | None = None
    """The operation that lists everything, where it is another one than that which lists changes. Its items must be
    the same, byte by byte: they are compared by their hash."""
    items: FieldPath | None = None
    """Path to its items; by default that of the polled operation."""
    parameters: dict[str, JsonValue] | None = None
    """Constants for its request; by default those of the polled operation."""
    paging: Paging | None = None
    """How chunks are asked for, a page each; by default as the poll's pages. By offset, the service must list in an
    order in which an item that does not change does not move. By page number, no deletes are found."""
    by_key: Keys | None = None
    """How chunks are asked for by key, instead of in pages."""
    pause: Span = timedelta(0)
    """Least time between the end of a chunk and the begin of the next."""
    token_lives: Annotated[timedelta, Gt(timedelta(0))] | None = None
    """With tokens: how long one is good. After a longer standstill the snapshot begins anew, as it does where the
    service refuses a token by a fault of the client."""
    request: Path | None = None
    """File in which `banyan adapter snapshot NAME` leaves its request for a snapshot now."""
    tell_every: Annotated[int, Ge(1)] = 100
    """How often a line of the log tells of progress, in chunks."""

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if self.paging is not None and self.by_key is not None:
            raise ValueError("expected paging or by_key, not both")
        if self.operation is not None and self.items is None:
            raise ValueError("items: expected with another operation")
        return self


class UsernameToken(_Model):
    """A UsernameToken of WS-Security in the SOAP header of each request."""

    user: Name
    """Name of the technical user."""
    password: SecretStr
    """Its password."""
    kind: PasswordKind = "digest"
    """`digest` sends a hash with a nonce that is never used twice; `text` sends the password itself, for services that
    keep only a hash of their own: then the address should be `https`."""
    valid_for: Annotated[timedelta, Gt(timedelta(0))] | None = timedelta(minutes=5)
    """How long the message may be taken, which a Timestamp says; none sends no Timestamp."""


class Tls(_Model):
    """TLS of the connection to the service, where the defaults of this machine do not do."""

    ca: Path | None = None
    """File of the certificates that sign the service's; by default those that this machine trusts."""
    certificate: Path | None = None
    """File of our own certificate with its chain, where the service wants one; PEM."""
    key: Path | None = None
    """File of its private key; by default it is in the file of the certificate."""
    key_password: SecretStr | None = None
    """Password of the private key."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError("key: expected a certificate with it")
        return self


class Config(_Model):
    """One polled operation of one SOAP service.

    >>> Config(name="residents", wsdl="registry.wsdl", operation="List", items="ListResponse/resident", key="id").items
    ('ListResponse', 'resident')
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Name of the source; it is in event sources, topics and transactional ids."""
    wsdl: Annotated[str, BeforeValidator(_location), Field(min_length=1)]
    """Path or URL of the WSDL. Nothing else is fetched than what it imports from its own folder or server."""
    bundle: Path | None = None
    """Folder that the WSDL's imports may come from; its own folder by default."""
    service: str | None = None
    """`wsdl:service`; needed where the WSDL has several with this operation."""
    port: str | None = None
    """`wsdl:port`; by default the first SOAP port that has the operation."""
    operation: Name
    """The operation that lists the items."""
    endpoint: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Address to call instead of the one in the WSDL."""
    parameters: dict[str, JsonValue] = {}
    """Constants for the request, by parameter."""
    request: Path | None = None
    """File with the request, for what zeep can't build: the child of the SOAP Body, or an envelope as SoapUI writes it.
    `{since}` stands for the parameter of that name; an element with nothing else in it goes where there is none."""
    check_request: bool = True
    """Refuse a request that the contract does not allow, rather than send it."""
    items: FieldPath
    """Path from the child of the SOAP Body to the repeating element, both included, by local names
    (`ListResponse/resident`) or as a list of `{namespace}name`. In SOAP encoding it ends with the array."""
    key: FieldPath
    """Where an item has its key: `id`, `@id` for an attribute, `person/number` where it is nested."""
    ignore: tuple[FieldPath, ...] = ()
    """Fields of an item whose changes are no change of it, such as when it was last seen: `audit/seen`, `@version`.
    The contract need not have them."""
    watermark: Watermark | None = None
    """How to ask for changes only; without it, every poll lists everything."""
    full_every: Span = timedelta(days=1)
    """With a watermark: how often everything is listed, which is what finds deletes; zero means every poll."""
    most_deleted: Annotated[float, Ge(0), Le(1)] = 0.5
    """Share of the known items that one full listing may lack. Beyond it nothing is deleted and the poll fails:
    such a listing was more likely cut off than true."""
    deleted_type: str | None = None
    """CloudEvents `type` of tombstones; the event's own type by default."""
    drift_every: Annotated[timedelta, Gt(timedelta(0))] | None = None
    """How often the live contract is compared with the imported one, whose folder `wsdl` must be. A difference is an
    event `org.banyan.wsdl.drifted.v1` on the topic `contracts`, an error in the log, and `banyan.contract.drifted`."""
    drift_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Address of the live WSDL, where it is another than that it was imported from."""
    paging: Paging | None = None
    """How the listing is asked for in pages; without it, one reply has all."""
    snapshot: Snapshot | None = None
    """How everything is listed in chunks, beside polls for changes; without it, a full listing is one poll."""
    cap: Annotated[int, Ge(1)] | None = None
    """Most items that the service ever returns in one reply, where it cuts longer ones off without a word. A reply of
    as many fails the poll rather than count as whole; with paging, use its `size`."""
    interval: Annotated[timedelta, Gt(timedelta(0))] = timedelta(minutes=1)
    """Least time between the beginnings of two polls."""
    once: bool = False
    """Poll once, then end."""
    chunk_items: Annotated[int, Ge(1)] = 1000
    """Most items in one batch of events."""
    patience: Patience = Patience()
    """How long one call is tried."""
    operation_class: OperationClass = "safe"
    """What it means to call the operation twice: nothing (`safe`, it only reads), no more than once (`idempotent`), or
    something else (`unsafe`). An `unsafe` one is called again only if nothing of the request had left; else the adapter
    stops, since it may have been done."""
    breaker: Breaker = Breaker()
    """When the operation is left alone, after failures of all adapters that call it at the same address."""
    bulkhead: Bulkhead = Bulkhead()
    """How many calls of the operation all adapters of the process that call it make at a time."""
    system: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")] | None = None
    """The legacy system that this is part of: adapters with the same share its rate budget and its bulkheads. By
    default, those with the same address share the bulkheads, and there is no budget."""
    values: Literal["text", "typed"] = "text"
    """What an item's values are. `typed`: what the contract says (numbers, dates, lists), each checked by it; what
    deviates is told, and what could only be guessed is dead-lettered. `text`: as it came, unchecked."""
    encoded_bytes: Annotated[int, Ge(1)] = 64 * 1024**2
    """Most bytes of a reply in SOAP encoding, whose values refer to each other, so that it is in memory as a whole; and
    of its items together, each with all that it refers to. A longer one fails the poll; other replies are streamed."""
    credentials: Credentials | None = None
    """HTTP Basic authentication, where the service wants it."""
    username_token: UsernameToken | None = None
    """WS-Security, where the service wants it."""
    tls: Tls = Tls()
    """Certificates, where the service wants one of ours, or has one of its own authority."""

    @model_validator(mode="after")
    def _can_page(self) -> Self:
        if self.paging is not None and self.paging.by == "token" and self.values != "typed":
            raise ValueError("paging: a token is read from the reply by its contract: set values to typed")
        if self.paging is not None and self.cap is not None:
            raise ValueError("cap: expected without paging, whose size says how many come at once")
        return self

    @property
    def asked(self) -> frozenset[str]:
        """Return the names of all parameters that a request of this may have."""
        paging, watermark = self.paging, self.watermark
        paged = set[str]() if paging is None else {paging.parameter, paging.size_parameter or paging.parameter}
        return frozenset({*self.parameters, *paged, *(() if watermark is None else (watermark.parameter,))})

    @model_validator(mode="after")
    def _can_snapshot(self) -> Self:
        if self.snapshot is None:
            return self
        if self.watermark is None:
            raise ValueError("snapshot: expected with a watermark, by which changes are polled meanwhile")
        if self.request is not None:
            raise ValueError("request: expected none with a snapshot, whose chunks are asked for by the contract")
        if self.snapshot.by_key is None and self.snapshot.paging is None and self.paging is None:
            raise ValueError("snapshot: expected paging or by_key, which say how chunks are asked for")
        self.listing()
        return self

    def listing(self) -> Self:
        """Return how the operation that lists everything is called.

        >>> Config(name="a", wsdl="a.wsdl", operation="List", items="R/item", key="id").listing().operation
        'List'
        """
        snapshot = self.snapshot or Snapshot()
        changes: dict[str, object] = {
            "operation": snapshot.operation,
            "items": snapshot.items,
            "parameters": snapshot.parameters,
            "paging": snapshot.paging,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        if snapshot.by_key is not None:
            given["paging"] = None
        return type(self).model_validate({**dict(self), **given, "snapshot": None})
