"""Every kind of adapter fulfils the same suite; one that is dropped into `adapters/` is found by its name."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

import adapters
from contracts.ports import Columns, EventBatch, Progress
from hub.discovery import Adapter
from tests import adapter_suite as suite

KINDS = [
    importlib.import_module(f"adapters.{module.name}")
    for module in pkgutil.iter_modules(adapters.__path__)
    if not module.name.startswith("_") and module.name != "outbound"  # goes the other way: it is no source
]


def short(value: object) -> str:
    """Return the name of a test's case."""
    return str(getattr(value, "__name__", value)).rpartition(".")[2]


@pytest.fixture(params=[None, 1, 7], ids=["as it is", "one by one", "by seven"])
def chunk(request: pytest.FixtureRequest) -> int | None:
    """How much is read at a time."""
    size: int | None = request.param
    return size


def example(kind: ModuleType, chunk: int | None) -> Any:
    """Return a kind's example, which reads in pieces of this size where it reads in pieces."""
    adapter = kind.Adapter.example()
    sizes = [name for name in kind.Config.model_fields if name.startswith("chunk_")]
    return adapter if chunk is None else adapter.configured(dict.fromkeys(sizes, chunk))


@pytest.mark.parametrize("kind", KINDS, ids=short)
@pytest.mark.parametrize("promise", suite.ABOUT_EXAMPLES, ids=short)
async def test_an_adapter_keeps_its_promise(kind: ModuleType, promise: Callable[[Any], Any], chunk: int | None) -> None:
    await promise(example(kind, chunk))


@pytest.mark.parametrize("kind", KINDS, ids=short)
def test_an_adapter_says_what_it_promises(kind: ModuleType) -> None:
    suite.says_what_it_promises(kind)


@pytest.mark.parametrize("kind", KINDS, ids=short)
def test_an_adapter_documents_its_settings(kind: ModuleType) -> None:
    suite.documents_its_settings(kind.Config)


@pytest.mark.parametrize("kind", KINDS, ids=short)
def test_an_adapter_is_what_the_hub_runs(kind: ModuleType) -> None:
    adapter = kind.Adapter.example()

    assert isinstance(adapter, Adapter)
    assert adapter.configured({"name": "other"}).name == "other" != adapter.name


def test_there_are_kinds() -> None:
    assert {"batch", "soap"} <= {short(kind) for kind in KINDS}


class Broken:
    """An adapter of two events, and one thing about it that is wrong."""

    name = "broken"

    def __init__(self, wrong: Callable[[list[EventBatch]], list[EventBatch]], *, resumes: bool = True) -> None:
        self._wrong, self._resumes = wrong, resumes

    def configured(self, changes: Mapping[str, Any]) -> "Broken":
        """Take whatever is given."""
        del changes
        return self

    async def check(self) -> list[str]:
        """Complain."""
        return ["expected a registry"]

    async def read(self, since: Progress) -> AsyncIterator[EventBatch]:
        """Yield a batch for each event."""
        done = int(since.checkpoints.get("s", b"0")) if self._resumes else 0
        good = [batch(number) for number in range(2)]
        for each in self._wrong(good)[done:]:
            yield each


def batch(number: int, **changes: Any) -> EventBatch:
    """Return a batch of one event."""
    columns = Columns(
        topic="things",
        type="org.example.thing.happened.v1",
        dataschema="urn:x",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        keys=[b"1"],
        positions=[str(number)],
        sequences=[str(number)],
        values=[b"{}"],
    )
    return EventBatch(stream="s", checkpoint=str(number + 1).encode(), events=[replace(columns, **changes)])


def fails(said: str) -> AbstractContextManager[Any]:
    """Expect the suite to fail with this sentence."""
    return pytest.raises(AssertionError, match=said)


@pytest.mark.parametrize(
    ("promise", "changes", "said"),
    [
        (suite.positions_are_never_used_twice, {"positions": ["0"]}, "used twice"),
        (suite.keys_are_canonical, {"keys": [b" 1"]}, "not canonical"),
        (suite.keys_are_canonical, {"keys": [b""]}, "empty"),
        (suite.columns_fit, {"values": []}, "different lengths"),
        (suite.sequences_grow, {"sequences": ["0"]}, "does not follow"),
        (suite.events_fulfil_their_contract, {}, "no event has the type"),
        (suite.refuses_unknown_settings, {}, "does not know"),
        (suite.checks_itself, {}, "expected a registry"),
    ],
)
async def test_the_suite_sees_what_is_wrong(
    promise: Callable[[Any], Any], changes: Mapping[str, Any], said: str
) -> None:
    adapter = Broken(lambda good: [good[0], batch(1, **changes)])

    with fails(said):
        await promise(adapter)


async def test_the_suite_sees_what_does_not_resume() -> None:
    adapter = Broken(lambda good: good, resumes=False)

    with fails("does not resume after batch 1 of 2"):
        await suite.resumes_after_every_batch(adapter)
    with fails("publishes again"):
        await suite.ends_where_everything_is_published(adapter)


async def test_the_suite_wants_something_to_read() -> None:
    with fails("nothing to read"):
        await suite.resumes_after_every_batch(Broken(lambda _: []))
