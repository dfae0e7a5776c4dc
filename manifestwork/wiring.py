"""What makes the manifestwork controller look at a Workflow: the Workflow, its ManifestWork, its cluster's arrival."""

from __future__ import annotations

from collections.abc import Iterable

from controllers import hub_informers
from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.hub import (
    WORKFLOWS,
    WORKS,
    Waiting,
    is_finished,
    workflow_key,
)
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope
from manifestwork.cleanup import Cleanup
from manifestwork.dispatch import Dispatch
from manifestwork.liveness import Agents
from manifestwork.reconciler import ManifestWorkReconciler

# Index of WORKFLOWS: the cluster of those that are not finished.
_BOUND_FOR = "bound-for"


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the manifestwork controller to `manager`."""
    workflows = hub_informers.workflows(informers)
    works = hub_informers.works(informers)
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    workflows.store.add_index(_BOUND_FOR, _bound_for)
    view = informers.view(WORKFLOWS)
    waiting = Waiting(client, view, recorder)
    dispatch = Dispatch(
        client,
        workflows=view,
        works=informers.view(WORKS),
        clusters=clusters.store,
        agents=Agents(works=works, results=hub_informers.results(informers)),
        waiting=waiting,
        recorder=recorder,
    )
    cleanup = Cleanup(
        client,
        works=informers.view(WORKS),
        known_works=works.store,
        clusters=clusters.store,
        waiting=waiting,
    )
    reconciler = ManifestWorkReconciler(
        workflows=view, known_works=works.store, dispatch=dispatch, cleanup=cleanup
    )
    controller = Controller("manifestwork", reconciler, recorder=recorder)

    def bound_for_new_cluster(change: Change) -> Iterable[Request]:
        """A cluster that has come lets those go on that waited for it, one that has gone, those that clean up."""
        if change.old is not None and change.new is not None:
            return ()
        return (
            Request(*item.key) for item in workflows.store.by_index(_BOUND_FOR, change.object.metadata.name)
        )

    controller.watch(workflows)
    controller.watch(works, _work_came_or_went)
    controller.watch(clusters, bound_for_new_cluster)
    return manager.add_controller(controller)


def _work_came_or_went(change: Change) -> Iterable[Request]:
    """Not each status that a cluster reports: only works that appear, go, or whose spec somebody changed."""
    old, new = change
    if old is not None and new is not None and old.metadata.generation == new.metadata.generation:
        return
    key = workflow_key(change.object)
    if key is not None:
        yield Request(*key)


def _bound_for(workflow: Object) -> Iterable[str]:
    cluster = workflow.metadata.annotations.get(keys.CLUSTER_ANNOTATION)
    if cluster and (not is_finished(workflow) or workflow.metadata.deletion_timestamp is not None):
        yield cluster
