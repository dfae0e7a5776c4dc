"""The admission policies of deploy/hub, installed with the CustomResourceDefinitions of a hub, and removed with them.

Not on a hub with Open Cluster Management, which has webhooks for the same, nor on one that knows no such policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from controllers.api.kinds import ADMISSION_POLICY, ADMISSION_POLICY_BINDING
from hack.fleet.api import Api
from hack.fleet.errors import ApiFailed
from hack.fleet.layout import REPOSITORY

CLUSTERS: Final = REPOSITORY / "deploy" / "hub" / "admission-clusters.yaml"
WORKS: Final = REPOSITORY / "deploy" / "hub" / "admission.yaml"

_OCM = "/apis/operator.open-cluster-management.io/v1"
_POLICIES = f"/apis/{ADMISSION_POLICY.group}/{ADMISSION_POLICY.version}"


def load(*paths: Path) -> list[dict[str, Any]]:
    """Policies and their bindings, those about clusters first."""
    return [
        body for path in paths or (CLUSTERS, WORKS) for body in yaml.safe_load_all(path.read_text()) if body
    ]


def obstacle(api: Api) -> str:
    """Why the policies are not for this hub; "" if they are."""
    if _serves(api, _OCM, "clustermanagers"):
        return "Open Cluster Management is installed there, whose webhooks check the same"
    if not _serves(api, _POLICIES, ADMISSION_POLICY.plural):
        return "its API server knows none, as before Kubernetes 1.30: who may write a ManagedCluster may accept it"
    return ""


def install(api: Api, policies: Sequence[dict[str, Any]]) -> None:
    """Apply them, each before what binds it."""
    for body in policies:
        api.apply(body)


def uninstall(api: Api, policies: Sequence[dict[str, Any]]) -> int:
    """Delete them, bindings first; returns how many there were."""
    kinds = {kind.kind: kind for kind in (ADMISSION_POLICY, ADMISSION_POLICY_BINDING)}
    if not _serves(api, _POLICIES, ADMISSION_POLICY.plural):
        return 0
    return sum(api.delete(kinds[body["kind"]], body["metadata"]["name"]) for body in reversed(policies))


def _serves(api: Api, path: str, resource: str) -> bool:
    try:
        found = api.request("GET", path)
    except ApiFailed as error:
        if error.status == 404:
            return False
        raise
    return any(item["name"] == resource for item in found.get("resources", []))
