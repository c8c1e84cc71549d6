"""How much work something is, in steps rather than seconds: the same on every machine, however busy."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["steps_of"]


def steps_of(act: Callable[[], object]) -> int:
    """Return how many instructions of Python code ran; what C does within one of them is not seen."""
    steps = 0

    def seen(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal steps
        del argument
        if event == "call":
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
        elif event == "opcode":
            steps += 1
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        act()
    finally:
        sys.settrace(before)
    return steps
