"""Parts made of programs that are everywhere, for tests of whatever handles processes."""

from __future__ import annotations

import sys
from pathlib import Path

from hack.fleet.state import Part, Probe


def python_part(directory: Path, code: str, *, name: str = "part", deadline: float = 20) -> Part:
    """A part that runs some Python and is ready when it printed `ready`."""
    return Part(
        cluster="c",
        name=name,
        argv=[sys.executable, "-u", "-c", code],
        log=str(directory / f"c-{name}.log"),
        ready=Probe(log_text="ready"),
        deadline=deadline,
    )


SLEEPS = "import time; print('ready'); time.sleep(600)"
IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(600)"
)
