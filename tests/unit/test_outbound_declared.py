"""Outbound files are found in YAML and in Python, and an environment changes what differs there."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import ConfigError
from hub.outbound import made, outbounds
from hub.settings import OutboundSettings, Settings, load
from tests.outbound_world import COPYBOOK, SPEC, PaymentOrdered, collect, payment

PYTHON = """
from pathlib import Path

from adapters.outbound import EventRecords, OutboundSpec
from contracts.legacy.file_spec import FileSpec
from tests.outbound_world import PaymentOrdered

HERE = Path(__file__).parent


def record(event):
    return {"KIND": "P", "PAYMENT-ID": event.payment_id, "RESIDENT": event.resident_id, "AMOUNT": 0, "PAID-ON": 0}


outbound = OutboundSpec(
    name="in-python",
    events=[EventRecords(model=PaymentOrdered, function=record)],
    file=FileSpec(copybook=HERE / "payments.cpy", record="PAYMENT", encoding="ascii"),
    file_name="P{sequence}",
    folder=HERE / "out",
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "payments.cpy").write_text(COPYBOOK)
    (tmp_path / "out").mkdir()
    (tmp_path / "pays.py").write_text(PYTHON)
    (tmp_path / "bank.yaml").write_text(yaml.safe_dump(dict(SPEC)))
    return tmp_path


def given(folder: Path, **config: dict[str, Any]) -> Settings:
    return Settings(outbound=OutboundSettings(files=(folder,), config=config), data=folder / "data")


def problems(settings: Settings) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        outbounds(settings)
    return list(refused.value.problems)


def test_a_folder_holds_both_kinds_and_each_works(folder: Path) -> None:
    found = outbounds(given(folder))
    outbound = made(given(folder), found["in-python"])

    assert list(found) == ["in-python", "payments-to-bank"]
    assert found["in-python"].events[0].model is PaymentOrdered
    collect(outbound, [payment(7)])
    outbound.cut()
    outbound.deliver()
    assert (folder / "out" / "P1").read_bytes()[:19] == b"P000000071007      "


def test_a_list_of_files_is_short_for_files(folder: Path) -> None:
    (folder / "banyan.yaml").write_text(f"outbound: [{folder / 'pays.py'}]\n")

    assert list(outbounds(load(folder / "banyan.yaml", environ={}))) == ["in-python"]
    assert list(outbounds(load(environ={"BANYAN_OUTBOUND": f'["{folder / "bank.yaml"}"]'}))) == ["payments-to-bank"]


@pytest.mark.parametrize("name", ["in-python", "payments-to-bank"])
def test_an_environment_changes_what_it_names_and_nothing_else(folder: Path, name: str) -> None:
    before = outbounds(given(folder))[name]
    changes = {"folder": str(folder / "elsewhere"), "keep": "P7D", "cut": {"records": 5}}

    after = outbounds(given(folder, **{name: changes}))[name]

    assert (after.folder, after.keep, after.cut.records) == (folder / "elsewhere", timedelta(days=7), 5)
    changed = {"folder", "keep", "cut", "events"}  # each time the file is loaded, its functions are made again
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)


def test_below_a_setting_only_what_is_named_is_changed(folder: Path) -> None:
    described = {**SPEC, "cut": {"records": 3, "zone": "Europe/Berlin"}}
    (folder / "bank.yaml").write_text(yaml.safe_dump(described))

    cut = outbounds(given(folder, **{"payments-to-bank": {"cut": {"records": 9}}}))["payments-to-bank"].cut

    assert (cut.records, cut.zone) == (9, "Europe/Berlin")


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    (folder / "broken.py").write_text("import nothing_of_this_name\n")
    (folder / "empty.py").write_text("outbound = None\n")
    wrong = {"in-python": {"keep": "PT1H", "fodler": "x"}, "nobody": {"keep": "P9D"}}

    told = problems(given(folder, **wrong))

    assert told[0].startswith(f"{folder / 'broken.py'}:1: ModuleNotFoundError")
    assert told[1] == f"{folder / 'empty.py'}: expected a variable `outbound` that is an OutboundSpec"
    assert told[2] == "outbound.config.nobody: no outbound file of that name; there are: in-python, payments-to-bank"
    assert sorted(each.partition(": ")[0] for each in told[3:]) == [
        "outbound.config.in-python.fodler",
        "outbound.config.in-python.keep",
    ]
    assert "did you mean 'folder'?" in "\n".join(told)


def test_one_name_stands_for_one_file(folder: Path) -> None:
    (folder / "bank.yaml").write_text(yaml.safe_dump({**SPEC, "name": "in-python"}))

    assert problems(given(folder)) == [f"{folder / 'pays.py'}: there is another outbound file of the name 'in-python'"]
