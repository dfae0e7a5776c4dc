"""What to do with an object that runs once: an Argo Workflow, whose existence is its execution.

Other objects are brought to their manifest again and again; a Workflow that is gone must not be, since making
it again would run it again. Owns that decision. What of the Workflow is written when it is applied is not
decided here.

The record is AppliedManifestWork.status.appliedResources, which holds the uid of what was applied. An agent that
dies between creating a Workflow and recording it finds the Workflow there, by its origin, and records it then.
Only if the Workflow was deleted meanwhile does nothing tell of it: a finalizer on it closes that gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.decide.manifest import Identity
from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.kinds import WORKFLOW
from controllers.api.work import AppliedResource, ManifestResourceMeta

GONE = "WorkflowGone"
REPLACED = "WorkflowReplaced"
NAME_TAKEN = "NameTaken"


@dataclass(frozen=True, slots=True)
class Create:
    """Make the object; it never was."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Bring the live object to its manifest."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Write nothing: it has run, or is on its way out."""


@dataclass(frozen=True, slots=True)
class ReportLost:
    """Write nothing and say so in the work's status: what was to run here can't be found."""

    reason: str
    message: str


Decision = Create | Apply | Leave | ReportLost


def runs_once(meta: ManifestResourceMeta | Identity) -> bool:
    """Whether `decide` is to be asked about the object."""
    return meta.group == WORKFLOW.group and meta.kind == WORKFLOW.kind


def reported_in_full(manifests: Iterable[ManifestResourceMeta]) -> int | None:
    """The ordinal of the Workflow whose whole status the hub gets: the first, for a work has one result."""
    return min((meta.ordinal for meta in manifests if runs_once(meta)), default=None)


def decide(
    meta: ManifestResourceMeta,
    applied: Sequence[AppliedResource],
    live: dict[str, Any] | None,
    *,
    complete: bool,
    origin: str = "",
) -> Decision:
    """What to do with a run-once object. After Apply and Leave, too, the live object's uid is to be recorded.

    `applied` is what the AppliedManifestWork records; `live` is the object as the API server has it now, not
    as a cache may have it; `complete` is the manifest's Complete condition; `origin` the uid of the hub object
    that the manifest names, "" if it names none.
    """
    if complete:
        return Leave()
    uid = _recorded_uid(meta, applied)
    name = f"{meta.namespace}/{meta.name}"
    if live is None:
        if not uid:
            return Create()
        return ReportLost(
            GONE,
            f"Workflow {name} left the cluster before its end was seen; it is not run a second time",
        )
    metadata = live.get("metadata", {})
    if uid and metadata.get("uid") != uid:
        return ReportLost(
            REPLACED,
            f"Workflow {name} left the cluster before its end was seen, and another one has its name",
        )
    if not uid and not _has_origin(metadata, origin):
        return ReportLost(
            NAME_TAKEN, f"another Workflow is called {name} on the cluster; delete it or rename this one"
        )
    return Leave() if metadata.get("deletionTimestamp") else Apply()


def _recorded_uid(meta: ManifestResourceMeta, applied: Sequence[AppliedResource]) -> str:
    # The version is left out, as in OCM: an object is the same under each of its versions.
    wanted = (meta.group, meta.resource, meta.namespace, meta.name)
    return next(
        (one.uid for one in applied if (one.group, one.resource, one.namespace, one.name) == wanted), ""
    )


def _has_origin(metadata: dict[str, Any], origin: str) -> bool:
    """A manifest that names no origin, from a hub that is not ours, takes over what it finds, as in OCM."""
    return not origin or (metadata.get("annotations") or {}).get(HUB_UID_ANNOTATION) == origin
