"""ManifestWorks of hub Workflows: what they say, having them applied once more, and that nothing is left of them."""

from __future__ import annotations

from typing import Any

from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, WORKFLOW
from controllers.kube.patch import json_patch
from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.eventually import eventually

Json = dict[str, Any]


async def of(argosy: Argosy, name: str) -> Json:
    """The ManifestWork of a hub Workflow."""
    workflow = await workflows.shown(argosy.hub, name)
    meta = workflow["metadata"]
    work = f"{name}-{meta['uid'][:5]}"
    return (await argosy.hub.get(MANIFEST_WORK, work, namespace=workflows.cluster_of(workflow))).to_dict()


def condition(work: Json, kind: str) -> tuple[str, int]:
    """(status, observedGeneration) of a work's condition; ("", 0) if it has none."""
    found = [item for item in work.get("status", {}).get("conditions") or [] if item["type"] == kind]
    return (found[0]["status"], found[0]["observedGeneration"]) if found else ("", 0)


async def applied_again(argosy: Argosy, name: str) -> Json:
    """The ManifestWork once its cluster has applied its present generation. An error in it fails the test."""

    async def probe() -> Json:
        work = await of(argosy, name)
        assert condition(work, "Applied") == ("True", work["metadata"]["generation"]), work["status"]
        return work

    return await eventually(probe, within=30, what=f"{name} applied anew")


async def touch(argosy: Argosy, work: Json) -> None:
    """Makes an agent apply the work as a resync would: one more label, one more feedback rule."""
    path = "/spec/manifestConfigs/0/feedbackRules/0/jsonPaths/-"
    rule = {"name": f"touched{work['metadata']['generation']}", "path": ".status.estimatedDuration"}
    patch = json_patch(
        [
            {"op": "add", "path": path, "value": rule},
            {"op": "add", "path": "/metadata/labels/touched", "value": rule["name"]},
        ]
    )
    meta = work["metadata"]
    await argosy.hub.patch(MANIFEST_WORK, meta["name"], patch, namespace=meta["namespace"])


async def deleted_everywhere(argosy: Argosy, *names: str) -> None:
    """Deletes Workflows on the hub; when it has let them go, nothing of them is left anywhere."""
    await workflows.delete(argosy, *names)
    works, _ = await argosy.hub.list(MANIFEST_WORK)
    assert not [work.key for work in works if work.metadata.name.rpartition("-")[0] in names]
    for managed in argosy.managed.values():
        copies, _ = await managed.list(WORKFLOW)
        assert not [copy.key for copy in copies if copy.metadata.name in names]
        applied, _ = await managed.list(APPLIED_MANIFEST_WORK)
        left = [item.to_dict()["spec"]["manifestWorkName"] for item in applied]
        assert not [work for work in left if work.rpartition("-")[0] in names]
