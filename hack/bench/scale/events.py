"""What happens to single clusters in this benchmark, each time on a hub where all is decided and nothing goes on."""

from __future__ import annotations

import asyncio
import functools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from controllers.api.kinds import MANAGED_CLUSTER
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from hack.bench.scale import objects
from hack.bench.scale.fill import decisions
from hack.bench.scale.objects import CHANGED, MARKER, Json, Size
from hack.bench.scale.probe import Event
from hack.fleet.errors import FleetError

LABEL, UNSEEN, TAINT = "a label", "an annotation and a condition", "a taint"
BURST, RACK = "ten labels of one cluster at once", "a label of each of ten clusters at once"
_AT_ONCE = 10
_PATCH, _PATCH_STATUS = "managedclusters PATCH", "managedclusters/status PATCH"
_GONE_WITHIN = 60.0
_INTERVAL = 0.02


async def events(hub: Client, size: Size) -> AsyncIterator[Event]:
    """One after the other; each is made when it is asked for, from what is decided then."""
    first = size.clusters_of(0)
    seen_by = len(size.placements_of(0))
    yield Event(LABEL, lambda: _label(hub, first[0], "once"), {_PATCH: 1}, seen_by)

    async def unseen() -> None:
        await _patch(hub, first[0], {"metadata": {"annotations": {CHANGED: "unseen"}}})
        more = objects.condition("BenchmarkSeen", "AsExpected", "nobody looks at this")
        patch = merge_patch(objects.cluster_status(0, more))
        await hub.patch(MANAGED_CLUSTER, first[0], patch, subresource="status")
        # Nothing comes of what nobody looks at: a change behind it that somebody does look at ends the waiting.
        await _label(hub, MARKER, "once")

    yield Event(UNSEEN, unseen, {_PATCH: 2, _PATCH_STATUS: 1}, evaluations=1, others=1)

    async def at_once(clusters: Sequence[str]) -> None:
        await asyncio.gather(*(_label(hub, name, f"{number}") for number, name in enumerate(clusters)))

    for name, clusters in ((BURST, [first[1]] * _AT_ONCE), (RACK, first[:_AT_ONCE])):
        # A client that has no connections yet would take longer over ten requests than changes gather.
        await asyncio.gather(*(hub.get(MANAGED_CLUSTER, cluster) for cluster in clusters))
        yield Event(name, functools.partial(at_once, clusters), {_PATCH: len(clusters)}, seen_by)

    where = objects.namespace_name(0)
    counts = Counter(name for clusters in (await decisions(hub, where)).values() for name in clusters)
    lost, listed_by = counts.most_common(1)[0]
    taint = {"key": CHANGED, "effect": "NoSelect"}
    yield Event(
        TAINT,
        lambda: _patch(hub, lost, {"spec": {"taints": [taint]}}),
        {_PATCH: 1},
        seen_by,
        gone=lambda: _gone(hub, where, lost),
        listed_by=listed_by,
    )


async def _gone(hub: Client, namespace: str, cluster: str) -> None:
    """Until no decision lists the cluster. FleetError if that takes too long."""
    deadline = time.monotonic() + _GONE_WITHIN
    while any(cluster in clusters for clusters in (await decisions(hub, namespace)).values()):
        if time.monotonic() > deadline:
            raise FleetError(f"{cluster} has a taint and is still selected after {_GONE_WITHIN:.0f} s")
        await asyncio.sleep(_INTERVAL)


async def _label(hub: Client, cluster: str, value: str) -> None:
    await _patch(hub, cluster, {"metadata": {"labels": {CHANGED: value}}})


async def _patch(hub: Client, cluster: str, body: Json) -> None:
    await hub.patch(MANAGED_CLUSTER, cluster, merge_patch(body))
