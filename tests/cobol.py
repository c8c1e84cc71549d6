"""A real COBOL compiler as the judge: it lays records out, fills them, and writes them to a file."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from contracts.legacy.copybook import Layout
from contracts.legacy.copybook.item import Item

__all__ = ["compiled", "literal", "moves", "needs_compiler"]

ROOM = 8000
"""Bytes of each record in the file; what a record does not fill is blank."""
needs_compiler = pytest.mark.skipif(shutil.which("cobc") is None, reason="no COBOL compiler (Debian package gnucobol3)")
PROGRAM = """       IDENTIFICATION DIVISION.
       PROGRAM-ID. MADE.
       ENVIRONMENT DIVISION.
{names}
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT OUT-FILE ASSIGN TO "records"
               ORGANIZATION IS SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  OUT-FILE.
       01  OUT-RECORD PIC X({room}).
       WORKING-STORAGE SECTION.
{records}
       PROCEDURE DIVISION.
           OPEN OUTPUT OUT-FILE.
{statements}
           CLOSE OUT-FILE.
           GOBACK.
"""
DECIMAL_COMMA = """       CONFIGURATION SECTION.
       SPECIAL-NAMES.
           DECIMAL-POINT IS COMMA."""


def compiled(
    folder: Path, copybooks: Sequence[tuple[str, str, Sequence[str]]], *, decimal_comma: bool = False
) -> list[tuple[int, bytes]]:
    """Run a program that fills records and writes them; return the length and the bytes of each.

    Args:
        folder: Where it may write.
        copybooks: For each record its name, its text, and the statements that fill it.
        decimal_comma: Whether DECIMAL-POINT IS COMMA.
    """
    statements: list[str] = []
    for name, _, filling in copybooks:
        statements += [f"MOVE SPACES TO {name}", *filling, f"MOVE {name} TO OUT-RECORD", "WRITE OUT-RECORD"]
        statements.append(f"DISPLAY LENGTH OF {name}")
    source = PROGRAM.format(
        room=ROOM,
        names=DECIMAL_COMMA if decimal_comma else "",
        records="".join(text for _, text, _ in copybooks),
        statements="\n".join(f"           {line}." for statement in statements for line in _folded(statement)),
    )
    (folder / "made.cob").write_text(source, encoding="ascii")
    command = ["cobc", "-x", "-w", "-O0", "-std=ibm", "-fsign=ebcdic", "-o", "made", "made.cob"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    ran = subprocess.run(["./made"], cwd=folder, capture_output=True, text=True, check=True, timeout=30)
    data = (folder / "records").read_bytes()
    assert len(data) == ROOM * len(copybooks)
    lengths = [int(line) for line in ran.stdout.split()]
    return [(length, data[ROOM * index :][:ROOM]) for index, length in enumerate(lengths)]


def _folded(statement: str) -> Iterator[str]:
    """Yield a statement on a line of its own; it must fit."""
    assert len(statement) < 60, statement
    yield statement


def moves(layout: Layout, values: Any, *, decimal_comma: bool = False) -> Iterator[str]:
    """Yield the statements that move values to the fields of a record."""
    for field in layout.fields:
        for indexes in product(*(range(most) for most, _ in field.dimensions)):
            value = _value(values, field.path[1:], list(indexes))
            subscript = f"({' '.join(str(index + 1) for index in indexes)})" if indexes else ""
            yield f"MOVE {literal(value, field, decimal_comma=decimal_comma)} TO {field.name}{subscript}"


def _value(values: Any, path: Sequence[str], indexes: list[int]) -> Any:
    for name in path:
        values = values[name]
        if isinstance(values, list):
            values = _at(values, indexes.pop(0))
    return values


def _at(values: Any, index: int) -> Any:
    return values[index]


def literal(value: object, field: Item, *, decimal_comma: bool = False) -> str:
    """Return a value as a literal that can be moved to a field."""
    if isinstance(value, str):
        if field.symbols:
            value = "".join(each for each in value if each not in " /")
        return f'"{value}"' if value else "SPACES"
    number = Decimal(str(value)) if isinstance(value, float) else value
    return f"{number:f}".replace(".", "," if decimal_comma else ".")
