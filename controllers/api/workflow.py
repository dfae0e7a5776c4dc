"""argoproj.io/v1alpha1 as the hub sees it: Workflow, and WorkflowStatusResult that carries a full status.

Owns the few fields that controllers decide by. It never models a Workflow whole: the CRD leaves spec and
status open, so that what Argo adds passes through, and a Workflow is copied from its bytes, not from these
types.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Raw

from controllers.api.meta import ObjectMeta
from controllers.api.model import Model, extra

# Fields of a Workflow's spec that Argo lets a user change while it runs (argo stop, terminate, suspend, resume and
# their kubectl equivalents). Everything else is fixed once the copy has been delivered.
MUTABLE_SPEC: Final = ("shutdown", "suspend", "activeDeadlineSeconds", "parallelism", "priority")

# Phases that a run does not leave any more.
FINAL_PHASES: Final = ("Succeeded", "Failed", "Error")

_OPEN_OBJECT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

# Refused on the hub already. Argo's controller (v4.0.2, with its minimal CRDs) ends with a panic on a Workflow
# whose templates are no list, and all other Workflows of its cluster stop with it. Argo's full CRDs check
# everything; they may be installed on the hub instead of ours.
SPEC_SHAPE = {
    "arguments": {"description": "Parameters and artifacts to start with.", **_OPEN_OBJECT},
    "entrypoint": {"description": "Name of the template to start with.", "type": "string"},
    "serviceAccountName": {"description": "ServiceAccount that the pods run as.", "type": "string"},
    "templates": {
        "description": "What the Workflow is made of.",
        "type": "array",
        "items": _OPEN_OBJECT,
    },
}


class WorkflowSpec(Model):
    """The fields that a user may change on a Workflow that runs.

    Any, because the hub's CRD lets any value in and a wrong one is for Argo to refuse, not for a decoder.
    """

    suspend: Any = None
    shutdown: Any = None
    active_deadline_seconds: Any = None
    parallelism: Any = None
    priority: Any = None


class WorkflowStatus(Model):
    """The summary of a run. `started_at` and `finished_at` are RFC 3339, as Argo writes them.

    `phase` is "" (not seen by Argo yet), Pending, Running, Succeeded, Failed or Error.
    """

    phase: str = ""
    message: str = ""
    progress: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class Workflow(Model):
    """An Argo Workflow, on this hub or, by its label and its Placement, on a managed cluster."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[
        WorkflowSpec,
        Meta(description="What to run, as Argo defines it."),
        extra(x_kubernetes_preserve_unknown_fields=True, properties=SPEC_SHAPE),
    ]
    status: Annotated[
        WorkflowStatus,
        Meta(description="How the run goes, as Argo reports it from the cluster where it runs."),
        extra(x_kubernetes_preserve_unknown_fields=True),
    ] = WorkflowStatus()


class WorkflowStatusResult(Model):
    """The full status of a Workflow's copy on a managed cluster, put on the hub by the cluster's agent.

    Lives in the cluster's namespace. `workflow_status` is kept as the bytes it came in and shares memory
    with the message it was decoded from; decode it as WorkflowStatus to look at the summary.
    """

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    workflow_status: Annotated[
        Raw,
        Meta(description="The Workflow's status, as Argo wrote it on the managed cluster."),
        extra(type="object", x_kubernetes_preserve_unknown_fields=True),
    ]
