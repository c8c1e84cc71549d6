"""What the soak takes for a process's memory: what it alone has, whoever else runs on the machine."""

import gc
import mmap
import os
import subprocess
from pathlib import Path

import pytest

from bench.soak_memory import look

MIB = 1024 * 1024
SIZE_MIB = 32


def test_what_is_allocated_counts_and_the_pages_of_a_file_do_not(tmp_path: Path) -> None:
    """Code of a library is a file's pages: they come to be private when another process that has it loaded ends."""
    path = tmp_path / "library"
    path.write_bytes(b"x" * SIZE_MIB * MIB)
    gc.collect()  # what earlier tests have left must not go meanwhile
    before = look(os.getpid()).memory_mib
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:: mmap.PAGESIZE].count(b"x") == SIZE_MIB * MIB // mmap.PAGESIZE
        with_file = look(os.getpid()).memory_mib

    held = bytearray(b"x") * (SIZE_MIB * MIB)
    with_own = look(os.getpid()).memory_mib

    assert len(held) == SIZE_MIB * MIB
    assert (with_file - before < SIZE_MIB / 4, with_own - before > SIZE_MIB * 3 / 4) == (True, True)


def test_a_process_that_has_ended_is_told_even_before_its_parent_asks() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        with pytest.raises(OSError, match=str(process.pid)):
            look(process.pid)
