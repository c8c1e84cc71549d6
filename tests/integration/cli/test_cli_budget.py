"""`banyan budget show`, while processes draw on a budget, and while none does."""

import asyncio
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from hub.budget.folder import Folder
from hub.settings import load
from tests.budget_world import drawing, joined, told, until
from tests.command_line import Ran, banyan


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of two systems."""
    windows = [{"opens": "00:00", "closes": "00:00", "rate": "50/s"}]
    systems = {"crm": {"rate": "10/s", "burst": 5, "windows": windows}, "tax": {"rate": "9/min"}}
    file = tmp_path / "banyan.yaml"
    file.write_text(yaml.safe_dump({"data": str(tmp_path / "data"), "systems": systems}))
    return file


async def show(config: Path, *arguments: str) -> Ran:
    """Run the command while others go on."""
    return await asyncio.to_thread(banyan, "--config", str(config), "budget", "show", *arguments)


async def test_what_a_system_bears_now_is_shown(config: Path) -> None:
    system, path = load(config, environ={}).systems["crm"], config.parent / "data" / "budget" / "crm"
    async with (
        joined(path, system, process="pipeline") as member,
        joined(path, system, process="facade") as facade,
        drawing(member, "poll") as draws,
        drawing(member, "snapshot"),
    ):
        await until(lambda: len(draws) >= 20)
        for _ in range(40):
            member.answered(timedelta(seconds=1), failed=True)
        facade.counted(20)
        await asyncio.sleep(1)
        shown = await show(config, "crm")
        document = (await show(config, "crm", "--json")).json["crm"]

    assert shown.code == 0
    row = next(line for line in shown.out.splitlines() if line.startswith("crm"))
    assert "daily 00:00-00:00" in row
    assert "40 of 40 calls failed" in row
    assert "poll" in row
    assert "facade" in shown.out
    assert document["calendar_rate"] == 50
    assert 25 <= document["rate"] < 30
    assert document["live_rate"] > 1
    assert {each["name"]: each["granted"] > 0 for each in document["members"]} == {"pipeline": True, "facade": False}


async def test_a_system_that_nobody_draws_on_is_shown_as_such(config: Path) -> None:
    shown = await show(config)

    assert shown.code == 0
    assert [line.split() for line in shown.out.splitlines()[1:]] == [
        ["crm", "-", "10/s", *"----", "nobody", "leads", "-"],
        ["tax", "-", "9/min", *"----", "nobody", "leads", "-"],
    ]
    assert (await show(config, "--json")).json == {"crm": None, "tax": None}


async def test_a_leader_that_hangs_is_not_waited_for(config: Path) -> None:
    path = config.parent / "data" / "budget" / "crm"
    lock = Folder(path).made().lead()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path / "socket"))
        deaf.listen()
        shown = await show(config, "crm")

    assert lock is not None
    lock.release()
    assert "does not answer" in shown.out
    assert "nobody leads" in (await show(config, "crm")).out


async def test_an_unknown_system_is_refused_with_those_that_are(config: Path) -> None:
    shown = await show(config, "cmr")

    assert shown.code == 2
    assert shown.err.strip() == "banyan: no system 'cmr' under systems in the settings; there are: crm, tax"


async def test_the_leader_tells_who_leads(config: Path) -> None:
    system, path = load(config, environ={}).systems["tax"], config.parent / "data" / "budget" / "tax"
    async with joined(path, system):
        report = await told(path)
        shown = await show(config, "tax")

    assert str(report.leader) in shown.out
    assert "9/min" in shown.out
    assert "never" in shown.out
