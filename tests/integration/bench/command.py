"""`python -m hack.bench` as a person runs it."""

from __future__ import annotations

import subprocess
import sys

from hack.fleet.layout import REPOSITORY


def bench(*arguments: str) -> None:
    """AssertionError with all that was printed unless it ends well, which it has five minutes for."""
    ended = subprocess.run(
        [sys.executable, "-m", "hack.bench", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
