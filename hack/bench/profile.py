"""Where the time of one scenario goes: by py-spy in our own processes, by their own profiles in the API servers.

The load's clean-up is among it. The latencies of a profiled run are not worth much: profiling costs time. The files
that it leaves are for other programs: py-spy's raw ones for flame graphs, the API servers' for `go tool pprof`.
What py-spy shows as the own time of `Runner.run` is mostly uvloop waiting for something to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from controllers.kube.client import Client
from hack.bench.order import Order
from hack.bench.results import Trip
from hack.bench.scenario import Burst, Scenario, Steady
from hack.bench.testbed import CONTROLLERS, Clients, testbed
from hack.bench.trip import round_trip
from hack.fleet.errors import FleetError
from hack.fleet.layout import HUB
from hack.fleet.progress import Progress

_WARM_UP = Burst(10)
_PER_SECOND = 200
# The clients' requests are given up after 30 s.
_LONGEST = 25.0
_BURST_SECONDS = 10.0
# A request for counters and a compaction come before the load.
_LEAD_SECONDS = 1.0


class Share(NamedTuple):
    """How much of the time that a process was running a function was on its stack, and was itself running."""

    function: str
    cumulative: float
    own: float


class Profile(NamedTuple):
    """The trip, the raw file of each process of ours, and the API servers' profiles."""

    trip: Trip
    raw: Mapping[str, Path]
    servers: Mapping[str, bytes]


def take(scenario: Scenario, out: Path, progress: Progress) -> Profile:
    """Runs `scenario` on a fresh fleet and leaves the profiles in `out`. Raises FleetError."""
    spy = _find_spy()
    out.mkdir(parents=True, exist_ok=True)
    with testbed(scenario.shape.clusters, progress, profiling=True) as bed:
        bed.start_ours()
        pids = bed.pids()
        agent = f"{next(iter(bed.fleet.managed))}/agent"

        async def run() -> Profile:
            async with bed.connected() as clients:
                await round_trip(clients, pids, Order("warm-up", _WARM_UP, scenario.shape.status_bytes))
                with contextlib.ExitStack() as spies, progress.step(f"profiling {scenario.name}"):
                    raw = {
                        title: spies.enter_context(_spied(spy, pids[title], title, out))
                        for title in (CONTROLLERS, agent)
                    }
                    servers = asyncio.create_task(_servers(clients, scenario))
                    trip = await round_trip(clients, pids, Order.of(scenario))
                    return Profile(trip, raw, await servers)

        profile = asyncio.run(run())
        bed.keep_logs = bool(profile.trip.problems)
    for name, content in profile.servers.items():
        (out / f"{name}-apiserver.pprof").write_bytes(content)
    return profile


def _find_spy() -> str:
    """py-spy of this environment or of the PATH; FleetError that says how to get it."""
    found = shutil.which("py-spy", path=sysconfig.get_path("scripts")) or shutil.which("py-spy")
    if found is None:
        raise FleetError(
            "py-spy is not installed; `pip install py-spy`, or `pip install -e '.[dev]'`, brings it"
        )
    return found


@contextlib.contextmanager
def _spied(spy: str, pid: int, title: str, out: Path) -> Iterator[Path]:
    """py-spy watches a process while the block runs."""
    path = out / f"{_file_name(title)}.txt"
    arguments = ["record", "--pid", str(pid), "--rate", str(_PER_SECOND), "--format", "raw"]
    # Without an end of its own it stops when it is interrupted, and writes its file then.
    log = path.with_suffix(".log")
    with log.open("wb") as output:
        child = subprocess.Popen(
            [spy, *arguments, "--duration", "unlimited", "--output", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield path
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(60)
        finally:
            child.kill()
    if not path.exists():
        raise FleetError(f"py-spy has written no profile of {title} (it may need root): see {log}")


async def _servers(clients: Clients, scenario: Scenario) -> dict[str, bytes]:
    """Profiles of the hub's and the first cluster's API server."""
    cluster, managed = next(iter(clients.managed.items()))
    seconds = _BURST_SECONDS
    if isinstance(scenario.load, Steady):
        seconds = min(scenario.load.seconds, _LONGEST)
    servers = {HUB: clients.hub, cluster: managed}
    taken = await asyncio.gather(*(_server(client, round(seconds)) for client in servers.values()))
    return dict(zip(servers, taken, strict=True))


async def _server(client: Client, seconds: int) -> bytes:
    await asyncio.sleep(_LEAD_SECONDS)
    return await client.request("GET", "/debug/pprof/profile", query=(("seconds", str(seconds)),))


def _file_name(title: str) -> str:
    return title.replace("/", "-")


def shares(raw: str) -> list[Share]:
    """The functions of a raw profile (lines of `outer;inner;... samples`), the largest cumulative share first. Pure.

    Line numbers are left out, and a function that called itself is counted once.
    """
    cumulative: Counter[str] = Counter()
    own: Counter[str] = Counter()
    total = 0
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        if not samples.isdigit():
            continue
        frames = [_without_line(frame) for frame in stack.split(";")]
        total += int(samples)
        own[frames[-1]] += int(samples)
        for frame in set(frames):
            cumulative[frame] += int(samples)
    return [Share(name, count / total, own[name] / total) for name, count in cumulative.most_common()]


def _without_line(frame: str) -> str:
    """`reconcile (placement/reconciler.py:40)` as `reconcile (placement/reconciler.py)`."""
    name, colon, line = frame.rpartition(":")
    return f"{name})" if colon and line.rstrip(")").isdigit() else frame
