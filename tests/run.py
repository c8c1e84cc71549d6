"""`make test`: every test with coverage; on CI nothing may be skipped but for data that is not ours.

pytest's arguments can follow: `python -m tests.run -k pipeline`.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET  # our own report, written a moment ago
from pathlib import Path

# Whole files to two processes: tests of one file may share a broker, and most of the time they wait for it.
WHOLE = ("-n", "2", "--dist", "loadfile")
# Why a test may be skipped where `.ci/tools` has installed what the tests use.
ALLOWED = ("test data",)


def main(arguments: list[str]) -> int:
    """Run pytest under coverage, and say which skips count as failures."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        chosen = arguments or WHOLE
        command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", f"--junitxml={report}", *chosen]
        code = subprocess.run(command, check=False).returncode
        skipped = _skipped(report)
    subprocess.run([sys.executable, "-m", "coverage", "combine", "-q"], check=False)
    unwanted = [line for line in skipped if not any(reason in line for reason in ALLOWED)]
    if not arguments:
        low = subprocess.run([sys.executable, "-m", "coverage", "report"], check=False).returncode
        # Without Java, Maven and kcat many tests are skipped, so coverage says nothing there.
        code = code or (0 if unwanted else low)
    if os.environ.get("CI") and unwanted:
        print("skipped, though its tool is installed:", *unwanted, sep="\n  ")
        return code or 1
    return code


def _skipped(report: Path) -> list[str]:
    if not report.is_file():
        return []
    cases = ET.parse(report).getroot().iter("testcase")
    return [
        f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}"
        for case in cases
        for skip in case.findall("skipped")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
