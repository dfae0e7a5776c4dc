"""How soon the hub has the status of an object that the agent has applied, and how soon it could.

A report changes a whole ManifestWork, and of many at once the API server needs most of the time. So the same writes are
made once more by the program that measures, without an agent.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from controllers.api.kinds import MANIFEST_WORK
from controllers.api.work import ManifestWork
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, WatchEvent, watch
from hack.bench.agent.figures import Reaction
from hack.bench.agent.objects import CLUSTER, OURS, PHASE, Size, Target, chosen
from hack.bench.distribution import Distribution, distribution
from hack.fleet.errors import FleetError

_WITHIN = 60.0
# As many as the agent looks at.
_IN_FLIGHT = 16

Json = dict[str, Any]


async def feedback(client: Client, size: Size) -> Reaction:
    """From a change of an applied object's status until a watch shows it in the status of its ManifestWork: one after
    the other, then some at the same moment; of as many works, each an object of another. FleetError if one never
    comes."""
    phases = (f"phase-{number}" for number in itertools.count())
    # One watch for all of them: a hundred would be a load of their own.
    async with aclosing(watch(client, Scope(MANIFEST_WORK, namespace=CLUSTER))) as events:
        await anext(events)  # what is there before
        await _reported(client, events, chosen(1, size), next(phases))  # the watch itself is made with it
        single = [
            seconds
            for target in chosen(size.samples, size)
            for seconds in await _reported(client, events, [target], next(phases))
        ]
        burst = await _reported(client, events, chosen(size.burst, size), next(phases))
    return Reaction(distribution(single), distribution(burst))


async def written(client: Client, size: Size) -> Distribution:
    """As many reports of the same size at once, written by the program that measures: from the beginning until each is
    there."""
    targets = chosen(size.burst, size)
    works = [await client.get(MANIFEST_WORK, target.work, namespace=CLUSTER) for target in targets]
    statuses = [with_phase(work, target.ordinal, "none") for work, target in zip(works, targets, strict=True)]
    turn = asyncio.Semaphore(_IN_FLIGHT)
    begin = time.monotonic()

    async def write(target: Target, status: Json) -> float:
        patch = merge_patch({"status": status})
        async with turn:
            await client.patch(MANIFEST_WORK, target.work, patch, namespace=CLUSTER, subresource="status")
        return time.monotonic() - begin

    return distribution(await asyncio.gather(*map(write, targets, statuses)))


async def _reported(
    client: Client, events: AsyncIterator[WatchEvent], targets: Sequence[Target], phase: str
) -> list[float]:
    """Seconds, in any order. `events` of the works."""
    ordinals = {target.work: target.ordinal for target in targets}
    sent: dict[str, float] = {}
    took: dict[str, float] = {}

    async def change(target: Target) -> None:
        patch = merge_patch({"status": {PHASE: phase}})
        sent[target.work] = time.monotonic()
        await client.patch(target.kind, target.name, patch, namespace=OURS, subresource="status")

    try:
        async with asyncio.timeout(_WITHIN), asyncio.TaskGroup() as changes:
            for target in targets:
                changes.create_task(change(target))
            while len(took) < len(targets):
                event = await anext(events)
                if not isinstance(event, Applied):
                    continue
                work = event.object.metadata.name
                if work in ordinals and reported_phase(event.object, ordinals[work]) == phase:
                    took.setdefault(work, time.monotonic() - sent[work])
    except TimeoutError as error:
        missing = len(targets) - len(took)
        raise FleetError(f"the agent has not reported {missing} statuses in {_WITHIN:.0f} s") from error
    return list(took.values())


def reported_phase(work: Object, ordinal: int) -> str | None:
    """The phase in the feedback of one manifest. Pure."""
    for item in work.decode(ManifestWork).status.resource_status.manifests:
        if item.resource_meta.ordinal == ordinal:
            found = {value.name: value.value.string for value in item.status_feedback.values}
            return found.get(PHASE)
    return None


def with_phase(work: Object, ordinal: int, phase: str) -> Json:
    """The ManifestWork's status with another phase in the feedback of one manifest. Pure."""
    status: Json = work.to_dict()["status"]
    manifests = [
        {**item, "statusFeedback": _feedback(phase)} if item["resourceMeta"]["ordinal"] == ordinal else item
        for item in status["resourceStatus"]["manifests"]
    ]
    return {**status, "resourceStatus": {"manifests": manifests}}


def _feedback(phase: str) -> Json:
    return {"values": [{"name": PHASE, "fieldValue": {"type": "String", "string": phase}}]}
