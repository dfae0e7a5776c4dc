"""Whatever API servers accept from whoever may write: no process ends, none runs hot, and others' Workflows run.

For less than a minute by default. `make fuzz MINUTES=60 SEED=7` does it for longer, and with other objects.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.e2e import metrics, workflows
from tests.e2e.conftest import Argosy
from tests.e2e.fuzz.attackers import attackers
from tests.e2e.fuzz.bodies import Thrown, volley
from tests.eventually import eventually

SECONDS = 60 * float(os.environ.get("FUZZ_MINUTES", "0.75"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))

_VOLLEYS = 3
# Seconds of quiet in which is counted what the processes still do.
_QUIET = 5.0


def drawn(number: int) -> list[Sequence[Thrown]]:
    """One batch of volleys; the same for the same number and seed."""
    batch: list[Sequence[Thrown]] = []

    @seed(SEED * 1_000_003 + number)
    @settings(
        max_examples=_VOLLEYS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(volley)
    def draw(thrown: Sequence[Thrown]) -> None:
        batch.append(thrown)

    draw()
    return batch


async def test_nobodys_object_stops_anybody_else(argosy: Argosy, tmp_path: Path) -> None:
    before = await restarts(argosy)
    async with attackers(argosy, tmp_path) as hostile:
        began = time.monotonic()
        for number in itertools.count():
            if time.monotonic() - began > SECONDS:
                break
            batch = drawn(number)
            for thrown in batch:
                await asyncio.gather(*map(hostile.throw, thrown))
            if number % 5 == 0:
                await bystander(argosy, f"bystander-{number}")
            dead = [process.name for process in argosy.processes if not process.running]
            assert dead == [], f"ended by batch {number} of seed {SEED}"
        accepted = sum(hostile.accepted.values())
        print(f"{accepted} writes were accepted of {hostile.thrown} objects: {hostile.accepted}")
        assert accepted > hostile.thrown / 2, "most are refused: the schemas have moved on"
        await bystander(argosy, "bystander-last")
        await is_quiet(argosy, accepted)
    assert await restarts(argosy) == before

    async def heeded() -> bool:
        counts = [await metrics.scrape(process) for process in argosy.processes]
        return not any(found["argosy_objects_set_aside"] for found in counts)

    await eventually(heeded, within=60, what="nothing is set aside any more")


async def bystander(argosy: Argosy, name: str) -> None:
    await workflows.create(argosy, workflows.hello(name, placement="only-cluster1", seconds=0.1))
    await workflows.in_phase(argosy, name, "Succeeded")
    await workflows.delete(argosy, name)


async def restarts(argosy: Argosy) -> list[int]:
    """Where each process serves: another port after a restart."""
    return [metrics.port(process) for process in argosy.processes]


async def is_quiet(argosy: Argosy, thrown: int) -> None:
    """What cannot be helped is tried again by the minute, not by the second."""

    async def work() -> tuple[list[Counter[str]], list[int]]:
        found = [await metrics.scrape(process) for process in argosy.processes]
        return found, [process.log.stat().st_size for process in argosy.processes]

    async def quiet() -> bool:
        old, sizes = await work()
        await asyncio.sleep(_QUIET)
        new, later = await work()
        for process, one, two, size, end in zip(argosy.processes, old, new, sizes, later, strict=True):
            for counted in ("controller_runtime_reconcile_total", "rest_client_requests_total"):
                assert two[counted] - one[counted] <= 50 + thrown / 10, (process.name, counted)
            assert end - size <= 20_000 + 100 * thrown / 10, (process.name, "log")
        return True

    await eventually(quiet, within=120, what="quiet")
