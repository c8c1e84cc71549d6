"""The one connection to Kafka: the `kafka:` settings that serve every client, and what differs embedded.

```yaml
kafka:
  bootstrap_servers: kafka-1.example.org:9093,kafka-2.example.org:9093
  security_protocol: SASL_SSL
  tls: {ca: /etc/banyan/ca.pem}
  sasl: {mechanism: SCRAM-SHA-512, username: banyan}   # the password as BANYAN_KAFKA__SASL__PASSWORD
```
"""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from contracts.errors import ConfigError

__all__ = ["Connection", "Sasl", "Tls"]

_BATCH_BYTES = 1_000_000
"""Below `max.message.bytes` of a broker (1,048,588 unless changed), which bounds a batch."""
_REQUEST_BYTES = 17 * 1024 * 1024
"""Topics of dead letters admit 16 MiB; the other topics' own limit is the broker's to enforce."""
_EMBEDDED_PARTITIONS = 4


class Tls(BaseModel):
    """How brokers prove who they are, and how we do where they ask; all files are PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ca: Path | None = None
    """Authorities that may sign the brokers' certificates; the system's without it."""
    certificate: Path | None = None
    """Our certificate with its chain, for brokers that ask for one."""
    key: Path | None = None
    """Its private key; not needed where the certificate's file holds it."""
    key_password: SecretStr | None = None
    """The password of the private key."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.certificate is None and (self.key or self.key_password):
            raise ValueError("a key needs its certificate: set `certificate`, or leave out `key` and `key_password`")
        return self

    def context(self) -> ssl.SSLContext:
        """Read the files; host names are always checked.

        Raises:
            ConfigError: A file can't be read, or is not what it should be.
        """
        # Never None: OpenSSL would ask for it at the terminal, and wait.
        password = self.key_password.get_secret_value() if self.key_password else ""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key, password)
        except OSError as error:
            files = ", ".join(str(file) for file in (self.ca, self.certificate, self.key) if file)
            raise ConfigError([f"kafka.tls: can't use {files}: {error.strerror or error}"]) from error
        return context


class Sasl(BaseModel):
    """How we log in."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is proved; PLAIN sends it as it is, so only within TLS."""
    username: str
    """Who we are."""
    password: SecretStr
    """Best given as `BANYAN_KAFKA__SASL__PASSWORD`."""


class Connection(BaseModel):
    """Where Kafka is and how every client of ours - producer, consumer, admin, FastStream - connects.

    >>> Connection(bootstrap_servers="127.0.0.1:9092").client_options()["bootstrap_servers"]
    '127.0.0.1:9092'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    bootstrap_servers: str
    """Addresses of one or more brokers: `host:port,host:port`."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Kafka's name for what protects the connection; passwords go in clear text with `SASL_PLAINTEXT`."""
    tls: Tls | None = None
    """For `SSL` and `SASL_SSL`; without it the system's authorities are trusted."""
    sasl: Sasl | None = None
    """For `SASL_PLAINTEXT` and `SASL_SSL`."""
    client_id: str = "banyan"
    """The name that brokers see in quotas and logs."""
    request_timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """How long one request may take; 30 seconds by default."""
    replication_factor: int | None = Field(default=None, ge=1)
    """Copies of each topic that we create; the broker's default without it."""
    embedded: bool = False
    """It is the embedded broker: in memory, for the demo and for tests."""

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        addresses = [address.strip() for address in value.split(",")]
        for address in addresses:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"expected host:port,host:port, found {address!r}")
        return ",".join(addresses)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        protocol = self.security_protocol
        if self.sasl is None and protocol.startswith("SASL"):
            raise ValueError(f"security_protocol {protocol} needs `sasl` with username and password")
        if self.sasl is not None and not protocol.startswith("SASL"):
            raise ValueError(f"security_protocol {protocol} does not log in: use SASL_SSL, or leave out `sasl`")
        if self.tls is not None and not protocol.endswith("SSL"):
            raise ValueError(f"security_protocol {protocol} has no TLS: use SSL or SASL_SSL, or leave out `tls`")
        return self

    @property
    def name(self) -> str:
        """Return what messages call it."""
        return "embedded Kafka" if self.embedded else f"Kafka at {self.bootstrap_servers}"

    @property
    def creates_topics_itself(self) -> bool:
        """Tell whether a topic is there as soon as it is asked for, and the admin client is of no use."""
        return self.embedded

    @property
    def default_partitions(self) -> int | None:
        """Return how many partitions a new topic has whatever is asked for; None where one may choose."""
        return _EMBEDDED_PARTITIONS if self.embedded else None

    @property
    def hides_aborted(self) -> bool:
        """Tell whether read_committed consumers are spared the records of aborted transactions."""
        return not self.embedded

    @property
    def fences(self) -> bool:
        """Tell whether a newer producer with the same transactional id ends the older one."""
        return not self.embedded

    @property
    def looks_up_times(self) -> bool:
        """Tell whether the broker finds the offset of a point in time."""
        return not self.embedded

    @property
    def shares_groups(self) -> bool:
        """Tell whether a consumer group may have more than one member."""
        return not self.embedded

    def client_options(self) -> dict[str, Any]:
        """Return what every client of aiokafka takes; the admin client takes just this.

        Raises:
            ConfigError: A file of `tls` can't be used.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "request_timeout_ms": self.request_timeout // timedelta(milliseconds=1),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = (self.tls or Tls()).context()
        if self.sasl is not None:
            options["sasl_mechanism"] = self.sasl.mechanism
            options["sasl_plain_username"] = self.sasl.username
            options["sasl_plain_password"] = self.sasl.password.get_secret_value()
        return options

    def producer_options(self) -> dict[str, Any]:
        """Return what a producer of aiokafka takes; add `transactional_id` or `enable_idempotence`."""
        return {
            **self.client_options(),
            "acks": "all",
            "max_batch_size": _BATCH_BYTES,
            "max_request_size": _REQUEST_BYTES,
        }

    def consumer_options(self) -> dict[str, Any]:
        """Return what a consumer of aiokafka takes; add the group, its offsets and the isolation level."""
        return {**self.client_options(), "check_crcs": not self.embedded}

    def broker_options(self) -> dict[str, Any]:
        """Return what a `KafkaBroker` of FastStream takes; topics are made by us, never by its side effect.

        Its subscribers fetch by themselves: give them `check_crcs` of `consumer_options()`.
        """
        # Not above: FastStream takes longer to import than all of ours, and few commands need it.
        from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512  # noqa: PLC0415

        options = self.client_options()
        context = options.pop("ssl_context", None)
        protection: dict[str, Any] = {"ssl_context": context, "use_ssl": context is not None}
        kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
        security = BaseSecurity(**protection)
        if self.sasl is not None:
            kind = kinds[options.pop("sasl_mechanism")]
            username, password = options.pop("sasl_plain_username"), options.pop("sasl_plain_password")
            security = kind(username=username, password=password, **protection)
        del options["security_protocol"]
        return {**options, "security": security, "acks": "all", "allow_auto_create_topics": False}
