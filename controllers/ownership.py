"""Whose a ManifestWork is, and which of a hub Workflow's annotations are about that very Workflow. Pure.

An agent may change the annotations of the ManifestWorks in its cluster's namespace, but neither make nor rename one. So
the name, which holds a part of the Workflow's uid, says whose a work is, and its namespace says which cluster reports;
annotations may only narrow that down.
"""

from __future__ import annotations

from typing import Final

from controllers.api import keys
from controllers.api.attempts import attempt, attempt_of, tried
from controllers.api.naming import manifest_work_name
from controllers.kube.object import Object

# What Argosy writes on a hub Workflow beside its cluster. On a copy of that Workflow it means nothing.
WRITTEN_BY_US: Final = (
    keys.PLACED_UID_ANNOTATION,
    keys.CHOICE_ANNOTATION,
    keys.ATTEMPTS_ANNOTATION,
    keys.STATUS_ANNOTATION,
    keys.OBSERVED_ANNOTATION,
    keys.WAITING_ANNOTATION,
)


def is_copied(workflow: Object) -> bool:
    """Whether what Argosy wrote on this Workflow was written on another one, which this one was copied from.

    `argo resubmit` and `kubectl get -o yaml | kubectl create` copy annotations. Argosy stamps the Workflow's uid beside
    the cluster that it chose; versions without the stamp wrote the finalizer together with the reason of the choice.
    """
    meta = workflow.metadata
    stamp = meta.annotations.get(keys.PLACED_UID_ANNOTATION)
    if stamp is not None:
        return stamp != meta.uid
    return keys.CHOICE_ANNOTATION in meta.annotations and keys.CLEANUP_FINALIZER not in meta.finalizers


def placed_cluster(workflow: Object) -> str:
    """The cluster that a Workflow was placed on, or that its user named; "" when there is none yet."""
    return "" if is_copied(workflow) else workflow.metadata.annotations.get(keys.CLUSTER_ANNOTATION, "")


def work_name_of(workflow: Object) -> str:
    """The name of the ManifestWork, and of the status result, of this very Workflow on whatever cluster."""
    return manifest_work_name(workflow.metadata.name, workflow.metadata.uid)


def carries(work: Object, workflow: Object) -> bool:
    """Whether `work` was made for this very Workflow, not for an earlier or another one of the same name.

    Works of the reference implementation have no uid annotation; the five characters in the name decide then.
    """
    if work.metadata.name != work_name_of(workflow):
        return False
    said = work.metadata.annotations.get(keys.HUB_UID_ANNOTATION)
    return said is None or said == workflow.metadata.uid


def is_fenced(work: Object, workflow: Object) -> bool:
    """Whether `work` is of an earlier attempt of this Workflow: what it reports does not count, and it is to go.

    That a work elsewhere is of an earlier attempt is known from the Workflow's own list of clusters. The number on the
    work itself counts on the present cluster only, when a Workflow has come back to it.
    """
    if not carries(work, workflow):
        return False
    annotations = workflow.metadata.annotations
    if work.metadata.namespace == placed_cluster(workflow):
        return attempt_of(work.metadata.annotations) < attempt(annotations)
    return work.metadata.namespace in tried(annotations)


def is_current(work: Object, workflow: Object) -> bool:
    """Whether `work` carries this very Workflow as it was sent last: what it reports counts."""
    return carries(work, workflow) and not is_fenced(work, workflow)
