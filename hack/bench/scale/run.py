"""A whole run: a bare hub, the objects, the controllers started twice, single changes, and the Workflows."""

from __future__ import annotations

import asyncio

from hack.bench.restart import start_again
from hack.bench.results import Restart
from hack.bench.scale import tally
from hack.bench.scale.events import events
from hack.bench.scale.figures import Evaluations, Figures, ScaleResult, Start
from hack.bench.scale.fill import decisions, fill, is_complete
from hack.bench.scale.objects import Size
from hack.bench.scale.placing import place
from hack.bench.scale.probe import Probe, writes
from hack.bench.study import run as study
from hack.bench.testbed import CONTROLLERS, Clients, Testbed
from hack.fleet.errors import FleetError
from hack.fleet.layout import HUB
from hack.fleet.progress import Progress
from hack.fleet.state import Part

# It brings the evaluator with it, and the controllers of sets and of health. The others would make a ManifestWork of
# each Workflow, for agents that are not there: `make bench` measures those.
_RUNS = "placement"
_STEPS = 5


def measure(size: Size, date: str, progress: Progress) -> ScaleResult:
    """Raises FleetError. The fleet's logs stay if something went wrong."""
    return study.measure(ScaleResult, size, date, progress, steps=_STEPS, take=_all)


async def _all(bed: Testbed, clients: Clients, size: Size, step: study.Step) -> Figures:
    hub = clients.hub
    with step(f"{size.clusters:,} clusters and {size.placements:,} Placements are created"):
        await fill(hub, size)
        await bed.at_rest()
    part = bed.controllers_part(_RUNS)
    with step("the controllers decide all of them"):
        decided = await _start(bed, clients, part, size)
    with step("the controllers are started again"):
        await asyncio.to_thread(bed.stop_part, CONTROLLERS)
        restarted = await _start(bed, clients, part, size)
    probe = Probe(hub, part.port, bed.pids()[CONTROLLERS])
    with step("single clusters change"):
        changes = [await probe.measure(event) async for event in events(hub, size)]
    with step(f"{size.workflows:,} Workflows are placed"):
        await clients.etcd.compact()
        placed = await place(hub, _watched(bed), size)
    return Figures(_RUNS, decided, restarted, changes, placed)


def _watched(bed: Testbed) -> dict[str, int]:
    """Processes that placing keeps busy; the controller manager has to do with none of it."""
    titles = (CONTROLLERS, f"{HUB}/apiserver", "etcd")
    return {title: pid for title, pid in bed.pids().items() if title in titles}


async def _start(bed: Testbed, clients: Clients, part: Part, size: Size) -> Start:
    """Starts the controllers; until they are idle. FleetError unless everything is decided then."""
    before = await decisions(clients.hub)
    found = await start_again(bed, clients, part)
    counted = await tally.read(part.port)
    after = await decisions(clients.hub)
    if not is_complete(after, size):
        raise FleetError("the controllers are idle, and not every Placement has its clusters; see the logs")
    changed = sum(before.get(key) != clusters for key, clusters in after.items())
    return _figures(found, Evaluations(counted.ended, counted.failed), changed)


def _figures(found: Restart, evaluations: Evaluations, changed: int) -> Start:
    return Start(
        ready_seconds=found.ready_seconds,
        idle_seconds=found.settled_seconds,
        cpu_seconds=found.cpu_seconds,
        rss=found.rss,
        peak_rss=found.peak_rss,
        evaluations=evaluations,
        writes=writes(found.requests, {}),
        changed=changed,
    )
