"""The contract of each live server, imported and inspected by the command line."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

from tests.command_line import BANYAN
from tests.interop.peers import ENCODED, Pair

Held = Callable[[Pair, str, str], None]


def _inspected(pair: Pair) -> dict[str, Any]:
    command = [str(BANYAN), "wsdl", "inspect", str(pair.contract), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_imported_whole_and_inspected(pair: Pair, held: Held) -> None:
    found = _inspected(pair)

    [service] = found["services"]
    [port] = service["ports"]
    operations = {each["name"]: each for each in port["operations"]}
    is_encoded = pair.stack == ENCODED
    names = {"ListResidents", "ReadResident", "ChangeAddress"}
    assert {name.lower() for name in operations} == {name.lower() for name in names}
    read = next(each for name, each in operations.items() if name.lower() == "readresident")
    assert [fault["name"] for fault in read["faults"]] == ["UnknownResident"]
    codes = {finding["code"] for finding in found["findings"]}
    assert ("encoded" in " ".join(codes)) is is_encoded
    held(pair, "banyan", "wsdl import and inspect")
