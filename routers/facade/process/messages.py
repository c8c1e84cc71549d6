"""What stands in the frames of the link that are no records: how a worker starts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from observability.tracing import Telemetry
from routers.facade.settings import FacadeSettings

__all__ = ["ContractPage", "Files", "Start"]


class Files(NamedTuple):
    """Where parent and workers keep what has to outlive them."""

    folder: Path

    @property
    def spool(self) -> Path:
        """Return the folder of in-doubt records."""
        return self.folder / "in-doubt"

    @property
    def captured(self) -> Path:
        """Return the folder of calls that were kept as they passed."""
        return self.folder / "captured"

    @property
    def lock(self) -> Path:
        """Return the file that a running parent holds locked."""
        return self.folder / "lock"

    def inflight(self, name: str) -> Path:
        """Return where one worker notes the calls that it has in flight."""
        return self.folder / f"{name}.inflight"

    def left_over(self) -> list[Path]:
        """Return the notes of all workers, of earlier runs, too."""
        return sorted(self.folder.glob("*.inflight"))


class ContractPage(BaseModel):
    """A document of a contract that is served."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )

    pieces: tuple[bytes, ...] = Field(repr=False)
    """What stands between the places of the address."""
    codec: str
    """The Python codec of the bytes."""


class Start(BaseModel):
    """All that a worker is told at start; it holds secrets, so it goes by the link alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Of this process, once and never again: number and start."""
    settings: FacadeSettings
    """The façade."""
    sockets: Mapping[str, int]
    """Listener -> descriptor of its listening socket."""
    data: Path
    """The façade's folder."""
    ruleset: Path
    """The local copy of the ruleset."""
    key_secret: str | None = Field(default=None, repr=False)
    """Secret of the keyed hashes."""
    telemetry: Telemetry = Telemetry()
    """Where spans go."""
    contracts: Mapping[str, Mapping[str, Mapping[str, ContractPage]]] = Field(default={}, repr=False)
    """Listener -> path -> query -> page."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is logged."""

    def to_bytes(self) -> bytes:
        """Return the payload of the frame, secrets in clear."""
        values = self.model_dump(mode="json")
        headers = {name: value.get_secret_value() for name, value in self.telemetry.otlp_headers.items()}
        values["telemetry"]["otlp_headers"] = headers
        return json.dumps(values).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Self:
        """Read the payload of the frame."""
        return cls.model_validate_json(payload)
