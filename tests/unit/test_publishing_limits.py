"""Up to which bounds a file is one transaction is a setting."""

from datetime import timedelta
from typing import Any

import pytest

from adapters import batch
from contracts.errors import ConfigError
from events.limits import Limits
from events.pipeline import Pipeline
from events.publisher import Published
from hub import wiring
from hub.settings import Settings, load


def test_the_limits_are_settings() -> None:
    environ = {"BANYAN_PUBLISHING__TRANSACTION_BYTES": "1000", "BANYAN_PUBLISHING__TRANSACTION_TIME": "2"}

    found = load(environ=environ).publishing

    assert found == Limits(transaction_bytes=1000, transaction_time=timedelta(seconds=2))


@pytest.mark.parametrize(("name", "value"), [("TRANSACTION_EVENTS", "0"), ("TRANSACTION_TIME", "0"), ("SIZE", "3")])
def test_limits_that_can_not_be_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"publishing.{name.lower()}"):
        load(environ={f"BANYAN_PUBLISHING__{name}": value})


def ignore(name: str, committed: Published) -> None:
    """Take no note of what was committed."""


def test_the_pipelines_keep_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def note(*arguments: Any, **options: Any) -> Pipeline:
        given.update(options)
        return Pipeline(*arguments, **options)

    monkeypatch.setattr(wiring, "Pipeline", note)
    settings = Settings(publishing=Limits(transaction_events=7))

    made = wiring.pipelines(settings, [batch.Adapter.example()], on_commit=ignore)

    assert list(made) == ["residents-file"]
    assert given["limits"] == settings.publishing
