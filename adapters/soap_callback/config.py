"""What an integration engineer says about one operation that the legacy system calls."""

from datetime import timedelta
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from contracts.legacy.soap.authentication import Rules
from contracts.legacy.soap.security import PasswordKind

__all__ = ["MESSAGE_ID", "Config", "Tls", "Token"]

MESSAGE_ID = "wsa:MessageID"
Name = Annotated[str, Field(min_length=1)]
Span = Annotated[timedelta, Gt(timedelta(0))]


def _location(value: object) -> object:
    return fspath(value) if isinstance(value, PathLike) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - what it is a path of is checked next


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Token(_Model):
    """The UsernameToken of WS-Security that each message must have."""

    users: Annotated[dict[str, SecretStr], Field(min_length=1)]
    """Passwords by user."""
    kind: PasswordKind = "digest"
    """`digest` wants a nonce, and takes each once. `text` takes the password itself: a nonce is taken once where
    there is one, and the connection should be TLS."""
    fresh: Span = timedelta(minutes=5)
    """How long ago a token may have been created. Nonces are remembered as long, over restarts, too."""
    ahead: Annotated[timedelta, Ge(timedelta(0))] = timedelta(minutes=1)
    """How far the caller's clock may be ahead of ours."""

    def rules(self) -> Rules:
        """Return what a token must fulfil."""
        passwords = {user: password.get_secret_value() for user, password in self.users.items()}
        return Rules(passwords=passwords, kind=self.kind, fresh=self.fresh, ahead=self.ahead)


class Tls(_Model):
    """TLS of the listener."""

    certificate: Path
    """File of its certificate with its chain; PEM."""
    key: Path | None = None
    """File of its private key; by default it is in the file of the certificate."""
    key_password: SecretStr | None = None
    """Password of the private key."""
    clients: Path | None = None
    """File of the authorities that sign callers' certificates: with it, a caller without one is not connected."""


class Config(_Model):
    """One operation that the legacy system calls, and we serve.

    >>> Config(name="orders", wsdl="orders.wsdl", operation="OrderPlaced").port
    8090
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Name of the source; it is in event sources, topics and transactional ids."""
    wsdl: Annotated[str, BeforeValidator(_location), Field(min_length=1)]
    """Path of the WSDL in which we are the server; its imports come from its own folder."""
    operation: Name
    """The operation that is called; others of the contract are refused."""
    host: Name = "127.0.0.1"
    """Address to listen at."""
    port: Annotated[int, Ge(0), Le(65535)] = 8090
    """Port to listen at; 0 takes a free one."""
    path: Annotated[str, Field(pattern=r"^/")] = "/"
    """Path at which calls are taken; `?wsdl` there tells the contract with our address; `/health` tells whether calls
    are taken."""
    message_id: str | None = None
    """Where a message says which one it is: `wsa:MessageID`, or a path in it such as `order/number`. A message that
    comes again gets the same answer, and is no second event. Without it, a caller that tries again makes two."""
    remembered: Span = timedelta(days=1)
    """How long ids are remembered, each with some hundred bytes of state."""
    reply: str | None = None
    """The element that a request/response operation answers; `{name}` stands for a field of the message, `{position}`
    for the number of its event. By default it is empty, where the contract allows that."""
    invalid: Literal["refuse", "dead-letter"] = "refuse"
    """What becomes of a message that the contract or the event does not allow. The caller gets a fault of the client
    that names the place, in either case; `dead-letter` keeps its bytes first."""
    token: Token | None = None
    """WS-Security, where callers have it."""
    tls: Tls | None = None
    """TLS, with client certificates where `clients` is said."""
    chunk_calls: Annotated[int, Ge(1)] = 500
    """Most calls that are published together."""
    most_waiting: Annotated[int, Ge(1)] = 2000
    """Most calls that wait for Kafka; further ones are told to come again."""
    most_connections: Annotated[int, Ge(1)] = 1000
    """Most open connections; further ones are closed."""
    most_bytes: Annotated[int, Ge(1), Le(16 * 1024**2)] = 1024**2
    """Most bytes of a message."""
    read_within: Span = timedelta(seconds=30)
    """How long a caller may take for a request, the silence before it included."""
    answer_within: Span = timedelta(seconds=30)
    """How long a call waits for Kafka before it is told to come again."""
    retry_after: Annotated[timedelta, Ge(timedelta(seconds=1))] = timedelta(seconds=10)
    """What such a call is told: `Retry-After`."""
    once: bool = False
    """Take the calls that wait, then end; of use in tests."""
