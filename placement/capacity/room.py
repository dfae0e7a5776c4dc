"""What is free on a cluster, and how often a need has room there. Pure.

Clusters report it in ManagedCluster.status.allocatable under `free.argosy.io/`: cpu in cores, memory in bytes, pods.
Open Cluster Management's own agent reports none of it, nor does a cluster that grows by itself: such a cluster is
never taken for full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controllers.api.keys import FREE_PREFIX
from controllers.kube.quantity import amount
from placement.capacity.need import NOTHING, Need

_ONE_POD = Need(pods=1)


def free(allocatable: Mapping[str, str | int]) -> Need | None:
    """What a cluster with this `status.allocatable` reports as free; None when it reports nothing that can be read.
    A resource that it says nothing about is not limited."""
    found = {name: _read(allocatable.get(f"{FREE_PREFIX}{name}")) for name in ("cpu", "memory", "pods")}
    return None if all(math.isinf(value) for value in found.values()) else Need(**found)


def fits(room: Need, need: Need) -> float:
    """How many Workflows of this need have room at the same time, with fractions; each counts one pod at least."""
    wanted = need.at_least(_ONE_POD)
    pairs = zip(room.at_least(NOTHING), wanted, strict=True)
    return min(have / asked for have, asked in pairs if asked > 0)


def _read(quantity: str | int | None) -> float:
    if quantity is None:
        return math.inf
    try:
        return amount(quantity)
    except ValueError:
        return math.inf
