"""What one evaluation of a Placement costs, and what one change of a cluster sets off, on a hub of many.

No server: clusters, sets and Placements are made in memory, and what is measured is the CPU time of the evaluator's
own code, the same that runs in the controllers.
"""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec

from controllers.api import keys
from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.placement import Placement
from placement.evaluator.decisions import pages
from placement.evaluator.evaluate import evaluate
from placement.evaluator.expressions import Expressions
from placement.evaluator.sight import Aspect, concerned, sets_of
from placement.evaluator.snapshot import Snapshot

SIZES = (100, 300, 1_000, 3_000, 10_000)
_ROUNDS = 15
_ZONES, _NAMESPACE, _SET = 8, "argo", "fleet"

Json = dict[str, Any]

_IN_PROD = "managedCluster.metadata.labels.env == 'prod'"

# What is evaluated: the names are for the table.
PLACEMENTS: dict[str, Json] = {
    "defaults, 10 clusters": {"numberOfClusters": 10},
    "three prioritizers, labels, 10 clusters": {
        "numberOfClusters": 10,
        "predicates": [{"requiredClusterSelector": {"labelSelector": {"matchLabels": {"env": "prod"}}}}],
        "prioritizerPolicy": {
            "mode": "Exact",
            "configurations": [
                {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "Balance"}},
                {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}},
                {
                    "scoreCoordinate": {
                        "type": "AddOn",
                        "addOn": {"resourceName": "usage", "scoreName": "free"},
                    }
                },
            ],
        },
    },
    "all clusters, spread over zones": {
        "spreadPolicy": {"spreadConstraints": [{"topologyKey": "zone", "topologyKeyType": "Label"}]}
    },
    "CEL, nothing changed": {
        "predicates": [
            {
                "requiredClusterSelector": {
                    "celSelector": {"celExpressions": ["managedCluster.metadata.labels.env == 'prod'"]}
                }
            }
        ]
    },
}


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one evaluation of `placement` on so many clusters: the median of several."""

    placement: str
    clusters: int
    milliseconds: float


def costs(sizes: Sequence[int] = SIZES) -> list[Cost]:
    """One for each Placement and size."""
    found = []
    for size in sizes:
        hub = snapshot(size)
        for name, spec in PLACEMENTS.items():
            given = placement("measured", spec)
            run = functools.partial(evaluate, given, hub)
            asyncio.run(_answered(hub, run))
            found.append(Cost(name, size, _milliseconds(run)))
    return found


async def _answered(hub: Snapshot, run: Callable[[], object]) -> None:
    """Asks once what CEL says of the clusters: what is measured after that is an evaluation that has it."""
    expressions = Expressions.with_worker()
    try:
        await expressions.answered(hub.cel, run)
    finally:
        await expressions.evaluator.close()


def sight(placements: int, clusters: int) -> float:
    """CPU milliseconds to find which of so many Placements, each in a namespace of its own with a set of its own, a
    change of one cluster concerns: one of them."""
    sets = [
        msgspec.convert(
            {
                "metadata": {"name": f"set-{number}"},
                "spec": {"clusterSelector": {"selectorType": "ExclusiveClusterSetLabel"}},
            },
            ManagedClusterSet,
        )
        for number in range(placements)
    ]
    given = {(f"set-{number}", "p"): placement("p", {}) for number in range(placements)}
    changed = cluster(random.Random(1), clusters // 2, f"set-{placements // 2}")

    def look() -> list[tuple[str, str]]:
        bound = sets_of([changed], sets)
        return concerned(given, bound, bound, Aspect.PLACE)  # a set is bound to the namespace of its name

    if look() != [(f"set-{placements // 2}", "p")]:
        raise AssertionError("the change was seen by the wrong Placements")
    return _milliseconds(look)


def _milliseconds(run: Callable[[], object]) -> float:
    run()  # compiles and caches what every later run finds there
    times = []
    for _ in range(_ROUNDS):
        begin = time.process_time_ns()
        run()
        times.append((time.process_time_ns() - begin) / 1e6)
    return median(times)


# -- a hub in memory -------------------------------------------------------------------------------------
def snapshot(clusters: int) -> Snapshot:
    """A hub with so many clusters, every other one of them selected by others."""
    chance = random.Random(clusters)
    made = [cluster(chance, number, _SET) for number in range(clusters)]
    names = [item.metadata.name for item in made]
    bound = {"metadata": {"name": _SET, "namespace": _NAMESPACE}, "spec": {"clusterSet": _SET}}
    selector = {"clusterSelector": {"selectorType": "ExclusiveClusterSetLabel"}}
    return Snapshot(
        clusters=made,
        cluster_sets=[msgspec.convert({"metadata": {"name": _SET}, "spec": selector}, ManagedClusterSet)],
        bindings=[msgspec.convert(bound, ManagedClusterSetBinding)],
        decisions=pages(placement("measured", {}), ()),
        elsewhere={name: chance.randint(1, 20) for name in names[::2]},
        scores={(name, "usage"): _score(name, chance.randint(-100, 100)) for name in names},
    )


def cluster(chance: random.Random, number: int, cluster_set: str) -> ManagedCluster:
    resources = {"cpu": f"{chance.randint(4, 512)}", "memory": f"{chance.randint(16, 2048)}Gi"}
    labels = {
        keys.CLUSTER_SET_LABEL: cluster_set,
        "env": chance.choice(("prod", "dev")),
        "zone": f"zone-{number % _ZONES}",
    }
    metadata = {
        "name": f"cluster-{number:05}",
        "uid": f"uid-{number}",
        "resourceVersion": "1",
        "labels": labels,
    }
    taints = [{"key": "gpu", "effect": "NoSelect"}] if number % 10 == 0 else []
    status = {
        "allocatable": resources,
        "capacity": resources,
        "clusterClaims": [{"name": "region", "value": chance.choice(("eu", "us"))}],
    }
    return msgspec.convert(
        {"metadata": metadata, "spec": {"taints": taints}, "status": status}, ManagedCluster
    )


def placement(name: str, spec: Json) -> Placement:
    return msgspec.convert({"metadata": {"name": name, "namespace": _NAMESPACE}, "spec": spec}, Placement)


def _score(cluster_name: str, value: int) -> AddOnPlacementScore:
    body = {
        "metadata": {"name": "usage", "namespace": cluster_name, "resourceVersion": "1"},
        "status": {"scores": [{"name": "free", "value": value}]},
    }
    return msgspec.convert(body, AddOnPlacementScore)
