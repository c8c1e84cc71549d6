"""A COBOL program reads a file of ours as the receiver would, adds it up, and believes its trailer or not."""

import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cobol import needs_compiler
from tests.outbound_world import COPYBOOK, SPEC, Receiver, built, collect, described, payment

PROGRAM = """\
       IDENTIFICATION DIVISION.
       PROGRAM-ID. RECEIVER.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT IN-FILE ASSIGN TO "payments"
               ORGANIZATION IS SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  IN-FILE.
{copybook}
       WORKING-STORAGE SECTION.
       01  DONE         PIC X VALUE "N".
       01  FOUND        PIC 9(7) VALUE 0.
       01  ADDED        PIC S9(11)V99 COMP-3 VALUE 0.
       01  SHOWN        PIC -(10)9.99.
       PROCEDURE DIVISION.
           OPEN INPUT IN-FILE.
           PERFORM UNTIL DONE = "Y"
               READ IN-FILE AT END MOVE "Y" TO DONE
                   NOT AT END PERFORM TAKE-RECORD
               END-READ
           END-PERFORM.
           CLOSE IN-FILE.
           GOBACK.
       TAKE-RECORD.
           EVALUATE KIND OF PAYMENT
               WHEN "A"
                   DISPLAY "RUN " RUN-NO OF HEAD " OF " MADE-ON
               WHEN "P"
                   ADD 1 TO FOUND
                   ADD AMOUNT TO ADDED
               WHEN "Z"
                   MOVE ADDED TO SHOWN
                   IF FOUND = HOW-MANY AND ADDED = TOTAL
                       DISPLAY "AGREES " FOUND " " SHOWN
                   ELSE
                       DISPLAY "BREAKS " FOUND " " SHOWN
                   END-IF
           END-EVALUATE.
"""


@needs_compiler
@pytest.mark.parametrize(("harm", "said"), [(0, "AGREES"), (1, "BREAKS")], ids=["as it is", "a record too few"])
def test_a_cobol_program_agrees_with_the_trailer(tmp_path: Path, harm: int, said: str) -> None:
    spec = described(tmp_path, {"file": {**SPEC["file"], "encoding": "ascii"}})
    outbound, receiver = built(tmp_path, spec), Receiver(spec)
    amounts = [Decimal("0.01"), Decimal("-99.99"), Decimal("9999999.99"), Decimal(0)]
    collect(outbound, [payment(number, amount=amount) for number, amount in enumerate(amounts)])
    outbound.cut()
    outbound.deliver()
    receiver.take()
    [data] = receiver.taken.values()
    length = len(data) // 6
    (tmp_path / "payments").write_bytes(data[: length * (5 - harm)] + data[length * 5 :])

    # RUN is a word of COBOL's own, which a copybook that nobody compiles may use.
    (tmp_path / "receiver.cob").write_text(
        PROGRAM.format(copybook=COPYBOOK.replace("RUN   ", "RUN-NO")), encoding="ascii"
    )
    command = ["cobc", "-x", "-w", "-O0", "-std=ibm", "-o", "receiver", "receiver.cob"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    ran = subprocess.run(["./receiver"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)

    total = sum(amounts[: 4 - harm])
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert lines == [["RUN", "0001", "OF", "20261128"], [said, f"{4 - harm:07d}", f"{total:.2f}"]]
