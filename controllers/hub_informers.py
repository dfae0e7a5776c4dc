"""The hub's informers of Workflows, ManifestWorks and status results, which let go of what has finished.

A finished Workflow stays on the hub for as long as its user likes, and needs nothing but a clean-up at its deletion.
So once its end is there in full, only its uid is remembered, and the same of its ManifestWork and its status result:
memory grows with the Workflows that run, not with those that have ever run.
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
from controllers.hub import (
    BY_WORKFLOW,
    RESULTS,
    WORKFLOWS,
    WORKS,
    index_by_workflow,
    is_finished,
    workflow_key,
)
from controllers.kube.object import Object
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
    """ManifestWorks of those Workflows, and those being deleted; of the others the uids. Indexed by BY_WORKFLOW."""
    return _following_workflows(informers, WORKS)


def results(informers: Informers) -> Informer:
    """Status results, in the same way. Those of OCM's status add-on, which name no Workflow, all stay."""
    return _following_workflows(informers, RESULTS)


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
    )
    return Interest.UID if is_settled else Interest.FULL


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
        if change.new is None:
            for item in informer.store.by_index(BY_WORKFLOW, "/".join(change.object.key)):
                informer.reconsider(item)

    owners.add_handler(on_workflow)
    return informer
