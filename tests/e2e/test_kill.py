"""Whatever of ours is killed, whenever: every Workflow runs exactly once and ends right on the hub."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.e2e.runs import Runs, watching
from tests.processes import Process

WORKFLOWS = 12
KILLS = 5


def processes(argosy: Argosy, who: str) -> list[Process]:
    return argosy.processes if who == "anyone" else [p for p in argosy.processes if p.name == who]


async def restart(*victims: Process) -> None:
    for victim in victims:
        victim.kill()
    await asyncio.gather(*(victim.start() for victim in victims))


async def submit(argosy: Argosy, prefix: str, chance: random.Random) -> list[str]:
    """A dozen Workflows, not all at once, so that kills meet them in every stage of their lives."""
    names = []
    for number in range(WORKFLOWS):
        make = chance.choice((workflows.hello, workflows.diamond))
        body = make(f"{prefix}-{number}", seconds=chance.uniform(0.1, 1.5))
        names.append((await workflows.create(argosy, body))["metadata"]["name"])
        await asyncio.sleep(chance.uniform(0, 0.6))
    return names


async def each_ran_once(argosy: Argosy, runs: Runs, names: list[str]) -> None:
    for name in names:
        await workflows.in_phase(argosy, name, within=120)
    for name in names:
        hub = await workflows.same_as_copy(argosy, name)
        assert workflows.phase_of(hub) == "Succeeded", hub["status"]
        copy = await workflows.shown(argosy.managed[workflows.cluster_of(hub)], name)
        assert runs.of(name) == {(workflows.cluster_of(hub), copy["metadata"]["uid"])}


@pytest.mark.parametrize(
    ("who", "seed"),
    [("controllers", 1), ("agent of cluster1", 2), ("agent of cluster2", 3), ("anyone", 4), ("anyone", 5)],
)
async def test_killed_again_and_again_at_random_moments(argosy: Argosy, who: str, seed: int) -> None:
    chance = random.Random(seed)
    async with watching(argosy.managed) as runs:
        submitting = asyncio.create_task(submit(argosy, f"kill-{seed}", chance))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.1, 1.5))
            await restart(chance.choice(processes(argosy, who)))
        names = await submitting
        await each_ran_once(argosy, runs, names)
    await workflows.delete(argosy, *names)


async def test_all_killed_at_once(argosy: Argosy) -> None:
    chance = random.Random(6)
    async with watching(argosy.managed) as runs:
        submitting = asyncio.create_task(submit(argosy, "kill-all", chance))
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            await restart(*argosy.processes)
        names = await submitting
        await each_ran_once(argosy, runs, names)
    await workflows.delete(argosy, *names)


async def test_killed_while_workflows_are_deleted(argosy: Argosy) -> None:
    chance = random.Random(7)
    names = await submit(argosy, "kill-deleting", chance)
    deleting = asyncio.create_task(workflows.delete(argosy, *names))
    for _ in range(3):
        await asyncio.sleep(chance.uniform(0, 0.3))
        await restart(*argosy.processes)
    await deleting
    for name in names:
        for client in argosy.managed.values():
            await workflows.gone(client, name)


@pytest.mark.parametrize("who", ["controllers", "agent of cluster1", "agent of cluster2"])
async def test_sigterm_ends_a_process_in_seconds_and_loses_nothing(argosy: Argosy, who: str) -> None:
    [process] = processes(argosy, who)
    chance = random.Random(8)
    async with watching(argosy.managed) as runs:
        submitting = asyncio.create_task(submit(argosy, f"term-{who.split()[-1]}", chance))
        await asyncio.sleep(2)
        began = time.monotonic()
        status = await asyncio.to_thread(process.stop)
        took = time.monotonic() - began
        await process.start()
        names = await submitting
        await each_ran_once(argosy, runs, names)
    assert status == 0
    assert took < 5
    await workflows.delete(argosy, *names)
