"""A whole run: a bare cluster, the agent, more and more for it to do, a restart, and single changes."""

from __future__ import annotations

import asyncio

import psutil

from hack.bench.agent import fill, objects, reaction, reports
from hack.bench.agent.figures import AgentResult, Figures, Footprint
from hack.bench.agent.late import late
from hack.bench.agent.objects import CLUSTER, QUICK, Size
from hack.bench.agent.steps import EMPTY, FULL, KINDS, OTHERS
from hack.bench.process_usage import highest_rss, rss
from hack.bench.restart import start_again
from hack.bench.study import run as study
from hack.bench.testbed import Clients, Testbed
from hack.fleet.progress import Progress

_AGENT = f"{CLUSTER}/agent"
_STEPS = 8
# Seconds for which a work has waited for its kind before the kind is installed.
_LATE, _LATE_QUICK = 20.0, 1.0


def measure(size: Size, date: str, progress: Progress) -> AgentResult:
    """Raises FleetError. The fleet's logs stay if something went wrong."""
    return study.measure(AgentResult, size, date, progress, steps=_STEPS, take=_all)


async def _all(bed: Testbed, clients: Clients, size: Size, step: study.Step) -> Figures:
    client = clients.hub
    with step(f"{size.kinds:,} kinds are installed"):
        await fill.install(client, (objects.kind(number) for number in range(size.kinds)))
        await fill.open_namespaces(client)
    with step("the agent starts"):
        part = bed.agent_part(CLUSTER)
        await asyncio.to_thread(bed.fleet.supervisor.launch, part)
        found = [await _footprint(bed, EMPTY)]
    with step("works ask for an object of each kind"):
        seconds, cpu = await _delivered(bed, clients, range(size.first_works), size)
        found.append(await _footprint(bed, KINDS, size.kinds, size.kinds, seconds=seconds, cpu=cpu))
    more = size.objects - size.ours
    with step(f"others create {more:,} objects of these kinds"):
        await fill.add_others(client, size)
        found.append(await _footprint(bed, OTHERS, size.kinds, size.kinds, more))
    with step(f"works ask for {size.ours - size.kinds:,} more"):
        seconds, cpu = await _delivered(bed, clients, range(size.first_works, size.works), size)
        found.append(await _footprint(bed, FULL, size.kinds, size.ours, more, seconds=seconds, cpu=cpu))
    with step("the agent is started again"):
        await asyncio.to_thread(bed.stop_part, _AGENT)
        again = await start_again(bed, clients, part)
        await bed.at_rest()
    with step("objects and their statuses change"):
        drift = await reaction.drift(client, size)
        feedback = await reports.feedback(client, size)
        written = await reports.written(client, size)
    with step("a kind is installed late"):
        missing = await late(client, _LATE_QUICK if size == QUICK else _LATE)
    return Figures(found, again, drift, feedback, written, missing)


async def _delivered(bed: Testbed, clients: Clients, works: range, size: Size) -> tuple[float, float]:
    """Seconds, and the agent's CPU seconds."""
    process = psutil.Process(bed.pids()[_AGENT])
    before = process.cpu_times()
    seconds = await fill.deliver(clients.hub, works, size)
    after = process.cpu_times()
    return seconds, after.user + after.system - before.user - before.system


async def _footprint(
    bed: Testbed,
    name: str,
    kinds: int = 0,
    ours: int = 0,
    others: int = 0,
    *,
    seconds: float = 0.0,
    cpu: float = 0.0,
) -> Footprint:
    """Once everything is at rest."""
    await bed.at_rest()
    process = psutil.Process(bed.pids()[_AGENT])
    connections = process.net_connections(kind="tcp")
    return Footprint(
        name=name,
        kinds=kinds,
        ours=ours,
        others=others,
        rss=round(rss(process), 1),
        peak_rss=round(highest_rss(process.pid), 1),
        connections=sum(item.status == psutil.CONN_ESTABLISHED for item in connections),
        seconds=round(seconds, 2),
        cpu_seconds=round(cpu, 2),
    )
