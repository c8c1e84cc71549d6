import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import BrokerUnavailableError, ConfigError
from events.connection import Connection
from events.health import State
from events.pipeline import Pipeline
from hub.cli.root import app
from hub.health import read, renew, report
from tests.sources import Numbers, eventually


def pipeline() -> Pipeline:
    return Pipeline(Numbers(1), Connection(bootstrap_servers="127.0.0.1:9"), namespace="t")


async def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    running = {"numbers": pipeline()}
    file = tmp_path / "health.json"
    renewing = asyncio.create_task(renew(file, running, every=0.01))

    await eventually(file.exists)
    running["numbers"].health.waits()
    await eventually(lambda: read(file).sources["numbers"].state == "waiting")
    renewing.cancel()

    assert read(file).problems(datetime.now(UTC)) == []


def test_a_reader_never_sees_half_of_it(tmp_path: Path) -> None:
    file = tmp_path / "data" / "health.json"

    asyncio.run(once(file))

    assert [path.name for path in file.parent.iterdir()] == ["health.json"]


async def once(file: Path) -> None:
    renewing = asyncio.create_task(renew(file, {"numbers": pipeline()}))
    await eventually(file.exists)
    renewing.cancel()


async def test_a_file_that_cant_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder")

    renewing = asyncio.create_task(renew(tmp_path / "data" / "health.json", {}, every=0.01))
    await asyncio.sleep(0.1)

    assert not renewing.done()
    renewing.cancel()


@pytest.mark.parametrize(("stuck", "code"), [(False, 0), (True, 1)])
def test_the_command_tells_by_its_exit_code(tmp_path: Path, *, stuck: bool, code: int) -> None:
    file = tmp_path / "banyan.yaml"
    file.write_text(f"data: {tmp_path}\n")
    asyncio.run(once(tmp_path / "health.json"))
    if stuck:
        told = read(tmp_path / "health.json")
        (tmp_path / "health.json").write_text(
            told.model_copy(update={"at": datetime.now(UTC) - timedelta(hours=1)}).model_dump_json()
        )

    plain = CliRunner().invoke(app, ["-c", str(file), "health"])
    document = CliRunner().invoke(app, ["-c", str(file), "health", "--json"])

    assert (plain.exit_code, document.exit_code) == (code, code)
    assert "numbers" in plain.output
    assert json.loads(document.stdout)["ok"] is not stuck


async def test_a_source_without_progress_is_named_with_its_reason() -> None:
    stuck = pipeline()
    stuck.health.failed(BrokerUnavailableError("kafka", reason="gone"))
    stuck.health.progressed_at -= 61

    [problem] = report({"numbers": stuck}).problems(datetime.now(UTC))

    assert problem == "numbers: backing off, no progress: BrokerUnavailableError: kafka: not available: gone"


async def test_a_transaction_that_does_not_end_is_no_progress() -> None:
    stuck = pipeline()
    stuck.health.state = State.PUBLISHING
    stuck.health.progressed_at -= 61

    [problem] = report({"numbers": stuck}).problems(datetime.now(UTC))

    assert problem.endswith("a transaction does not end")


async def test_a_hub_that_hangs_tells_nothing_new() -> None:
    told = report({"numbers": pipeline()})

    [problem] = told.problems(datetime.now(UTC) + timedelta(seconds=31))

    assert problem.startswith("the hub has not told how it is since ")


@pytest.mark.parametrize("text", [None, "half", "{}"])
def test_without_a_report_the_fix_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "health.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigError, match="does `banyan run` run"):
        read(file)
