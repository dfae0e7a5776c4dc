"""The hub's informers of Workflows, ManifestWorks and status results, which let go of what has finished.

A finished Workflow stays on the hub for as long as its user likes, and needs nothing but a clean-up at its deletion.
So once its end is there in full, only its uid is remembered, and the same of its ManifestWork and its status result:
memory grows with the Workflows that run, not with those that have ever run. When an edit takes the end away again, or
the Workflow goes, all three are read again.
"""

from __future__ import annotations

from controllers.api import keys
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    LEASE,
    MANAGED_CLUSTER,
    MANIFEST_WORK,
    WORKFLOW_STATUS_RESULT,
)
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
from controllers.ownership import placed_cluster, work_name_of
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.informers import Informers
from controllers.runtime.scope import Interest, Scope

# Kinds that agents write, in the namespaces of their clusters.
_OF_AGENTS = frozenset(
    kind.kind for kind in (ADDON_PLACEMENT_SCORE, LEASE, MANIFEST_WORK, WORKFLOW_STATUS_RESULT)
)


def workflows(informers: Informers) -> Informer:
    """Workflows that are ours: those that run or are being deleted, and of the finished ones the uids."""
    return informers.of(WORKFLOWS, interest=_in_workflow)


def works(informers: Informers) -> Informer:
    """ManifestWorks of those Workflows, and those being deleted; of the others the uids. Indexed by BY_WORKFLOW and
    BY_NAME."""
    if WORKS in informers:
        return informers.of(WORKS)
    owners = workflows(informers)

    def interest(item: Object) -> Interest:
        owner, uid = workflow_key(item), item.metadata.annotations.get(keys.HUB_UID_ANNOTATION)
        is_settled = (
            item.metadata.deletion_timestamp is None
            and owner is not None
            and uid is not None
            and owners.store.settled_uid(*owner) == uid
            and item.metadata.name == manifest_work_name(owner[1], uid)  # else it only says so
        )
        return Interest.UID if is_settled else Interest.FULL

    informer = informers.of(WORKS, interest=interest, after=owners)
    informer.store.add_index(BY_WORKFLOW, index_by_workflow)
    informer.store.add_index(BY_NAME, index_by_name)

    def on_workflow(change: Change) -> None:
        if owners.store.settled_uid(*change.object.key) is not None:
            for item in informer.store.by_index(BY_WORKFLOW, "/".join(change.object.key)):
                informer.reconsider(item)
        elif change.old is None or change.new is None:  # it needs attention again, or is gone
            for key in informer.store.settled_named(work_name_of(change.object)):
                informer.recall(key)

    owners.add_handler(on_workflow)
    return informer


def results(informers: Informers) -> Informer:
    """Status results of those ManifestWorks, by whose names they are called; of all others the uids.

    An agent may write as many as it likes, of 1 MB each, and name what it likes in them: only that the hub has a work
    of this name in this namespace makes it keep one.
    """
    if RESULTS in informers:
        return informers.of(RESULTS)
    delivered = works(informers)

    def interest(result: Object) -> Interest:
        return Interest.UID if delivered.store.get(*result.key) is None else Interest.FULL

    informer = informers.of(RESULTS, interest=interest, after=delivered)

    def on_work(change: Change) -> None:
        held = informer.store.get(*change.object.key)
        if change.new is None and held is not None:
            informer.reconsider(held)
        elif change.new is not None and held is None:
            informer.recall(change.new.key)

    def recall_all() -> None:
        """Works that have come while results were listed."""
        for key in informer.store.settled():
            if delivered.store.get(*key) is not None:
                informer.recall(key)

    delivered.add_handler(on_work)
    informer.on_listed(recall_all)
    return informer


def regarding(informers: Informers, kind: str, item: Object) -> Object:
    """What an Event about an object that is set aside regards: that of a cluster's agent its ManagedCluster, if that
    is known here, where whoever looks after clusters looks."""
    clusters = Scope(MANAGED_CLUSTER)
    if kind not in _OF_AGENTS or clusters not in informers:
        return item
    return informers.of(clusters).store.get("", item.metadata.namespace) or item


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
    """Whether spec, status and cluster are as they were when the end was written. Earlier versions recorded nothing."""
    meta = workflow.metadata
    observed = meta.annotations.get(keys.OBSERVED_ANNOTATION)
    if observed is None:
        return keys.PLACED_UID_ANNOTATION not in meta.annotations
    return observed == f"{meta.generation}@{placed_cluster(workflow)}"
