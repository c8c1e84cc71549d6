"""`banyan wsdl mock`: options, what it prints, and how it ends."""

import json
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.command_line import BANYAN, banyan
from tests.sandboxes import enveloped
from tests.wsdls import OWN

PAGES = str(OWN / "pages.wsdl")
FIND = enveloped('<Find xmlns="urn:banyan:pages"/>')


@contextmanager
def running(*options: str) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run it as its user does, until the block ends."""
    command = [str(BANYAN), "wsdl", "mock", PAGES, "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline() or "null")
        finally:
            process.kill()


def find(url: str) -> requests.Response:
    with requests.Session() as session:
        return session.post(url, data=FIND, headers={"Content-Type": "text/xml"}, timeout=30)


def test_it_answers_tells_each_call_and_drains(tmp_path: Path) -> None:
    options = (
        "--items",
        "2",
        "--latency",
        "1ms..2ms",
        "--fault",
        "Find=refused@1",
        "--record",
        str(tmp_path / "calls"),
    )
    with running(*options) as (process, told):
        response = find(told["url"])
        with requests.Session() as session:
            session.post(told["url"], data=b"no XML", headers={"Content-Type": "text/xml"}, timeout=30)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)

    call, refused, end = (json.loads(line) for line in out.splitlines())
    assert [port["operations"] for port in told["ports"].values()] == [["Find"]]
    assert response.status_code == 500
    assert (call["operation"], call["outcome"], call["status"]) == ("Find", "fault refused", 500)
    assert (refused["operation"], refused["outcome"]) == (None, "refused")
    assert refused["reason"].startswith("expected well-formed XML")
    assert end["calls"] == [
        {"operation": "Find", "outcome": "fault refused", "calls": 1},
        {"operation": None, "outcome": "refused", "calls": 1},
    ]
    assert (process.returncode, err) == (0, "")
    assert len([*(tmp_path / "calls").iterdir()]) == 2


def test_a_scenario_file_says_what_the_options_say(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("operations:\n  Find:\n    broken: [{kind: unavailable}]\n")

    with running("--scenario", str(file)) as (_, told):
        assert find(told["url"]).status_code == 503


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--latency", "soon"], "--latency 'soon': expected a time such as 50ms, 2s or 50ms..2s"),
        (["--fault", "Find"], "--fault 'Find': expected OPERATION=NAME@RATE"),
        (["--fault", "Find=no"], "operations.Find.faults: expected one of refused, Client, Server, found no"),
        (["--fault", "Fnd=refused"], "operations.Fnd: expected one of Find"),
        (["--drift", "rename@often"], "--drift 'rename@often': expected a rate from 0 to 1 after @, found 'often'"),
        (["--drift", "renam"], "every.drift.0.kind: input should be 'add-element'"),
        (["--http", "empty@2"], "every.broken.0.rate: input should be less than or equal to 1"),
        (["--recorded", "nowhere"], "nowhere: expected a folder of *.request.xml and *.answer.xml"),
        (["--scenario", "nowhere.yaml"], "nowhere.yaml: can't be read"),
    ],
)
def test_wrong_options_end_with_2_and_say_what_is_expected(options: list[str], expected: str) -> None:
    ran = banyan("wsdl", "mock", PAGES, *options)

    assert ran.code == 2
    assert expected in ran.err


def test_a_contract_without_a_soap_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wsdl").write_text('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" name="A"/>')

    ran = banyan("wsdl", "mock", str(tmp_path / "a.wsdl"))

    assert ran.code == 2
    assert "A: expected a contract with a SOAP port that has operations" in ran.err


def test_a_port_that_is_taken_is_told() -> None:
    with running() as (_, told):
        port = told["url"].rstrip("/").rpartition(":")[2]
        ran = banyan("wsdl", "mock", PAGES, "--port", port)

    assert ran.code == 2
    assert "--host and --port: can't listen there" in ran.err
