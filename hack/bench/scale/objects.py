"""What the hub of this benchmark has on it: how many of each, and the bodies of the requests that make them. Pure."""

from __future__ import annotations

import random
from typing import Any, Final

import msgspec

from controllers.api import keys
from controllers.api.cluster import ACCEPTED, AVAILABLE
from controllers.api.cluster_set import EXCLUSIVE_LABEL
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    Kind,
)
from hack.bench import workload
from hack.bench.scenario import KILOBYTE
from hack.bench.workload import Draft
from hack.fleet.errors import FleetError

Json = dict[str, Any]

# How many clusters each Placement selects, and what it ranks them by.
SELECTED: Final = 3
PRIORITIZERS: Final = ("Balance", "Steady", "ResourceAllocatableMemory")
# One cluster, set, namespace and Placement beside the others. The informers tell of changes in their order: once a
# change of this cluster was evaluated, all earlier ones were taken note of.
MARKER: Final = "marker"
RUN: Final = "scale"
# Labels of clusters that no Placement asks for. Whether one may is not known before it is evaluated.
CHANGED: Final = "bench.argosy.io/changed"

_SETS: Final = 20
# One of a set's clusters may go, and another takes its place.
_FEWEST_IN_SET: Final = SELECTED + 1
# Without leases a cluster counts as lost after five times that from the controllers' start: not during a run.
_LEASE_SECONDS: Final = 24 * 3600
_SINCE: Final = "2026-01-01T00:00:00Z"


class Size(msgspec.Struct, frozen=True):
    """How many there are on the hub, the marker not counted."""

    clusters: int = 1_000
    placements: int = 1_000
    workflows: int = 10_000

    def check(self) -> None:
        """FleetError if that is too few of something."""
        if self.sets < 2 or self.workflows < 1:
            raise FleetError(
                f"at least {2 * _FEWEST_IN_SET} clusters, 2 Placements and 1 Workflow are needed, "
                f"not {self.clusters}, {self.placements} and {self.workflows}"
            )

    @property
    def sets(self) -> int:
        """ManagedClusterSets that share the clusters evenly, and namespaces that share the Placements; each set is
        bound to one namespace."""
        return min(_SETS, self.clusters // _FEWEST_IN_SET, self.placements)

    def clusters_of(self, cluster_set: int) -> list[str]:
        """Names of the clusters of a set, which are numbered from 0."""
        return [cluster_name(number) for number in range(cluster_set, self.clusters, self.sets)]

    def placements_of(self, cluster_set: int) -> list[str]:
        """Names of the Placements that can see a set, all in `namespace_name(cluster_set)`."""
        return [placement_name(number) for number in range(cluster_set, self.placements, self.sets)]


def set_name(number: int) -> str:
    return f"set-{number:02}"


def namespace_name(number: int) -> str:
    return f"team-{number:02}"


def cluster_name(number: int) -> str:
    return f"cluster-{number:05}"


def placement_name(number: int) -> str:
    return f"placement-{number:05}"


def body(kind: Kind, name: str, **fields: Any) -> Json:
    """An object of `kind` with further top-level fields."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **fields}


def namespace(name: str) -> Json:
    return body(NAMESPACE, name)


def cluster_set(name: str) -> Json:
    selector = {"selectorType": EXCLUSIVE_LABEL}
    return body(MANAGED_CLUSTER_SET, name, spec={"clusterSelector": selector})


def binding(set_of: str) -> Json:
    return body(MANAGED_CLUSTER_SET_BINDING, set_of, spec={"clusterSet": set_of})


def cluster(name: str, set_of: str) -> Json:
    spec = {"hubAcceptsClient": True, "leaseDurationSeconds": _LEASE_SECONDS}
    made = body(MANAGED_CLUSTER, name, spec=spec)
    made["metadata"]["labels"] = {keys.CLUSTER_SET_LABEL: set_of, "name": name}
    return made


def cluster_status(number: int, *more: Json) -> Json:
    """A merge patch: what the agent of a healthy cluster reports, with `more` conditions. No two clusters need have the
    same memory."""
    chance = random.Random(number)
    resources = {"cpu": str(chance.randint(8, 256)), "memory": f"{chance.randint(32, 1_024)}Gi"}
    # With the words of the hub's health controller, which so has nothing to add.
    conditions = [
        condition(ACCEPTED, "HubClusterAdminAccepted", "Accepted by hub cluster admin"),
        condition(AVAILABLE, "ManagedClusterAvailable", "Managed cluster is available"),
        *more,
    ]
    return {"status": {"conditions": conditions, "capacity": resources, "allocatable": resources}}


def condition(kind: str, reason: str, message: str) -> Json:
    """A condition that is True."""
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": _SINCE,
    }


def placement(name: str) -> Json:
    """The best SELECTED clusters by PRIORITIZERS."""
    configurations = [{"scoreCoordinate": {"type": "BuiltIn", "builtIn": one}} for one in PRIORITIZERS]
    policy = {"mode": "Exact", "configurations": configurations}
    return body(PLACEMENT, name, spec={"numberOfClusters": SELECTED, "prioritizerPolicy": policy})


def marker_placement() -> Json:
    """All of its set, which is one cluster: nothing that others do changes its decision."""
    return body(PLACEMENT, MARKER, spec={})


def workflows(size: Size) -> dict[str, Draft]:
    """The Workflows by name, in the order in which they are to be created: the Placements take turns."""
    return {name: _draft(name, number % size.placements, size) for number, name in _names(size)}


def _names(size: Size) -> list[tuple[int, str]]:
    return [(number, f"{RUN}-{number:05}") for number in range(size.workflows)]


def _draft(name: str, placement_number: int, size: Size) -> Draft:
    where = namespace_name(placement_number % size.sets)
    made = workload.workflow(name, run=RUN, status_bytes=2 * KILOBYTE, run_seconds=0, namespace=where)
    made["metadata"]["annotations"][keys.PLACEMENT_ANNOTATION] = placement_name(placement_number)
    return Draft(where, msgspec.json.encode(made))
