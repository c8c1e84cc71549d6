"""What all commands share: the options of the root command."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the root command."""

    config: Path | None
    environ: Mapping[str, str]
