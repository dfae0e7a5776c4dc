"""What the demo reads off a Workflow, and when it calls hub and cluster the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hack.fleet.comparison import differences, view

NODES = {
    "w": {"id": "w", "phase": "Succeeded", "children": ["w-1"]},
    "w-1": {"id": "w-1", "phase": "Succeeded"},
}
STATUS = {
    "phase": "Succeeded",
    "progress": "1/1",
    "startedAt": "2026-01-01T00:00:00Z",
    "finishedAt": "2026-01-01T00:00:09Z",
    "nodes": NODES,
}


def workflow(status: dict[str, Any] | None, **annotations: str) -> dict[str, Any]:
    keyed = {
        f"workflows.argoproj.io/ocm-{key.replace('_', '-')}": value for key, value in annotations.items()
    }
    metadata = {
        "name": "w",
        "namespace": "argo",
        "uid": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": keyed,
    }
    return {"metadata": metadata} | ({"status": status} if status is not None else {})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"conditions": [{"type": "Completed"}]}, []),
        ({"phase": "Failed"}, ["phase is 'Succeeded' on the hub and 'Failed' on the cluster"]),
        ({"message": "oh"}, ["message is None on the hub and 'oh' on the cluster"]),
        (
            {"finishedAt": "2026-01-01T00:00:10Z"},
            ["finishedAt is '2026-01-01T00:00:09Z' on the hub and '2026-01-01T00:00:10Z' on the cluster"],
        ),
        ({"nodes": NODES | {"w-2": {}}}, ["node w-2 is missing on the hub"]),
        ({"nodes": {"w": NODES["w"]}}, ["node w-1 is only on the hub"]),
        ({"nodes": NODES | {"w": {"id": "w", "phase": "Running"}}}, ["node w is not the same"]),
    ],
)
def test_differences(changes: dict[str, Any], expected: list[str]) -> None:
    assert differences(workflow(STATUS), workflow(STATUS | changes)) == expected


def test_without_a_copy_nothing_can_be_the_same() -> None:
    assert differences(workflow(STATUS), None) == ["there is no copy on the cluster"]


def test_view_of_a_finished_workflow() -> None:
    seen = view(workflow(STATUS, managed_cluster="c1", managed_cluster_namespace="elsewhere"))
    assert (seen.cluster, seen.cluster_namespace, seen.phase, seen.nodes) == (
        "c1",
        "elsewhere",
        "Succeeded",
        2,
    )
    assert seen.is_finished
    assert seen.age(datetime(2027, 1, 1, tzinfo=UTC)) == 9


def test_view_of_a_waiting_workflow() -> None:
    seen = view(workflow(None, waiting="NotPlaced: no cluster matches"))
    assert (seen.cluster, seen.phase, seen.waiting) == ("", "", "NotPlaced: no cluster matches")
    assert not seen.is_finished
    assert seen.cluster_namespace == "argo"
    assert seen.age(datetime(2026, 1, 1, 0, 1, tzinfo=UTC)) == 60
