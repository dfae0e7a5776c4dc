"""The objects that a fresh cluster starts with: namespace, nodes, CustomResourceDefinitions, Argo's settings.

Works through any kubeconfig, so it does not matter what a cluster runs on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from controllers.api.keys import ARGO_NAMESPACE
from controllers.api.kinds import SERVICE_ACCOUNT
from hack.fleet import admission, crds
from hack.fleet.api import Api

MANIFESTS = Path(__file__).resolve().parent / "manifests"
STAGES = MANIFESTS / "kwok-stages.yaml"

NODES = 3
_NODE_RESOURCES = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def node(name: str) -> dict[str, Any]:
    """A node without a machine; KWOK fills in the rest of its status and keeps it ready."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
            },
        },
        "status": {"capacity": _NODE_RESOURCES, "allocatable": _NODE_RESOURCES},
    }


def write_pod_logs(settings: Path, cluster: str) -> None:
    """Give the fake pods a log, in the files `settings` and its neighbour: one line that names their cluster."""
    log = settings.with_name("pod.log")
    log.write_text(f"2000-01-01T00:00:00.000000000Z stdout F a fake pod on {cluster}: nothing ran\n")
    body = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "fake"},
        "spec": {"logs": [{"logsFile": str(log)}]},
    }
    settings.write_text(yaml.safe_dump(body))


def hub(api: Api, ours: Sequence[dict[str, Any]]) -> None:
    """A hub knows all of Argosy's kinds and who may bring which cluster, has the namespace `argo`, and runs nothing."""
    api.apply(namespace(ARGO_NAMESPACE))
    crds.install(api, ours)
    admission.install(api, admission.load(admission.CLUSTERS))


def managed(api: Api, cluster: str, ours: Sequence[dict[str, Any]], argo: Sequence[dict[str, Any]]) -> None:
    """A managed cluster has fake nodes, and what `workflows` brings."""
    for number in range(1, NODES + 1):
        # Created, not applied: a create sets the status too, and KWOK starts from its capacity.
        api.create(node(f"{cluster}-node{number}"))
    workflows(api, ours, argo)


def workflows(api: Api, ours: Sequence[dict[str, Any]], argo: Sequence[dict[str, Any]]) -> None:
    """Argo's kinds, settings and permissions, and those kinds of Argosy that the agent writes."""
    api.apply(namespace(ARGO_NAMESPACE))
    crds.install(api, [*argo, *crds.for_managed(ours)])
    with (MANIFESTS / "argo.yaml").open() as file:
        for body in yaml.safe_load_all(file):
            api.apply(body)


def is_usable(api: Api) -> bool:
    """Whether pods can be created in the namespace `argo`: its account `default` is there."""
    return api.get(SERVICE_ACCOUNT, "default", ARGO_NAMESPACE) is not None
