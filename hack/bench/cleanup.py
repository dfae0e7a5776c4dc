"""Deletes what a load has created, and sees how long it takes until nothing of it is left anywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from controllers.api.kinds import MANIFEST_WORK, WORKFLOW_STATUS_RESULT
from hack.bench import apimetrics, load
from hack.bench.apimetrics import OURS
from hack.bench.observe import Observer, Timeline
from hack.bench.testbed import Clients
from hack.bench.workload import Draft
from hack.fleet.layout import HUB

_INTERVAL = 0.1


class Before(NamedTuple):
    """What there was before the load: `standing` ManifestWorks and results. `sees_copies`: copies are observed."""

    standing: int
    sees_copies: bool


class CleanUp(NamedTuple):
    """Seconds from the first delete until nothing was left, and our writes meanwhile; `left`: objects still there."""

    seconds: float
    hub_writes: float
    left: int


async def standing(clients: Clients) -> int:
    """How many ManifestWorks and status results the hub has, of whatever runs."""
    # Counted in the store: to list thousands again and again would cost the API server more than the clean-up.
    return sum([await clients.etcd.count(HUB, kind) for kind in (MANIFEST_WORK, WORKFLOW_STATUS_RESULT)])


async def clean_up(
    clients: Clients, observer: Observer, drafts: Mapping[str, Draft], before: Before, patience: float
) -> CleanUp:
    """Deletes all Workflows on the hub; until they, their copies, and what stood for them on the hub are gone."""
    counted = await apimetrics.read(clients.hub)
    begin = time.monotonic()
    await load.delete(clients.hub, drafts)
    gone = await observer.until(_gone if before.sees_copies else _hub_gone, patience)
    left = len(observer.timelines) - gone + await _until(clients, before.standing, patience)
    seconds = time.monotonic() - begin
    spent = (await apimetrics.read(clients.hub)).since(counted)
    writes = apimetrics.total(apimetrics.by_owner(spent.requests, hub=True).get(OURS, {}))
    return CleanUp(seconds, writes, left)


def _gone(timeline: Timeline) -> float:
    return timeline.gone


def _hub_gone(timeline: Timeline) -> float:
    return timeline.hub_gone


async def _until(clients: Clients, before: int, within: float) -> int:
    """Waits until no more than `before` ManifestWorks and results are left; how many more, if it takes too long."""
    deadline = time.monotonic() + within
    while True:
        left = await standing(clients) - before
        if left <= 0 or time.monotonic() > deadline:
            return max(0, left)
        await asyncio.sleep(_INTERVAL)
