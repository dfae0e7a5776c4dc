"""How long one of our processes takes to be ready, and what it asks of the API servers meanwhile."""

from __future__ import annotations

import asyncio
import time
import urllib.request

import psutil
from prometheus_client.parser import text_string_to_metric_families

from hack.bench import apimetrics
from hack.bench.process_usage import highest_rss, rss
from hack.bench.results import Restart
from hack.bench.testbed import Clients, Testbed
from hack.bench.trip import snapshots
from hack.fleet.argv import LOOPBACK
from hack.fleet.layout import HUB
from hack.fleet.state import Part

# Not in the log, not on the API server: what is left to do is in the process's own queues.
_BUSY = ("workqueue_depth", "controller_runtime_active_workers")
_SETTLED_WITHIN = 300.0
_INTERVAL = 0.1
# A key that was taken and enqueues another is between two queues for a moment.
_LOOKS = 3


async def start_again(bed: Testbed, clients: Clients, part: Part) -> Restart:
    """Starts a stopped process; returns when it is ready and has looked at everything that is there."""
    before = await snapshots(clients)
    begin = time.monotonic()
    await asyncio.to_thread(bed.fleet.supervisor.launch, part)
    ready = time.monotonic() - begin
    await _settled(part)
    settled = time.monotonic() - begin
    after = await snapshots(clients)
    parts = [apimetrics.by_owner(after[name].since(before[name]).requests, hub=name == HUB) for name in after]
    process = psutil.Process(bed.pids()[part.title])
    times = process.cpu_times()
    return Restart(
        ready_seconds=round(ready, 2),
        settled_seconds=round(settled, 2),
        cpu_seconds=round(times.user + times.system, 2),
        rss=round(rss(process), 1),
        peak_rss=round(highest_rss(process.pid), 1),
        requests=apimetrics.add(parts),
    )


async def _settled(part: Part) -> None:
    """Until all queues of the process are empty and nothing is under way."""
    deadline = time.monotonic() + _SETTLED_WITHIN
    idle = 0
    while idle < _LOOKS and time.monotonic() < deadline:
        text = await asyncio.to_thread(metrics_of, part.port)
        idle = idle + 1 if is_idle(text) else 0
        await asyncio.sleep(_INTERVAL)


def metrics_of(port: int) -> str:
    """What one of our processes says of itself, in Prometheus's text format."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=30) as response:
        return bytes(response.read()).decode()


def is_idle(text: str) -> bool:
    """Whether a process's metrics say that its controllers run and have nothing to do."""
    lines = [line for line in text.splitlines() if line.startswith(_BUSY)]
    samples = [
        sample.value
        for family in text_string_to_metric_families("\n".join([*lines, ""]))
        for sample in family.samples
    ]
    return bool(samples) and not any(samples)
