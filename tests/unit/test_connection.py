"""One settings block serves every client, and says what is wrong with it."""

import asyncio
import inspect
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faststream.kafka import KafkaBroker
from faststream.security import SASLPlaintext, SASLScram256, SASLScram512
from pydantic import SecretStr, ValidationError

from contracts.errors import ConfigError
from events.connection import Connection, Sasl, Tls

PASSWORD = "correct horse"  # noqa: S105 - a test's own
ADDRESS = "127.0.0.1:9092"
SASL = {"username": "banyan", "password": PASSWORD}


def certificate(folder: Path, *, password: str = "") -> tuple[Path, Path]:
    """Write a self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    protection = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    folder.mkdir(exist_ok=True)
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    return public, private


async def shake_hands(client: Tls, server: tuple[Path, Path]) -> str:
    """Connect with the client's context to a server with that certificate; return what it says."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client.context(), server_hostname="localhost"
        )
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
    return said.decode()


@pytest.mark.parametrize(
    ("options", "client"),
    [
        (Connection.client_options, AIOKafkaAdminClient),
        (Connection.producer_options, AIOKafkaProducer),
        (Connection.consumer_options, AIOKafkaConsumer),
        (Connection.broker_options, KafkaBroker),
    ],
)
def test_every_client_takes_its_options(options: Callable[[Connection], dict[str, Any]], client: type) -> None:
    connection = Connection(
        bootstrap_servers=ADDRESS,
        security_protocol="SASL_SSL",
        sasl=Sasl(username="banyan", password=SecretStr(PASSWORD)),
    )

    bound = inspect.signature(client).bind(**options(connection))

    assert bound.arguments["bootstrap_servers"] == ADDRESS


def test_durations_and_credentials_arrive_as_aiokafka_wants_them() -> None:
    connection = Connection.model_validate(
        {
            "bootstrap_servers": "a:1, b:2",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl": {**SASL, "mechanism": "PLAIN"},
            "request_timeout": "PT2.5S",
            "client_id": "payroll",
        }
    )

    assert connection.client_options() == {
        "bootstrap_servers": "a:1,b:2",
        "client_id": "payroll",
        "request_timeout_ms": 2500,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "banyan",
        "sasl_plain_password": PASSWORD,
    }


@pytest.mark.parametrize(
    ("mechanism", "kind"),
    [("PLAIN", SASLPlaintext), ("SCRAM-SHA-256", SASLScram256), ("SCRAM-SHA-512", SASLScram512)],
)
def test_faststream_logs_in_with_the_same_settings(
    mechanism: str, kind: type[SASLPlaintext | SASLScram256 | SASLScram512]
) -> None:
    connection = Connection.model_validate(
        {"bootstrap_servers": ADDRESS, "security_protocol": "SASL_SSL", "sasl": {**SASL, "mechanism": mechanism}}
    )

    security = connection.broker_options()["security"]

    assert isinstance(security, kind)
    assert (security.use_ssl, security.password) == (True, PASSWORD)


def test_faststream_creates_no_topics_on_the_side() -> None:
    options = Connection(bootstrap_servers=ADDRESS).broker_options()

    assert (options["allow_auto_create_topics"], options["security"].use_ssl) == (False, False)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"bootstrap_servers": "kafka"}, "expected host:port,host:port, found 'kafka'"),
        ({"bootstrap_servers": "kafka:9092,"}, "found ''"),
        ({"bootstrap_servers": ":9092"}, "found ':9092'"),
        ({"security_protocol": "SASL_SSL"}, "SASL_SSL needs `sasl`"),
        ({"sasl": SASL}, "PLAINTEXT does not log in"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl": SASL, "tls": {}}, "SASL_PLAINTEXT has no TLS"),
        ({"tls": {"key": "key.pem"}}, "a key needs its certificate"),
        ({"request_timeout": 0}, "greater than 0"),
        ({"replication_factor": 0}, "greater than or equal to 1"),
        ({"bootstrap_server": ADDRESS}, "Extra inputs are not permitted"),
    ],
)
def test_a_half_specified_connection_is_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Connection.model_validate({"bootstrap_servers": ADDRESS, **settings})


def test_no_password_shows() -> None:
    connection = Connection.model_validate(
        {
            "bootstrap_servers": ADDRESS,
            "security_protocol": "SASL_SSL",
            "sasl": SASL,
            "tls": {"certificate": "c.pem", "key_password": PASSWORD},
        }
    )

    assert PASSWORD not in repr(connection) + str(connection) + connection.model_dump_json()


async def test_a_broker_is_trusted_by_its_authority(tmp_path: Path) -> None:
    server = certificate(tmp_path)

    assert await shake_hands(Tls(ca=server[0]), server) == "hello"


@pytest.mark.filterwarnings("ignore:.*:ResourceWarning")  # asyncio's own, of a handshake that failed
async def test_a_broker_of_another_authority_is_refused(tmp_path: Path) -> None:
    server, (other, _) = certificate(tmp_path / "server"), certificate(tmp_path / "other")

    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(Tls(ca=other), server)


def test_a_password_opens_our_own_key(tmp_path: Path) -> None:
    public, private = certificate(tmp_path, password=PASSWORD)
    tls = Tls(certificate=public, key=private, key_password=SecretStr(PASSWORD))
    connection = Connection(bootstrap_servers=ADDRESS, security_protocol="SSL", tls=tls)

    context = connection.client_options()["ssl_context"]

    assert context.check_hostname


@pytest.mark.parametrize("password", ["wrong", None])
def test_a_key_that_does_not_open_names_the_files_and_asks_nobody(tmp_path: Path, password: str | None) -> None:
    public, private = certificate(tmp_path, password=PASSWORD)
    tls = Tls(certificate=public, key=private, key_password=SecretStr(password) if password else None)

    with pytest.raises(ConfigError, match=r"kafka\.tls: can't use .*key\.pem"):
        tls.context()


def test_a_missing_authority_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't use .*nowhere\.pem: No such file"):
        Tls(ca=tmp_path / "nowhere.pem").context()


def test_what_differs_on_the_embedded_broker_is_asked_of_the_connection() -> None:
    real = Connection(bootstrap_servers=ADDRESS)
    embedded = Connection(bootstrap_servers=ADDRESS, embedded=True)

    def differing(connection: Connection) -> tuple[object, ...]:
        return (
            connection.creates_topics_itself,
            connection.default_partitions,
            connection.hides_aborted,
            connection.fences,
            connection.shares_groups,
            connection.consumer_options()["check_crcs"],
            connection.name,
        )

    assert differing(real) == (False, None, True, True, True, True, f"Kafka at {ADDRESS}")
    assert differing(embedded) == (True, 4, False, False, False, False, "embedded Kafka")
