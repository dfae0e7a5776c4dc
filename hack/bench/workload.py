"""The Workflows of the benchmark, and what a simulated executor says of them. Pure.

A Workflow carries in its annotations how it is to be executed, so that one executor serves all scenarios.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from controllers.api import keys
from controllers.api.kinds import WORKFLOW

Json = dict[str, Any]

NAMESPACE: Final = keys.ARGO_NAMESPACE
PLACEMENT: Final = "any-cluster"
RUN_LABEL: Final = "bench.argosy.io/run"
STATUS_BYTES: Final = "bench.argosy.io/status-bytes"
RUN_SECONDS: Final = "bench.argosy.io/run-seconds"
# On the copy, in the patch that ends it: the executor's monotonic clock just before it sent that patch. All
# processes of one machine share that clock (CLOCK_MONOTONIC).
ENDED_AT: Final = "bench.argosy.io/ended-at"

# What the executor writes of one Workflow: Running, a small change, Succeeded.
STAGES: Final = 3

_NODE_BYTES: Final = 480
_FEWEST_PODS: Final = 3
_STARTED, _FINISHED = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"


class Draft(NamedTuple):
    """A Workflow that is to be created: its namespace, and the body of the request."""

    namespace: str
    body: bytes


def workflow(
    name: str, *, run: str, status_bytes: int, run_seconds: float, namespace: str = NAMESPACE
) -> Json:
    """A Workflow to be created on the hub: a DAG of three pods."""
    tasks = [
        {"name": "first", "template": "work"},
        {"name": "second", "template": "work", "dependencies": ["first"]},
        {"name": "third", "template": "work", "dependencies": ["second"]},
    ]
    container = {"image": "busybox:1.37", "command": ["sh", "-c"], "args": ["echo {{workflow.name}}"]}
    return {
        "apiVersion": WORKFLOW.api_version,
        "kind": WORKFLOW.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {keys.ENABLE_LABEL: "true", RUN_LABEL: run},
            "annotations": {
                keys.PLACEMENT_ANNOTATION: PLACEMENT,
                STATUS_BYTES: str(status_bytes),
                RUN_SECONDS: f"{run_seconds:g}",
            },
        },
        "spec": {
            "entrypoint": "main",
            "serviceAccountName": "argo",
            "templates": [
                {"name": "main", "dag": {"tasks": tasks}},
                {"name": "work", "container": container},
            ],
        },
    }


def stages(name: str, status_bytes: int) -> tuple[Json, Json, Json]:
    """Merge patches of the copy: its whole status as Running, then one pod's end, then the whole one's.

    A Workflow of many pods is shown late in its life, with two pods left: updates of a large status are small.
    """
    pods = max(_FEWEST_PODS, round(status_bytes / _NODE_BYTES) - 1)
    last, before_last = _pod_id(name, pods - 1), _pod_id(name, pods - 2)
    ended = {"phase": "Succeeded", "finishedAt": _FINISHED}
    running = {
        "phase": "Running",
        "startedAt": _STARTED,
        "progress": f"{pods - 2}/{pods}",
        "nodes": _nodes(name, pods),
        "artifactRepositoryRef": {"default": True, "artifactRepository": {}},
    }
    changed = {"progress": f"{pods - 1}/{pods}", "nodes": {before_last: ended}}
    finished = {**ended, "progress": f"{pods}/{pods}", "nodes": {last: ended, name: ended}}
    return (
        _patch("Running", running),
        {"status": changed},
        _patch("Succeeded", finished),
    )


def _patch(phase: str, status: Json) -> Json:
    completed = "true" if phase == "Succeeded" else "false"
    return {
        "metadata": {"labels": {keys.PHASE_LABEL: phase, keys.COMPLETED_LABEL: completed}},
        "status": status,
    }


def _nodes(name: str, pods: int) -> Json:
    root = _node(name, "DAG", "main", "Running") | {
        "children": [_pod_id(name, 0)],
        "outboundNodes": [_pod_id(name, pods - 1)],
    }
    nodes = {name: root}
    for number in range(pods):
        identity = _pod_id(name, number)
        phase = "Running" if number >= pods - 2 else "Succeeded"
        nodes[identity] = _node(identity, "Pod", "work", phase) | {
            "boundaryID": name,
            "hostNodeName": "node-1",
            "message": f"pod {number} of {pods}",
        }
    return nodes


def _node(identity: str, kind: str, template: str, phase: str) -> Json:
    node = {
        "id": identity,
        "name": f"{identity}.{template}",
        "displayName": identity,
        "type": kind,
        "templateName": template,
        "templateScope": "local/main",
        "phase": phase,
        "startedAt": _STARTED,
        "progress": "1/1" if phase == "Succeeded" else "0/1",
        "resourcesDuration": {"cpu": 0, "memory": 2},
    }
    return node | ({"finishedAt": _FINISHED} if phase == "Succeeded" else {})


def _pod_id(name: str, number: int) -> str:
    return f"{name}-{1_000_000_000 + number}"
