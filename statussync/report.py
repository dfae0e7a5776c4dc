"""What a ManifestWork's status says about the Workflow in it: feedback values, and whether it could be applied."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.api.work import ManifestCondition, ManifestWork
from controllers.kube.object import Object


@dataclass(frozen=True)
class Report:
    """`feedback`: the string values of the feedback rules by name. `failure`: why the copy could not be applied,
    "" when it could or when nothing was tried yet."""

    feedback: dict[str, str]
    failure: str = ""


def read(work: Object) -> Report:
    """The report about the first manifest, which is the Workflow."""
    status = work.decode(ManifestWork).status
    manifests = status.resource_status.manifests
    if not manifests:
        return Report({})
    first = min(manifests, key=lambda item: item.resource_meta.ordinal)
    return Report(_feedback(first), _failure(first))


def _feedback(manifest: ManifestCondition) -> dict[str, str]:
    return {
        item.name: item.value.string
        for item in manifest.status_feedback.values
        if item.value.string is not None
    }


def _failure(manifest: ManifestCondition) -> str:
    for condition in manifest.conditions:
        if condition.type == "Applied" and condition.status == "False":
            return condition.message or condition.reason
    return ""
