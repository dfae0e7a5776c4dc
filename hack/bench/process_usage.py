"""What processes use while something is measured: CPU seconds, and memory at its highest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import psutil

_INTERVAL = 0.25
# Processes are at rest that together use less than this of one core, several seconds in a row.
_REST, _REST_LOOKS = 0.3, 3
_MIB = 2**20


class Usage(msgspec.Struct, frozen=True):
    """CPU seconds (user and system) and the largest resident set, in MiB, seen four times a second."""

    cpu_seconds: float = 0.0
    peak_rss: float = 0.0


class Meter:
    """Measures while `running`. A process that ends keeps what it had until then."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._before = {name: _cpu(process) for name, process in self._processes.items()}
        self._after = dict(self._before)
        self._peak = dict.fromkeys(self._processes, 0.0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        sampler = asyncio.create_task(self._sample())
        try:
            yield
        finally:
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)
            self._look()

    def usage(self) -> dict[str, Usage]:
        """By process name."""
        return {
            name: Usage(round(self._after[name] - self._before[name], 2), round(self._peak[name], 1))
            for name in self._processes
        }

    def ended(self) -> list[str]:
        """Names of those that do not run any more."""
        return [name for name, process in self._processes.items() if not _runs(process)]

    async def _sample(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_INTERVAL)

    def _look(self) -> None:
        for name, process in self._processes.items():
            with contextlib.suppress(psutil.Error):
                self._after[name] = _cpu(process)
                self._peak[name] = max(self._peak[name], rss(process))


async def at_rest(pids: Mapping[str, int], within: float) -> bool:
    """Waits until processes have nothing to do any more; whether they have got there within so many seconds."""
    processes = [psutil.Process(pid) for pid in pids.values()]
    deadline = time.monotonic() + within
    quiet = 0
    spent, since = sum(map(_cpu, processes)), time.monotonic()
    while quiet < _REST_LOOKS and time.monotonic() < deadline:
        await asyncio.sleep(1)
        now, at = sum(map(_cpu, processes)), time.monotonic()
        quiet = quiet + 1 if (now - spent) / (at - since) < _REST else 0
        spent, since = now, at
    return quiet == _REST_LOOKS


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def rss(process: psutil.Process) -> float:
    """The resident set now, in MiB."""
    return float(process.memory_info().rss) / _MIB


def highest_rss(pid: int) -> float:
    """The largest resident set since the process was started, in MiB, as Linux remembers it; 0 elsewhere."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), "0")
    return int(found) / 1024
