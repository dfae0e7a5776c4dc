"""How much room a cluster has: what its usable nodes offer, less what its pods ask for. Pure.

Of cpu, memory and pods only. All is counted in whole numbers, so that it does not matter in which order it is added
up. What cannot be parsed counts as nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from controllers.api.keys import FREE_PREFIX
from controllers.api.pod import ALWAYS, Container, PodSpec
from controllers.kube.quantity import amount

Json = dict[str, Any]

_CPU: Final = f"{FREE_PREFIX}cpu"
_MEMORY: Final = f"{FREE_PREFIX}memory"
_PODS: Final = f"{FREE_PREFIX}pods"

# Amounts per unit of a quantity: cpu is counted in thousandths of a core, the finest that an API server stores.
_MILLI: Final = 1000


class Amounts(NamedTuple):
    """`cpu` in thousandths of a core, `memory` in bytes, and a number of pods."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0


class Room(NamedTuple):
    """`total`: what the usable nodes offer to pods. `free`: what of it no pod asks for, never less than 0."""

    total: Amounts
    free: Amounts


class Claimed(msgspec.Struct, frozen=True):
    """What one pod takes: `asks` of the node of that name, or of any as long as `node` is ""."""

    node: str = ""
    asks: Amounts = Amounts(pods=1)


def claimed(spec: PodSpec) -> Claimed:
    """What a pod that has not finished takes, as the scheduler counts it.

    The rule is PodRequests of Kubernetes 1.36 (k8s.io/component-helpers/resource), but for a resize that is under
    way: what the spec asks for counts.
    """
    return Claimed(spec.node_name, Amounts(_request(spec, "cpu", _MILLI), _request(spec, "memory"), pods=1))


def room(nodes: Iterable[Json], pods: Iterable[Claimed]) -> Room | None:
    """The room in a cluster of these nodes (as core/v1 has them) and pods; None: it has no node at all.

    A node is usable if it is Ready and not cordoned. A pod on another one takes nothing of the others; one without
    a node will take it of some usable one.
    """
    known = list(nodes)
    if not known:
        return None
    usable = {(node.get("metadata") or {}).get("name"): _offer(node) for node in known if _is_usable(node)}
    total = _sum(usable.values())
    taken = _sum(pod.asks for pod in pods if not pod.node or pod.node in usable)
    free = Amounts(*(max(0, has - lost) for has, lost in zip(total, taken, strict=True)))
    return Room(total, free)


# -- as the hub is told ----------------------------------------------------------------------------------
def entries(free: Amounts) -> dict[str, str]:
    """The entries of ManagedCluster.status.allocatable: cores with up to 3 decimals, bytes, and a number of pods.

    Plain decimal numbers, which are quantities too: whoever reads them needs no arithmetic of quantities.
    """
    cores = f"{free.cpu / _MILLI:.3f}".rstrip("0").rstrip(".")
    return {_CPU: cores, _MEMORY: str(free.memory), _PODS: str(free.pods)}


def told(allocatable: Mapping[str, Any]) -> Amounts | None:
    """What the entries of ManagedCluster.status.allocatable say is free; None if one is missing or is no number."""
    found = [_units(allocatable.get(name), per) for name, per in ((_CPU, _MILLI), (_MEMORY, 1), (_PODS, 1))]
    known = [number for number in found if number is not None]
    return Amounts(*known) if len(known) == len(found) else None


def is_only_free(changed: Json) -> bool:
    """Whether a merge patch of a ManagedCluster's status touches nothing but what is free."""
    return changed.keys() == {"allocatable"} and all(
        name.startswith(FREE_PREFIX) for name in changed["allocatable"]
    )


# -- nodes and pods --------------------------------------------------------------------------------------
def _is_usable(node: Json) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    is_ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
    return is_ready and not (node.get("spec") or {}).get("unschedulable")


def _offer(node: Json) -> Amounts:
    has = (node.get("status") or {}).get("allocatable") or {}
    return Amounts(_count(has.get("cpu"), _MILLI), _count(has.get("memory")), _count(has.get("pods")))


def _request(spec: PodSpec, resource: str, per: int = 1) -> int:
    """What runs together, or the largest init container with the sidecars that were started before it."""
    together = sum(_of_container(container, resource, per) for container in spec.containers)
    sidecars = highest = 0
    for container in spec.init_containers:
        asked = _of_container(container, resource, per)
        if container.restart_policy == ALWAYS:
            sidecars += asked
        else:
            highest = max(highest, sidecars + asked)
    asked = max(together + sidecars, highest)
    if resource in spec.resources.requests:
        asked = _count(spec.resources.requests[resource], per)
    return asked + _count(spec.overhead.get(resource), per)


def _of_container(container: Container, resource: str, per: int) -> int:
    given = container.resources
    return _count(given.requests.get(resource, given.limits.get(resource)), per)


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    cpu = memory = pods = 0
    for one in amounts:
        cpu += one.cpu
        memory += one.memory
        pods += one.pods
    return Amounts(cpu, memory, pods)


def _count(quantity: object, per: int = 1) -> int:
    return _units(quantity, per) or 0


def _units(quantity: object, per: int) -> int | None:
    """The quantity times `per`, as a whole number from 0; None for what is no quantity, or is endless."""
    try:
        found = amount(str(quantity)) * per
    except ValueError:
        return None
    return max(0, round(found)) if math.isfinite(found) else None
