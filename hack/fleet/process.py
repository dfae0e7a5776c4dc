"""Starting, recognising and stopping single processes.

A started process has a session of its own, so neither Ctrl-C in the terminal nor the end of the command
that started it reaches it. A process is only ever signalled after its start time was compared: a pid that
was given to somebody else since then is left alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from hack.fleet.errors import FleetError
from hack.fleet.state import Part, Process

# Start times are computed from clock ticks and the boot time, which may be corrected by a little.
_SAME_START = 2.0


def spawn(part: Part) -> Process:
    """Start a part; its output is appended to its log file. Nothing waits for it, not even for its end."""
    log = Path(part.log)
    log.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        pid = os.posix_spawn(
            part.argv[0],
            part.argv,
            {**os.environ, **part.environment},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise FleetError(f"cannot start {part.title}: {part.argv[0]}: {error.strerror}") from error
    try:
        created = psutil.Process(pid).create_time()
    except psutil.Error:
        created = time.time()  # it ended at once; `is_alive` will say so
    return Process(part, pid, created)


def is_alive(process: Process) -> bool:
    """Whether this very process still runs. A child of ours that ended is reaped on the way."""
    found = _find(process)
    if found is None:
        return False
    _reap(process.pid)
    try:
        return bool(found.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def stop(processes: Sequence[Process], grace: float) -> None:
    """Ask all of them to end, kill those that are still there after `grace` seconds; returns when all ended."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    if _wait(processes, grace):
        return
    for process in processes:
        _signal(process, signal.SIGKILL)
    if not _wait(processes, 10):
        left = ", ".join(f"{p.part.title} ({p.pid})" for p in processes if is_alive(p))
        raise FleetError(f"still running after SIGKILL: {left}")


def kill(process: Process) -> None:
    """End one process without warning, as a crash would; returns when it is gone."""
    _signal(process, signal.SIGKILL)
    _wait([process], 10)


def _find(process: Process) -> psutil.Process | None:
    try:
        found = psutil.Process(process.pid)
        if abs(found.create_time() - process.created) < _SAME_START:
            return found
        # The clock was set since. The whole command line, with its ports and paths, tells as surely.
        return found if found.cmdline() == process.part.argv else None
    except psutil.Error:
        return None


def _signal(process: Process, number: int) -> None:
    found = _find(process)
    if found is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.send_signal(number)


def _wait(processes: Sequence[Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _reap(pid: int) -> None:
    # Whoever started the fleet is the parent as long as it lives, and would be left with zombies.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
