"""OCM's own CustomResourceDefinitions and permissions, from the module that its programs are built from.

Puts the definitions in the place of ours on a cluster that runs already. Knows nothing of what objects mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from controllers.api.kinds import CRD
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from hack.fleet import cache
from hack.fleet.build import module_directory
from hack.fleet.cancel import Cancellation
from hack.fleet.versions import OCM
from tests.eventually import eventually

Json = dict[str, Any]

# The last is the operator's, by which Argosy knows an OCM hub.
_HUB = (
    "manifests/cluster-manager/hub/crds/*_clusters.open-cluster-management.io_*.yaml",
    "manifests/cluster-manager/hub/crds/*_work.open-cluster-management.io_*.yaml",
    "deploy/cluster-manager/config/crds/*_clustermanagers.crd.yaml",
)
_ADDONS = (
    "manifests/cluster-manager/hub/crds/*_addon.open-cluster-management.io_managedclusteraddons.crd.yaml"
)
_MANAGED = ("manifests/klusterlet/managed/0000_*.crd.yaml",)

WORK_ON_HUB = "pkg/registration/hub/manifests/rbac/managedcluster-work-clusterrole.yaml"
WORK_ON_CLUSTER = (
    "manifests/klusterlet/managed/klusterlet-work-clusterrole.yaml",
    "manifests/klusterlet/managed/klusterlet-work-clusterrole-execution.yaml",
)


def source() -> Path:
    """OCM's sources, downloaded and verified by Go if need be."""
    found = module_directory(OCM, cache.root() / "logs" / "ocm-module.log", Cancellation())
    assert found is not None, f"{OCM.path} {OCM.version} cannot be had: Go and its module proxy are needed"
    return found


def for_hub(ocm: Path) -> list[Json]:
    """Clusters, placements, works, and the operator's own kind."""
    return _load(ocm, _HUB)


def addons(ocm: Path) -> list[Json]:
    """Add-ons, which OCM's registration cleans up. Without the conversion by a webhook of OCM's, which does not run."""
    (path,) = ocm.glob(_ADDONS)
    body: Json = yaml.safe_load(re.sub(r"{{.*?}}", "", path.read_text()))
    body["spec"].pop("conversion", None)
    return [body]


def for_managed(ocm: Path) -> list[Json]:
    """AppliedManifestWork and ClusterClaim."""
    return _load(ocm, _MANAGED)


def rules(ocm: Path, *paths: str) -> list[Json]:
    """The rules of OCM's roles. Their files are templates; only the names before the rules are filled in."""
    found: list[Json] = []
    for path in paths:
        text = (ocm / path).read_text()
        found += yaml.safe_load(text[text.index("\nrules:") :])["rules"]
    return found


async def install(client: Client, definitions: Iterable[Json]) -> None:
    """Makes the cluster serve exactly these schemas. Objects of their kinds stay."""
    for body in definitions:
        name, spec = body["metadata"]["name"], body["spec"]
        present = await client.find(CRD, name)
        if present is None:
            await client.create(CRD, body)
        else:
            await client.update(CRD, name, {**present.to_dict(), "spec": spec})
        for version in spec["versions"]:
            await _served(client, spec["group"], version)


async def _served(client: Client, group: str, version: Json) -> None:
    """A schema is in force a moment after it was written; its description, published with it, tells."""
    path = f"/openapi/v3/apis/{group}/{version['name']}"
    schema = version["schema"]["openAPIV3Schema"]

    async def published() -> bool:
        try:
            document: Json = msgspec.json.decode(await client.request("GET", path))
        except NotFound:
            return False
        shown = [item.get("description") for item in document["components"]["schemas"].values()]
        return schema["description"] in shown

    await eventually(published, what=f"OCM's schema at {path}")


def _load(ocm: Path, patterns: Iterable[str]) -> list[Json]:
    paths = [path for pattern in patterns for path in sorted(ocm.glob(pattern))]
    return [yaml.safe_load(path.read_text()) for path in paths]
