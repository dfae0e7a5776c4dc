"""How soon the agent repairs an object that it has applied and somebody else has changed."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import Patch, merge_patch
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from hack.bench.agent.figures import Reaction
from hack.bench.agent.objects import OURS, WANTED, Size, Target, chosen
from hack.bench.distribution import distribution
from hack.fleet.errors import FleetError

_WITHIN = 60.0


async def drift(client: Client, size: Size) -> Reaction:
    """From a change of an applied object's spec until a watch shows it as the work wants it: one after the other, then
    some at the same moment; of as many works, each an object of another. FleetError if one stays."""
    single = [await _repaired(client, target, asyncio.Barrier(1)) for target in chosen(size.samples, size)]
    together = asyncio.Barrier(size.burst)
    burst = await asyncio.gather(
        *(_repaired(client, target, together) for target in chosen(size.burst, size))
    )
    return Reaction(distribution(single), distribution(burst))


async def _repaired(client: Client, target: Target, together: asyncio.Barrier) -> float:
    """Seconds. `together`: passed before the change."""
    scope = Scope(target.kind, namespace=OURS, field_selector=f"metadata.name={target.name}")
    try:
        async with asyncio.timeout(_WITHIN), aclosing(watch(client, scope)) as events:
            await anext(events)  # what is there before
            await client.patch(target.kind, target.name, _touch(), namespace=OURS)
            await anext(events)  # the watch itself is made with it
            await together.wait()
            begin = time.monotonic()
            drifted = merge_patch({"spec": {"value": "drifted"}})
            await client.patch(target.kind, target.name, drifted, namespace=OURS)
            async for event in events:
                if isinstance(event, Applied) and _is_wanted(event.object):
                    return time.monotonic() - begin
    except TimeoutError as error:
        raise FleetError(f"the agent has not repaired {target.name} in {_WITHIN:.0f} s") from error
    raise FleetError(f"the watch of {scope.kind} has ended")


def _touch() -> Patch:
    """A change that is no drift."""
    return merge_patch({"metadata": {"annotations": {"bench.argosy.io/touched": str(time.monotonic())}}})


def _is_wanted(item: Object) -> bool:
    return bool(item.to_dict()["spec"]["value"] == WANTED)
