"""The demo's façade: what `banyan facade run` runs, in a process that drains when its input ends.

`python -m hub.demo.facade SETTINGS`
"""

import os
import signal
import sys
import threading
from pathlib import Path

from hub.demo.part import leave_soon
from hub.facade import run
from hub.settings import load

__all__ = ["main"]


def main() -> None:
    """Serve until the input ends; no variable of the environment has a say."""
    settings = load(Path(sys.argv[1]), environ={})
    threading.Thread(target=_drain_at_end, daemon=True).start()
    run(settings, environ=os.environ)


def _drain_at_end() -> None:
    sys.stdin.read()
    leave_soon()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
