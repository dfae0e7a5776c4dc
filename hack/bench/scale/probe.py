"""Asks the controllers and the hub's API server before and after something happens, and tells what it has set off."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
)
from controllers.kube.client import Client
from hack.bench import apimetrics
from hack.bench.apimetrics import WRITES, ByOwner
from hack.bench.process_usage import Meter
from hack.bench.scale import tally
from hack.bench.scale.figures import Change, Evaluations, Requests
from hack.bench.testbed import CONTROLLERS

# What placing writes. Leases and Events are left out.
_KINDS = frozenset(
    kind.plural
    for kind in (
        PLACEMENT,
        PLACEMENT_DECISION,
        MANAGED_CLUSTER,
        MANAGED_CLUSTER_SET,
        MANAGED_CLUSTER_SET_BINDING,
        WORKFLOW,
    )
)
_WITHIN = 120.0


class Event(NamedTuple):
    """Something that a client does to one cluster.

    `do` returns when the hub has it; `requests` are those that it sends, by resource and verb. `evaluations`: so many
    are waited for, of which `others` are not of what is measured. `gone` returns when it has the effect that is asked
    for, if one is; `listed_by`: how many Placements have the cluster before.
    """

    name: str
    do: Callable[[], Awaitable[object]]
    requests: Mapping[str, int]
    evaluations: int
    others: int = 0
    gone: Callable[[], Awaitable[object]] | None = None
    listed_by: int = 0


class Probe:
    """Of the process of the controllers that serves its metrics on `port`."""

    def __init__(self, hub: Client, port: int, pid: int) -> None:
        self._hub = hub
        self._port = port
        self._pid = pid

    async def measure(self, event: Event) -> Change:
        """Does it, and waits until nothing that it has set off goes on."""
        requests, before = await apimetrics.read(self._hub), await tally.read(self._port)
        meter = Meter({CONTROLLERS: self._pid})
        gone = None
        async with meter.running():
            begin = time.monotonic()
            await event.do()
            sent = time.monotonic()
            if event.gone:
                await event.gone()
                gone = _milliseconds(time.monotonic() - begin)
            quiet = await tally.quiet(self._port, before, event.evaluations, _WITHIN)
        spent = (await apimetrics.read(self._hub)).since(requests)
        counted = quiet.tally.since(before)
        evaluations = Evaluations(counted.all - event.others, counted.repeated)
        return Change(
            name=event.name,
            requests=sum(event.requests.values()),
            seen_by=event.evaluations - event.others,
            evaluations=evaluations,
            writes=writes(apimetrics.by_owner(spent.requests, hub=True), event.requests),
            controllers=meter.usage()[CONTROLLERS],
            sent=_milliseconds(sent - begin),
            evaluated=_milliseconds(quiet.last - begin) if evaluations.all else None,
            gone=gone,
            listed_by=event.listed_by,
        )


def writes(found: ByOwner, sent: Mapping[str, int]) -> Requests:
    """Writes that placing has caused, by resource and verb, without what the benchmark has `sent` itself. Pure."""
    counts: dict[str, int] = {}
    for requests in found.values():
        for key, number in requests.items():
            resource, verb = key.split()
            if verb in WRITES and resource.partition("/")[0] in _KINDS:
                counts[key] = counts.get(key, 0) + round(number)
    left = {key: number - sent.get(key, 0) for key, number in sorted(counts.items())}
    return {key: number for key, number in left.items() if number}


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)
