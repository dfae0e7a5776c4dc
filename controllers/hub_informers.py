"""The hub's informers of Workflows, ManifestWorks and status results, which let go of what has finished.

A finished Workflow stays on the hub for as long as its user likes, and needs nothing but a clean-up at its deletion.
So once its end is there in full, only its uid is remembered, and the same of its ManifestWork and its status result:
memory grows with the Workflows that run, not with those that have ever run. When an edit takes the end away again, or
the Workflow goes, all three are read again.
"""

from __future__ import annotations

from controllers.api import keys
from controllers.api.naming import manifest_work_name
from controllers.hub import (
    BY_NAME,
    BY_WORKFLOW,
    RESULTS,
    WORKFLOWS,
    WORKS,
    index_by_name,
    index_by_workflow,
    is_finished,
    workflow_key,
)
from controllers.kube.object import Object
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.informers import Informers
from controllers.runtime.scope import Interest, Scope


def workflows(informers: Informers) -> Informer:
    """Workflows that are ours: those that run or are being deleted, and of the finished ones the uids."""
    return informers.of(WORKFLOWS, interest=_in_workflow)


def works(informers: Informers) -> Informer:
    """ManifestWorks of those Workflows, and those being deleted; of the others the uids. Indexed by BY_WORKFLOW and
    BY_NAME."""
    informer = _following_workflows(informers, WORKS)
    informer.store.add_index(BY_NAME, index_by_name)
    return informer


def results(informers: Informers) -> Informer:
    """Status results, in the same way. Those of OCM's status add-on, which name no Workflow, all stay."""
    return _following_workflows(informers, RESULTS)


def _in_workflow(workflow: Object) -> Interest:
    meta = workflow.metadata
    # Where only feedback tells of the end (OCM's agent), the full status may still come: such a Workflow stays.
    is_settled = (
        meta.deletion_timestamp is None
        and is_finished(workflow)
        and meta.annotations.get(keys.STATUS_ANNOTATION) == keys.STATUS_COMPLETE
        # Without these it could not be cleaned up: they are written back first.
        and keys.CLEANUP_FINALIZER in meta.finalizers
        and bool(placed_cluster(workflow))
        and _is_unedited(workflow)
    )
    return Interest.UID if is_settled else Interest.FULL


def _is_unedited(workflow: Object) -> bool:
    """Whether spec and status are as they were when the end was written. Earlier versions did not record that."""
    meta = workflow.metadata
    observed = meta.annotations.get(keys.GENERATION_ANNOTATION)
    if observed is None:
        return keys.PLACED_UID_ANNOTATION not in meta.annotations
    return observed == str(meta.generation)


def _following_workflows(informers: Informers, scope: Scope) -> Informer:
    if scope in informers:
        return informers.of(scope)
    owners = workflows(informers)

    def interest(item: Object) -> Interest:
        owner, uid = workflow_key(item), item.metadata.annotations.get(keys.HUB_UID_ANNOTATION)
        is_settled = (
            item.metadata.deletion_timestamp is None
            and owner is not None
            and uid is not None
            and owners.store.settled_uid(*owner) == uid
        )
        return Interest.UID if is_settled else Interest.FULL

    informer = informers.of(scope, interest=interest, after=owners)
    informer.store.add_index(BY_WORKFLOW, index_by_workflow)

    def on_workflow(change: Change) -> None:
        meta = change.object.metadata
        if owners.store.settled_uid(*change.object.key) is not None:
            for item in informer.store.by_index(BY_WORKFLOW, "/".join(change.object.key)):
                informer.reconsider(item)
        elif change.old is None or change.new is None:  # it needs attention again, or is gone
            for key in informer.store.settled_named(manifest_work_name(meta.name, meta.uid)):
                informer.fetch(key)

    owners.add_handler(on_workflow)
    return informer
