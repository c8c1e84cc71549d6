"""Where the shared test data are: data of others, never part of this repository."""

import os
from pathlib import Path

import pytest

__all__ = ["real_data"]


def real_data(path: str) -> Path:
    """Return a folder of the shared data; the test is skipped where they are not there."""
    root = Path(os.environ.get("BANYAN_TEST_DATA") or Path(__file__).parent.parent.parent / "shared" / "data")
    folder = root / path
    if not folder.is_dir():
        pytest.skip(f"test data {path} are not here; BANYAN_TEST_DATA names their folder")
    return folder
