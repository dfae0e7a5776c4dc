"""Waits until Workflows can be sent to every cluster of a fleet: each is available, and in the decisions of the
Placements that they name. A hub that has just started gives all to the cluster that came first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER, PLACEMENT, PLACEMENT_DECISION
from hack.fleet.api import Api
from hack.fleet.errors import FleetError
from hack.fleet.progress import Progress

_AVAILABLE = "ManagedClusterConditionAvailable"
_SATISFIED = "PlacementSatisfied"

Json = Mapping[str, Any]


def wait_available(hub: Api, names: Collection[str], progress: Progress, seconds: float = 60) -> None:
    """FleetError that says what is missing of which cluster."""
    if names:
        title = "waiting until the hub has every cluster"
        _wait(lambda: unavailable(hub.list(MANAGED_CLUSTER)["items"], names), title, progress, seconds)


def wait_decided(
    hub: Api, workflows: Iterable[Json], names: Collection[str], progress: Progress, seconds: float = 30
) -> None:
    """For all Placements that the Workflows name. FleetError that says what is missing of which Placement."""
    wanted = {key for body in workflows if (key := _placement(body)) is not None}

    def missing() -> list[str]:
        return [
            text for namespace, name in sorted(wanted) if (text := _undecided(hub, namespace, name, names))
        ]

    if wanted:
        _wait(missing, "waiting for the Placements' decisions", progress, seconds)


def unavailable(clusters: Iterable[Json], names: Collection[str]) -> list[str]:
    """What keeps the hub from selecting these clusters, in words; one for each that it can't."""
    found = {body["metadata"]["name"]: body for body in clusters}
    return [text for name in sorted(names) if (text := _unavailable(name, found.get(name)))]


def undecided(placement: Json | None, decisions: Iterable[Json], names: Collection[str]) -> str:
    """What is missing from the decisions of a Placement; "" for nothing. One that asks for some clusters only has them
    as soon as it is satisfied; else it is to have all of `names`."""
    if placement is None:
        return "is not there"
    said = _condition(placement, _SATISFIED)
    if said is None:
        return "is not evaluated yet"
    if said["status"] != "True":
        return f"is not satisfied: {said.get('message', '')}"
    spec = placement.get("spec") or {}
    if spec.get("predicates") or spec.get("numberOfClusters") is not None:
        return ""
    decided = {
        item["clusterName"] for page in decisions for item in page.get("status", {}).get("decisions") or ()
    }
    left = sorted(set(names) - decided)
    return f"has not selected {', '.join(left)}" if left else ""


def _unavailable(name: str, cluster: Json | None) -> str:
    if cluster is None:
        return f"{name} is not registered"
    if not cluster.get("spec", {}).get("hubAcceptsClient"):
        return f"{name} is not accepted"
    said = _condition(cluster, _AVAILABLE)
    if said is None or said["status"] != "True":
        return f"{name} is not available: {said['message'] if said else 'its agent has not reported yet'}"
    taints = [item["key"] for item in cluster["spec"].get("taints") or ()]
    return f"{name} is tainted: {', '.join(taints)}" if taints else ""


def _undecided(hub: Api, namespace: str, name: str, names: Collection[str]) -> str:
    selector = f"{keys.PLACEMENT_LABEL}={name}"
    decisions = hub.list(PLACEMENT_DECISION, namespace, labelSelector=selector)["items"]
    text = undecided(hub.get(PLACEMENT, name, namespace), decisions, names)
    return f"Placement {namespace}/{name} {text}" if text else ""


def _placement(workflow: Json) -> tuple[str, str] | None:
    metadata = workflow["metadata"]
    name = (metadata.get("annotations") or {}).get(keys.PLACEMENT_ANNOTATION)
    return (metadata["namespace"], name) if name else None


def _condition(body: Json, kind: str) -> Json | None:
    conditions = body.get("status", {}).get("conditions") or ()
    return next((item for item in conditions if item["type"] == kind), None)


def _wait(missing: Callable[[], list[str]], title: str, progress: Progress, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with progress.step(title) as step:
        while left := missing():
            if time.monotonic() > deadline:
                raise FleetError(f"after {seconds:.0f} s {'; '.join(left)}")
            step.note(left[0])
            time.sleep(0.1)
