"""What somebody who edited a hub Workflow's status wanted, and how to do it on the cluster that runs it. Pure.

The argo CLI and argo-server carry out `retry`, `resume` of a suspend node, `node set` and `stop --node-field-selector`
by writing the status (argo-workflows v4.0.2, `workflow/util`). On the hub the status is what the cluster reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from statussync.decide import FINAL_RANK, rank

JsonObject = dict[str, Any]


def advice(hub: JsonObject, reported: JsonObject, *, name: str, namespace: str, cluster: str) -> str:
    """For the user whose edit is undone: what it was, and what to do instead. `namespace` is the one on the cluster."""
    where = f"with the kubeconfig of cluster {cluster}: argo"
    options = f"-n {namespace}"
    ended = rank(str(reported.get("phase") or "")) == FINAL_RANK
    if ended and rank(str(hub.get("phase") or "")) != FINAL_RANK:
        return (
            f"argo retry on the hub does not reach cluster {cluster}, and the status is set back. To run the failed "
            f"part again, {where} retry {name} {options}; to run all of it as a new Workflow, argo resubmit {name} here"
        )
    edited = set(_edited(hub, reported))
    if ("Suspend", "Succeeded") in edited:
        return (
            "argo resume of a suspend node on the hub does not reach cluster "
            f"{cluster}, and the status is set back. To resume it, {where} resume {name} {options}"
        )
    if any(kind == "Suspend" for kind, _ in edited) or any(phase == "Failed" for _, phase in edited):
        return (
            f"what was done to single nodes on the hub does not reach cluster {cluster}, and the status is set back. "
            f"To do it, {where} node set or argo stop --node-field-selector, for {name} {options}"
        )
    return (
        f"the status was edited on the hub, and is set back to what cluster {cluster}, which runs it, reports"
    )


def _edited(hub: JsonObject, reported: JsonObject) -> Iterator[tuple[str, str]]:
    """(type, phase on the hub) of the nodes whose phase on the hub is not the reported one."""
    shown = hub.get("nodes")
    nodes = reported.get("nodes")
    if not isinstance(shown, Mapping) or not isinstance(nodes, Mapping):
        return
    for key, node in shown.items():
        before = nodes.get(key)
        if not isinstance(node, Mapping) or not isinstance(before, Mapping):
            continue
        if node.get("phase") != before.get("phase"):
            yield str(before.get("type") or ""), str(node.get("phase") or "")
