"""How a Workflow stands on the hub, and whether the hub shows what happened on the cluster. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controllers.api.keys import (
    ARGO_NAMESPACE,
    CLUSTER_ANNOTATION,
    CLUSTER_NAMESPACE_ANNOTATION,
    WAITING_ANNOTATION,
)

FINISHED = frozenset({"Succeeded", "Failed", "Error"})
_FIELDS = ("phase", "message", "progress", "startedAt", "finishedAt")


@dataclass(frozen=True)
class View:
    """What one row of the demo's table shows of a Workflow on the hub."""

    uid: str
    namespace: str
    name: str
    cluster: str
    cluster_namespace: str
    phase: str
    progress: str
    message: str
    waiting: str
    created: datetime
    finished: datetime | None
    nodes: int

    @property
    def is_finished(self) -> bool:
        return self.phase in FINISHED

    def age(self, now: datetime) -> float:
        """Seconds from its creation to its end, or to now."""
        return ((self.finished or now) - self.created).total_seconds()


def view(workflow: Mapping[str, Any]) -> View:
    """Read a Workflow object of the hub."""
    metadata = workflow["metadata"]
    annotations = metadata.get("annotations") or {}
    status = workflow.get("status") or {}
    finished = status.get("finishedAt")
    return View(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        cluster=annotations.get(CLUSTER_ANNOTATION, ""),
        cluster_namespace=annotations.get(CLUSTER_NAMESPACE_ANNOTATION)
        or metadata.get("namespace")
        or ARGO_NAMESPACE,
        phase=status.get("phase", ""),
        progress=status.get("progress", ""),
        message=status.get("message", ""),
        waiting=annotations.get(WAITING_ANNOTATION, ""),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        finished=datetime.fromisoformat(finished) if finished else None,
        nodes=len(status.get("nodes") or {}),
    )


def differences(hub: Mapping[str, Any], copy: Mapping[str, Any] | None) -> list[str]:
    """What differs between a Workflow's status on the hub and its copy's on the cluster; empty if nothing does."""
    if copy is None:
        return ["there is no copy on the cluster"]
    here, there = hub.get("status") or {}, copy.get("status") or {}
    found = [
        f"{field} is {here.get(field)!r} on the hub and {there.get(field)!r} on the cluster"
        for field in _FIELDS
        if here.get(field) != there.get(field)
    ]
    return found + _node_differences(here.get("nodes") or {}, there.get("nodes") or {})


def _node_differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    found = []
    for node in sorted(here.keys() | there.keys()):
        if node not in here:
            found.append(f"node {node} is missing on the hub")
        elif node not in there:
            found.append(f"node {node} is only on the hub")
        elif here[node] != there[node]:
            found.append(f"node {node} is not the same")
    return found
