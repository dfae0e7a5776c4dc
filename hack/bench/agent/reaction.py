"""How soon the agent reacts: somebody changes an object that it has applied, or the object's status changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from controllers.api.kinds import MANIFEST_WORK
from controllers.api.work import ManifestWork
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.watch import Applied, Scope, watch
from hack.bench.agent import objects
from hack.bench.agent.figures import Reaction
from hack.bench.agent.objects import CLUSTER, OURS, PER_WORK, PHASE, WANTED, Size, Target
from hack.bench.distribution import distribution
from hack.fleet.errors import FleetError

_WITHIN = 60.0

# Measures one reaction: seconds from sending the change to seeing what has come of it.
Measure = Callable[[Target, asyncio.Barrier | None], Awaitable[float]]


async def drift(client: Client, size: Size) -> Reaction:
    """From a change of an applied object's spec until a watch shows it as the work wants it."""

    async def one(target: Target, together: asyncio.Barrier | None) -> float:
        scope = Scope(target.kind, namespace=OURS, field_selector=f"metadata.name={target.name}")
        patch = merge_patch({"spec": {"value": "drifted"}})

        async def change() -> None:
            await client.patch(target.kind, target.name, patch, namespace=OURS)

        return await _reaction(client, scope, change, _is_repaired, together)

    return await _measured(one, size)


async def feedback(client: Client, size: Size) -> Reaction:
    """From a change of an applied object's status until a watch shows it in the status of its ManifestWork."""
    phases = iter(range(10**9))

    async def one(target: Target, together: asyncio.Barrier | None) -> float:
        scope = Scope(MANIFEST_WORK, namespace=CLUSTER, field_selector=f"metadata.name={target.work}")
        phase = f"phase-{next(phases)}"
        patch = merge_patch({"status": {PHASE: phase}})

        async def change() -> None:
            await client.patch(target.kind, target.name, patch, namespace=OURS, subresource="status")

        def shows(work: Object) -> bool:
            return reported_phase(work, target.ordinal) == phase

        return await _reaction(client, scope, change, shows, together)

    return await _measured(one, size)


async def _measured(one: Measure, size: Size) -> Reaction:
    """One change after the other, then some at the same moment; of as many works, each an object of another."""
    single = [await one(target, None) for target in chosen(size.samples, size)]
    barrier = asyncio.Barrier(size.burst)
    burst = await asyncio.gather(*(one(target, barrier) for target in chosen(size.burst, size)))
    return Reaction(distribution(single), distribution(burst))


def chosen(number: int, size: Size) -> Sequence[Target]:
    """One object of each of so many works, spread over all of them. Pure."""
    works = [index * size.works // number for index in range(number)]
    return [objects.targets(work, size)[index % PER_WORK] for index, work in enumerate(works)]


async def _reaction(
    client: Client,
    scope: Scope,
    change: Callable[[], Awaitable[None]],
    has_come: Callable[[Object], bool],
    together: asyncio.Barrier | None,
) -> float:
    """Seconds. `together`: passed before the change. FleetError if nothing comes of it."""
    try:
        async with asyncio.timeout(_WITHIN), aclosing(watch(client, scope)) as events:
            await anext(events)  # what is there before
            if together is not None:
                await together.wait()
            begin = time.monotonic()
            await change()
            async for event in events:
                if isinstance(event, Applied) and has_come(event.object):
                    return time.monotonic() - begin
    except TimeoutError as error:
        raise FleetError(
            f"the agent has not reacted to a change of {scope.kind} in {_WITHIN:.0f} s"
        ) from error
    raise FleetError(f"the watch of {scope.kind} has ended")


def _is_repaired(item: Object) -> bool:
    return bool(item.to_dict()["spec"]["value"] == WANTED)


def reported_phase(work: Object, ordinal: int) -> str | None:
    """The phase in the feedback of one manifest. Pure."""
    for item in work.decode(ManifestWork).status.resource_status.manifests:
        if item.resource_meta.ordinal == ordinal:
            found = {value.name: value.value.string for value in item.status_feedback.values}
            return found.get(PHASE)
    return None
