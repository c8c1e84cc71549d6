"""The compose file and the image say what the settings expect. They are parsed: no engine runs where we test."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.local_kafka.distribution import kafka_version
from hub.settings import ENV_PREFIX, Settings, load

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def services() -> dict[str, Any]:
    compose: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return compose["services"]


@pytest.fixture
def settings(services: dict[str, Any]) -> Settings:
    """The settings that Banyan reads in its container; a misspelled nested variable is an error of `load`."""
    return load(environ=services["banyan"]["environment"])


def listeners(kafka: dict[str, Any], setting: str) -> dict[str, str]:
    """Return the address of each listener."""
    pairs = (listener.split("://") for listener in kafka["environment"][setting].split(","))
    return {name: address for name, address in pairs}  # noqa: C416 - pairs are lists


def test_every_variable_is_a_setting(services: dict[str, Any], settings: Settings) -> None:
    names = services["banyan"]["environment"]

    assert all(name.startswith(ENV_PREFIX) for name in names)
    assert {name.removeprefix(ENV_PREFIX).split("__")[0].lower() for name in names} <= set(Settings.model_fields)
    assert settings.namespace == "banyan"
    assert settings.adapters.files == (Path("/srv/banyan/adapters"),)


def test_banyan_connects_to_the_listener_of_the_network(services: dict[str, Any], settings: Settings) -> None:
    advertised = listeners(services["kafka"], "KAFKA_ADVERTISED_LISTENERS")

    assert settings.kafka.bootstrap_servers == advertised["NETWORK"]
    assert settings.kafka.security_protocol == "PLAINTEXT"


def test_the_host_reaches_the_address_that_settings_have_by_default(services: dict[str, Any]) -> None:
    kafka = services["kafka"]
    advertised = listeners(kafka, "KAFKA_ADVERTISED_LISTENERS")["HOST"]

    assert load(environ={}).kafka.bootstrap_servers == advertised
    assert kafka["ports"] == [f"{advertised}:{listeners(kafka, 'KAFKA_LISTENERS')['HOST'].removeprefix(':')}"]


def test_every_listener_has_a_protocol(services: dict[str, Any]) -> None:
    kafka = services["kafka"]
    protocols = dict(
        pair.split(":") for pair in kafka["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )

    assert set(protocols) == set(listeners(kafka, "KAFKA_LISTENERS"))


def test_compose_runs_the_kafka_that_is_tested(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_banyan_keeps_its_data_in_a_volume(services: dict[str, Any], settings: Settings) -> None:
    assert f"banyan:{settings.data}" in services["banyan"]["volumes"]


def test_the_image_installs_what_is_pinned_and_runs_without_root() -> None:
    last_user = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1]

    assert "pip install --require-hashes -r requirements.lock" in DOCKERFILE
    assert "PYTHONSAFEPATH=1" in DOCKERFILE
    assert 'ENTRYPOINT ["banyan"]' in DOCKERFILE
    assert last_user not in {"root", "0"}


def test_the_image_holds_every_package() -> None:
    packages = {folder.parent.name for folder in ROOT.glob("*/py.typed")}

    assert packages <= set(re.findall(r"^COPY (\w+) \./\1$", DOCKERFILE, re.MULTILINE))
